//! Why a pack made elsewhere gets no manifest.

use crate::datasets::{self, LabelError};
use crate::image::{self, ChannelOrder};
use crate::pack::Error as PackError;
use crate::pack::plan::PlanError;
use crate::pack::write::WriteError;
use std::path::PathBuf;

/// Why a pack made elsewhere gets no manifest.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A pack's own files cannot be read or written.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The tree cannot be listed.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The manifest cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Its list cannot be read, or it has no images.
    #[error("cannot list the data set")]
    DataSet(#[from] datasets::Error),
    /// A record has no label.
    #[error("cannot label the images")]
    Label(#[from] LabelError),
    /// A pack to be adopted was made by this program.
    #[error("{path}: this pack was made by this program")]
    NotForeign {
        /// Its manifest.
        path: PathBuf,
    },
    /// A pack to be adopted shall be found in what is no tree of files.
    #[error("{root}: expected a folder of pictures in which the records can be found, found none")]
    NoTree {
        /// What was given.
        root: PathBuf,
    },
    /// A list is not that of the pack to be adopted.
    #[error(
        "{list}: not the list of this pack: {}expected {expected}, found {found}",
        at.map_or(String::new(), |(position, key)| format!("position {position} (key {key}): "))
    )]
    OtherList {
        /// The list.
        list: PathBuf,
        /// Position and key of the first record that differs; none where the counts do.
        at: Option<(u64, u64)>,
        /// What the list says.
        expected: String,
        /// What the pack has.
        found: String,
    },
    /// Records of a pack to be adopted are no pictures of the tree.
    #[error("{count} records show no picture of {root}, the first at position {first}")]
    Alien {
        /// How many.
        count: u64,
        /// Position of the first.
        first: u64,
        /// The tree.
        root: PathBuf,
    },
    /// Records of a pack to be adopted have other colours than were declared.
    #[error(
        "{count} records have their channels in the order {} where {} was declared, the first {path} at \
         position {position}",
        found.name(), declared.name()
    )]
    OtherColours {
        /// How many.
        count: u64,
        /// Position of the first.
        position: u64,
        /// Its picture.
        path: String,
        /// The declared order.
        declared: ChannelOrder,
        /// The order the tree shows.
        found: ChannelOrder,
    },
    /// The skin tones of a pack to be adopted speak against RGB, and nobody declared an order.
    #[error(
        "{blue} pictures have more blue than red where skin is looked for, {red} more red: red and blue \
         are probably exchanged in this pack"
    )]
    SkinColours {
        /// Pictures with more red.
        red: u64,
        /// Pictures with more blue.
        blue: u64,
    },
    /// A record of a pack to be adopted is no whole picture.
    #[error("position {position} (key {key}): this record is no whole picture")]
    Unreadable {
        /// Position in the pack.
        position: u64,
        /// Its key.
        key: u64,
        /// Why not.
        source: image::Error,
    },
    /// A file that would be kept under another name finds another one there.
    #[error("{path}: would keep a file of the pack here, and another one is here")]
    Kept {
        /// The file.
        path: PathBuf,
    },
}
