//! A look at a pack, with or without a manifest, or at one of its records.

use super::open::open;
use super::records::RowReader;
use super::sheet::{self, SheetError};
use super::write::recover;
use super::{Error as PackError, Manifest, PackFiles, Part};
use crate::image::probe::probe;
use crate::recordio::IndexedReader;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;

/// Why a pack cannot be looked at.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// It cannot be read.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Its pictures cannot be put on a sheet.
    #[error(transparent)]
    Sheet(#[from] SheetError),
}

/// What a pack is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InspectReport {
    /// The `.rec`.
    pub pack: String,
    /// Records in the index.
    pub count: u64,
    /// Bytes of the `.rec`.
    pub bytes: u64,
    /// Bytes of memory the index holds while the pack is open; nothing else grows with the pack.
    pub index_memory_bytes: u64,
    /// What the pack says of itself; none for a pack made elsewhere.
    pub manifest: Option<Manifest>,
    /// The first records, or the one asked for.
    pub records: Vec<RecordReport>,
    /// The sheet of pictures that was written.
    pub sheet: Option<String>,
}

/// What a record is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct RecordReport {
    /// Line of the index, from 0.
    pub position: u64,
    /// Its key there.
    pub key: u64,
    /// First byte of the record.
    pub offset: u64,
    /// Lengths of its parts; more than one where the magic word stood in the data.
    pub parts: Vec<u64>,
    /// The header's flag: 0, or the number of labels.
    pub flag: u32,
    /// The label or labels.
    pub label: Vec<f32>,
    /// The header's id.
    pub id: u64,
    /// The header's second id.
    pub id2: u64,
    /// Bytes of the payload.
    pub payload_bytes: u64,
    /// BLAKE3 of the payload.
    pub digest: String,
    /// What the payload is.
    pub picture: String,
    /// Path of the source, where the pack knows it.
    pub path: Option<String>,
}

/// Records shown when no key is given.
const SHOWN: usize = 5;

/// Describes a pack and its first records, or the record with `key`, and writes a PNG of pictures
/// spread evenly over it to `sheet`.
///
/// # Errors
/// Damage of the pack, a key that it does not have, a sheet that cannot be written.
pub fn inspect(
    files: &PackFiles,
    key: Option<u64>,
    sheet: Option<&Path>,
) -> Result<InspectReport, Error> {
    recover(files)?;
    let pack = open(files)?;
    let rec = files.path(Part::Rec);
    let damaged = |source| PackError::Record { path: rec.clone(), source };
    let manifest = match Manifest::open(files) {
        Ok(manifest) => Some(manifest),
        Err(PackError::NoManifest { .. } | PackError::Unfinished { .. }) => None,
        Err(error) => return Err(error.into()),
    };
    let positions = match key {
        None => 0..SHOWN.min(pack.index().len()),
        Some(key) => {
            pack.get_key(key).map_err(damaged)?;
            let position = pack.index().position(key).expect("a key that was read has a line");
            position..position + 1
        }
    };
    let mut records: Vec<RecordReport> = positions
        .map(|position| describe(&pack, position))
        .collect::<Result<_, _>>()
        .map_err(damaged)?;
    add_paths(files, &mut records)?;
    if let Some(out) = sheet {
        sheet::write(files, &pack, out)?;
    }
    Ok(InspectReport {
        pack: rec.display().to_string(),
        count: pack.index().len() as u64,
        bytes: pack.reader().length(),
        index_memory_bytes: pack.index().memory_bytes(),
        manifest,
        records,
        sheet: sheet.map(|out| out.display().to_string()),
    })
}

fn describe(pack: &IndexedReader, position: usize) -> Result<RecordReport, crate::recordio::Error> {
    let record = pack.get(position)?;
    let (header, payload) = record.image()?;
    let picture = match probe(payload) {
        Ok(found) => format!("{:?} {}x{}", found.format, found.width, found.height).to_lowercase(),
        Err(_) if payload.is_empty() => "none".to_owned(),
        Err(error) => format!("no whole picture: {error}"),
    };
    Ok(RecordReport {
        position: position as u64,
        key: pack.index().key(position).expect("a record that was read has a line"),
        offset: record.offset,
        parts: pack.reader().parts_at(record.offset)?.iter().map(|part| part.length).collect(),
        flag: header.flag(),
        label: header.label.values().to_vec(),
        id: header.id,
        id2: header.id2,
        payload_bytes: payload.len() as u64,
        digest: blake3::hash(payload).to_string(),
        picture,
        path: None,
    })
}

/// Adds the paths from `records.csv`, reading no further than the last record shown. Records are known by
/// where they stand: identity records have no row, and packs made elsewhere any order of lines.
fn add_paths(files: &PackFiles, records: &mut [RecordReport]) -> Result<(), PackError> {
    let table = files.path(Part::Records);
    if !table.exists() {
        return Ok(());
    }
    let mut rows = RowReader::open(&table)?;
    let mut unnamed = records.len();
    while let Some(row) = rows.next_row().transpose()? {
        if let Some(record) = records.iter_mut().find(|record| record.offset == row.offset) {
            record.path = Some(row.path);
            unnamed -= 1;
        }
        if unnamed == 0 {
            break;
        }
    }
    Ok(())
}
