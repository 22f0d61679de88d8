//! What opening, reading and renaming a pack's files can fail with.

use crate::causes::excerpt;
use crate::{fs, recordio};
use std::path::PathBuf;

/// Why a pack's files cannot be named, opened or read.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder refused.
    #[error(transparent)]
    Files(#[from] fs::Error),
    /// A stem cannot name a pack.
    #[error(
        "{name:?}: expected a name for the pack: some text without '/', '\\\\', tab or line end, \
         without a dot in front, and without an ending of a pack's files such as .rec"
    )]
    Name {
        /// The stem.
        name: String,
    },
    /// A folder was named where a pack is wanted.
    #[error(
        "{path}: expected a pack (any of its files, or their name without ending), found a folder"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// A file of the pack is not there.
    #[error("{path}: no such file")]
    NoFile {
        /// The file.
        path: PathBuf,
    },
    /// There is no pack of this name.
    #[error("{path}: no such file")]
    NoPack {
        /// Its `.rec`.
        path: PathBuf,
    },
    /// There is no manifest.
    #[error("{path}: no manifest, so this is no pack of this program, or an unfinished one")]
    NoManifest {
        /// Where it should be.
        path: PathBuf,
    },
    /// The pack is not finished.
    #[error("{path}: this pack is unfinished")]
    Unfinished {
        /// Where its manifest should be.
        path: PathBuf,
    },
    /// The manifest is damaged.
    #[error("{path}: expected a manifest of this program, found {found}")]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// What was found, with its place.
        found: String,
    },
    /// A row of `records.csv` is damaged.
    #[error("{path}: line {line}: expected {expected}, found {}", excerpt(found))]
    BadRow {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A `.rec` or `.idx` is damaged.
    #[error("{path}")]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: recordio::Error,
    },
}
