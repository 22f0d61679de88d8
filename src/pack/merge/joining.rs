//! The pack while shards are appended.

use super::error::Error;
use super::shards::OpenedShard;
use crate::datasets::{Identities, LabelFunction, find};
use crate::pack::digest::{FileDigest, digest_file, hash_from};
use crate::pack::manifest::{Layout, Manifest, Skipped};
use crate::pack::records::{Row, RowReader, RowWriter};
use crate::pack::write::{Output, Staging, Tables, csv_error};
use crate::pack::{Error as PackError, Part};
use crate::progress::Progress;
use crate::recordio::{Header, Label, Reader, Writer};
use std::path::Path;

/// Which numbers of a record count the images before it, and so move when an earlier shard skipped some.
#[derive(Clone, Copy)]
struct Numbers {
    key: bool,
    label: bool,
}

impl Numbers {
    fn of(manifest: &Manifest) -> Self {
        let own_keys = find(&manifest.set).is_some_and(|set| set.takes_list);
        Self {
            key: !own_keys || manifest.layout == Layout::Insightface,
            label: manifest.label == LabelFunction::Index.to_string(),
        }
    }
}

/// The pack while shards are appended.
pub(super) struct Joining {
    pub(super) rec: Writer<Output>,
    pub(super) tables: Tables,
    numbers: Numbers,
    pub(super) skipped: Vec<Skipped>,
    pub(super) reoriented: u64,
}

impl Joining {
    /// Begins the pack whose first shard has this manifest.
    pub(super) fn begin(first: &Manifest, staging: &Staging) -> Result<Self, Error> {
        let rows = RowWriter::new(first.landmarks.is_some()).map_err(csv_error)?;
        let identities = (first.layout == Layout::Insightface).then(Identities::default);
        Ok(Self {
            rec: Writer::new(Output::create(&staging.path(Part::Rec))?),
            tables: Tables::create(staging, rows, identities)?,
            numbers: Numbers::of(first),
            skipped: Vec::new(),
            reoriented: 0,
        })
    }

    pub(super) fn append(
        &mut self,
        shard: &OpenedShard,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        // Images skipped in the shards before.
        let shift = self.skipped.len() as u64;
        self.skipped.extend(shard.manifest.skipped.iter().cloned());
        self.reoriented += shard.manifest.reoriented;
        // A shard whose images were all skipped.
        if shard.manifest.count == 0 {
            return Ok(());
        }
        let table = shard.files.path(Part::Records);
        if digest_file(&table)? != shard.manifest.files.records {
            return Err(Error::Changed { path: table });
        }
        let path = shard.files.path(Part::Rec);
        let reader = Reader::open(&path)
            .map_err(|source| PackError::Record { path: path.clone(), source })?;
        let rows = RowReader::open(&table)?;
        let Numbers { key, label } = self.numbers;
        if shift == 0 || !(key || label) {
            self.copy(&reader, (&table, rows), progress)?;
        } else {
            self.renumber(&reader, rows, shift, progress)?;
        }
        // A shard that is not as its manifest says ends the work here, before anything is sealed.
        let mut hasher = blake3::Hasher::new();
        hash_from(&reader, 0, &mut hasher);
        let found = FileDigest { bytes: reader.length(), blake3: hasher.finalize().to_string() };
        if found != shard.manifest.files.rec {
            return Err(Error::Changed { path });
        }
        Ok(())
    }

    /// Appends a shard's bytes as they are.
    fn copy(
        &mut self,
        reader: &Reader,
        (table, mut rows): (&Path, RowReader<std::fs::File>),
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let (before, begin) = (self.tables.count(), self.rec.offset());
        while let Some(row) = rows.next_row().transpose()? {
            let moved = before.checked_add(row.position).zip(begin.checked_add(row.offset));
            let (position, offset) =
                moved.ok_or_else(|| Error::Changed { path: table.to_path_buf() })?;
            self.tables.append(&Row { position, offset, ..row })?;
        }
        let damaged = |source| PackError::Record { path: Part::Rec.ending().into(), source };
        for chunk in reader.bytes().chunks(COPIED_AT_A_TIME) {
            self.rec.append_framed(chunk).map_err(damaged)?;
            self.rec.get_mut().flush()?;
            progress.advance(chunk.len() as u64);
        }
        Ok(())
    }

    /// Appends a shard's records under the numbers they have in the whole.
    fn renumber(
        &mut self,
        reader: &Reader,
        mut rows: RowReader<std::fs::File>,
        shift: u64,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        while let Some(row) = rows.next_row().transpose()? {
            let damaged = |source| PackError::Record { path: row.path.clone().into(), source };
            let record = reader.record_at(row.offset).map_err(damaged)?;
            let (header, payload) = record.image().map_err(damaged)?;
            let key = if self.numbers.key { row.key.saturating_sub(shift) } else { row.key };
            let label = match (&header.label, self.numbers.label) {
                (Label::Scalar(index), true) => Label::Scalar(*index - shift as f32),
                (label, _) => label.clone(),
            };
            let header = Header { label: label.clone(), id: key, ..header };
            let offset = self.rec.append(&header, payload).map_err(damaged)?;
            let position = self.tables.count();
            self.tables.append(&Row { position, key, label, offset, ..row.clone() })?;
            if self.rec.get_mut().is_full() {
                self.rec.get_mut().flush()?;
            }
            progress.advance(record.end - record.offset);
        }
        Ok(())
    }
}

/// Bytes of a shard copied between two signs of progress.
const COPIED_AT_A_TIME: usize = 8 << 20;
