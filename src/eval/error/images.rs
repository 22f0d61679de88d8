//! Why images cannot be found or read.

use crate::datasets::{self, SourceError};
use crate::eval::sets::FACE_PX;
use crate::image;
use std::path::PathBuf;

/// Why the images of a set cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum ImagesError {
    /// There is neither a pack nor a tree of the set.
    #[error("{set}: neither a pack {pack} nor the set's own files")]
    NoImages {
        /// The set.
        set: &'static str,
        /// The pack that was looked for.
        pack: PathBuf,
        /// Why the files cannot be listed.
        source: Box<datasets::Error>,
    },
    /// There is no image at all.
    #[error("{place}: expected at least one image, found none")]
    None {
        /// The pack or list.
        place: String,
    },
    /// An image of a list is not there.
    #[error("{path}: no such image{}", if *more > 0 { format!(", and {more} more of the list are not there") } else { String::new() })]
    MissingImage {
        /// The first.
        path: PathBuf,
        /// How many more.
        more: u64,
    },
    /// Pictures of a tree have names that no list can hold.
    #[error(
        "{name:?}: expected a file name of UTF-8 text without tab or line end, so that a list can hold \
         it{}",
        if *more > 0 { format!(", and so of {more} more") } else { String::new() }
    )]
    UnlistedImage {
        /// The first.
        name: String,
        /// How many more.
        more: u64,
    },
    /// A label is no identity.
    #[error("{pack}: {path}: expected a whole number as label, found {label}")]
    NoIdentity {
        /// The pack.
        pack: String,
        /// The image.
        path: String,
        /// Its label.
        label: String,
    },
    /// An image cannot be embedded.
    #[error("{place}: position {at}, {path}")]
    Image {
        /// The pack or list.
        place: String,
        /// Its position.
        at: usize,
        /// Its path.
        path: String,
        /// Why not.
        source: ImageError,
    },
}

/// Why an image cannot be embedded.
#[derive(Debug, thiserror::Error)]
pub enum ImageError {
    /// Its bytes cannot be had.
    #[error(transparent)]
    Read(#[from] SourceError),
    /// It is no picture.
    #[error(transparent)]
    Decode(image::Error),
    /// Its landmarks give no alignment.
    #[error(transparent)]
    Align(image::align::Error),
    /// It cannot be reduced and enlarged.
    #[error(transparent)]
    Resize(image::Error),
    /// It has no landmarks to be cut out by.
    #[error("expected landmarks to align it by, found none")]
    NoLandmarks,
    /// It has another size than the protocols score.
    #[error(
        "expected a face of {FACE_PX}x{FACE_PX} pixels, found {width}x{height}; nothing is resized here"
    )]
    Size {
        /// Pixels in a row.
        width: u32,
        /// Rows.
        height: u32,
    },
}
