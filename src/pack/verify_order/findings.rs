//! The report of a pack while it grows.

use super::{Difference, PackOrder, SHOWN};
use crate::pack::{Error, Manifest, PackFiles, Part};

/// The report while it grows.
pub(super) struct Findings {
    pub(super) report: PackOrder,
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
        Self { report }
    }

    pub(super) fn check(&mut self, what: impl Into<String>) {
        self.report.checks.push(what.into());
    }

    pub(super) fn not_checked(&mut self, what: impl Into<String>) {
        self.report.not_checked.push(what.into());
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
        if self.report.differences.len() < SHOWN {
            self.report.differences.push(difference);
        }
    }

    /// Turns damage of the pack into a difference; other errors stay errors.
    pub(super) fn add_error(&mut self, error: Error) -> Result<(), Error> {
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

    pub(super) fn finish(mut self) -> PackOrder {
        // Differences of the whole pack follow those with a position, the first position first.
        self.report.differences.sort_by_key(|found| found.position.unwrap_or(u64::MAX));
        self.report.in_order = self.report.difference_count == 0;
        self.report
    }
}

pub(super) fn cause(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}
