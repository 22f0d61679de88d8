//! Why a pack is not used: it is not what its manifest says, or not fit for its use.

use super::{Error, verify_order};
use std::path::PathBuf;

/// Why the images of a pack are not used.
#[derive(Debug, thiserror::Error)]
pub enum ProofError {
    /// A pack's own files cannot be read or written.
    #[error(transparent)]
    Pack(#[from] Error),
    /// The pack cannot be verified.
    #[error(transparent)]
    Verify(#[from] verify_order::Error),
    /// A pack is not what its manifest says.
    #[error(
        "{pack}: not in order: {place}{}: expected {expected}, found {found}{}",
        position.map(|position| format!(", position {position}")).unwrap_or_default(),
        if *more > 0 { format!(" (and {more} more differences)") } else { String::new() }
    )]
    NotInOrder {
        /// The `.rec`.
        pack: PathBuf,
        /// The file, with line or byte where known.
        place: String,
        /// Position in the pack.
        position: Option<u64>,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
        /// Differences beside the first.
        more: u64,
    },
    /// A label is no class.
    #[error(
        "{pack}: image {path}: expected a class, a whole number from 0 below 2^24, found {label}"
    )]
    NoClass {
        /// The `.rec`.
        pack: PathBuf,
        /// The image.
        path: String,
        /// Its label.
        label: String,
    },
}
