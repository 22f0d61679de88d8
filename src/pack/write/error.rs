//! Why a pack cannot be written.

use crate::datasets::LayoutError;
use crate::pack::error::Error;
use std::path::PathBuf;

/// Why a pack cannot be written.
#[derive(Debug, thiserror::Error)]
pub enum WriteError {
    /// A pack's own files cannot be read or written.
    #[error(transparent)]
    Pack(#[from] Error),
    /// An image cannot stand in InsightFace's layout.
    #[error("{path}: cannot stand in InsightFace's layout")]
    Layout {
        /// The image.
        path: String,
        /// Why not.
        source: LayoutError,
    },
    /// Another pack's `property` lies in the folder.
    #[error(
        "{path} is there already, of another pack: InsightFace reads it by this name from the pack's \
         folder, so a folder holds one such pack"
    )]
    PropertyTaken {
        /// The file.
        path: PathBuf,
    },
    /// A pack would be packed over itself.
    #[error("{path} is the pack whose pictures are read")]
    OntoItself {
        /// Its `.rec`.
        path: PathBuf,
    },
    /// A pack lies there already.
    #[error("{path} is there already")]
    Exists {
        /// The first file found.
        path: PathBuf,
    },
    /// Something else than a file lies where a file of the pack must go.
    #[error("{path}: expected a file or nothing, found a folder")]
    InTheWay {
        /// The path.
        path: PathBuf,
    },
    /// Another process writes the same pack.
    #[error("{path}: another process is writing this pack")]
    Busy {
        /// The folder it writes in.
        path: PathBuf,
    },
}
