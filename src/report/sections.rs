//! What the report says of the models and of each set, as grids.

use super::document::{MeasuredRow, ReportDocument, ResultFile};
use super::grid::{Grid, Side, of_facts};
use super::names::{output, switches};
use crate::eval::results::SetResult;
use crate::eval::{Subject, Warning};
use crate::metrics::{Experiment, of};
use indexmap::{IndexMap, IndexSet};
use std::fmt::Display;
use std::hash::Hash;

/// The results of one set.
pub(super) struct SetSection<'a> {
    pub(super) set: Subject,
    /// Labels of the rows that have it, and what they have.
    pub(super) results: Vec<(&'a str, &'a SetResult)>,
}

/// One section a set, in the order in which the rows have them.
pub(super) fn sets(document: &ReportDocument) -> Vec<SetSection<'_>> {
    let mut sections: Vec<SetSection<'_>> = Vec::new();
    for row in &document.measured {
        for result in row.results.iter().map(|entry| &entry.result) {
            let found = (row.label.as_str(), result);
            match sections.iter_mut().find(|section| section.set == result.set) {
                Some(section) => section.results.push(found),
                None => sections.push(SetSection { set: result.set, results: vec![found] }),
            }
        }
    }
    sections
}

type Fact = (String, Vec<Option<String>>);

/// What was measured: model, digest, runtime, device, files.
pub(super) fn models(document: &ReportDocument) -> Grid {
    let rows = &document.measured;
    let labels: Vec<String> = rows.iter().map(|row| row.label.clone()).collect();
    let fact = |name: &str, value: fn(&ResultFile) -> Option<String>| -> Fact {
        let values = |row: &MeasuredRow| distinct(row.sources.iter().filter_map(value));
        (name.to_owned(), rows.iter().map(values).collect())
    };
    let mut facts = vec![
        ("protocol".to_owned(), rows.iter().map(|row| Some(row.protocol.clone())).collect()),
        fact("model", |source| Some(source.model.as_ref()?.path.clone())),
        fact("BLAKE3", |source| Some(source.model.as_ref()?.blake3.clone())),
        fact("output", |source| {
            let model = source.model.as_ref()?;
            Some(format!("{}, {} numbers", output(model.output), model.width))
        }),
        fact("runtime", |source| source.model.as_ref()?.runtime.clone()),
        fact("device", |source| Some(source.model.as_ref()?.device.clone())),
        fact("results", |source| Some(source.file.clone())),
        fact("written by", |source| Some(source.tool.clone())),
    ];
    for average in of(Experiment::Average) {
        let value =
            |row: &MeasuredRow| row.averages.get(&average).map(|value| average.cell(*value));
        let title = format!("{} (%)", average.title());
        facts.push((title, rows.iter().map(value).collect()));
    }
    of_facts("Measured", &labels, Side::Left, facts)
}

/// Different texts in the order in which they come; none of none.
fn distinct(texts: impl Iterator<Item = String>) -> Option<String> {
    let mut found: Vec<String> = Vec::new();
    for text in texts {
        if !found.contains(&text) {
            found.push(text);
        }
    }
    (!found.is_empty()).then(|| found.join(", "))
}

impl SetSection<'_> {
    /// The set as the field writes it.
    pub(super) fn title(&self) -> &'static str {
        self.set.title()
    }

    /// The numbers, the switches, the counts.
    pub(super) fn grids(&self) -> [Grid; 3] {
        [self.metrics(), self.settings(), self.counts()]
    }

    /// What was said of each row.
    pub(super) fn warnings(&self) -> Vec<String> {
        let several = self.results.len() > 1;
        let told = |label: &str, warning: &Warning| match several {
            true => format!("{label}: {warning}"),
            false => warning.text.clone(),
        };
        let warnings = self.results.iter().flat_map(|(label, result)| {
            result.warnings.iter().map(move |warning| told(label, warning))
        });
        warnings.collect()
    }

    fn labels(&self) -> Vec<String> {
        self.results.iter().map(|(label, _)| (*label).to_owned()).collect()
    }

    /// The values of every key that a row has.
    fn facts<'b, K: Hash + Eq + Display + 'b, V: 'b>(
        &'b self,
        of: impl Fn(&'b SetResult) -> &'b IndexMap<K, V>,
        text: impl Fn(&K, &V) -> String,
    ) -> Vec<Fact> {
        let keys: IndexSet<&K> =
            self.results.iter().flat_map(|(_, result)| of(result).keys()).collect();
        let values = |key: &K| {
            let value = |result: &'b SetResult| Some(text(key, of(result).get(key)?));
            self.results.iter().map(|(_, result)| value(result)).collect()
        };
        keys.into_iter().map(|key| (key.to_string(), values(key))).collect()
    }

    fn metrics(&self) -> Grid {
        let facts = self.facts(|result| &result.metrics, |metric, value| metric.cell(*value));
        of_facts("Metric", &self.labels(), Side::Right, facts)
    }

    fn counts(&self) -> Grid {
        let images = self.results.iter().map(|(_, result)| Some(result.images.to_string()));
        let mut facts = vec![("images".to_owned(), images.collect())];
        facts.extend(self.facts(|result| &result.counts, |_, count| count.to_string()));
        of_facts("Count", &self.labels(), Side::Right, facts)
    }

    fn settings(&self) -> Grid {
        let each = |name: &str, value: fn(&SetResult) -> Option<String>| -> Fact {
            (name.to_owned(), self.results.iter().map(|(_, result)| value(result)).collect())
        };
        let joined = |texts: &[String]| (!texts.is_empty()).then(|| texts.join(", "));
        let mut facts = vec![each("protocol", |result| Some(result.protocol_told()))];
        let all: Vec<_> =
            self.results.iter().map(|(_, result)| switches(&result.settings)).collect();
        for i in 0..all.first().map_or(0, |first| first.len()) {
            let name = all[0][i].0.to_owned();
            facts.push((name, all.iter().map(|switches| Some(switches[i].1.clone())).collect()));
        }
        let of_features = |texts: fn(&SetResult) -> &[String]| -> Vec<Option<String>> {
            self.results.iter().map(|(_, result)| joined(texts(result))).collect()
        };
        facts.push(("features of".to_owned(), of_features(|result| &result.features.files)));
        facts.push(("order".to_owned(), of_features(|result| &result.features.orders)));
        facts.push(each("alignment", |result| result.features.alignment.clone()));
        facts.push(each("from the cache", |result| {
            Some(if result.features.cached { "yes" } else { "no" }.to_owned())
        }));
        of_facts("Setting", &self.labels(), Side::Left, facts)
    }
}
