//! Why a library is not the cuDNN that is called here.

use super::constants::MAJOR;

/// Why a library cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Unfit {
    /// The system's loader does not find it, nor is it among Python's packages.
    #[error("{name} cannot be loaded")]
    Absent {
        /// What was looked for.
        name: &'static str,
    },
    /// It is another library.
    #[error("expected cuDNN, found a library without cudnnGetVersion")]
    NotCudnn,
    /// It is of another major version.
    #[error("expected cuDNN {MAJOR}, found version number {found}")]
    Version {
        /// The number that it says its version is.
        found: usize,
    },
    /// It lacks a function.
    #[error("expected the function {function}, found none")]
    Function {
        /// The function.
        function: &'static str,
    },
}
