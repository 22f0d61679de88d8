//! What a pack is: all that decides its bytes, and nothing of how it is made.

use super::error::PlanError;
use crate::datasets::{DataSet, LabelFunction, Pictures, Request, Root};
use crate::pack::Encoding;
use crate::pack::manifest::Layout;
use std::path::PathBuf;

/// What a pack is made of.
#[derive(Debug, Clone)]
pub struct Recipe {
    /// The data set.
    pub dataset: &'static DataSet,
    /// Its root.
    pub root: PathBuf,
    /// The list file of a `list` set.
    pub list: Option<PathBuf>,
    /// Another name for the folder of aligned copies.
    pub aligned_dir: Option<String>,
    /// A csv of landmarks in place of the set's own.
    pub landmarks: Option<PathBuf>,
    /// The label function; the set's own when none is given.
    pub label: Option<LabelFunction>,
    /// What is done to the pictures' bytes.
    pub encoding: Encoding,
    /// Pixels an edge of the faces that are cut out by their landmarks; nothing leaves the pictures as
    /// they are.
    pub align: Option<u32>,
    /// Which records stand beside the images.
    pub layout: Layout,
    /// The seed of a random order in place of the list's.
    pub shuffle: Option<u64>,
    /// Which part of the list is packed, if not all.
    pub shard: Option<ShardNumber>,
}

impl Recipe {
    /// Original bytes in the set's own order, with its own labels.
    pub fn new(dataset: &'static DataSet, root: PathBuf) -> Self {
        Self {
            dataset,
            root,
            list: None,
            aligned_dir: None,
            landmarks: None,
            label: None,
            encoding: Encoding::Origin,
            align: None,
            layout: Layout::Plain,
            shuffle: None,
            shard: None,
        }
    }

    /// What the pack is called when nobody names it: as the set, or as the file that holds its pictures;
    /// a shard has its number behind.
    pub fn default_name(&self) -> String {
        let stem = self.root.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let name = match self.dataset.root {
            Root::File { .. } if !stem.is_empty() => stem,
            Root::File { .. } | Root::Folder => self.dataset.name.to_owned(),
        };
        match self.shard {
            Some(ShardNumber { index, count }) => format!("{name}-{index}-of-{count}"),
            None => name,
        }
    }

    /// What is asked of the data set.
    pub(super) fn request(&self) -> Request<'_> {
        Request {
            root: &self.root,
            aligned_dir: self.aligned_dir.as_deref(),
            list: self.list.as_deref(),
            pictures: if self.align.is_some() { Pictures::Original } else { Pictures::Packed },
        }
    }

    /// Refuses what contradicts itself, before anything is read.
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let Some(size) = self.align else {
            return match self.landmarks {
                Some(_) => Err(PlanError::LandmarksUnused),
                None => Ok(()),
            };
        };
        crate::image::align::check_size(size)?;
        match (self.encoding, &self.aligned_dir) {
            (Encoding::Origin, _) => Err(PlanError::AlignedOrigin),
            (_, Some(folder)) => Err(PlanError::AlignedTwice { folder: folder.clone() }),
            _ => Ok(()),
        }
    }
}

/// One of several equal consecutive parts of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShardNumber {
    /// Which, from 0.
    pub index: u64,
    /// Of how many.
    pub count: u64,
}

impl ShardNumber {
    /// The part of `images` that this shard holds: the first `images mod count` shards have one more.
    pub fn of(&self, images: usize) -> std::ops::Range<usize> {
        let (images, share, larger) =
            (images as u64, images as u64 / self.count, images as u64 % self.count);
        let start = |index: u64| (index * share + index.min(larger)).min(images) as usize;
        start(self.index)..start(self.index + 1)
    }
}

impl std::fmt::Display for ShardNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.index, self.count)
    }
}

/// Shards a list can be cut into: a bound that no file system minds.
const MOST_SHARDS: u64 = 100_000;

impl std::str::FromStr for ShardNumber {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(i, n)| Some((i.parse().ok()?, n.parse().ok()?)));
        let shard = numbers.map(|(index, count)| Self { index, count });
        shard.filter(|shard| shard.index < shard.count && shard.count <= MOST_SHARDS).ok_or_else(
            || format!("expected I/N, I from 0 to N − 1, N at most {MOST_SHARDS}, such as 0/7"),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_consecutive_and_the_first_take_what_is_left_over() {
        let parts = |images: usize, count: u64| -> Vec<std::ops::Range<usize>> {
            (0..count).map(|index| ShardNumber { index, count }.of(images)).collect()
        };
        assert_eq!(parts(10, 4), [0..3, 3..6, 6..8, 8..10]);
        assert_eq!(parts(2, 3), [0..1, 1..2, 2..2]);
    }

    #[test]
    fn a_shard_is_counted_from_0() {
        assert_eq!("6/7".parse(), Ok(ShardNumber { index: 6, count: 7 }));
        for text in ["7/7", "0/0", "-1/7", "1", "a/b"] {
            assert!(text.parse::<ShardNumber>().is_err(), "{text}");
        }
    }
}
