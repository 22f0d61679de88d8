//! Where the image records of a pack stand in its index and in its `.rec`.

use crate::datasets::ImageRecords;
use crate::pack::manifest::{Manifest, Provenance};
use crate::recordio::{self, IndexedReader};

/// The places of a pack's images.
pub(super) enum Places {
    /// As this program writes them: image i is line i of the index and stands behind image i − 1.
    InOrder {
        /// Images.
        images: u64,
    },
    /// As another program did: in any order, each offset once.
    Scattered {
        /// Which lines are images.
        images: ImageRecords,
        /// All offsets in ascending order.
        starts: Vec<u64>,
    },
}

impl Places {
    pub(super) fn of(pack: &IndexedReader, manifest: &Manifest) -> Result<Self, recordio::Error> {
        if manifest.source == Provenance::List {
            let lines = pack.index().len() as u64;
            // What stands behind the images is compared by itself.
            let images =
                if manifest.files.property.is_some() { lines.min(manifest.count) } else { lines };
            return Ok(Self::InOrder { images });
        }
        let mut starts = pack.index().offsets().to_vec();
        starts.sort_unstable();
        Ok(Self::Scattered { images: ImageRecords::of(pack)?, starts })
    }

    pub(super) fn is_scattered(&self) -> bool {
        matches!(self, Self::Scattered { .. })
    }

    /// How many images the index lists.
    pub(super) fn images(&self) -> u64 {
        match self {
            Self::InOrder { images } => *images,
            Self::Scattered { images, .. } => images.count() as u64,
        }
    }

    /// The line of the index, from 0, of the image at `position`.
    pub(super) fn line(&self, pack: &IndexedReader, position: u64) -> Option<usize> {
        match self {
            Self::InOrder { .. } => Some(position as usize),
            Self::Scattered { images, .. } => images.position(pack, position as usize).ok(),
        }
    }

    /// Where the record on `line`, which begins at `offset`, must end: where the next one begins.
    pub(super) fn end(&self, pack: &IndexedReader, line: usize, offset: u64) -> u64 {
        let next = match self {
            Self::InOrder { .. } => pack.index().offset(line + 1),
            Self::Scattered { starts, .. } => {
                starts.get(starts.partition_point(|&start| start <= offset)).copied()
            }
        };
        next.unwrap_or_else(|| pack.reader().length())
    }
}
