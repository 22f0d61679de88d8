//! Why there are no features to score.

use crate::eval::fusion;
use std::path::PathBuf;

/// Why features cannot be scored.
#[derive(Debug, thiserror::Error)]
pub enum FeaturesError {
    /// A file of features is no such array.
    #[error("{path}: expected {expected}, found {found}")]
    Npy {
        /// The file.
        path: PathBuf,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
    },
    /// There are not as many features as images.
    #[error("{path}: expected a row for each of the {images} images of {place}, found {rows} rows")]
    Rows {
        /// The file.
        path: PathBuf,
        /// Images.
        images: usize,
        /// The pack or list.
        place: String,
        /// Rows.
        rows: usize,
    },
    /// A feature is not a number.
    #[error("{place}: row {row}, {path}: the {what} is {found}; a number was expected")]
    NotFinite {
        /// The file or model.
        place: String,
        /// The row.
        row: usize,
        /// The image.
        path: String,
        /// `feature` or `norm`.
        what: &'static str,
        /// What it is.
        found: String,
    },
    /// A norm is no length.
    #[error("{path}: row {row}: expected a norm above 0, found {found}")]
    BadNorm {
        /// The file.
        path: PathBuf,
        /// The row.
        row: usize,
        /// The norm.
        found: f32,
    },
    /// A protocol weighs by norms, and there are none.
    #[error(
        "{path}: the protocol {protocol} weighs a face by its norm, and these features are unit vectors"
    )]
    NoNorms {
        /// The file.
        path: PathBuf,
        /// The protocol.
        protocol: &'static str,
    },
    /// Features of packs that are scored together are of different widths.
    #[error("expected features of one width, found {first} and {other} numbers")]
    Widths {
        /// Of the first pack.
        first: usize,
        /// Of another.
        other: usize,
    },
    /// The views of an image cannot be fused.
    #[error("{path}: cannot fuse its views")]
    Fusion {
        /// The image.
        path: String,
        /// Why not.
        source: fusion::Error,
    },
}
