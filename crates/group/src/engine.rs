//! What carries the numbers between ranks.

use super::mpi::Abi;
use std::path::PathBuf;

/// What carries the numbers between ranks, for reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Engine {
    /// Nothing: there is one rank.
    Alone,
    /// A library of MPI's.
    Mpi {
        /// What it says its version is.
        version: String,
        /// Its file.
        path: PathBuf,
        /// Whose constants it has.
        abi: Abi,
    },
}

impl std::fmt::Display for Engine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Alone => f.write_str("alone"),
            Self::Mpi { version, path, abi } => write!(f, "{version} ({}, {abi})", path.display()),
        }
    }
}
