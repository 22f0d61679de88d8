//! What can go wrong between ranks.

use super::fault::Fault;
use super::starter::Starter;
use super::unfit::Unfit;
use std::path::PathBuf;

/// Why a process cannot join its job, or a collective cannot be done.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A launcher's variable is no number.
    #[error("{variable}: expected a number, found {found:?}")]
    Variable {
        /// Its name.
        variable: &'static str,
        /// What it holds.
        found: String,
    },
    /// A library was named, or found, and cannot be used.
    #[error("{path}: it cannot be used as MPI; set MPI_DYLIB_PATH to a fitting library")]
    Library {
        /// The library.
        path: PathBuf,
        /// Why not.
        #[source]
        reason: Unfit,
    },
    /// No place holds a library.
    #[error(
        "{starter} started this process as one of {size}, and no MPI library is found ({}); set \
         MPI_DYLIB_PATH to the one that belongs to the launcher",
        tried.join("; ")
    )]
    NotFound {
        /// What started the process.
        starter: Starter,
        /// The processes of the job.
        size: usize,
        /// What was looked for, and why each cannot be used.
        tried: Vec<String>,
    },
    /// The library does not know the launcher.
    #[error(
        "{path}: {starter} started this process as one of {expected}, and the library ({version}) {found}; \
         the two must belong together: set MPI_DYLIB_PATH to the launcher's own library, or start with the \
         library's mpiexec"
    )]
    OtherLauncher {
        /// The library.
        path: PathBuf,
        /// What it says its version is.
        version: String,
        /// What it does instead.
        found: String,
        /// What started the process.
        starter: Starter,
        /// The processes of the job.
        expected: usize,
    },
    /// A process joins once.
    #[error("expected a process that has not joined its job, found one that has; it can join once")]
    Joined,
    /// The library reports an error.
    #[error(transparent)]
    Mpi(#[from] Fault),
    /// Slices do not fit each other.
    #[error("{collective}: expected {expected} elements for {size} ranks, found {found}")]
    Length {
        /// The collective.
        collective: &'static str,
        /// The ranks of the job.
        size: usize,
        /// How many there should be of all ranks.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// There is no such rank.
    #[error("{collective}: expected a rank below {size}, found {root}")]
    Root {
        /// The collective.
        collective: &'static str,
        /// The ranks of the job.
        size: usize,
        /// The rank that was asked for.
        root: usize,
    },
}
