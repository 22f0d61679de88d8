//! A pack while it is written.

use super::kept::{Interrupted, Kept, write_settings};
use super::report::planned;
use super::sealing::{Written, seal};
use super::sources::Sources;
use super::{MakeError, Options, PackReport};
use crate::causes::chain;
use crate::ordered::{Bound, in_order};
use crate::pack::manifest::Skipped;
use crate::pack::plan::{ImageError, PackPlan, Picture};
use crate::pack::records::{Row, RowWriter};
use crate::pack::write::{Output, SOURCES, Staging, Tables, csv_error};
use crate::pack::{Encoding, Error, OnError, Part};
use crate::progress::Progress;
use crate::recordio::{Header, Writer};
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
    Failed(MakeError),
}

impl<E: Into<MakeError>> From<E> for Stopped {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// A pack being written.
pub(super) struct Writing<'a> {
    plan: &'a PackPlan,
    options: &'a Options,
    staging: &'a Staging,
    rec: Writer<Output>,
    /// Digests of the sources, where pictures are encoded anew.
    sources: Option<Output>,
    tables: Tables,
    /// The next image of the list.
    next: usize,
    skipped: Vec<Skipped>,
    reoriented: u64,
    resumed: u64,
}

impl<'a> Writing<'a> {
    /// Starts anew.
    pub(super) fn begin(
        plan: &'a PackPlan,
        options: &'a Options,
        staging: &'a Staging,
    ) -> Result<Self, MakeError> {
        write_settings(plan, staging)?;
        let tables = Tables::create(staging, row_writer(plan)?, plan.identities())?;
        let rec = Writer::new(Output::create(&staging.path(Part::Rec))?);
        let sources = match plan.recipe.encoding {
            Encoding::Origin => None,
            Encoding::Jpeg(_) | Encoding::Png => Some(Output::create(&staging.beside(SOURCES))?),
        };
        let kept = Kept::none(plan);
        Ok(Self::after(kept, (rec, sources, tables), plan, options, staging))
    }

    /// Goes on after what can be kept of an interrupted pack.
    pub(super) fn resume(
        plan: &'a PackPlan,
        options: &'a Options,
        staging: &'a Staging,
    ) -> Result<Self, MakeError> {
        let Some(interrupted) = Interrupted::open(plan, staging)? else {
            return Self::begin(plan, options, staging);
        };
        let mut tables = Tables::create(staging, row_writer(plan)?, plan.identities())?;
        let kept = interrupted.keep(plan, options, &mut tables)?;
        let rec = Output::resume(&staging.path(Part::Rec), kept.rec_bytes)?;
        let rec = Writer::resume(rec, kept.rec_bytes);
        let bytes = Sources::bytes_of(tables.count());
        let sources = match plan.recipe.encoding {
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
        (rec, sources, tables): (Writer<Output>, Option<Output>, Tables),
        plan: &'a PackPlan,
        options: &'a Options,
        staging: &'a Staging,
    ) -> Self {
        let Kept { next, skipped, reoriented, .. } = kept;
        let resumed = tables.count();
        Self { plan, options, staging, rec, sources, tables, next, skipped, reoriented, resumed }
    }

    /// Takes images until there is none left or the run is asked to end.
    pub(super) fn run(&mut self, progress: &dyn Progress) -> Result<Reached, MakeError> {
        let (plan, jobs) = (self.plan, self.options.jobs);
        let (from, count) = (self.next, plan.part.end);
        progress.start(plan.recipe.dataset.name, plan.part.len() as u64);
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
            if self.rec.get_mut().is_full() { Ok(self.flush()?) } else { Ok(()) }
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
        if self.tables.count() == 0 && plan.recipe.shard.is_none() {
            let path = plan.image(plan.part.start).path.to_string();
            return Err(MakeError::AllSkipped { count: plan.part.len() as u64, path });
        }
        self.flush()?;
        Ok(Reached::End)
    }

    /// Takes the next image of the list.
    fn take(&mut self, at: usize, picture: Result<Picture, ImageError>) -> Result<(), MakeError> {
        let source = match picture.and_then(|picture| self.append(at, &picture)) {
            Ok(row) => return Ok(self.tables.append(&row)?),
            Err(source) => source,
        };
        let path = self.plan.image(at).path.to_string();
        match self.options.on_error {
            OnError::Skip => self.skipped.push(Skipped { path, reason: chain(&source) }),
            OnError::Stop => return Err(MakeError::Image { path, source }),
        }
        Ok(())
    }

    /// Writes the record of the image at `at`.
    fn append(&mut self, at: usize, picture: &Picture) -> Result<Row, ImageError> {
        let (key, label) = self.plan.name(at, self.tables.count());
        let header = Header { label: label.clone(), id: key, id2: 0 };
        let offset = self.rec.append(&header, &picture.bytes)?;
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
        self.rec.get_mut().flush()?;
        self.sources.as_mut().map_or(Ok(()), Output::flush)?;
        self.tables.flush()
    }

    /// Leaves the pack unfinished, to be gone on with.
    pub(super) fn pause(self) -> PackReport {
        PackReport {
            interrupted: true,
            count: self.tables.count(),
            resumed: self.resumed,
            bytes: self.rec.offset(),
            skipped: self.skipped,
            reoriented: self.reoriented,
            ..planned(self.plan, self.options)
        }
    }

    /// The whole pack, to be sealed.
    pub(super) fn seal(self) -> Result<PackReport, MakeError> {
        let Self { plan, options, staging, rec, tables, skipped, reoriented, resumed, .. } = self;
        let written = Written { rec, tables, skipped, reoriented, resumed };
        seal(plan, options, staging, written)
    }
}

fn row_writer(plan: &PackPlan) -> Result<RowWriter, Error> {
    RowWriter::new(plan.points_note().is_some()).map_err(csv_error)
}
