//! What scoring a set gives, before it is put into a report.

use super::results::Curves;
use super::warning::{Warning, WarningKind};
use crate::metrics::{Metric, Roc};
use indexmap::IndexMap;

/// Numbers of one set.
#[derive(Debug, Default)]
pub(super) struct Scored {
    pub(super) counts: IndexMap<String, u64>,
    pub(super) metrics: IndexMap<Metric, f64>,
    pub(super) curves: Curves,
    pub(super) warnings: Vec<Warning>,
    /// The whole ROC, where there is one.
    pub(super) roc: Option<Roc>,
}

impl Scored {
    pub(super) fn count(&mut self, name: &str, count: usize) {
        self.counts.insert(name.to_owned(), count as u64);
    }

    pub(super) fn metric(&mut self, metric: Metric, value: f64) {
        self.metrics.insert(metric, value);
    }

    pub(super) fn warn(&mut self, kind: WarningKind, text: impl Into<String>) {
        self.warnings.push(Warning::new(kind, text));
    }
}
