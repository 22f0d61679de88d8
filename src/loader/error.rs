//! What can go wrong between packs and batches.

use crate::{image, pack};
use std::path::PathBuf;

/// Why an image cannot be learned from.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A pack cannot be opened, or is not what its manifest says.
    #[error(transparent)]
    Pack(#[from] pack::ProofError),
    /// A picture cannot be decoded or drawn.
    #[error("{pack}, position {position}: {path}")]
    Picture {
        /// The `.rec`.
        pack: PathBuf,
        /// Position in the pack.
        position: usize,
        /// The image.
        path: String,
        /// What is wrong.
        source: image::Error,
    },
    /// A picture is not of the size that the backbone takes.
    #[error("{pack}, position {position}: {path}: expected 112x112 pixels, found {width}x{height}")]
    Size {
        /// The `.rec`.
        pack: PathBuf,
        /// Position in the pack.
        position: usize,
        /// The image.
        path: String,
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
    /// There are fewer images than a batch takes.
    #[error("the packs have {images} images, fewer than the {batch} of a batch; lower train.batch")]
    Few {
        /// Images.
        images: usize,
        /// Images of a batch.
        batch: usize,
    },
    /// More images or classes than numbers of 32 bits or floats count.
    #[error("the packs have {found} {what}, more than the {most} that can be counted")]
    Many {
        /// What there are too many of.
        what: &'static str,
        /// How many.
        found: usize,
        /// How many there may be.
        most: usize,
    },
    /// No image of a batch can be read.
    #[error("of batch {number} no image can be read, the last: {path}")]
    NoneWhole {
        /// The number of the batch, from 0.
        number: u64,
        /// An image.
        path: String,
    },
}
