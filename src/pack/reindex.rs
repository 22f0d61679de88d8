//! An index made again from the records themselves.

use super::write::recover;
use super::{Error as PackError, PackFiles, Part, Previous};
use crate::fs;
use crate::progress::Progress;
use crate::recordio::{IndexWriter, Reader};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// Why no index is made.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The `.rec` cannot be read, or the index not be written.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// An id stands in two records, so no index can list both.
    #[error("{path}: byte {offset}: the record has the id {id} of the record at byte {first}")]
    DoubledId {
        /// The `.rec`.
        path: PathBuf,
        /// The later record.
        offset: u64,
        /// The id.
        id: u64,
        /// The earlier record.
        first: u64,
    },
    /// Another index lies there.
    #[error("{path} is there already")]
    Exists {
        /// The index.
        path: PathBuf,
    },
}

/// What was indexed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReindexReport {
    /// The index written.
    pub index: String,
    /// Records found.
    pub count: u64,
    /// Whether an index with the same bytes was there before.
    pub unchanged: bool,
}

/// Writes the index of a `.rec`: keys are the headers' ids, in file order.
///
/// Memory: the index, and the first offset of every id.
///
/// # Errors
/// Damage of the `.rec`, [`Error::DoubledId`], and [`Error::Exists`] for another index that is there
/// when it may not be replaced.
pub fn reindex(
    rec: &Path,
    previous: Previous,
    progress: &dyn Progress,
) -> Result<ReindexReport, Error> {
    let files = PackFiles::of(rec)?;
    recover(&files)?;
    let rec = &files.path(Part::Rec);
    let damaged = |source| PackError::Record { path: rec.clone(), source };
    let reader = Reader::open(rec).map_err(damaged)?;
    let mut index = IndexWriter::new(Vec::new());
    let mut seen = HashMap::new();
    let mut released = 0;
    progress.start("reindex", reader.length());
    for record in reader.records() {
        let record = record.map_err(damaged)?;
        let (header, _) = record.image().map_err(damaged)?;
        if let Some(first) = seen.insert(header.id, record.offset) {
            let path = rec.clone();
            return Err(Error::DoubledId { path, offset: record.offset, id: header.id, first });
        }
        let refused = fs::io_error("write", rec);
        index.append(header.id, record.offset).map_err(refused).map_err(PackError::from)?;
        let gone = reader.release_behind(&mut released, record.end);
        if gone > 0 {
            progress.advance(gone);
        }
    }
    progress.finish();
    let text = index.into_inner();
    let path = files.path(Part::Idx);
    let unchanged = std::fs::read(&path).is_ok_and(|old| old == text);
    if !unchanged {
        if previous == Previous::Keep && path.exists() {
            return Err(Error::Exists { path });
        }
        fs::write_whole(&path, &text).map_err(PackError::from)?;
    }
    let index = path.display().to_string();
    Ok(ReindexReport { index, count: seen.len() as u64, unchanged })
}
