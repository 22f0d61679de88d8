//! Why a pack cannot be verified.

use crate::pack::Error as PackError;
use crate::pack::plan::PlanError;
use std::path::PathBuf;

/// Why a pack cannot be verified. What is wrong with it is a difference, no error.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A pack's own files cannot be read or written.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The source tree cannot be listed.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The pack is of a set this program does not know.
    #[error("no data set {set} is known, so its source tree cannot be listed")]
    NoSet {
        /// Its name.
        set: String,
    },
    /// What the order was to be compared with is not there.
    #[error("{path}: no such file")]
    NoOther {
        /// The path.
        path: PathBuf,
    },
}
