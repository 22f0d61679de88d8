//! A pack while it is written.

use super::kept::{Interrupted, Kept, write_settings};
use super::sources::Sources;
use super::{OnError, Options, PackReport};
use crate::ordered::{Bound, in_order};
use crate::pack::manifest::{FileDigest, Manifest, PackDigests, Provenance, Skipped};
use crate::pack::plan::{Encoding, Picture, Plan};
use crate::pack::records::{Row, RowWriter};
use crate::pack::write::{Output, SOURCES, Staging, Tables, csv_error};
use crate::pack::{Error, ImageError, Part, chain};
use crate::progress::Progress;
use crate::recordio::{self, Header, frame};
use std::path::Path;
use std::sync::atomic::Ordering;

/// Images a thread works on at a time: few enough to balance, enough to make the hand-over cheap.
const CHUNK: usize = 16;

/// Bytes of finished records that wait to be written; passed by at most one chunk a thread.
const IN_FLIGHT_BYTES: u64 = 64 << 20;

/// How far a run came.
pub(super) enum Reached {
    /// Every image of the list.
    End,
    /// The image at which it was asked to end.
    Interrupt,
}

/// Why no further image is taken.
enum Stopped {
    Asked,
    Failed(Error),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// A pack being written.
pub(super) struct Writing<'a> {
    plan: &'a Plan,
    options: &'a Options,
    staging: &'a Staging,
    rec: Output,
    /// Digests of the sources, where pictures are encoded anew.
    sources: Option<Output>,
    tables: Tables,
    /// The next image of the list.
    next: usize,
    skipped: Vec<Skipped>,
    reoriented: u64,
    resumed: u64,
    framed: Vec<u8>,
}

impl<'a> Writing<'a> {
    /// Starts anew.
    pub(super) fn begin(
        plan: &'a Plan,
        options: &'a Options,
        staging: &'a Staging,
    ) -> Result<Self, Error> {
        write_settings(plan, staging)?;
        let tables = Tables::create(staging, row_writer(plan)?, plan.identities())?;
        let rec = Output::create(&staging.path(Part::Rec))?;
        let sources = match plan.encoding() {
            Encoding::Origin => None,
            Encoding::Jpeg(_) | Encoding::Png => Some(Output::create(&staging.beside(SOURCES))?),
        };
        let kept = Kept::none(plan);
        Ok(Self::after(kept, (rec, sources, tables), plan, options, staging))
    }

    /// Goes on after what can be kept of an interrupted pack.
    pub(super) fn resume(
        plan: &'a Plan,
        options: &'a Options,
        staging: &'a Staging,
    ) -> Result<Self, Error> {
        let Some(interrupted) = Interrupted::open(plan, staging)? else {
            return Self::begin(plan, options, staging);
        };
        let mut tables = Tables::create(staging, row_writer(plan)?, plan.identities())?;
        let kept = interrupted.keep(plan, options, &mut tables)?;
        let rec = Output::resume(&staging.path(Part::Rec), kept.rec_bytes)?;
        let bytes = Sources::bytes_of(tables.count());
        let sources = match plan.encoding() {
            Encoding::Origin => None,
            _ if bytes == 0 => Some(Output::create(&staging.beside(SOURCES))?),
            Encoding::Jpeg(_) | Encoding::Png => {
                Some(Output::resume(&staging.beside(SOURCES), bytes)?)
            }
        };
        tables.flush()?;
        interrupted.close()?;
        Ok(Self::after(kept, (rec, sources, tables), plan, options, staging))
    }

    fn after(
        kept: Kept,
        (rec, sources, tables): (Output, Option<Output>, Tables),
        plan: &'a Plan,
        options: &'a Options,
        staging: &'a Staging,
    ) -> Self {
        let Kept { next, skipped, reoriented, .. } = kept;
        let resumed = tables.count();
        Self {
            plan,
            options,
            staging,
            rec,
            sources,
            tables,
            next,
            skipped,
            reoriented,
            resumed,
            framed: Vec::new(),
        }
    }

    /// Takes images until there is none left or the run is asked to end.
    pub(super) fn run(&mut self, progress: &dyn Progress) -> Result<Reached, Error> {
        let (plan, jobs) = (self.plan, self.options.jobs);
        let (from, count) = (self.next, plan.part.end);
        progress.start(self.options.recipe.dataset.name, plan.part.len() as u64);
        progress.advance((from - plan.part.start) as u64);
        let chunks = (count - from).div_ceil(CHUNK);
        let images = |chunk: usize| from + chunk * CHUNK..count.min(from + (chunk + 1) * CHUNK);
        let bound = Bound { items: 4 * jobs.max(1), bytes: IN_FLIGHT_BYTES };
        let work = |chunk: usize| {
            let pictures = images(chunk).map(|at| plan.picture(at));
            let pictures: Vec<_> = pictures.collect();
            let bytes = pictures.iter().flatten().map(|picture| picture.bytes.len() as u64).sum();
            (pictures, bytes)
        };
        let stop = &self.options.stop;
        let taken = in_order(jobs, 0..chunks, bound, work, |chunk, pictures| {
            if stop.load(Ordering::Relaxed) {
                return Err(Stopped::Asked);
            }
            for (at, picture) in images(chunk).zip(pictures) {
                self.take(at, picture)?;
            }
            progress.advance(images(chunk).len() as u64);
            if self.rec.is_full() { Ok(self.flush()?) } else { Ok(()) }
        });
        progress.finish();
        match taken {
            Ok(()) => {}
            Err(Stopped::Failed(error)) => return Err(error),
            Err(Stopped::Asked) => {
                self.flush()?;
                return Ok(Reached::Interrupt);
            }
        }
        // A shard may lose all its images where the whole does not.
        if self.tables.count() == 0 && self.options.recipe.shard.is_none() {
            let path = plan.image(plan.part.start).path.to_string();
            return Err(Error::AllSkipped { count: plan.part.len() as u64, path });
        }
        self.flush()?;
        Ok(Reached::End)
    }

    /// Takes the next image of the list.
    fn take(&mut self, at: usize, picture: Result<Picture, ImageError>) -> Result<(), Error> {
        let source = match picture.and_then(|picture| self.append(at, &picture)) {
            Ok(row) => return self.tables.append(&row),
            Err(source) => source,
        };
        let path = self.plan.image(at).path.to_string();
        match self.options.on_error {
            OnError::Skip => self.skipped.push(Skipped { path, reason: chain(&source) }),
            OnError::Stop => return Err(Error::Image { path, source }),
        }
        Ok(())
    }

    /// Writes the record of the image at `at`.
    fn append(&mut self, at: usize, picture: &Picture) -> Result<Row, ImageError> {
        let (key, label) = self.plan.name(at, self.tables.count());
        let header = Header { label: label.clone(), id: key, id2: 0 };
        let offset = append_record(&mut self.rec, &mut self.framed, &header, &picture.bytes)?;
        self.reoriented += u64::from(picture.reoriented);
        if let Some(sources) = &mut self.sources {
            sources.append(picture.source.as_bytes());
        }
        let image = self.plan.image(at);
        Ok(Row {
            position: self.tables.count(),
            key,
            label,
            path: image.path.to_string(),
            offset,
            length: picture.bytes.len() as u64,
            digest: picture.digest,
            width: picture.width,
            height: picture.height,
            landmarks: image.landmarks.as_deref().cloned(),
        })
    }

    /// Hands everything to the operating system, the rows last: a row that can be read after a kill has
    /// its record.
    fn flush(&mut self) -> Result<(), Error> {
        self.rec.flush()?;
        self.sources.as_mut().map_or(Ok(()), Output::flush)?;
        self.tables.flush()
    }

    /// Leaves the pack unfinished, to be gone on with.
    pub(super) fn pause(self) -> Result<PackReport, Error> {
        Ok(PackReport {
            interrupted: true,
            count: self.tables.count(),
            resumed: self.resumed,
            bytes: self.rec.bytes(),
            skipped: self.skipped,
            reoriented: self.reoriented,
            ..self.plan.report(self.options)
        })
    }

    /// Makes the files durable and writes the manifest beside them.
    pub(super) fn seal(self) -> Result<PackReport, Error> {
        let Self { plan, options, staging, skipped, reoriented, resumed, .. } = self;
        let (mut rec, mut tables) = (self.rec, self.tables);
        let layout = finish_layout(&mut rec, &mut tables, staging)?;
        let pairs = match plan.pairs() {
            Some(text) => Some(write_small(&staging.path(Part::Pairs), &text)?),
            None => None,
        };
        let rec = rec.finish()?;
        let tables = tables.finish()?;
        let mut planned = plan.report(options);
        planned.warnings.extend(layout.warnings);
        let report = PackReport {
            count: tables.count,
            identities: layout.identities,
            classes: layout.classes,
            resumed,
            bytes: rec.bytes,
            first_and_last: tables.first_and_last,
            order: tables.order,
            skipped,
            reoriented,
            ..planned
        };
        let files = PackDigests {
            rec,
            idx: tables.idx,
            lst: tables.lst,
            records: tables.records,
            pairs,
            property: layout.property,
        };
        staging.seal(&manifest(plan, options, &report, files)?.to_bytes())?;
        Ok(report)
    }
}

fn row_writer(plan: &Plan) -> Result<RowWriter, Error> {
    RowWriter::new(plan.points_note().is_some()).map_err(csv_error)
}

/// Frames a record and appends it; returns its offset.
pub(in crate::pack) fn append_record(
    rec: &mut Output,
    framed: &mut Vec<u8>,
    header: &Header,
    payload: &[u8],
) -> Result<u64, recordio::Error> {
    let mut record = header.to_bytes();
    record.extend_from_slice(payload);
    framed.clear();
    frame(&record, framed)?;
    let offset = rec.bytes();
    rec.append(framed);
    Ok(offset)
}

/// What an InsightFace pack has beside its images; of another pack nothing.
#[derive(Default)]
pub(in crate::pack) struct FinishedLayout {
    pub(in crate::pack) identities: Option<u64>,
    pub(in crate::pack) classes: Option<u64>,
    pub(in crate::pack) property: Option<FileDigest>,
    pub(in crate::pack) warnings: Vec<String>,
}

/// Writes the identity records, key 0 and `property` after the last image.
pub(in crate::pack) fn finish_layout(
    rec: &mut Output,
    tables: &mut Tables,
    staging: &Staging,
) -> Result<FinishedLayout, Error> {
    let Some(identities) = tables.identities() else { return Ok(FinishedLayout::default()) };
    let ((width, height), sizes_differ) = tables.size();
    let (count, classes) = (identities.count(), identities.classes());
    let mut warnings = Vec::new();
    if classes > count {
        warnings.push(format!(
            "{count} identities have labels up to {}, so a network needs {classes} classes; --label \
             rank numbers them without a gap",
            classes - 1
        ));
    }
    if sizes_differ {
        warnings.push(format!(
            "the pictures differ in size; property says {height} by {width}, the size of the first"
        ));
    }
    let property = identities.property(height, width);
    let records: Vec<(u64, Header)> = identities.records().collect();
    let mut framed = Vec::new();
    for (key, header) in records {
        let path = staging.path(Part::Rec);
        let offset = append_record(rec, &mut framed, &header, &[])
            .map_err(|source| Error::Record { path, source })?;
        tables.append_beside(key, offset);
    }
    Ok(FinishedLayout {
        identities: Some(count),
        classes: Some(classes),
        property: Some(write_small(&staging.path(Part::Property), &property)?),
        warnings,
    })
}

/// Writes a small file of a pack durably.
fn write_small(path: &Path, text: &str) -> Result<FileDigest, Error> {
    let mut output = Output::create(path)?;
    output.append(text.as_bytes());
    Ok(output.finish()?)
}

fn manifest(
    plan: &Plan,
    options: &Options,
    report: &PackReport,
    files: PackDigests,
) -> Result<Manifest, Error> {
    let manifest = Manifest {
        format: Manifest::format(),
        tool: Manifest::tool(),
        set: report.set.clone(),
        count: report.count,
        label: report.label.clone(),
        source: Provenance::List,
        layout: report.layout,
        shuffle: report.shuffle,
        shard: report.shard.clone(),
        encoding: Some(report.encoding),
        stored_channel_order: report.stored_channel_order,
        align: options.recipe.align,
        alignment: report.alignment.clone(),
        landmarks: plan.points_note(),
        reoriented: report.reoriented,
        ignored: report.ignored,
        skipped: report.skipped.clone(),
        inputs: plan.inputs()?,
        protocol_files: plan.protocol_files()?,
        files,
        order: report.order.clone(),
        digest: String::new(),
    };
    Ok(manifest.sealed())
}
