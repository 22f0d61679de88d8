//! A pack while it is written.

use super::kept::{Kept, write_settings};
use super::picture::{Picture, read_picture};
use super::plan::Plan;
use super::{OnError, Options, PackReport};
use crate::datasets::Alignment;
use crate::fs;
use crate::pack::manifest::{Manifest, OrderDigest, PackDigests, PointsNote, Skipped};
use crate::pack::ordered::{Bound, in_order};
use crate::pack::output::Output;
use crate::pack::records::{Row, RowWriter};
use crate::pack::staging::Staging;
use crate::pack::{Error, ImageError, Part, chain};
use crate::progress::Progress;
use crate::recordio::{Header, frame};
use std::path::Path;

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
    idx: Output,
    lst: Output,
    records: Output,
    rows: RowWriter,
    order: OrderDigest,
    position: u64,
    first_and_last: [String; 2],
    /// The next image of the list.
    next: usize,
    skipped: Vec<Skipped>,
    reoriented: u64,
    resumed: u64,
    framed: Vec<u8>,
}

impl<'a> Writing<'a> {
    pub(super) fn new(
        plan: &'a Plan,
        options: &'a Options,
        staging: &'a Staging,
        resume: bool,
    ) -> Result<Self, Error> {
        let kept = if resume { Kept::read(plan, options, staging)? } else { Kept::default() };
        if !resume {
            write_settings(plan, options, staging)?;
        }
        let rec = match kept.rec_bytes {
            0 => Output::create(&staging.path(Part::Rec))?,
            keep => Output::resume(&staging.path(Part::Rec), keep)?,
        };
        let mut writing = Self {
            plan,
            options,
            staging,
            rec,
            idx: Output::create(&staging.path(Part::Idx))?,
            lst: Output::create(&staging.path(Part::Lst))?,
            records: Output::create(&staging.path(Part::Records))?,
            rows: RowWriter::new(plan.has_landmarks()).map_err(csv_error)?,
            order: OrderDigest::default(),
            position: 0,
            first_and_last: Default::default(),
            next: kept.next,
            skipped: kept.skipped,
            reoriented: kept.reoriented,
            resumed: kept.rows.len() as u64,
            framed: Vec::new(),
        };
        kept.rows.iter().try_for_each(|row| writing.append_row(row))?;
        writing.flush()?;
        Ok(writing)
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
        if self.position == 0 {
            let path = plan.image(0).path.to_string();
            return Err(Error::AllSkipped { count: count as u64, path });
        }
        self.flush()
    }

    /// Takes the next image of the list.
    fn take(&mut self, at: usize, picture: Result<Picture, ImageError>) -> Result<(), Error> {
        let path = self.plan.image(at).path.to_string();
        match picture.and_then(|picture| self.append(at, &picture)) {
            Ok(row) => self.append_row(&row),
            Err(source) if self.options.on_error == OnError::Skip => {
                self.skipped.push(Skipped { path, reason: chain(&source) });
                Ok(())
            }
            Err(source) => Err(Error::Image { path, source }),
        }
    }

    /// Writes the record of the image at `at`.
    fn append(&mut self, at: usize, picture: &Picture) -> Result<Row, ImageError> {
        let (key, label) = self.plan.name(at, self.position);
        let mut record = Header { label: label.clone(), id: key, id2: 0 }.to_bytes();
        record.extend_from_slice(&picture.bytes);
        self.framed.clear();
        frame(&record, &mut self.framed)?;
        let offset = self.rec.bytes();
        self.rec.append(&self.framed);
        self.reoriented += u64::from(picture.reoriented);
        let image = self.plan.image(at);
        Ok(Row {
            position: self.position,
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

    /// Writes what stands beside the `.rec` of a record.
    fn append_row(&mut self, row: &Row) -> Result<(), Error> {
        self.idx.append(format!("{}\t{}\n", row.key, row.offset).as_bytes());
        self.lst.append(row.list_line().as_bytes());
        self.rows.append(row).map_err(csv_error)?;
        self.order.add(row);
        if self.position == 0 {
            self.first_and_last[0].clone_from(&row.path);
        }
        self.first_and_last[1].clone_from(&row.path);
        self.position += 1;
        Ok(())
    }

    /// Hands everything to the operating system, the `.rec` first: a row that can be read after a kill
    /// has its record.
    fn flush(&mut self) -> Result<(), Error> {
        self.records.append(&self.rows.take().map_err(csv_error)?);
        for output in [&mut self.rec, &mut self.idx, &mut self.lst, &mut self.records] {
            output.flush()?;
        }
        Ok(())
    }

    /// Makes the files durable and writes the manifest beside them.
    pub(super) fn seal(self) -> Result<PackReport, Error> {
        let Self {
            plan,
            options,
            staging,
            order,
            skipped,
            reoriented,
            resumed,
            position,
            first_and_last,
            ..
        } = self;
        let files = PackDigests {
            rec: self.rec.finish()?,
            idx: self.idx.finish()?,
            lst: self.lst.finish()?,
            records: self.records.finish()?,
        };
        let mut report = plan.report(options);
        report.first_and_last = first_and_last;
        report.count = position;
        report.resumed = resumed;
        report.bytes = files.rec.bytes;
        report.order = order.finish();
        report.reoriented = reoriented;
        report.skipped = skipped;
        staging.seal(&manifest(plan, options, &report, files)?.to_bytes())?;
        Ok(report)
    }
}

fn manifest(
    plan: &Plan,
    options: &Options,
    report: &PackReport,
    files: PackDigests,
) -> Result<Manifest, Error> {
    let points = plan.list.images.iter().find_map(|image| image.landmarks.as_deref());
    let picture = match plan.list.alignment {
        Alignment::Folder(_) => "original",
        Alignment::Landmarks | Alignment::Unknown => "stored",
    };
    let landmarks = points.map(|landmarks| PointsNote {
        points: landmarks.points.len() as u64,
        picture: picture.to_owned(),
    });
    let manifest = Manifest {
        format: Manifest::format(),
        tool: Manifest::tool(),
        set: report.set.clone(),
        count: report.count,
        label: report.label.clone(),
        encoding: report.encoding,
        stored_channel_order: report.stored_channel_order,
        alignment: report.alignment.clone(),
        landmarks,
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

fn csv_error(error: csv::Error) -> Error {
    let path = Path::new(Part::Records.ending());
    fs::Error::Io { action: "write", path: path.to_path_buf(), source: error.into() }.into()
}
