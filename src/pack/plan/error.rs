//! Why it cannot be decided what to pack, and why one image cannot be packed.

use crate::datasets::{self, LayoutError};
use crate::pack::error::Error;
use crate::{image, recordio};
use std::path::PathBuf;

/// Why a recipe cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A pack's own files cannot be read or written.
    #[error(transparent)]
    Pack(#[from] Error),
    /// The set cannot be listed.
    #[error("cannot list the data set")]
    DataSet(#[from] datasets::Error),
    /// An image has no label.
    #[error("cannot label the images")]
    Label(#[from] datasets::LabelError),
    /// The pairs of a pack cannot be read.
    #[error(transparent)]
    Pairs(#[from] datasets::PairsError),
    /// An image cannot stand in InsightFace's layout.
    #[error("{path}: cannot stand in InsightFace's layout")]
    Layout {
        /// The image.
        path: String,
        /// Why not.
        source: LayoutError,
    },
    /// Faces are aligned to a size that the template does not have.
    #[error("cannot align the faces")]
    AlignedSize(#[from] image::align::Error),
    /// Aligned pictures cannot be stored as they lie in their files.
    #[error("aligned pictures are new pictures, so no file's bytes can be stored")]
    AlignedOrigin,
    /// Pictures are aligned already.
    #[error("the pictures of {folder} are aligned already")]
    AlignedTwice {
        /// The folder or the pack.
        folder: String,
    },
    /// Landmarks were given and nothing is aligned by them.
    #[error("landmarks were given, and nothing is aligned by them")]
    LandmarksUnused,
    /// The pictures of a verification set would change their positions.
    #[error("the pairs of this set are told by position, two pictures a pair, and would be parted")]
    PairsParted {
        /// What would do it.
        by: Parting,
    },
    /// There are fewer images than shards.
    #[error("this shard would be empty: there are {images} images")]
    EmptyShard {
        /// Images of the whole list.
        images: u64,
    },
    /// A file of a pack is not the one its manifest describes.
    #[error("{path}: not the file that the pack's manifest describes")]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// What moves pictures of a list, or leaves some out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Parting {
    /// A random order.
    Shuffle,
    /// A part of the list.
    Shard,
    /// InsightFace's layout, whose keys are others.
    Insightface,
    /// Images that are left out.
    Skip,
}

/// Why one image cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// The set's list names it, and there is no such file.
    #[error("the set's list names it, but there is no such file")]
    Missing,
    /// Its bytes cannot be had.
    #[error(transparent)]
    Source(#[from] datasets::SourceError),
    /// Its landmarks are those of no face.
    #[error(transparent)]
    Align(#[from] image::align::Error),
    /// Its bytes are no whole picture.
    #[error(transparent)]
    Picture(#[from] image::Error),
    /// It does not fit a record.
    #[error(transparent)]
    Record(#[from] recordio::Error),
}
