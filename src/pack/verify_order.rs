//! Is record i the i-th image of the list, byte for byte?
//!
//! One pass over the pack holds the `.rec`, `.idx`, `.lst` and `.records.csv` against each other and
//! against the manifest; where the source tree is there, every position is held against it too, so that
//! a pack whose manifest was rewritten to match is still found out. Memory: the index, the list of the
//! source tree, and [`ROWS_AT_A_TIME`] rows.

use super::make_rec::{Plan, read_picture};
use super::manifest::{FileDigest, Manifest, OrderDigest, digest_file};
use super::records::{Row, RowReader};
use super::{Error, PackFiles, Part};
use crate::datasets::{self, LabelFunction, Request};
use crate::fs::io_error;
use crate::image::probe::probe;
use crate::progress::Progress;
use crate::recordio::{IndexedReader, Label};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::HashSet;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// How thoroughly a pack is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every byte of the pack, and of the source files where they are.
    Full,
    /// Framing, headers, index and lists; neither pictures nor source files are read.
    Quick,
}

/// Where the source tree of a pack may be.
#[derive(Debug, Clone)]
pub enum SourceTree {
    /// The user named it: it must be there.
    At(PathBuf),
    /// It is compared if it is there.
    Perhaps(PathBuf),
}

/// How to verify.
#[derive(Debug, Clone)]
pub struct Options {
    /// The source tree.
    pub source: SourceTree,
    /// The list file of a `list` set, when it does not lie in the source tree.
    pub list: Option<PathBuf>,
    /// The csv of labels, when it does not lie in the source tree.
    pub label_csv: Option<PathBuf>,
    /// Another pack's manifest that must describe the same order.
    pub against: Option<PathBuf>,
    /// How thoroughly.
    pub depth: Depth,
}

/// What was found of all packs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrderReport {
    /// Whether every pack is in order.
    pub in_order: bool,
    /// One entry a pack.
    pub packs: Vec<PackOrder>,
}

/// What was found of one pack.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct PackOrder {
    /// The `.rec`.
    pub pack: String,
    /// The data set.
    pub set: String,
    /// Records.
    pub count: u64,
    /// Whether no difference was found.
    pub in_order: bool,
    /// The digest of the order.
    pub order: String,
    /// Bytes of memory the index takes.
    pub index_memory_bytes: u64,
    /// What was compared.
    pub checks: Vec<String>,
    /// What could not be compared, and why.
    pub not_checked: Vec<String>,
    /// Differences found, the first in the pack first; at most [`SHOWN`] are kept.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub difference_count: u64,
}

/// A place where the pack is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The file, with line or byte where known.
    pub place: String,
    /// Position in the pack.
    pub position: Option<u64>,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// Differences kept in a report.
pub const SHOWN: usize = 20;

/// Rows verified in parallel before the next are read.
const ROWS_AT_A_TIME: usize = 4096;

/// Verifies one pack.
///
/// # Errors
/// A manifest that is missing or damaged, and files that cannot be read. Whatever else is wrong with a
/// pack is a [`Difference`].
pub fn verify_order(
    files: &PackFiles,
    options: &Options,
    progress: &dyn Progress,
) -> Result<PackOrder, Error> {
    super::recover(files)?;
    let manifest = Manifest::open(files)?;
    let mut findings = Findings::new(files, &manifest);
    let source = Source::find(&manifest, options, &mut findings)?;
    if let Some(source) = &source {
        source.compare_lists(&manifest, options, &mut findings)?;
    }
    let whole = check_small_files(files, &manifest, &mut findings)?;
    if let Err(error) =
        check_records(files, &manifest, source.as_ref(), options, &mut findings, progress)
    {
        findings.add_error(error)?;
    }
    if whole {
        findings.check("the .idx, .lst and .records.csv have the digests of the manifest");
    }
    if let Some(other) = &options.against {
        against(files, &manifest, other, &mut findings)?;
    }
    Ok(findings.finish())
}

/// The report while it grows.
struct Findings {
    report: PackOrder,
}

impl Findings {
    fn new(files: &PackFiles, manifest: &Manifest) -> Self {
        let report = PackOrder {
            pack: files.path(Part::Rec).display().to_string(),
            set: manifest.set.clone(),
            count: manifest.count,
            order: manifest.order.clone(),
            ..PackOrder::default()
        };
        Self { report }
    }

    fn check(&mut self, what: impl Into<String>) {
        self.report.checks.push(what.into());
    }

    fn not_checked(&mut self, what: impl Into<String>) {
        self.report.not_checked.push(what.into());
    }

    fn differs(
        &mut self,
        place: impl Into<String>,
        position: Option<u64>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        let (place, expected, found) = (place.into(), expected.into(), found.into());
        self.add(Difference { place, position, expected, found });
    }

    fn add(&mut self, difference: Difference) {
        self.report.difference_count += 1;
        if self.report.differences.len() < SHOWN {
            self.report.differences.push(difference);
        }
    }

    /// Turns damage of the pack into a difference; other errors stay errors.
    fn add_error(&mut self, error: Error) -> Result<(), Error> {
        let (place, found) = match &error {
            Error::Record { path, source } => (path.display().to_string(), cause(source)),
            Error::BadRow { path, line, found, .. } => {
                (format!("{}: line {line}", path.display()), found.clone())
            }
            _ => return Err(error),
        };
        self.differs(place, None, "what was packed", found);
        Ok(())
    }

    fn finish(mut self) -> PackOrder {
        // Differences of the whole pack follow those with a position, the first position first.
        self.report.differences.sort_by_key(|found| found.position.unwrap_or(u64::MAX));
        self.report.in_order = self.report.difference_count == 0;
        self.report
    }
}

fn cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

/// Holds length and digest of the small files against the manifest.
fn check_small_files(
    files: &PackFiles,
    manifest: &Manifest,
    findings: &mut Findings,
) -> Result<bool, Error> {
    let mut whole = true;
    for part in [Part::Idx, Part::Lst, Part::Records] {
        let Some(stated) = manifest.files.of(part) else { continue };
        let path = files.path(part);
        if !path.is_file() {
            findings.differs(path.display().to_string(), None, "a file", "nothing");
            whole = false;
            continue;
        }
        whole &= compare_digest(&path, stated, &digest_file(&path)?, findings);
    }
    Ok(whole)
}

fn compare_digest(
    path: &Path,
    stated: &FileDigest,
    found: &FileDigest,
    findings: &mut Findings,
) -> bool {
    let text = |file: &FileDigest| format!("{} bytes with BLAKE3 {}", file.bytes, file.blake3);
    if stated != found {
        findings.differs(path.display().to_string(), None, text(stated), text(found));
    }
    stated == found
}

/// The source tree of a pack, listed and labelled as the pack says it was.
struct Source {
    plan: Plan,
    /// Positions of the list that are in the pack.
    packed: Vec<usize>,
    /// Positions of the list that were skipped.
    skipped: Vec<usize>,
    list: Option<PathBuf>,
}

impl Source {
    fn find(
        manifest: &Manifest,
        options: &Options,
        findings: &mut Findings,
    ) -> Result<Option<Self>, Error> {
        let (root, must) = match &options.source {
            SourceTree::At(root) => (root, true),
            SourceTree::Perhaps(root) => (root, false),
        };
        let Some(dataset) = datasets::find(&manifest.set) else {
            findings.not_checked(format!("the source tree: no data set {} is known", manifest.set));
            return Ok(None);
        };
        if !must && !root.is_dir() {
            findings.not_checked(format!(
                "the source tree: {} is not there; name it with --root",
                root.display()
            ));
            return Ok(None);
        }
        let list = match options.list.clone() {
            Some(list) => Some(list),
            None if dataset.takes_list => Self::input(manifest, root, 0),
            None => None,
        };
        let label = match Self::label(manifest, root, options) {
            Some(label) if !dataset.takes_list || list.is_some() => label,
            _ => {
                let missing = "the list or csv it was made from is not there";
                findings.not_checked(format!(
                    "the source tree: {missing}; name it with --list or --labels"
                ));
                return Ok(None);
            }
        };
        let aligned_dir = match &manifest.alignment {
            datasets::Alignment::Folder(name) => Some(name.as_str()),
            _ => None,
        };
        let request = Request { root, aligned_dir, list: list.as_deref() };
        match Plan::of(dataset, &request, Some(label)) {
            Ok(plan) => Ok(Some(Self::new(plan, manifest, list))),
            Err(error @ Error::DataSet(datasets::Error::Missing { .. })) if !must => {
                findings.not_checked(format!("the source tree: {}", cause(&error)));
                Ok(None)
            }
            Err(error @ (Error::DataSet(datasets::Error::Files(_)) | Error::Files(_))) => {
                Err(error)
            }
            Err(error) => Err(error),
        }
    }

    /// The list or csv the pack was made from, where it lies below the root.
    fn input(manifest: &Manifest, root: &Path, at: usize) -> Option<PathBuf> {
        let input = manifest.inputs.get(at)?;
        Some(root.join(&input.path)).filter(|path| path.is_file())
    }

    fn label(manifest: &Manifest, root: &Path, options: &Options) -> Option<LabelFunction> {
        if !manifest.label.starts_with("csv:") {
            return manifest.label.parse().ok();
        }
        let last = manifest.inputs.len().checked_sub(1)?;
        let csv = options.label_csv.clone().or_else(|| Self::input(manifest, root, last))?;
        Some(LabelFunction::Csv(csv))
    }

    fn new(plan: Plan, manifest: &Manifest, list: Option<PathBuf>) -> Self {
        let left_out: HashSet<&str> =
            manifest.skipped.iter().map(|skipped| skipped.path.as_str()).collect();
        let all = 0..plan.list.images.len();
        let (skipped, packed) = all.partition(|&at| left_out.contains(&*plan.list.images[at].path));
        Self { plan, packed, skipped, list }
    }

    /// Compares what concerns the whole list: its inputs, its length, the files that were skipped.
    fn compare_lists(
        &self,
        manifest: &Manifest,
        options: &Options,
        findings: &mut Findings,
    ) -> Result<(), Error> {
        let inputs = self.plan.inputs(self.list.as_deref())?;
        let digest_of = |all: &[super::NamedDigest]| -> Vec<String> {
            all.iter().map(|input| input.blake3.clone()).collect()
        };
        if digest_of(&inputs) != digest_of(&manifest.inputs) {
            let names: Vec<_> = manifest.inputs.iter().map(|input| input.path.clone()).collect();
            findings.differs(names.join(", "), None, "the file the pack was made from", "another");
        }
        let protocol = self.plan.protocol_files()?;
        for stated in &manifest.protocol_files {
            match protocol.iter().find(|own| own.path == stated.path) {
                Some(own) if own == stated => {}
                Some(own) => {
                    let digest = |blake3: &str| format!("BLAKE3 {blake3}");
                    let (then, now) = (digest(&stated.blake3), digest(&own.blake3));
                    findings.differs(stated.path.clone(), None, then, now);
                }
                None => findings.differs(stated.path.clone(), None, "a protocol file", "nothing"),
            }
        }
        if options.depth == Depth::Full {
            for &at in &self.skipped {
                if read_picture(&self.plan.source(at), manifest.encoding).is_ok() {
                    let path = self.plan.list.images[at].path.to_string();
                    findings.differs(path, None, "a file that cannot be packed", "a whole picture");
                }
            }
        }
        findings.check(format!(
            "every position against the source tree below {}",
            self.plan.list.base.display()
        ));
        Ok(())
    }

    /// Compares a row with the image that the source tree has at its position.
    fn compare(&self, row: &Row, manifest: &Manifest, depth: Depth) -> Vec<Difference> {
        let position = row.position;
        let at = |expected: String, found: String| Difference {
            place: row.path.clone(),
            position: Some(position),
            expected,
            found,
        };
        let Some(&listed) = self.packed.get(position as usize) else {
            return vec![at("no more images in the source tree".to_owned(), "a record".to_owned())];
        };
        let image = &self.plan.list.images[listed];
        if *image.path != *row.path {
            return vec![at(
                format!("{} as the source tree's next image", image.path),
                row.path.clone(),
            )];
        }
        let mut found = Vec::new();
        let (key, label) = self.plan.name(listed, position);
        if key != row.key {
            found.push(at(format!("key {key}"), format!("key {}", row.key)));
        }
        if !label.same_bits(&row.label) {
            found.push(at(format!("label {label}"), format!("label {}", row.label)));
        }
        if image.landmarks.as_deref() != row.landmarks.as_ref() {
            let text = |points: Option<&datasets::Landmarks>| format!("landmarks {points:?}");
            found.push(at(text(image.landmarks.as_deref()), text(row.landmarks.as_ref())));
        }
        if self.plan.list.missing.binary_search(&listed).is_ok() {
            found.push(at("the source file".to_owned(), "no such file".to_owned()));
        } else if depth == Depth::Full {
            match read_picture(&self.plan.source(listed), manifest.encoding) {
                Ok(picture) if picture.digest == row.digest => {}
                Ok(picture) => {
                    let source = format!("the source file, BLAKE3 {}", picture.digest);
                    found.push(at(source, format!("BLAKE3 {}", row.digest)));
                }
                Err(error) => found.push(at("the source file".to_owned(), cause(&error))),
            }
        }
        found
    }
}

/// Goes through all records once.
fn check_records(
    files: &PackFiles,
    manifest: &Manifest,
    source: Option<&Source>,
    options: &Options,
    findings: &mut Findings,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let rec = files.path(Part::Rec);
    let damaged = |source| Error::Record { path: rec.clone(), source };
    let pack = match IndexedReader::open(&rec, &files.path(Part::Idx)) {
        Err(crate::recordio::Error::Index(source)) => {
            let source = crate::recordio::Error::Index(source);
            return Err(Error::Record { path: files.path(Part::Idx), source });
        }
        opened => opened.map_err(damaged)?,
    };
    findings.report.index_memory_bytes = pack.index().memory_bytes();
    let mut pass = Pass {
        files,
        manifest,
        source,
        depth: options.depth,
        pack: &pack,
        lines: Lines::open(&files.path(Part::Lst))?,
        order: OrderDigest::default(),
        hasher: blake3::Hasher::new(),
        hashed: 0,
        position: 0,
    };
    let mut rows = RowReader::open(&files.path(Part::Records))?;
    progress.start(&manifest.set, manifest.count);
    loop {
        let mut chunk = Vec::with_capacity(ROWS_AT_A_TIME);
        while chunk.len() < ROWS_AT_A_TIME {
            match rows.next_row() {
                Some(row) => chunk.push(row?),
                None => break,
            }
        }
        if chunk.is_empty() {
            break;
        }
        pass.check(&chunk, findings)?;
        progress.advance(chunk.len() as u64);
    }
    progress.finish();
    pass.finish(findings);
    Ok(())
}

/// One pass over a pack.
struct Pass<'a> {
    files: &'a PackFiles,
    manifest: &'a Manifest,
    source: Option<&'a Source>,
    depth: Depth,
    pack: &'a IndexedReader,
    lines: Lines,
    order: OrderDigest,
    hasher: blake3::Hasher,
    /// Bytes of the `.rec` that went into `hasher`.
    hashed: u64,
    position: u64,
}

impl Pass<'_> {
    fn check(&mut self, rows: &[Row], findings: &mut Findings) -> Result<(), Error> {
        let first = self.position;
        let numbered = rows.par_iter().enumerate();
        let found: Vec<Difference> =
            numbered.flat_map_iter(|(i, row)| self.differences(first + i as u64, row)).collect();
        found.into_iter().for_each(|difference| findings.add(difference));
        for row in rows {
            self.order.add(row);
            let expected = row.list_line();
            let line = self.lines.next_line()?;
            if line != expected.as_bytes() {
                let place =
                    format!("{}: line {}", self.files.path(Part::Lst).display(), self.lines.number);
                let text = |bytes: &[u8]| format!("\"{}\"", bytes.escape_ascii());
                findings.differs(
                    place,
                    Some(self.position),
                    text(expected.as_bytes()),
                    text(&line),
                );
            }
            self.position += 1;
        }
        self.hash_to_position();
        Ok(())
    }

    /// What is wrong with the record at `position`.
    fn differences(&self, position: u64, row: &Row) -> Vec<Difference> {
        let place = || self.files.path(Part::Rec).display().to_string();
        let at = |place: String, expected: String, found: String| Difference {
            place,
            position: Some(position),
            expected,
            found,
        };
        let table =
            || format!("{}: line {}", self.files.path(Part::Records).display(), position + 2);
        let index =
            (self.pack.index().key(position as usize), self.pack.index().offset(position as usize));
        let stated = (Some(row.key), Some(row.offset));
        let mut found = Vec::new();
        if row.position != position {
            let (expected, own) =
                (format!("position {position}"), format!("position {}", row.position));
            found.push(at(table(), expected, own));
        }
        if index != stated {
            let text = |(key, offset): (Option<u64>, Option<u64>)| match (key, offset) {
                (Some(key), Some(offset)) => format!("key {key} at byte {offset}"),
                _ => "no such line".to_owned(),
            };
            let place = format!("{}: line {}", self.files.path(Part::Idx).display(), position + 1);
            found.push(at(place, text(stated), text(index)));
        }
        match self.record_differences(position, row) {
            Ok(more) => {
                found.extend(more.into_iter().map(|(expected, own)| at(place(), expected, own)))
            }
            Err(error) => found.push(at(place(), "a whole record".to_owned(), cause(&error))),
        }
        if let Some(source) = self.source {
            found.extend(source.compare(row, self.manifest, self.depth));
        }
        found
    }

    /// Pairs of expected and found of one record and its row.
    fn record_differences(
        &self,
        position: u64,
        row: &Row,
    ) -> Result<Vec<(String, String)>, crate::recordio::Error> {
        let record = self.pack.get(position as usize)?;
        let (header, payload) = record.image()?;
        let mut found = Vec::new();
        let mut hold = |what: &str, expected: String, own: String| {
            if expected != own {
                found.push((format!("{what} {expected}"), format!("{what} {own}")));
            }
        };
        let next = self.pack.index().offset(position as usize + 1);
        let end = next.unwrap_or_else(|| self.pack.reader().length());
        hold("the next record at byte", end.to_string(), record.end.to_string());
        hold("id", row.key.to_string(), header.id.to_string());
        hold("id2", "0".to_owned(), header.id2.to_string());
        hold("label", bits(&row.label), bits(&header.label));
        hold("a picture of bytes", row.length.to_string(), payload.len().to_string());
        if self.depth == Depth::Full {
            hold("BLAKE3", row.digest.to_string(), blake3::hash(payload).to_string());
            let size = |width: u32, height: u32| format!("{width}x{height}");
            match probe(payload) {
                Ok(own) => hold("size", size(row.width, row.height), size(own.width, own.height)),
                Err(error) => hold("a picture:", "whole".to_owned(), error.to_string()),
            }
        }
        Ok(found)
    }

    /// Hashes the `.rec` up to the record at the current position, and lets go of its pages.
    fn hash_to_position(&mut self) {
        let reader = self.pack.reader();
        let next = self.pack.index().offset(self.position as usize);
        let to = next.unwrap_or_else(|| reader.length()).clamp(self.hashed, reader.length());
        if self.depth == Depth::Full
            && let Some(bytes) = reader.bytes().get(self.hashed as usize..to as usize)
        {
            self.hasher.update_rayon(bytes);
        }
        reader.release(self.hashed, to);
        self.hashed = to;
    }

    /// Compares what is known only at the end.
    fn finish(mut self, findings: &mut Findings) {
        let path = |part| self.files.path(part).display().to_string();
        let counts = [
            (path(Part::Records), self.position),
            (path(Part::Idx), self.pack.index().len() as u64),
        ];
        for (place, count) in counts {
            if count != self.manifest.count {
                let position = Some(count.min(self.manifest.count));
                let expected = format!("{} records", self.manifest.count);
                findings.differs(place, position, expected, format!("{count} records"));
            }
        }
        if let Some(source) = self.source
            && source.packed.len() as u64 > self.position
        {
            let next = &source.plan.list.images[source.packed[self.position as usize]];
            let place = format!("{} in the source tree", next.path);
            findings.differs(place, Some(self.position), "a record of it", "no more records");
        }
        if let Ok(line) = self.lines.next_line()
            && !line.is_empty()
        {
            let place = format!("{}: line {}", path(Part::Lst), self.lines.number);
            findings.differs(place, Some(self.position), "the end of the file", "more lines");
        }
        let order = self.order.finish();
        if order != self.manifest.order {
            let stated = format!("the order {}", self.manifest.order);
            findings.differs(path(Part::Manifest), None, stated, format!("the order {order}"));
        }
        findings
            .check(format!("{} records: framing, headers, index, lists and order", self.position));
        if self.depth == Depth::Full {
            let rest = self.pack.reader().bytes().get(self.hashed as usize..).unwrap_or_default();
            self.hasher.update_rayon(rest);
            let blake3 = self.hasher.finalize().to_string();
            let own = FileDigest { bytes: self.pack.reader().length(), blake3 };
            compare_digest(&self.files.path(Part::Rec), &self.manifest.files.rec, &own, findings);
            findings.check("every picture's and the whole .rec's digest");
        } else {
            findings.not_checked("the bytes of the pictures and of the source files (--quick)");
        }
    }
}

/// A label with its bits, so that −0 and 0 differ.
fn bits(label: &Label) -> String {
    let bits: Vec<String> =
        label.values().iter().map(|value| format!("{:08x}", value.to_bits())).collect();
    format!("{label} (bits {})", bits.join(" "))
}

/// The lines of a `.lst`, each with its line feed.
struct Lines {
    file: BufReader<File>,
    path: PathBuf,
    number: u64,
}

impl Lines {
    fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(io_error("read", path))?;
        Ok(Self { file: BufReader::new(file), path: path.to_path_buf(), number: 0 })
    }

    /// The next line; empty at the end.
    fn next_line(&mut self) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        self.file.read_until(b'\n', &mut line).map_err(io_error("read", &self.path))?;
        self.number += 1;
        Ok(line)
    }
}

/// Holds a pack's order against another manifest's.
fn against(
    files: &PackFiles,
    manifest: &Manifest,
    other_path: &Path,
    findings: &mut Findings,
) -> Result<(), Error> {
    let other_files = PackFiles::of(other_path)?;
    let other = Manifest::open(&other_files)?;
    let name = other_files.path(Part::Manifest).display().to_string();
    let pairs = [
        ("set", other.set.clone(), manifest.set.clone()),
        ("count", other.count.to_string(), manifest.count.to_string()),
        ("label function", other.label.clone(), manifest.label.clone()),
        ("encoding", other.encoding.to_string(), manifest.encoding.to_string()),
    ];
    for (what, expected, found) in pairs {
        if expected != found {
            findings.differs(
                name.clone(),
                None,
                format!("{what} {expected}"),
                format!("{what} {found}"),
            );
        }
    }
    if other.order != manifest.order {
        let position = first_difference(files, &other_files)?;
        let (expected, found) = position.1;
        findings.differs(name.clone(), position.0, expected, found);
    }
    findings.check(format!("the order against {name}"));
    Ok(())
}

/// The first position at which two packs' rows differ, where both tables are there.
fn first_difference(
    files: &PackFiles,
    other: &PackFiles,
) -> Result<(Option<u64>, (String, String)), Error> {
    let unknown = (None, ("the same order".to_owned(), "another".to_owned()));
    if !other.path(Part::Records).is_file() {
        return Ok(unknown);
    }
    let mut own = RowReader::open(&files.path(Part::Records))?;
    let mut theirs = RowReader::open(&other.path(Part::Records))?;
    let text = |row: Option<&Row>| row.map_or("no more records".to_owned(), |row| row.order_line());
    for position in 0.. {
        let (a, b) = (own.next_row().transpose()?, theirs.next_row().transpose()?);
        if a.is_none() && b.is_none() {
            break;
        }
        let (a, b) = (text(a.as_ref()), text(b.as_ref()));
        if a != b {
            let clean = |line: String| line.trim_end().replace('\t', " ");
            return Ok((Some(position), (clean(b), clean(a))));
        }
    }
    Ok(unknown)
}
