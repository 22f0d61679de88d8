//! From files to packs, and what is done with packs.
//!
//! A pack is five files of one stem: `.rec`, `.idx`, `.lst`, `.records.csv` and `.manifest.json`. The
//! manifest is renamed into place last: a pack without one does not exist. Start at [`make_rec()`].

mod files;
pub mod inspect;
mod make_rec;
mod manifest;
mod ordered;
mod output;
mod records;
pub mod reindex;
mod staging;
pub mod unpack;
pub mod verify_order;

pub use files::{Found, PackFiles, Part, packs_in};
pub use make_rec::{Encoding, OnError, Options, PackReport, Previous, make_rec};
pub use manifest::{FileDigest, Manifest, NamedDigest, PackDigests, PointsNote, Skipped};
pub use records::Row;
pub use staging::{Recovery, recover};

use crate::{datasets, fs, image, recordio};
use std::path::PathBuf;

/// Why a pack cannot be made, opened or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder refused.
    #[error(transparent)]
    Files(#[from] fs::Error),
    /// The set cannot be listed.
    #[error("cannot list the data set")]
    DataSet(#[from] datasets::Error),
    /// An image has no label.
    #[error("cannot label the images")]
    Label(#[from] datasets::LabelError),
    /// An image cannot be packed.
    #[error(
        "{path}: cannot pack this image; mend it, or leave out such files with --on-error skip"
    )]
    Image {
        /// The image, relative to the base of its list.
        path: String,
        /// Why not.
        source: ImageError,
    },
    /// Every image was skipped.
    #[error("all {count} images were skipped, the first {path}; nothing is left to pack")]
    AllSkipped {
        /// Images listed.
        count: u64,
        /// The first.
        path: String,
    },
    /// A `.rec` or `.idx` is damaged.
    #[error("{path}: damaged")]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: recordio::Error,
    },
    /// A pack lies there already.
    #[error("{path} is there already; --overwrite replaces it, --name chooses another")]
    Exists {
        /// The first file found.
        path: PathBuf,
    },
    /// Something else than a file lies where a file of the pack must go.
    #[error(
        "{path}: expected a file or nothing, found a folder; remove it or choose another --name"
    )]
    InTheWay {
        /// The path.
        path: PathBuf,
    },
    /// Another process writes the same pack.
    #[error("{path}: another process is writing this pack; wait for it to end")]
    Busy {
        /// The folder it writes in.
        path: PathBuf,
    },
    /// A stem cannot name a pack.
    #[error("{name:?}: expected a name for the pack without '/' and without a dot in front")]
    Name {
        /// The stem.
        name: String,
    },
    /// An interrupted pack was made with other settings.
    #[error(
        "{path}: the interrupted pack was made with {what} {then}, now it is {now}; run without \
         --resume to start anew"
    )]
    OtherPlan {
        /// The folder of the interrupted pack.
        path: PathBuf,
        /// Which setting.
        what: &'static str,
        /// What it was.
        then: String,
        /// What it is.
        now: String,
    },
    /// There is no manifest.
    #[error(
        "{path}: no manifest, so this is no pack of this program, or an unfinished one; make it with \
         `qgface-data make-rec`"
    )]
    NoManifest {
        /// Where it should be.
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
    #[error("{path}: line {line}: expected {expected}, found {found}")]
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
    /// A path of a pack would lead out of the folder it is unpacked to.
    #[error("position {position}: the pack names the path {path:?}, which leads out of the folder")]
    Escapes {
        /// Position in the pack.
        position: u64,
        /// The path.
        path: String,
    },
    /// An id stands in two records, so no index can list both.
    #[error("byte {offset}: the record has the id {id} of the record at byte {first}")]
    DoubledId {
        /// The later record.
        offset: u64,
        /// The id.
        id: u64,
        /// The earlier record.
        first: u64,
    },
}

/// Why one image cannot be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The set's list names it, and there is no such file.
    #[error("the set's list names it, but there is no such file")]
    Missing,
    /// Its file cannot be read.
    #[error("cannot read the file")]
    Read(#[from] std::io::Error),
    /// Its bytes are no whole picture.
    #[error(transparent)]
    Picture(#[from] image::Error),
    /// It does not fit a record.
    #[error(transparent)]
    Record(#[from] recordio::Error),
}
