//! Is record i the i-th image of the list, byte for byte?
//!
//! One pass over the pack holds the `.rec`, `.idx`, `.lst` and `.records.csv` against each other and
//! against the manifest; where the source tree is there, every position is held against it too, so that
//! a pack whose manifest was rewritten to match is still found out. Memory: the index, the list of the
//! source tree, and 4,096 rows.

mod adopted;
mod against;
mod findings;
mod listed_tree;
mod pass;
mod places;

use super::manifest::{FileDigest, Manifest, digest_file};
use super::records::RowReader;
use super::{Error, PackFiles, Part, chain};
use crate::progress::Progress;
use crate::recordio::{self, IndexError, Reader};
use against::against;
use findings::Findings;
use listed_tree::ListedTree;
use pass::check_records;
use schemars::JsonSchema;
use serde::Serialize;
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
    /// The pack is verified alone.
    Aside,
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
    /// The csv of landmarks, when it does not lie in the source tree.
    pub landmarks: Option<PathBuf>,
    /// Another pack's manifest that must describe the same order.
    pub against: Option<PathBuf>,
    /// How thoroughly.
    pub depth: Depth,
}

impl Options {
    /// Every byte, against a tree alone.
    pub fn new(source: SourceTree) -> Self {
        let depth = Depth::Full;
        Self { source, list: None, label_csv: None, landmarks: None, against: None, depth }
    }
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
    /// Differences found, the first in the pack first; at most 20 are kept.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub difference_count: u64,
    /// Why the pack could not be verified, when it could not.
    pub error: Option<String>,
}

impl PackOrder {
    /// The entry of a pack that could not be verified.
    pub fn failed(files: &PackFiles, error: &Error) -> Self {
        let pack = files.path(Part::Rec).display().to_string();
        Self { pack, error: Some(chain(error)), ..Self::default() }
    }
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
    let source = ListedTree::find(files, &manifest, options, &mut findings)?;
    if let Some(source) = &source {
        source.compare_lists(&manifest, options, &mut findings)?;
    }
    if check_small_files(files, &manifest, &mut findings)? && manifest.count > 0 {
        let checked =
            check_records(files, &manifest, source.as_ref(), options, &mut findings, progress);
        if let Err(error) = checked {
            let position = first_bad_position(files, &error)?;
            findings.add_error(error, position)?;
        }
    }
    if let Some(other) = &options.against {
        against(files, &manifest, other, &mut findings)?;
    }
    Ok(findings.finish())
}

/// Holds length and digest of the small files against the manifest; false when a file is not there.
fn check_small_files(
    files: &PackFiles,
    manifest: &Manifest,
    findings: &mut Findings,
) -> Result<bool, Error> {
    let mut all_there = true;
    let mut all_same = true;
    for part in Part::ALL.into_iter().chain(Part::EXTRA) {
        let Some(stated) = manifest.files.of(part) else { continue };
        let path = files.path(part);
        if !path.is_file() {
            findings.differs(path.display().to_string(), None, "a file", "nothing");
            all_there = false;
        } else if part != Part::Rec {
            all_same &= compare_digest(&path, stated, &digest_file(&path)?, findings);
        }
    }
    if all_there && all_same {
        let extra = Part::EXTRA.into_iter().filter(|part| manifest.files.of(*part).is_some());
        let extra: String = extra.map(|part| format!(", {}", part.ending())).collect();
        findings.check(format!("the digests of the .idx, .lst{extra} and .records.csv"));
    }
    Ok(all_there)
}

/// The position that damage of the index or of the records begins at, where it can be told.
fn first_bad_position(files: &PackFiles, error: &Error) -> Result<Option<u64>, Error> {
    match error {
        Error::Record {
            source: recordio::Error::Index(IndexError::BadLine { line, .. }), ..
        }
        | Error::Record {
            source: recordio::Error::Index(IndexError::DuplicateKey { line, .. }),
            ..
        } => Ok(line.checked_sub(1)),
        Error::BadRow { line, .. } => Ok(line.checked_sub(2)),
        Error::Record { source: recordio::Error::OffsetOutside { position, .. }, .. } => {
            Ok(Some(*position))
        }
        _ => first_bad_record(files),
    }
}

/// The first row of `.records.csv` whose record cannot be read.
fn first_bad_record(files: &PackFiles) -> Result<Option<u64>, Error> {
    let Ok(reader) = Reader::open(&files.path(Part::Rec)) else { return Ok(Some(0)) };
    let mut rows = RowReader::open(&files.path(Part::Records))?;
    while let Some(Ok(row)) = rows.next_row() {
        if reader.record_at(row.offset).is_err() {
            return Ok(Some(row.position));
        }
    }
    Ok(None)
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
