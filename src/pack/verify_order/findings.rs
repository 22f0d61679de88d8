//! The report of a pack while it grows.

use super::not_checked::NotChecked;
use super::report::{Difference, PackOrder, SHOWN};
use crate::causes::chain;
use crate::pack::digest::FileDigest;
use crate::pack::{Error, Manifest, PackFiles, Part};
use std::path::Path;

/// The report while it grows.
pub(super) struct Findings {
    pub(super) report: PackOrder,
    /// Differences that concern no single position; those that do are in the report.
    whole: Vec<Difference>,
}

impl Findings {
    pub(super) fn new(files: &PackFiles, manifest: &Manifest) -> Self {
        let report = PackOrder {
            pack: files.path(Part::Rec).display().to_string(),
            set: manifest.set.clone(),
            count: manifest.count,
            order: manifest.order.clone(),
            ..PackOrder::default()
        };
        Self { report, whole: Vec::new() }
    }

    pub(super) fn check(&mut self, what: impl Into<String>) {
        self.report.checks.push(what.into());
    }

    pub(super) fn not_checked(&mut self, what: NotChecked) {
        self.report.not_checked.push(what);
    }

    pub(super) fn differs(
        &mut self,
        place: impl Into<String>,
        position: Option<u64>,
        expected: impl Into<String>,
        found: impl Into<String>,
    ) {
        let (place, expected, found) = (place.into(), expected.into(), found.into());
        self.add(Difference { place, position, expected, found });
    }

    pub(super) fn add(&mut self, difference: Difference) {
        self.report.difference_count += 1;
        let kept = match difference.position {
            Some(_) => &mut self.report.differences,
            None => &mut self.whole,
        };
        if kept.len() < SHOWN {
            kept.push(difference);
        }
    }

    /// Holds length and digest of a file against those that the manifest states; whether they agree.
    pub(super) fn compare_digest(
        &mut self,
        path: &Path,
        stated: &FileDigest,
        found: &FileDigest,
    ) -> bool {
        let text = |file: &FileDigest| format!("{} bytes with BLAKE3 {}", file.bytes, file.blake3);
        if stated != found {
            self.differs(path.display().to_string(), None, text(stated), text(found));
        }
        stated == found
    }

    /// Turns damage of the pack into a difference; other errors stay errors.
    pub(super) fn add_error(&mut self, error: Error, position: Option<u64>) -> Result<(), Error> {
        let (place, found) = match &error {
            Error::Record { path, source } => (path.display().to_string(), chain(source)),
            Error::BadRow { path, line, found, .. } => {
                (format!("{}: line {line}", path.display()), found.clone())
            }
            _ => return Err(error),
        };
        self.differs(place, position, "what was packed", found);
        self.not_checked(NotChecked::Records);
        Ok(())
    }

    /// The report, differences with a position first, the first position first.
    pub(super) fn finish(mut self) -> PackOrder {
        self.report.differences.sort_by_key(|found| found.position);
        self.report.differences.append(&mut self.whole);
        self.report.differences.truncate(SHOWN);
        self.report.in_order = self.report.difference_count == 0;
        self.report
    }
}
