//! Why a library is not the NCCL that is called here.

use super::constants::MAJOR;
use std::ffi::c_int;

/// Why a library cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The system's loader does not find it, nor is it among Python's packages.
    #[error("{name} cannot be loaded; `pip install {package}` brings it")]
    Absent {
        /// What was looked for.
        name: &'static str,
        /// The Python package that has it.
        package: &'static str,
    },
    /// It is another library.
    #[error("expected NCCL, found a library without ncclGetVersion")]
    NotNccl,
    /// It is of another major version, or older than 2.9.
    #[error("expected NCCL {MAJOR}.9 or later, found version number {found}")]
    Version {
        /// The number that it says its version is.
        found: c_int,
    },
    /// It lacks a function.
    #[error("expected the function {function}, found none")]
    Function {
        /// The function.
        function: &'static str,
    },
}
