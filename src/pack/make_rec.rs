//! A set's list to a pack: read, encoded and hashed in parallel, written in list order.
//!
//! Memory: the list (and, when resuming, a row for each record kept), `IN_FLIGHT_BYTES` of finished
//! records, and one chunk of images a thread.

use super::manifest::{
    Manifest, NamedDigest, OrderDigest, PackDigests, PointsNote, Skipped, digest_file,
};
use super::ordered::{Bound, in_order};
use super::output::Output;
use super::records::{Row, RowReader, RowWriter, list_line};
use super::staging::{Recovery, Staging, recover};
use super::{Error, ImageError, PackFiles, Part};
use crate::datasets::{Alignment, DataSet, Image, ImageList, LabelFunction, Request};
use crate::fs::{self, Ignored, io_error};
use crate::image::{ChannelOrder, decode::decode, encode, probe::probe};
use crate::progress::Progress;
use crate::recordio::{Header, Label, Reader, frame};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::{Path, PathBuf};

/// What is done to the pictures' bytes. Colours are never exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// The file's bytes, untouched.
    Origin,
    /// Decoded, and encoded as JPEG of this quality at 4:2:0.
    Jpeg(u8),
    /// Decoded, and encoded as PNG.
    Png,
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Origin => f.write_str("origin"),
            Self::Jpeg(quality) => write!(f, "jpeg:{quality}"),
            Self::Png => f.write_str("png"),
        }
    }
}

/// Quality of `jpeg` without a number.
const DEFAULT_QUALITY: u8 = 95;

impl std::str::FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let quality = |text: &str| text.parse().ok().filter(|quality| (1..=100).contains(quality));
        match text.split_once(':') {
            None if text == "origin" => Some(Self::Origin),
            None if text == "jpeg" => Some(Self::Jpeg(DEFAULT_QUALITY)),
            None if text == "png" => Some(Self::Png),
            Some(("jpeg", text)) => quality(text).map(Self::Jpeg),
            _ => None,
        }
        .ok_or_else(|| "expected origin, jpeg, jpeg:QUALITY (1 to 100) or png".to_owned())
    }
}

/// What happens when an image cannot be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The first bad image ends the run, and nothing is left.
    Stop,
    /// Bad images are left out and listed in the manifest.
    Skip,
}

/// What happens to what lies there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Previous {
    /// A pack that is there is an error.
    Keep,
    /// A pack that is there is replaced when the new one is whole.
    Replace,
}

/// What to pack, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// The data set.
    pub dataset: &'static DataSet,
    /// Its root.
    pub root: PathBuf,
    /// The list file of a `list` set.
    pub list: Option<PathBuf>,
    /// Another name for the folder of aligned copies.
    pub aligned_dir: Option<String>,
    /// Where the pack goes.
    pub files: PackFiles,
    /// What is done to the pictures' bytes.
    pub encoding: Encoding,
    /// The label function; the set's own when none is given.
    pub label: Option<LabelFunction>,
    /// What a bad image does.
    pub on_error: OnError,
    /// What becomes of a pack that is there.
    pub previous: Previous,
    /// Whether an interrupted pack is continued.
    pub resume: bool,
    /// Whether to stop before the first image.
    pub dry_run: bool,
    /// Threads that read and encode.
    pub jobs: usize,
}

/// What was packed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PackReport {
    /// The data set.
    pub set: String,
    /// The `.rec`.
    pub pack: String,
    /// Whether anything was written.
    pub dry_run: bool,
    /// Records in the pack; of a dry run, images listed.
    pub count: u64,
    /// Records that an interrupted run had written already.
    pub resumed: u64,
    /// Bytes of the `.rec`; 0 of a dry run.
    pub bytes: u64,
    /// The label function.
    pub label: String,
    /// What was done to the bytes.
    pub encoding: Encoding,
    /// Which colours a decoder that returns RGB returns first.
    pub stored_channel_order: ChannelOrder,
    /// What was done to the faces.
    pub alignment: Alignment,
    /// First and last path, in order.
    pub first_and_last: [String; 2],
    /// Digest of the order; empty for a dry run.
    pub order: String,
    /// Files that could not be packed.
    pub skipped: Vec<Skipped>,
    /// What was passed over in the source tree.
    pub ignored: Ignored,
    /// Pictures whose EXIF data asks to turn them; it is not done.
    pub reoriented: u64,
    /// What differs from the published set, and other things to be told.
    pub warnings: Vec<String>,
}

/// Packs a data set.
///
/// # Errors
/// Any [`Error`]. Then nothing of the new pack is left, and an old one is whole.
pub fn make_rec(options: &Options, progress: &dyn Progress) -> Result<PackReport, Error> {
    let plan = Plan::new(options)?;
    plan.check_missing(options.on_error)?;
    if options.dry_run {
        return Ok(plan.report(options));
    }
    let found = prepare(options)?;
    if let (Recovery::Clean | Recovery::RolledForward, true) = (found, options.resume)
        && let Some(report) = plan.finished_before(options)?
    {
        return Ok(report);
    }
    check_targets(options)?;
    let staging = Staging::enter(&options.files)?;
    let resume = options.resume && found == Recovery::Resumable;
    match Writing::new(&plan, options, &staging, resume).and_then(|mut writing| {
        writing.run(progress)?;
        writing.seal()
    }) {
        Ok(mut report) => {
            if found == Recovery::Resumable && !options.resume {
                let told =
                    "an interrupted pack was there and was begun anew; --resume continues one";
                report.warnings.push(told.to_owned());
            }
            staging.commit()?;
            Ok(report)
        }
        // The interrupted pack is whole and may be resumed with its own settings.
        Err(error @ Error::OtherPlan { .. }) => Err(error),
        Err(error) => {
            // The error tells more than a refusal to clean up after it.
            let _ = staging.discard();
            Err(error)
        }
    }
}

/// Makes the folder and brings an old pack to a whole state.
fn prepare(options: &Options) -> Result<Recovery, Error> {
    let folder = &options.files.folder;
    std::fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
    match recover(&options.files)? {
        Recovery::Busy => Err(Error::Busy { path: options.files.staging() }),
        found => Ok(found),
    }
}

/// Refuses to write over what is there, before any work.
fn check_targets(options: &Options) -> Result<(), Error> {
    for part in Part::ALL {
        let path = options.files.path(part);
        if path.is_dir() {
            return Err(Error::InTheWay { path });
        }
        if options.previous == Previous::Keep && path.symlink_metadata().is_ok() {
            return Err(Error::Exists { path });
        }
    }
    Ok(())
}

/// What will be packed, decided before any work.
pub(super) struct Plan {
    pub(super) list: ImageList,
    labels: Vec<Label>,
    function: LabelFunction,
}

impl Plan {
    fn new(options: &Options) -> Result<Self, Error> {
        let request = Request {
            root: &options.root,
            aligned_dir: options.aligned_dir.as_deref(),
            list: options.list.as_deref(),
        };
        Self::of(options.dataset, &request, options.label.clone())
    }

    /// Lists and labels a set.
    pub(super) fn of(
        dataset: &'static DataSet,
        request: &Request<'_>,
        label: Option<LabelFunction>,
    ) -> Result<Self, Error> {
        let list = dataset.list(request)?;
        let function = label.unwrap_or_else(dataset.default_label);
        let labels = dataset.labels(&list, &function)?;
        Ok(Self { list, labels, function })
    }

    /// Refuses a list with images that are not there, before any work.
    fn check_missing(&self, on_error: OnError) -> Result<(), Error> {
        match self.list.missing.first() {
            Some(&at) if on_error == OnError::Stop => {
                let path = self.image(at).path.to_string();
                Err(Error::Image { path, source: ImageError::Missing })
            }
            _ => Ok(()),
        }
    }

    fn image(&self, at: usize) -> &Image {
        &self.list.images[at]
    }

    pub(super) fn source(&self, at: usize) -> PathBuf {
        self.list.base.join(&*self.image(at).path)
    }

    /// Key and label of the image at `at` when it becomes record `position`.
    pub(super) fn name(&self, at: usize, position: u64) -> (u64, Label) {
        let key = self.image(at).key.unwrap_or(position);
        let label = match self.function {
            LabelFunction::Index => Label::Scalar(position as f32),
            _ => self.labels[at].clone(),
        };
        (key, label)
    }

    fn has_landmarks(&self) -> bool {
        self.list.images.iter().any(|image| image.landmarks.is_some())
    }

    /// Digest of the `.lst` that results when the images named by `skipped` are left out.
    fn list_digest(&self, skipped: &[Skipped]) -> String {
        let mut hasher = blake3::Hasher::new();
        let left_out: HashSet<&str> = skipped.iter().map(|skipped| &*skipped.path).collect();
        let mut position = 0;
        for (at, image) in self.list.images.iter().enumerate() {
            if left_out.contains(&*image.path) {
                continue;
            }
            let (key, label) = self.name(at, position);
            hasher.update(list_line(key, &label, &image.path).as_bytes());
            position += 1;
        }
        hasher.finalize().to_string()
    }

    /// What an interrupted pack must agree with.
    fn settings(&self, options: &Options) -> [(&'static str, String); 4] {
        [
            ("the data set", options.dataset.name.to_owned()),
            ("the label function", self.function.to_string()),
            ("the encoding", options.encoding.to_string()),
            ("a list with the digest", self.list_digest(&[])),
        ]
    }

    fn report(&self, options: &Options) -> PackReport {
        let path =
            |image: Option<&Image>| image.map(|image| image.path.to_string()).unwrap_or_default();
        let images = &self.list.images;
        PackReport {
            set: options.dataset.name.to_owned(),
            pack: options.files.path(Part::Rec).display().to_string(),
            dry_run: options.dry_run,
            count: images.len() as u64,
            resumed: 0,
            bytes: 0,
            label: self.function.to_string(),
            encoding: options.encoding,
            stored_channel_order: ChannelOrder::Rgb,
            alignment: self.list.alignment.clone(),
            first_and_last: [path(images.first()), path(images.last())],
            order: String::new(),
            skipped: Vec::new(),
            ignored: self.list.ignored,
            reoriented: 0,
            warnings: self.list.warnings.clone(),
        }
    }

    /// The report of a pack that a run to be resumed had finished already, if it is that of this plan.
    fn finished_before(&self, options: &Options) -> Result<Option<PackReport>, Error> {
        let manifest = match Manifest::open(&options.files) {
            Ok(manifest) => manifest,
            Err(Error::NoManifest { .. }) => return Ok(None),
            Err(error) => return Err(error),
        };
        let same = options.previous == Previous::Keep
            && manifest.set == options.dataset.name
            && manifest.label == self.function.to_string()
            && manifest.encoding == options.encoding
            && manifest.files.lst.blake3 == self.list_digest(&manifest.skipped);
        Ok(same.then(|| PackReport {
            count: manifest.count,
            resumed: manifest.count,
            bytes: manifest.files.rec.bytes,
            order: manifest.order,
            skipped: manifest.skipped,
            reoriented: manifest.reoriented,
            ..self.report(options)
        }))
    }

    /// Digests of the list or the csv of labels.
    pub(super) fn inputs(&self, list: Option<&Path>) -> Result<Vec<NamedDigest>, Error> {
        let labels = match &self.function {
            LabelFunction::Csv(file) => Some(file),
            _ => None,
        };
        let labels = labels.map(PathBuf::as_path);
        list.into_iter().chain(labels).map(|path| self.named(path)).collect()
    }

    pub(super) fn protocol_files(&self) -> Result<Vec<NamedDigest>, Error> {
        self.list.protocol_files.iter().map(|file| self.named(&self.list.base.join(file))).collect()
    }

    /// Names a file by its path below the base, or by its name alone when it lies elsewhere, so that
    /// a manifest holds no path of a machine.
    fn named(&self, path: &Path) -> Result<NamedDigest, Error> {
        let below = path.strip_prefix(&self.list.base).ok().map(Path::to_path_buf);
        let name = below.or_else(|| path.file_name().map(PathBuf::from)).unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        Ok(NamedDigest { path: name, blake3: digest_file(path)?.blake3 })
    }
}

/// One image, ready to be a record.
#[derive(Debug)]
pub(super) struct Picture {
    pub(super) bytes: Vec<u8>,
    pub(super) digest: blake3::Hash,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) reoriented: bool,
}

/// Reads a file and makes of it what is stored.
pub(super) fn read_picture(path: &Path, encoding: Encoding) -> Result<Picture, ImageError> {
    let source = std::fs::read(path)?;
    let found = probe(&source)?;
    let bytes = match encoding {
        Encoding::Origin => source,
        Encoding::Jpeg(quality) => encode::jpeg(&decode(&source)?, quality)?,
        Encoding::Png => encode::png(&decode(&source)?)?,
    };
    let digest = blake3::hash(&bytes);
    let (width, height, reoriented) = (found.width, found.height, found.reoriented);
    Ok(Picture { bytes, digest, width, height, reoriented })
}

/// Images a thread works on at a time: few enough to balance, enough to make the hand-over cheap.
const CHUNK: usize = 16;

/// Bytes of finished records that wait to be written; passed by at most one chunk a thread.
const IN_FLIGHT_BYTES: u64 = 64 << 20;

/// Name of the settings of an interrupted pack in its folder.
const SETTINGS: &str = "settings.json";

/// A pack being written.
struct Writing<'a> {
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
    /// The next image of the list.
    next: usize,
    skipped: Vec<Skipped>,
    reoriented: u64,
    resumed: u64,
    framed: Vec<u8>,
}

impl<'a> Writing<'a> {
    fn new(
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

    fn run(&mut self, progress: &dyn Progress) -> Result<(), Error> {
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
    fn seal(self) -> Result<PackReport, Error> {
        let Self { plan, options, staging, order, skipped, reoriented, resumed, position, .. } =
            self;
        let settings = staging.beside(SETTINGS);
        std::fs::remove_file(&settings).map_err(io_error("remove", &settings))?;
        let files = PackDigests {
            rec: self.rec.finish()?,
            idx: self.idx.finish()?,
            lst: self.lst.finish()?,
            records: self.records.finish()?,
        };
        let mut report = plan.report(options);
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

fn write_settings(plan: &Plan, options: &Options, staging: &Staging) -> Result<(), Error> {
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
struct Kept {
    rows: Vec<Row>,
    rec_bytes: u64,
    /// The next image of the list.
    next: usize,
    skipped: Vec<Skipped>,
    reoriented: u64,
}

impl Kept {
    /// Reads the rows of the interrupted pack and keeps those whose records are whole.
    fn read(plan: &Plan, options: &Options, staging: &Staging) -> Result<Self, Error> {
        let mut kept = Self::default();
        if !same_settings(plan, options, staging)? {
            write_settings(plan, options, staging)?;
            return Ok(kept);
        }
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
        let (id, label) = plan.name(at, position);
        let Ok(record) = reader.record_at(row.offset) else { return false };
        let Ok((header, payload)) = record.image() else { return false };
        let named = header.id == id && header.id2 == 0 && header.label.same_bits(&label);
        let Ok(probe) = probe(payload) else { return false };
        if !named || row.key != id || blake3::hash(payload) != row.digest {
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

/// An error and its causes in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

fn csv_error(error: csv::Error) -> Error {
    let path = Path::new(Part::Records.ending());
    fs::Error::Io { action: "write", path: path.to_path_buf(), source: error.into() }.into()
}
