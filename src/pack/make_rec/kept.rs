//! What of an interrupted pack can be kept.

use super::picture::{Encoding, read_picture};
use super::plan::Plan;
use super::{OnError, Options};
use crate::fs::io_error;
use crate::image::probe::probe;
use crate::pack::manifest::Skipped;
use crate::pack::output::Output;
use crate::pack::records::{Row, RowReader};
use crate::pack::staging::{SETTINGS, Staging};
use crate::pack::{Error, Part, chain};
use crate::recordio::Reader;
use std::path::Path;
use std::time::SystemTime;

pub(super) fn write_settings(
    plan: &Plan,
    options: &Options,
    staging: &Staging,
) -> Result<(), Error> {
    let path = staging.beside(SETTINGS);
    // An older interrupted pack must not be taken for one with these settings.
    for part in [Part::Rec, Part::Records] {
        Output::create(&staging.path(part))?;
    }
    let text = serde_json::to_vec(&plan.settings(options).map(|(_, value)| value));
    Ok(std::fs::write(&path, text.unwrap_or_default()).map_err(io_error("write", &path))?)
}

/// What of an interrupted pack can be kept.
#[derive(Default)]
pub(super) struct Kept {
    /// When the interrupted pack was written last: a source changed since then is packed again.
    written: Option<SystemTime>,
    pub(super) rows: Vec<Row>,
    pub(super) rec_bytes: u64,
    /// The next image of the list.
    pub(super) next: usize,
    pub(super) skipped: Vec<Skipped>,
    pub(super) reoriented: u64,
}

impl Kept {
    /// Reads the rows of the interrupted pack and keeps those whose records are whole.
    pub(super) fn read(plan: &Plan, options: &Options, staging: &Staging) -> Result<Self, Error> {
        let mut kept = Self::default();
        if !same_settings(plan, options, staging)? {
            write_settings(plan, options, staging)?;
            return Ok(kept);
        }
        let written = std::fs::metadata(staging.path(Part::Rec)).and_then(|rec| rec.modified());
        kept.written = written.ok();
        let Ok(reader) = Reader::open(&staging.path(Part::Rec)) else { return Ok(kept) };
        let Ok(mut rows) = RowReader::open(&staging.path(Part::Records)) else { return Ok(kept) };
        while let Some(Ok(row)) = rows.next_row() {
            if !kept.follow(plan, options, &row, &reader) {
                break;
            }
        }
        reader.release(0, reader.length());
        Ok(kept)
    }

    /// Keeps `row` if it is the next record of this plan; false ends the reading.
    fn follow(&mut self, plan: &Plan, options: &Options, row: &Row, reader: &Reader) -> bool {
        let mut skipped = Vec::new();
        let mut at = self.next;
        // Images before the row's own were skipped: they must still be bad.
        while plan.list.images.get(at).is_some_and(|image| *image.path != *row.path) {
            match read_picture(&plan.source(at), options.encoding) {
                Err(error) if options.on_error == OnError::Skip => {
                    let path = plan.image(at).path.to_string();
                    skipped.push(Skipped { path, reason: chain(&error) });
                }
                _ => return false,
            }
            at += 1;
        }
        let position = self.rows.len() as u64;
        if at >= plan.list.images.len() || row.position != position || row.offset != self.rec_bytes
        {
            return false;
        }
        if !self.is_older(&plan.source(at)) {
            return false;
        }
        let (id, label) = plan.name(at, position);
        let Ok(record) = reader.record_at(row.offset) else { return false };
        let Ok((header, payload)) = record.image() else { return false };
        let named = header.id == id && header.id2 == 0 && header.label.same_bits(&label);
        let Ok(probe) = probe(payload) else { return false };
        let told = (row.length, row.width, row.height);
        let of_payload = (payload.len() as u64, probe.width, probe.height);
        if !named || row.key != id || told != of_payload || blake3::hash(payload) != row.digest {
            return false;
        }
        self.reoriented += u64::from(self.was_reoriented(plan, options, at, probe.reoriented));
        self.rec_bytes = record.end;
        self.skipped.append(&mut skipped);
        self.rows
            .push(Row { landmarks: plan.image(at).landmarks.as_deref().cloned(), ..row.clone() });
        self.next = at + 1;
        true
    }

    fn is_older(&self, source: &Path) -> bool {
        let changed = std::fs::metadata(source).and_then(|source| source.modified()).ok();
        changed.zip(self.written).is_some_and(|(changed, written)| changed <= written)
    }

    /// A re-encoded picture has lost its EXIF data, so its source is asked.
    fn was_reoriented(&self, plan: &Plan, options: &Options, at: usize, stored: bool) -> bool {
        if options.encoding == Encoding::Origin {
            return stored;
        }
        let source = std::fs::read(plan.source(at));
        source.is_ok_and(|bytes| probe(&bytes).is_ok_and(|found| found.reoriented))
    }
}

/// Whether the interrupted pack is of this plan; false when it had not begun.
fn same_settings(plan: &Plan, options: &Options, staging: &Staging) -> Result<bool, Error> {
    let Ok(text) = std::fs::read(staging.beside(SETTINGS)) else { return Ok(false) };
    let Ok(then) = serde_json::from_slice::<[String; 4]>(&text) else { return Ok(false) };
    for ((what, now), then) in plan.settings(options).into_iter().zip(then) {
        if now != then {
            return Err(Error::OtherPlan { path: staging.folder().clone(), what, then, now });
        }
    }
    Ok(true)
}
