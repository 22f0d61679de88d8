//! Is record i the i-th image of the list, byte for byte?
//!
//! One pass over the pack holds the `.rec`, `.idx`, `.lst` and `.records.csv` against each other and
//! against the manifest; where the source tree is there, every position is held against it too, so that
//! a pack whose manifest was rewritten to match is still found out. Memory: the index, the list of the
//! source tree, and 4,096 rows.

mod adopted;
mod against;
mod beside;
mod error;
mod findings;
mod lines;
mod listed_tree;
mod not_checked;
mod options;
mod pass;
mod places;
mod recipe_told;
mod report;

pub use error::Error;
pub use not_checked::NotChecked;
pub use options::{Depth, Options, SourceTree};
pub use report::{Difference, OrderReport, PackOrder, SHOWN};

use super::digest::digest_file;
use super::manifest::Manifest;
use super::records::RowReader;
use super::write::recover;
use super::{Error as PackError, PackFiles, Part};
use crate::progress::Progress;
use crate::recordio::{self, IndexError, Reader};
use against::against;
use findings::Findings;
use listed_tree::ListedTree;
use pass::check_records;

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
    recover(files)?;
    let manifest = Manifest::open(files)?;
    let mut findings = Findings::new(files, &manifest);
    let tree = ListedTree::find(files, &manifest, options, &mut findings)?;
    if let Some(tree) = &tree {
        tree.compare_lists(&manifest, options, &mut findings)?;
    }
    if check_small_files(files, &manifest, &mut findings)? && manifest.count > 0 {
        let checked =
            check_records(files, &manifest, tree.as_ref(), options, &mut findings, progress);
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
) -> Result<bool, PackError> {
    let mut all_there = true;
    let mut all_same = true;
    for part in Part::ALL.into_iter().chain(Part::EXTRA) {
        let Some(stated) = manifest.files.of(part) else { continue };
        let path = files.path(part);
        if !path.is_file() {
            findings.differs(path.display().to_string(), None, "a file", "nothing");
            all_there = false;
        } else if part != Part::Rec {
            all_same &= findings.compare_digest(&path, stated, &digest_file(&path)?);
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
fn first_bad_position(files: &PackFiles, error: &PackError) -> Result<Option<u64>, PackError> {
    match error {
        PackError::Record {
            source: recordio::Error::Index(IndexError::BadLine { line, .. }),
            ..
        }
        | PackError::Record {
            source: recordio::Error::Index(IndexError::DuplicateKey { line, .. }),
            ..
        } => Ok(line.checked_sub(1)),
        PackError::BadRow { line, .. } => Ok(line.checked_sub(2)),
        PackError::Record { source: recordio::Error::OffsetOutside { position, .. }, .. } => {
            Ok(Some(*position))
        }
        _ => first_bad_record(files),
    }
}

/// The first row of `.records.csv` whose record cannot be read.
fn first_bad_record(files: &PackFiles) -> Result<Option<u64>, PackError> {
    let Ok(reader) = Reader::open(&files.path(Part::Rec)) else { return Ok(Some(0)) };
    let mut rows = RowReader::open(&files.path(Part::Records))?;
    while let Some(Ok(row)) = rows.next_row() {
        if reader.record_at(row.offset).is_err() {
            return Ok(Some(row.position));
        }
    }
    Ok(None)
}
