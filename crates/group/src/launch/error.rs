//! What can go wrong before ranks are started.

use std::io;
use std::path::PathBuf;

/// Why there is no launcher.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaunchError {
    /// There is none.
    #[error("no mpiexec is found in PATH; install MPICH or Open MPI, or name the file")]
    NotFound,
    /// It cannot be run.
    #[error("cannot run {path} --version")]
    Run {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// It is another program.
    #[error(
        "{path}: expected the mpiexec of MPICH or Open MPI, which --version says, found {said:?}"
    )]
    Unknown {
        /// The file.
        path: PathBuf,
        /// The first line that it said.
        said: String,
    },
}
