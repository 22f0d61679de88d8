//! What scoring a set gives, before it is put into a report.

use super::results::Curves;
use crate::metrics::Roc;
use indexmap::IndexMap;

/// Numbers of one set.
#[derive(Debug, Default)]
pub(super) struct Scored {
    pub(super) counts: IndexMap<String, u64>,
    pub(super) metrics: IndexMap<String, f64>,
    pub(super) curves: Curves,
    pub(super) warnings: Vec<String>,
    /// The whole ROC, where there is one.
    pub(super) roc: Option<Roc>,
}

impl Scored {
    pub(super) fn count(&mut self, name: &str, count: usize) {
        self.counts.insert(name.to_owned(), count as u64);
    }

    pub(super) fn metric(&mut self, name: &str, value: f64) {
        self.metrics.insert(name.to_owned(), value);
    }
}
