//! Files: a walk whose order is a value, and writes that are whole or absent.
#![warn(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod beside;
#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!(
    "qgface-data runs on 64-bit x86 Linux alone: its maps, locks and ONNX Runtime's library are that system's"
);

pub mod causes;
mod mapped;
mod own;
mod truncated;
mod walk;
mod write;

pub use beside::{Beside, remove_leftovers};
pub use mapped::{Mapped, map};
pub use own::{
    check_own_folder, create_own, is_named, is_own_file, is_own_folder, lock_own, make_own_folder,
    open_lock, open_own, remove_own,
};
pub use truncated::tell_of_truncated_files;
pub use walk::{Ignored, Walk, endings, is_picture, walk};
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
    /// Something else lies where a file or folder of this program's own belongs.
    #[error("{path}: expected what this program makes here, or nothing, found {found}; remove it")]
    NotOwn {
        /// The path.
        path: PathBuf,
        /// What lies there: a link is not followed.
        found: &'static str,
    },
}

/// Wraps an error of the operating system with what was tried on which path.
pub fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_path_buf();
    move |source| Error::Io { action, path, source }
}
