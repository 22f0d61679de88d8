//! A pack while it is written.

use super::kept::{Interrupted, Kept, write_settings};
use super::picture::{Picture, read_picture};
use super::plan::Plan;
use super::tables::{Tables, csv_error};
use super::{OnError, Options, PackReport};
use crate::pack::manifest::{Manifest, PackDigests, Skipped};
use crate::pack::ordered::{Bound, in_order};
use crate::pack::output::Output;
use crate::pack::records::{Row, RowWriter};
use crate::pack::staging::Staging;
use crate::pack::{Error, ImageError, Part, chain};
use crate::progress::Progress;
use crate::recordio::{Header, frame};

/// Images a thread works on at a time: few enough to balance, enough to make the hand-over cheap.
const CHUNK: usize = 16;

/// Bytes of finished records that wait to be written; passed by at most one chunk a thread.
const IN_FLIGHT_BYTES: u64 = 64 << 20;

/// A pack being written.
pub(super) struct Writing<'a> {
    plan: &'a Plan,
    options: &'a Options,
    staging: &'a Staging,
    rec: Output,
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
        write_settings(plan, options, staging)?;
        let tables = Tables::create(staging, row_writer(plan)?)?;
        let rec = Output::create(&staging.path(Part::Rec))?;
        Ok(Self::after(Kept::default(), rec, tables, plan, options, staging))
    }

    /// Goes on after what can be kept of an interrupted pack.
    pub(super) fn resume(
        plan: &'a Plan,
        options: &'a Options,
        staging: &'a Staging,
    ) -> Result<Self, Error> {
        let Some(interrupted) = Interrupted::open(plan, options, staging)? else {
            return Self::begin(plan, options, staging);
        };
        let mut tables = Tables::create(staging, row_writer(plan)?)?;
        let kept = interrupted.keep(plan, options, &mut tables)?;
        let rec = Output::resume(&staging.path(Part::Rec), kept.rec_bytes)?;
        tables.flush()?;
        interrupted.close()?;
        Ok(Self::after(kept, rec, tables, plan, options, staging))
    }

    fn after(
        kept: Kept,
        rec: Output,
        tables: Tables,
        plan: &'a Plan,
        options: &'a Options,
        staging: &'a Staging,
    ) -> Self {
        let Kept { next, skipped, reoriented, .. } = kept;
        let resumed = tables.count();
        let framed = Vec::new();
        Self { plan, options, staging, rec, tables, next, skipped, reoriented, resumed, framed }
    }

    pub(super) fn run(&mut self, progress: &dyn Progress) -> Result<(), Error> {
        let (plan, encoding, jobs) = (self.plan, self.options.encoding, self.options.jobs);
        let (from, count) = (self.next, plan.list.images.len());
        progress.start(self.options.dataset.name, count as u64);
        progress.advance(from as u64);
        let chunks = (count - from).div_ceil(CHUNK);
        let images = |chunk: usize| from + chunk * CHUNK..count.min(from + (chunk + 1) * CHUNK);
        let bound = Bound { items: 4 * jobs.max(1), bytes: IN_FLIGHT_BYTES };
        let work = |chunk: usize| {
            let pictures = images(chunk).map(|at| read_picture(&plan.source(at), encoding));
            let pictures: Vec<_> = pictures.collect();
            let bytes = pictures.iter().flatten().map(|picture| picture.bytes.len() as u64).sum();
            (pictures, bytes)
        };
        in_order(jobs, 0..chunks, bound, work, |chunk, pictures| {
            for (at, picture) in images(chunk).zip(pictures) {
                self.take(at, picture)?;
            }
            progress.advance(images(chunk).len() as u64);
            if self.rec.is_full() { self.flush() } else { Ok(()) }
        })?;
        progress.finish();
        if self.tables.count() == 0 {
            let path = plan.image(0).path.to_string();
            return Err(Error::AllSkipped { count: count as u64, path });
        }
        self.flush()
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
        let mut record = Header { label: label.clone(), id: key, id2: 0 }.to_bytes();
        record.extend_from_slice(&picture.bytes);
        self.framed.clear();
        frame(&record, &mut self.framed)?;
        let offset = self.rec.bytes();
        self.rec.append(&self.framed);
        self.reoriented += u64::from(picture.reoriented);
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

    /// Hands everything to the operating system, the `.rec` first: a row that can be read after a kill
    /// has its record.
    fn flush(&mut self) -> Result<(), Error> {
        self.rec.flush()?;
        self.tables.flush()
    }

    /// Makes the files durable and writes the manifest beside them.
    pub(super) fn seal(self) -> Result<PackReport, Error> {
        let Self { plan, options, staging, skipped, reoriented, resumed, .. } = self;
        let rec = self.rec.finish()?;
        let tables = self.tables.finish()?;
        let report = PackReport {
            count: tables.count,
            resumed,
            bytes: rec.bytes,
            first_and_last: tables.first_and_last,
            order: tables.order,
            skipped,
            reoriented,
            ..plan.report(options)
        };
        let files = PackDigests { rec, idx: tables.idx, lst: tables.lst, records: tables.records };
        staging.seal(&manifest(plan, options, &report, files)?.to_bytes())?;
        Ok(report)
    }
}

fn row_writer(plan: &Plan) -> Result<RowWriter, Error> {
    RowWriter::new(plan.points_note().is_some()).map_err(csv_error)
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
        encoding: report.encoding,
        stored_channel_order: report.stored_channel_order,
        alignment: report.alignment.clone(),
        landmarks: plan.points_note(),
        reoriented: report.reoriented,
        ignored: report.ignored,
        skipped: report.skipped.clone(),
        inputs: plan.inputs(options.list.as_deref())?,
        protocol_files: plan.protocol_files()?,
        files,
        order: report.order.clone(),
        digest: String::new(),
    };
    Ok(manifest.sealed())
}
