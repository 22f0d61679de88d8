//! Why nothing, or not everything, was drawn.

use crate::image;
use std::io;
use std::path::PathBuf;

/// Why nothing, or not everything, was drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number is outside its range.
    #[error("{name} is {found}, expected {low} to {high}")]
    OutOfRange {
        /// Which number.
        name: &'static str,
        /// Its value.
        found: u32,
        /// The least it may be.
        low: u32,
        /// The most it may be.
        high: u32,
    },
    /// There is something where a set should go.
    #[error("{path} exists and is not empty; delete it or choose another output folder")]
    Exists {
        /// The set's folder.
        path: PathBuf,
    },
    /// Another process draws the set.
    #[error("{path}: another process is drawing this set; wait for it to end")]
    Busy {
        /// The hidden folder it writes in.
        path: PathBuf,
    },
    /// A file or folder refused.
    #[error(transparent)]
    Files(#[from] crate::fs::Error),
    /// A file or folder cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A picture cannot be encoded.
    #[error("cannot encode {path}")]
    Encode {
        /// The file it was for.
        path: PathBuf,
        /// What the encoder says.
        source: image::Error,
    },
}
