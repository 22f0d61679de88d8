//! A pack's pictures as files again; nothing is written outside the folder, whatever its paths say.

use super::inside::{InsideError, make_root, write_inside};
use super::open::open;
use super::records::RowReader;
use super::write::recover;
use super::{Error as PackError, PackFiles, Part, Previous};
use crate::datasets::ImageRecords;
use crate::image::probe::probe_within;
use crate::limits::Limits;
use crate::progress::Progress;
use crate::recordio::Record;
use schemars::JsonSchema;
use serde::Serialize;
use std::fs::File;
use std::path::Path;

/// Why a pack's pictures are not all files now.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The pack cannot be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// A file cannot be written.
    #[error(transparent)]
    Inside(#[from] InsideError),
}

/// What was extracted.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct UnpackReport {
    /// The folder.
    pub out: String,
    /// Files written.
    pub files: u64,
    /// Records without a picture, such as InsightFace's identity records.
    pub without_picture: u64,
    /// Where the names came from: `records.csv`, or `keys` for a pack made elsewhere.
    pub names: String,
}

/// Writes every picture of a pack below `out`, with the bytes it has in the pack.
///
/// # Errors
/// Damage of the pack, [`InsideError::Escapes`], [`InsideError::Exists`] for a file that may not be replaced.
pub fn unpack(
    files: &PackFiles,
    out: &Path,
    previous: Previous,
    progress: &dyn Progress,
) -> Result<UnpackReport, Error> {
    recover(files)?;
    let pack = open(files)?;
    let damaged = |source| PackError::Record { path: files.path(Part::Rec), source };
    let mut starts = pack.index().offsets().to_vec();
    starts.sort_unstable();
    let table = files.path(Part::Records);
    let mut rows = if table.exists() { Some(RowReader::open(&table)?) } else { None };
    let names = if rows.is_some() { "records.csv" } else { "keys" };
    let mut report = UnpackReport {
        out: out.display().to_string(),
        files: 0,
        without_picture: 0,
        names: names.to_owned(),
    };
    let root = make_root(out)?;
    progress.start("unpack", pack.index().len() as u64);
    let images = ImageRecords::of(&pack).map_err(damaged)?;
    report.without_picture = (pack.index().len() - images.count()) as u64;
    for position in 0..images.count() {
        let line = images.position(&pack, position).map_err(damaged)?;
        let record = pack.get(line).map_err(damaged)?;
        if record.end < pack.reader().length() && starts.binary_search(&record.end).is_err() {
            return Err(damaged(record.unlisted_after()).into());
        }
        let (_, payload) = record.image().map_err(damaged)?;
        let key = pack.index().key(line).expect("a record that was read has a line");
        let name = match &mut rows {
            Some(rows) => Some(path_of(rows, &table, position as u64, key, &record, payload)?),
            None => None,
        };
        if payload.is_empty() {
            report.without_picture += 1;
        } else {
            let name = name.unwrap_or_else(|| format!("{key}.{}", ending(payload)));
            write_inside(&root, &name, position as u64, payload, previous)?;
            report.files += 1;
        }
        progress.advance(1);
    }
    progress.finish();
    Ok(report)
}

/// The path that the next row gives the record, which must be the record the row describes.
fn path_of(
    rows: &mut RowReader<File>,
    table: &Path,
    position: u64,
    key: u64,
    record: &Record<'_>,
    payload: &[u8],
) -> Result<String, PackError> {
    let other = |found: String| PackError::BadRow {
        path: table.to_path_buf(),
        line: position + 2,
        expected: "the row of the record at this position of the index",
        found,
    };
    let row = rows.next_row().ok_or_else(|| other("the end of the file".to_owned()))??;
    let same = row.position == position
        && row.key == key
        && row.offset == record.offset
        && row.length == payload.len() as u64
        && row.digest == blake3::hash(payload);
    if same { Ok(row.path) } else { Err(other(format!("that of {}", row.path))) }
}

fn ending(payload: &[u8]) -> &'static str {
    probe_within(payload, &Limits::NONE).map_or("bin", |found| found.format.ending())
}
