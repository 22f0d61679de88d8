//! How many images each identity has, and how large the pictures are.

use schemars::JsonSchema;
use serde::Serialize;
use std::collections::{BTreeMap, HashMap};

/// Images an identity, by the (first) label.
#[derive(Debug, Default)]
pub(super) struct Identities(HashMap<u32, u64>);

/// How many images each identity has.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct IdentityReport {
    /// Different labels.
    pub identities: u64,
    /// Images of the smallest.
    pub least: u64,
    /// Images of the middle one, the lower of two.
    pub median: u64,
    /// Images an identity.
    pub mean: f64,
    /// Images of the largest.
    pub most: u64,
    /// Number of images, and how many identities have so many; ascending.
    pub histogram: Vec<(u64, u64)>,
}

impl Identities {
    pub(super) fn add(&mut self, class: f32) {
        // 0 and −0 are one identity.
        *self.0.entry((class + 0.0).to_bits()).or_default() += 1;
    }

    pub(super) fn report(&self) -> IdentityReport {
        let mut counts = BTreeMap::new();
        self.0.values().for_each(|images| *counts.entry(*images).or_insert(0u64) += 1);
        let identities = self.0.len() as u64;
        let images: u64 = self.0.values().sum();
        let mut before = 0;
        let median = counts.iter().find(|(_, count)| {
            before += **count;
            2 * before >= identities
        });
        IdentityReport {
            identities,
            least: counts.keys().next().copied().unwrap_or_default(),
            median: median.map_or(0, |(images, _)| *images),
            mean: images as f64 / identities.max(1) as f64,
            most: counts.keys().next_back().copied().unwrap_or_default(),
            histogram: counts.into_iter().collect(),
        }
    }
}

/// Pictures by width and height.
#[derive(Debug, Default)]
pub(super) struct Sizes(HashMap<(u32, u32), u64>);

/// How large the pictures are.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SizeReport {
    /// Different sizes.
    pub different: u64,
    /// Least and largest width, in pixels.
    pub width: [u32; 2],
    /// Least and largest height.
    pub height: [u32; 2],
    /// The ten most frequent sizes, the most frequent first.
    pub frequent: Vec<SizeCount>,
}

/// A size and how many pictures have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct SizeCount {
    /// Pixels in a row.
    pub width: u32,
    /// Rows.
    pub height: u32,
    /// Pictures.
    pub count: u64,
}

/// Sizes told one by one.
const SHOWN: usize = 10;

impl Sizes {
    pub(super) fn add(&mut self, width: u32, height: u32) {
        *self.0.entry((width, height)).or_default() += 1;
    }

    /// Pictures by the longer edge, ascending.
    pub(super) fn longer_edges(&self) -> Vec<(u32, u64)> {
        let mut edges = BTreeMap::new();
        self.0.iter().for_each(|((width, height), count)| {
            *edges.entry(*width.max(height)).or_insert(0) += count;
        });
        edges.into_iter().collect()
    }

    pub(super) fn report(&self) -> SizeReport {
        let mut frequent: Vec<SizeCount> = self
            .0
            .iter()
            .map(|(&(width, height), &count)| SizeCount { width, height, count })
            .collect();
        frequent.sort_by_key(|size| (std::cmp::Reverse(size.count), size.width, size.height));
        let range = |edge: fn(&SizeCount) -> u32| {
            let edges = frequent.iter().map(edge);
            [edges.clone().min().unwrap_or_default(), edges.max().unwrap_or_default()]
        };
        let (width, height) = (range(|size| size.width), range(|size| size.height));
        let different = frequent.len() as u64;
        frequent.truncate(SHOWN);
        SizeReport { different, width, height, frequent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_is_the_lower_middle_identitys() {
        let mut identities = Identities::default();
        for (class, images) in [(0.0, 1), (1.0, 2), (2.0, 2), (3.0, 9)] {
            (0..images).for_each(|_| identities.add(class));
        }
        let report = identities.report();
        assert_eq!((report.least, report.median, report.most, report.mean), (1, 2, 9, 3.5));
        assert_eq!(report.histogram, [(1, 1), (2, 2), (9, 1)]);
    }

    #[test]
    fn the_most_frequent_size_comes_first() {
        let mut sizes = Sizes::default();
        for (width, height) in [(112, 112), (20, 30), (112, 112)] {
            sizes.add(width, height);
        }
        let report = sizes.report();
        assert_eq!((report.width, report.height), ([20, 112], [30, 112]));
        assert_eq!(report.frequent[0], SizeCount { width: 112, height: 112, count: 2 });
        assert_eq!(sizes.longer_edges(), [(30, 1), (112, 2)]);
    }
}
