//! Why a library is not the oneDNN that is called here.

use super::super::elf;
use super::constants::MAJOR;
use super::fault::Fault;

/// Why a library cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// It is no file that can be read, or not a whole library.
    #[error(transparent)]
    File(#[from] elf::Error),
    /// The system's loader refuses it.
    #[error("the system cannot load it: {0}")]
    Load(String),
    /// It is another library.
    #[error("expected oneDNN, found a library without dnnl_version")]
    NotOneDnn,
    /// It is of another major version.
    #[error("expected oneDNN {MAJOR}, found version {found}")]
    Version {
        /// What it says its version is.
        found: String,
    },
    /// Its threads cannot be kept to the caller's.
    #[error(
        "expected a oneDNN for OpenMP (runtime 2) or for one thread (1), found runtime {found}"
    )]
    Threads {
        /// The number of its runtime for the processor.
        found: u32,
    },
    /// It lacks a function.
    #[error("expected the function {function}, found none")]
    Function {
        /// The function.
        function: &'static str,
    },
    /// It refuses to start.
    #[error(transparent)]
    Start(#[from] Fault),
    /// A file of the cache is not the published one.
    #[error("expected the published file, found other bytes")]
    Damaged,
}
