//! Why the files of a protocol cannot be used.

use crate::datasets;
use std::path::PathBuf;

/// Why a protocol's file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ProtocolFileError {
    /// A protocol file is not there.
    #[error("{set}: expected {file} below {}, found none", roots.join(" or "))]
    Missing {
        /// The set.
        set: &'static str,
        /// The file, as a manifest tells it.
        file: String,
        /// Where it was looked for.
        roots: Vec<String>,
    },
    /// A protocol file is another than the one the pack was made beside.
    #[error(
        "{path}: expected the file the pack was made beside, with BLAKE3 {expected}, found another, with \
         BLAKE3 {found}"
    )]
    Other {
        /// The file.
        path: PathBuf,
        /// The digest in the manifest.
        expected: String,
        /// Its own.
        found: String,
    },
    /// A protocol file cannot be read.
    #[error("{path}")]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: datasets::IjbError,
    },
    /// A listed face is not in the faces' list.
    #[error("{faces}: expected a line for {path}, which the list names, found none")]
    NoFace {
        /// The faces' list.
        faces: PathBuf,
        /// The image.
        path: String,
    },
    /// A face is in a protocol file twice.
    #[error("{file}: expected each face once, found {name} again")]
    FaceTwice {
        /// The protocol file.
        file: PathBuf,
        /// The face.
        name: String,
    },
    /// Faces of a protocol have no image.
    #[error(
        "{set}: {count} faces of {file} have no image, the first {first}; the numbers would be of another \
         set"
    )]
    FacesWithoutImage {
        /// The set.
        set: &'static str,
        /// The protocol file.
        file: PathBuf,
        /// The first.
        first: String,
        /// How many.
        count: u64,
    },
}
