//! Files: a walk whose order is a value, and writes that are whole or absent.

mod mapped;
mod walk;
mod write;

pub use mapped::{Mapped, map};
pub use walk::{Ignored, Walk, is_picture, walk};
pub use write::{copy_whole, sync_folder, write_parts, write_renamed, write_whole};

use std::io;
use std::path::{Path, PathBuf};

/// What a walk or a write can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder refused an operation.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A name cannot be written into a list.
    #[error(
        "{path:?}: expected a file name of UTF-8 text without tab or line end, so that a list can \
         hold it; rename the file"
    )]
    Name {
        /// The file.
        path: PathBuf,
    },
}

/// Wraps an error of the operating system with what was tried on which path.
pub fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_path_buf();
    move |source| Error::Io { action, path, source }
}
