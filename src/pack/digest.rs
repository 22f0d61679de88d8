//! Digests: of a file, of a mapped `.rec`, of an order.

use super::error::Error;
use super::records::Row;
use crate::fs;
use crate::recordio::Reader;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Length and digest of a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FileDigest {
    /// Its length.
    pub bytes: u64,
    /// Its BLAKE3.
    pub blake3: String,
}

impl FileDigest {
    /// Of bytes in memory.
    pub(super) fn of(bytes: &[u8]) -> Self {
        Self { bytes: bytes.len() as u64, blake3: blake3::hash(bytes).to_string() }
    }
}

/// The running digest of an order.
#[derive(Debug, Default)]
pub(super) struct OrderDigest(blake3::Hasher);

impl OrderDigest {
    pub(super) fn add(&mut self, row: &Row) {
        self.0.update(row.order_line().as_bytes());
    }

    pub(super) fn finish(&self) -> String {
        self.0.finalize().to_string()
    }
}

/// Hashes a mapped `.rec` from the byte `from` to its end, letting go of its pages.
///
/// # Panics
/// Where `from` lies behind the end.
pub(super) fn hash_from(reader: &Reader, from: u64, hasher: &mut blake3::Hasher) {
    let mut at = from;
    for chunk in reader.bytes()[from as usize..].chunks(HASHED_AT_A_TIME) {
        hasher.update_rayon(chunk);
        reader.release(at, at + chunk.len() as u64);
        at += chunk.len() as u64;
    }
}

/// Bytes of a `.rec` hashed between two releases of its pages.
const HASHED_AT_A_TIME: usize = 64 << 20;

/// Length and digest of the file at `path`, read once in bounded memory.
///
/// # Errors
/// Whatever the system refuses with.
pub fn digest_file(path: &Path) -> Result<FileDigest, Error> {
    let mut hasher = blake3::Hasher::new();
    let mut file = std::fs::File::open(path).map_err(fs::io_error("read", path))?;
    let bytes = std::io::copy(&mut file, &mut hasher).map_err(fs::io_error("read", path))?;
    Ok(FileDigest { bytes, blake3: hasher.finalize().to_string() })
}
