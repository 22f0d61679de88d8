//! Why shards cannot be joined.

use crate::pack::Error as PackError;
use crate::pack::write::WriteError;
use std::path::PathBuf;

/// Why shards cannot be joined.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A pack's own files cannot be read or written.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// The whole pack cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Shards are no whole.
    #[error("{path}")]
    Shard {
        /// The shard's manifest, or the folder they lie in.
        path: PathBuf,
        /// Why not.
        source: ShardError,
    },
    /// A file of a pack is not the one its manifest describes.
    #[error("{path}: not the file that the pack's manifest describes")]
    Changed {
        /// The file.
        path: PathBuf,
    },
}

/// Why shards are no whole.
#[derive(Debug, thiserror::Error)]
pub enum ShardError {
    /// No shard was named.
    #[error("expected the shards of a pack, found none")]
    None,
    /// A pack is no shard.
    #[error("this pack is no shard")]
    NotAShard,
    /// A shard was made with other settings or from another list.
    #[error("{what} is {found}, that of {first} is {expected}; they are not of one run")]
    OtherRun {
        /// What differs.
        what: &'static str,
        /// As the first shard has it.
        expected: String,
        /// As this one has it.
        found: String,
        /// The first shard.
        first: String,
    },
    /// A shard was named twice.
    #[error("shard {index} of {count} was named already as {first}")]
    Doubled {
        /// Which, from 0.
        index: u64,
        /// Of how many.
        count: u64,
        /// The other file.
        first: String,
    },
    /// A shard is missing.
    #[error("shard {index} of {count} is missing")]
    Missing {
        /// Which, from 0.
        index: u64,
        /// Of how many.
        count: u64,
    },
}
