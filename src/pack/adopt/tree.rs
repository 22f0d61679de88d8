//! The pictures of a tree, found again by their content: by their bytes, or, encoded anew, by what they
//! show.

use super::Error;
use super::likeness::{Differences, Signature};
use crate::datasets::{DataSet, LabelFunction, Root, find};
use crate::image::{ChannelOrder, Pixels, decode::decode};
use crate::pack::plan::{PackPlan, PlanError, Recipe, plan};
use crate::progress::Progress;
use rayon::prelude::*;
use std::collections::HashMap;
use std::path::Path;

/// Data sets that are known by their layout, in the order they are looked for.
const RECOGNISED: [&str; 4] = ["tinyface", "scface", "ijbb", "ijbc"];

/// Sources compared value by value with a record that was encoded anew.
const COMPARED: usize = 32;

/// A source is another one's double when it fits a record nearly as well, in grey levels.
const DOUBLE: f64 = 0.25;

/// A tree of pictures.
pub(super) struct Tree {
    pub(super) plan: PackPlan,
    pub(super) dataset: &'static DataSet,
    /// Sources of the same bytes, in list order.
    pub(super) groups: Vec<Vec<u32>>,
    by_digest: HashMap<blake3::Hash, u32>,
    /// Sources by size, then in the order of their brightness; filled when they are needed.
    signatures: HashMap<(u32, u32), Vec<Seen>>,
}

/// What was seen of a source.
struct Seen {
    brightness: u32,
    at: u32,
    signature: Signature,
}

/// What a record may be of the tree.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Match {
    /// The sources of this group have its bytes.
    Bytes {
        /// Which of the tree's groups.
        group: u32,
    },
    /// These sources show what it shows, the nearest first.
    Shown {
        /// Which sources.
        sources: Vec<u32>,
        /// In which order its channels are, if colour tells.
        order: Option<ChannelOrder>,
    },
    /// Nothing in the tree is like it.
    Nothing,
}

impl Tree {
    /// Lists a tree as the set it is laid out as, and hashes its files.
    ///
    /// Memory: the list, and about 100 bytes a file.
    pub(super) fn read(
        root: &Path,
        dataset: Option<&'static DataSet>,
        progress: &dyn Progress,
    ) -> Result<Self, Error> {
        if !root.is_dir() || dataset.is_some_and(|dataset| dataset.root != Root::Folder) {
            return Err(Error::NoTree { root: root.to_path_buf() });
        }
        let (dataset, plan) = match dataset {
            Some(dataset) => (dataset, list(dataset, root)?),
            None => recognise(root)?,
        };
        let count = plan.list.images.len();
        progress.start("reading the tree", count as u64);
        let digests: Vec<Option<blake3::Hash>> = (0..count)
            .into_par_iter()
            .map(|at| {
                progress.advance(1);
                plan.list.bytes(at).ok().map(|bytes| blake3::hash(&bytes))
            })
            .collect();
        progress.finish();
        let mut by_digest = HashMap::with_capacity(count);
        let mut groups: Vec<Vec<u32>> = Vec::with_capacity(count);
        for (at, digest) in digests.into_iter().enumerate() {
            let Some(digest) = digest else { continue };
            let group = *by_digest.entry(digest).or_insert(groups.len() as u32);
            match groups.get_mut(group as usize) {
                Some(group) => group.push(at as u32),
                None => groups.push(vec![at as u32]),
            }
        }
        Ok(Self { plan, dataset, groups, by_digest, signatures: HashMap::new() })
    }

    /// The sources that have these bytes.
    pub(super) fn with_digest(&self, digest: &blake3::Hash) -> Match {
        self.by_digest.get(digest).map_or(Match::Nothing, |&group| Match::Bytes { group })
    }

    /// Decodes every source, for records that have no source's bytes.
    ///
    /// Memory: about 300 bytes a source.
    pub(super) fn look(&mut self, progress: &dyn Progress) {
        let count = self.plan.list.images.len();
        progress.start("looking at the tree", count as u64);
        let signatures: Vec<(u32, Signature)> = (0..count)
            .into_par_iter()
            .filter_map(|at| {
                progress.advance(1);
                Some((at as u32, Signature::of(&self.source(at)?)))
            })
            .collect();
        progress.finish();
        for (at, signature) in signatures {
            let of_size = self.signatures.entry(signature.size).or_default();
            of_size.push(Seen { brightness: signature.brightness(), at, signature });
        }
        for of_size in self.signatures.values_mut() {
            of_size.sort_by_key(|seen| (seen.brightness, seen.at));
        }
    }

    fn source(&self, at: usize) -> Option<Pixels> {
        decode(&self.plan.list.bytes(at).ok()?).ok()
    }

    /// The source that shows what `stored` shows.
    pub(super) fn showing(&self, stored: &Pixels) -> Match {
        let signature = Signature::of(stored);
        let Some(of_size) = self.signatures.get(&signature.size) else { return Match::Nothing };
        let tolerance = Signature::BRIGHTNESS_TOLERANCE;
        let brightness = signature.brightness();
        let from = of_size.partition_point(|seen| seen.brightness + tolerance < brightness);
        let near =
            of_size[from..].iter().take_while(|seen| seen.brightness <= brightness + tolerance);
        let mut near: Vec<(f64, u32)> = near
            .filter(|seen| signature.is_near(&seen.signature))
            .map(|seen| (signature.distance(&seen.signature), seen.at))
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        near.truncate(COMPARED);
        let mut compared: Vec<(Differences, u32)> = near
            .into_iter()
            .filter_map(|(_, at)| {
                Some((Differences::between(stored, &self.source(at as usize)?), at))
            })
            .collect();
        compared.retain(|(differences, _)| differences.are_small());
        compared.sort_by(|a, b| a.0.least().total_cmp(&b.0.least()).then(a.1.cmp(&b.1)));
        let Some((nearest, _)) = compared.first() else { return Match::Nothing };
        let (order, limit) = (nearest.order(), nearest.least() + DOUBLE);
        let alike = compared.iter().take_while(|(other, _)| other.least() <= limit);
        Match::Shown { sources: alike.map(|&(_, at)| at).collect(), order }
    }
}

fn list(dataset: &'static DataSet, root: &Path) -> Result<PackPlan, PlanError> {
    // The labels of a pack made elsewhere are its own, so the tree's do not matter.
    let label = Some(LabelFunction::Index);
    plan(Recipe { label, ..Recipe::new(dataset, root.to_path_buf()) })
}

/// Finds the set whose layout a tree has; any other tree of pictures is a folder.
fn recognise(root: &Path) -> Result<(&'static DataSet, PackPlan), PlanError> {
    let set = |name| find(name).expect("a set of the table");
    let known = RECOGNISED.map(set).into_iter();
    let mut listed = known.filter_map(|dataset| Some((dataset, list(dataset, root).ok()?)));
    if let Some(recognised) = listed.next() {
        return Ok(recognised);
    }
    let folder = set("folder");
    Ok((folder, list(folder, root)?))
}
