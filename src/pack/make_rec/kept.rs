//! What of an interrupted pack can be kept.

use super::settings::settings;
use super::sources::{Sources, same_source};
use super::{MakeError, Options};
use crate::causes::chain;
use crate::fs::{create_own, io_error, is_own_file};
use crate::image::probe::probe;
use crate::pack::manifest::Skipped;
use crate::pack::plan::PackPlan;
use crate::pack::records::{Row, RowReader};
use crate::pack::write::{KEPT_ROWS, Output, SETTINGS, Staging, Tables};
use crate::pack::{Encoding, Error, OnError, Part};
use crate::recordio::Reader;
use std::io::Write;
use std::path::PathBuf;

pub(super) fn write_settings(plan: &PackPlan, staging: &Staging) -> Result<(), Error> {
    let path = staging.beside(SETTINGS);
    // Nothing of an older interrupted pack may be taken for one with these settings.
    staging.clear()?;
    for part in [Part::Rec, Part::Records] {
        Output::create(&staging.path(part))?;
    }
    let values: Vec<String> = settings(plan).into_iter().map(|(_, value)| value).collect();
    let text = serde_json::to_vec(&values).expect("text is JSON");
    let mut file = create_own(&path)?;
    Ok(file.write_all(&text).map_err(io_error("write", &path))?)
}

/// What of an interrupted pack is kept beside its rows.
pub(super) struct Kept {
    pub(super) rec_bytes: u64,
    /// The next image of the list.
    pub(super) next: usize,
    pub(super) skipped: Vec<Skipped>,
    pub(super) reoriented: u64,
}

/// An interrupted pack. Its rows are read from a file of their own while they are written anew, so that
/// another interrupt loses none.
pub(super) struct Interrupted {
    reader: Reader,
    rows: PathBuf,
    /// Of what the pictures were made: one whose source is another now is packed again.
    sources: Sources,
}

impl Interrupted {
    /// Opens what an interrupt left; nothing when it had hardly begun.
    pub(super) fn open(plan: &PackPlan, staging: &Staging) -> Result<Option<Self>, MakeError> {
        if !same_settings(plan, staging)? {
            return Ok(None);
        }
        let rec = staging.path(Part::Rec);
        let Ok(reader) = Reader::open(&rec) else { return Ok(None) };
        let sources = Sources::read(staging);
        let rows = staging.beside(KEPT_ROWS);
        if !is_own_file(&rows) {
            let table = staging.path(Part::Records);
            // An interrupt of the clean-up after an error leaves a part of the files.
            if !is_own_file(&table) {
                return Ok(None);
            }
            std::fs::rename(&table, &rows)
                .map_err(io_error("set aside", &table))
                .map_err(Error::from)?;
        }
        Ok(Some(Self { reader, rows, sources }))
    }

    /// Copies the rows whose records are whole to `tables`.
    pub(super) fn keep(
        &self,
        plan: &PackPlan,
        options: &Options,
        tables: &mut Tables,
    ) -> Result<Kept, MakeError> {
        let mut kept = Kept::none(plan);
        let Ok(mut rows) = RowReader::open(&self.rows) else { return Ok(kept) };
        let mut released = 0;
        while let Some(Ok(row)) = rows.next_row() {
            let position = tables.count();
            if !kept.follow(plan, options, (position, &row), self) {
                break;
            }
            let landmarks = plan.image(kept.next - 1).landmarks.as_deref().cloned();
            tables.append(&Row { landmarks, ..row })?;
            self.reader.release_behind(&mut released, kept.rec_bytes);
        }
        Ok(kept)
    }

    /// Removes the old rows, once the new ones are written.
    pub(super) fn close(self) -> Result<(), Error> {
        Ok(std::fs::remove_file(&self.rows).map_err(io_error("remove", &self.rows))?)
    }
}

impl Kept {
    /// Nothing: the next image is the first.
    pub(super) fn none(plan: &PackPlan) -> Self {
        let skipped = plan.left_out.clone();
        Self { rec_bytes: 0, next: plan.part.start, skipped, reoriented: 0 }
    }

    /// Keeps `row`, which stands at `position`, if it is the next record of this plan; false ends the
    /// reading.
    fn follow(
        &mut self,
        plan: &PackPlan,
        options: &Options,
        (position, row): (u64, &Row),
        interrupted: &Interrupted,
    ) -> bool {
        let mut skipped = Vec::new();
        let mut at = self.next;
        // Images before the row's own were skipped: they must still be bad.
        while at < plan.part.end && *plan.image(at).path != *row.path {
            match plan.picture(at) {
                Err(error) if options.on_error == OnError::Skip => {
                    let path = plan.image(at).path.to_string();
                    skipped.push(Skipped { path, reason: chain(&error) });
                }
                _ => return false,
            }
            at += 1;
        }
        if at >= plan.part.end || row.position != position || row.offset != self.rec_bytes {
            return false;
        }
        let source = match plan.recipe.encoding {
            Encoding::Origin => Some(row.digest),
            Encoding::Jpeg(_) | Encoding::Png => interrupted.sources.of(position),
        };
        let Some(source) = source.and_then(|digest| same_source(plan, at, digest)) else {
            return false;
        };
        let (id, label) = plan.name(at, position);
        let Ok(record) = interrupted.reader.record_at(row.offset) else { return false };
        let Ok((header, payload)) = record.image() else { return false };
        let named = header.id == id && header.id2 == 0 && header.label.same_bits(&label);
        let Ok(probe) = probe(payload) else { return false };
        let told = (row.length, row.width, row.height);
        let of_payload = (payload.len() as u64, probe.width, probe.height);
        if !named || row.key != id || told != of_payload || blake3::hash(payload) != row.digest {
            return false;
        }
        self.reoriented += u64::from(source.reoriented);
        self.rec_bytes = record.end;
        self.skipped.append(&mut skipped);
        self.next = at + 1;
        true
    }
}

/// Whether the interrupted pack is of this plan; false when it had not begun.
fn same_settings(plan: &PackPlan, staging: &Staging) -> Result<bool, MakeError> {
    let Ok(text) = std::fs::read(staging.beside(SETTINGS)) else { return Ok(false) };
    let Ok(then) = serde_json::from_slice::<Vec<String>>(&text) else { return Ok(false) };
    let now = settings(plan);
    // Another version's settings are not comparable: the pack is begun anew.
    if now.len() != then.len() {
        return Ok(false);
    }
    for ((what, now), then) in now.into_iter().zip(then) {
        if now != then {
            return Err(MakeError::OtherPlan { path: staging.folder().clone(), what, then, now });
        }
    }
    Ok(true)
}
