//! Why a set cannot be listed: for each case where, what was expected and what was found.

use super::list::Pictures;
use super::pickle;
use crate::causes::excerpt;
use crate::{fs, recordio};
use std::path::PathBuf;

/// Why a set's images cannot be listed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder refused.
    #[error(transparent)]
    Files(#[from] fs::Error),
    /// The root is not a folder.
    #[error("{root}: expected the root of {set}, a folder that holds {layout}")]
    NoRoot {
        /// The set.
        set: &'static str,
        /// What was given.
        root: PathBuf,
        /// What it should hold.
        layout: &'static str,
    },
    /// The root is no file where a file is wanted.
    #[error("{root}: expected {layout}, found {found}")]
    NoFile {
        /// The set.
        set: &'static str,
        /// What was given.
        root: PathBuf,
        /// What it should be.
        layout: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// A verification pickle is damaged or not of its form.
    #[error("{path}")]
    Pickle {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: pickle::Error,
    },
    /// A `.rec` or `.idx` is damaged.
    #[error("{path}")]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: recordio::Error,
    },
    /// A pack's index cannot be read because it is not there.
    #[error("{path}: no such file")]
    NoIndex {
        /// The file.
        path: PathBuf,
    },
    /// Images shall be aligned, and one has no landmarks.
    #[error("{path}: no landmarks, so it cannot be aligned; {set} has them not for every image")]
    NoLandmarks {
        /// The set.
        set: &'static str,
        /// The first image without.
        path: String,
    },
    /// A csv of landmarks has no row for an image.
    #[error("{path}: expected a row of landmarks for {image}, found none")]
    NoRow {
        /// The csv.
        path: PathBuf,
        /// The image.
        image: String,
    },
    /// A csv of landmarks cannot be read.
    #[error("{path}: cannot read the landmarks")]
    Csv {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: csv::Error,
    },
    /// The root holds no picture of the set.
    #[error(
        "{root}: expected pictures of {set} (.jpg, .jpeg or .png), found {}",
        if found.is_empty() { "none".to_owned() } else {
            format!("none, but {}; convert pictures of other formats to PNG", found.join(", "))
        }
    )]
    NoImages {
        /// The set.
        set: &'static str,
        /// The root.
        root: PathBuf,
        /// What lies there: endings with their counts.
        found: Vec<String>,
    },
    /// A part of the set is missing.
    #[error("{root}: expected {what}, found none{}{note}", if note.is_empty() { "" } else { "; " })]
    Missing {
        /// Where it was looked for.
        root: PathBuf,
        /// What is missing.
        what: String,
        /// What it is; empty where the name tells.
        note: &'static str,
        /// Which pictures of the set it holds, where the set has them twice.
        pictures: Option<Pictures>,
    },
    /// A line of a text file is not of its form.
    #[error("{path}: line {line}: expected {expected}, found {}", excerpt(found))]
    BadLine {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// Its form.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A MATLAB file is damaged or of another form.
    #[error("{path}: byte {offset}: expected {expected}")]
    Mat {
        /// The file.
        path: PathBuf,
        /// Where, in the file or in its decompressed element.
        offset: u64,
        /// What was expected there.
        expected: String,
    },
    /// The set's order comes from a list that was not given.
    #[error("{set} takes its order from a list, and none was given")]
    ListMissing {
        /// The set.
        set: &'static str,
    },
    /// A list was given to a set that has its own order.
    #[error("{set} has an order of its own, and a list was given")]
    ListUnused {
        /// The set.
        set: &'static str,
    },
    /// An aligned folder was named by a path.
    #[error("{name:?}: expected the name of a folder in the root, not a path")]
    AlignedDirName {
        /// What was given.
        name: String,
    },
    /// An aligned folder was named for a set that has none.
    #[error("{set} has no folder of aligned pictures, and one was named")]
    NoAlignedDir {
        /// The set.
        set: &'static str,
    },
}
