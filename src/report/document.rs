//! The report as data: measured rows, and tables of them and published ones.

use super::published::FineTuned;
use crate::eval::results::{ModelReport, SetResult};
use crate::eval::{Measure, Subject};
use crate::metrics::Metric;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};

/// The form of the document.
pub const FORMAT: &str = "qgface-data report 1";

/// Measured numbers beside published ones.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ReportDocument {
    /// Always `qgface-data report 1`.
    pub format: String,
    /// Program and version that wrote the report.
    pub tool: String,
    /// What was measured, one row a model and protocol, in the order of the files.
    pub measured: Vec<MeasuredRow>,
    /// Measured rows beside published ones; only tables in which something was measured.
    pub tables: Vec<Table>,
    /// What was found when the files were merged.
    pub notes: Vec<String>,
}

/// All numbers of one model under one protocol.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct MeasuredRow {
    /// Its name in tables and legends; no other row has it.
    pub label: String,
    /// The preset, or `custom`.
    pub protocol: String,
    /// The files the numbers are from.
    pub sources: Vec<ResultFile>,
    /// One entry a set.
    pub results: Vec<RowResult>,
    /// The averages by name, as fractions, where every number they are of is there.
    pub averages: IndexMap<Metric, f64>,
}

/// A result document.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ResultFile {
    /// The file.
    pub file: String,
    /// Program and version that wrote it.
    pub tool: String,
    /// What made the features; none where they came from files.
    pub model: Option<ModelReport>,
}

/// The numbers of a set and the file they are from.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct RowResult {
    /// The file.
    pub file: String,
    /// What it says of the set.
    pub result: SetResult,
}

/// Rows that are compared.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Table {
    /// A short name.
    pub name: String,
    /// What stands above it.
    pub title: String,
    /// What the values are of.
    pub columns: Vec<Column>,
    /// Measured rows, then published ones.
    pub rows: Vec<TableRow>,
    /// What must be known to compare the rows.
    pub notes: Vec<String>,
}

/// What the values below it are of.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "WrittenColumn<'_>")]
pub struct Column {
    /// The metric and its set.
    pub measure: Measure,
    /// What stands above it.
    pub title: String,
}

/// A column as documents have it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "Column")]
struct WrittenColumn<'a> {
    /// The set, or `averages`.
    set: &'a str,
    /// The metric of the set.
    metric: Metric,
    /// What stands above it.
    title: &'a str,
}

impl Column {
    /// The set, or `averages`.
    pub fn set_name(&self) -> &'static str {
        match self.measure {
            Measure::Of(subject, _) => subject.name(),
            Measure::Average(_) => "averages",
        }
    }
}

impl Serialize for Column {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { measure, title } = self;
        WrittenColumn { set: self.set_name(), metric: measure.metric(), title }
            .serialize(serializer)
    }
}

/// One method.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct TableRow {
    /// The measured row's label, or the published method.
    pub name: String,
    /// Who says so.
    pub kind: RowKind,
    /// The paper and its table, or the files.
    pub source: String,
    /// The preset that made the numbers; none where it is not recorded.
    pub protocol: Option<String>,
    /// Whether the network was fine-tuned on the set.
    pub fine_tuned: FineTuned,
    /// Whether the source marks the method with a star, whose meaning is not recorded.
    pub starred: bool,
    /// One a column, rates in per cent; none where there is no number.
    pub values: Vec<Option<f64>>,
}

/// Who says a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RowKind {
    /// This program, in a result document.
    Measured,
    /// A paper or a model zoo.
    Published,
}

impl RowKind {
    /// `measured` or `published`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Published => "published",
        }
    }
}

impl MeasuredRow {
    /// The value of a measure as it was measured.
    pub(super) fn value(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Of(subject, metric) => self.result(subject)?.metrics.get(&metric).copied(),
            Measure::Average(metric) => self.averages.get(&metric).copied(),
        }
    }

    pub(super) fn result(&self, set: Subject) -> Option<&SetResult> {
        self.results.iter().map(|entry| &entry.result).find(|result| result.set == set)
    }
}

#[cfg(test)]
pub(super) mod examples {
    //! Results that tests of this module are made of.

    use super::super::input::Evaluation;
    use crate::eval::results::{EvalReport, FORMAT, ModelReport, OutputForm, SetResult};

    pub(crate) fn evaluation(file: &str, results: Vec<SetResult>) -> Evaluation {
        let model = ModelReport {
            path: "models/net.onnx".to_owned(),
            blake3: "ab".repeat(32),
            width: 512,
            output: OutputForm::UnitAndNorm,
            runtime: Some("onnxruntime 1.32.0".to_owned()),
            device: "cpu".to_owned(),
        };
        let report = EvalReport {
            format: FORMAT.to_owned(),
            tool: "qgface-data 0.1.0".to_owned(),
            model: Some(model),
            results,
            averages: Default::default(),
            saved: Vec::new(),
        };
        Evaluation { file: file.to_owned(), report }
    }
}
