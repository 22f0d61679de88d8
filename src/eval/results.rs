//! What an evaluation says: numbers, the protocol that made them, and curves to draw. The form of
//! `eval --format json`, which `report` reads.

use super::settings::Settings;
use super::subject::{Measure, Subject};
use super::warning::{Warning, WarningKind};
use crate::metrics::Metric;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The form of the document.
pub const FORMAT: &str = "qgface-data results 1";

/// The numbers of one model, or of features made elsewhere, on one or more sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct EvalReport {
    /// Always `qgface-data results 1`.
    pub format: String,
    /// Program and version.
    pub tool: String,
    /// What made the features; none where they came from files.
    pub model: Option<ModelReport>,
    /// One entry a set, in the order that was asked for.
    pub results: Vec<SetResult>,
    /// The averages by name, as fractions, where every set they are of is among the results.
    pub averages: IndexMap<Metric, f64>,
    /// Files of features and norms that were written.
    #[serde(default)]
    pub saved: Vec<String>,
}

impl EvalReport {
    /// A number, where it was measured.
    pub fn value(&self, measure: Measure) -> Option<f64> {
        match measure {
            Measure::Average(metric) => self.averages.get(&metric).copied(),
            Measure::Of(subject, metric) => {
                let result = self.results.iter().find(|result| result.set == subject)?;
                result.metrics.get(&metric).copied()
            }
        }
    }
}

/// What made the features.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ModelReport {
    /// The file.
    pub path: String,
    /// BLAKE3 of the file and of what it keeps its weights in.
    pub blake3: String,
    /// Numbers in a feature.
    pub width: u64,
    /// Whether the features come as unit vectors with their norms, or un-normalised.
    pub output: OutputForm,
    /// What ran it: `onnxruntime 1.32.0`, also where the features come from the cache.
    pub runtime: Option<String>,
    /// `cpu` or `cuda:N`.
    pub device: String,
}

/// What a model returns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum OutputForm {
    /// Unit vectors and their norms, two outputs.
    UnitAndNorm,
    /// One output, divided by its norm here.
    Raw,
    /// One output of unit vectors; nobody knows their norms, which count as 1.
    Unit,
}

/// The numbers of one set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SetResult {
    /// The set: `tinyface`, `ijbb`, `lfw`, …; `identification` and `verification` of one's own packs.
    pub set: Subject,
    /// The preset: `adaface`, `qgface`, `insightface` or `cvlface`.
    pub protocol: String,
    /// The switches that differ from the preset, with their values: `norm no`.
    #[serde(default)]
    pub switched: Vec<String>,
    /// Every switch.
    pub settings: Settings,
    /// Images that were scored.
    pub images: u64,
    /// Where the features are from.
    pub features: FeatureSource,
    /// What was counted before scoring: faces, templates, pairs, probes, ids without an image.
    pub counts: IndexMap<String, u64>,
    /// The numbers by name; rates are fractions.
    pub metrics: IndexMap<Metric, f64>,
    /// What can be drawn.
    pub curves: Curves,
    /// What differs from the published set or its protocol.
    pub warnings: Vec<Warning>,
}

impl SetResult {
    /// The preset and what differs from it: `adaface, norm no`.
    pub fn protocol_told(&self) -> String {
        let switched = self.switched.iter().map(String::as_str);
        let all: Vec<&str> = std::iter::once(self.protocol.as_str()).chain(switched).collect();
        all.join(", ")
    }

    /// The warning that the set has another count than the published one, if it has.
    pub fn other_count(&self) -> Option<&str> {
        let mut warnings = self.warnings.iter();
        let found = warnings.find(|warning| warning.kind == WarningKind::OtherCount);
        found.map(|warning| warning.text.as_str())
    }
}

/// Where the features of a set are from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FeatureSource {
    /// The packs, list or file the images or features were read from.
    pub files: Vec<String>,
    /// The digest of the order of each pack, as its manifest says it.
    pub orders: Vec<String>,
    /// What was done to the faces, in words.
    pub alignment: Option<String>,
    /// Whether the features were in the cache.
    pub cached: bool,
    /// What the model had been made into before it was run: `pixels`; absent where it ran as it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rewriting: Option<String>,
}

/// What can be drawn of a set.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Curves {
    /// True against false accept rates, thinned.
    pub roc: Vec<RocCurve>,
    /// Share of the probes whose mate is among the first k.
    pub cmc: Vec<CmcCurve>,
    /// Scores of pairs of one person and of two.
    pub scores: Option<ScoreHistograms>,
    /// Norms of the features.
    pub norms: Option<Histogram>,
}

/// A receiver operating characteristic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RocCurve {
    /// What it is of; empty where there is one.
    pub name: String,
    /// False accept rate and true accept rate, rising.
    pub points: Vec<[f64; 2]>,
}

/// A cumulative match characteristic.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CmcCurve {
    /// What it is of: `d1`, `S1`, …; empty where there is one.
    pub name: String,
    /// The rate at rank 1, 2, 3, …
    pub rates: Vec<f64>,
}

/// Scores of genuine and of impostor comparisons, in equal bins.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScoreHistograms {
    /// What a score is: `cosine`, `inner product` or `squared distance`.
    pub score: String,
    /// What is counted: all pairs, or of each probe its best mate and its best non-mate.
    pub of: String,
    /// Of one person.
    pub genuine: Histogram,
    /// Of two.
    pub impostor: Histogram,
}

/// Counts in equal bins between `low` and `high`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Histogram {
    /// Where the first bin begins.
    pub low: f64,
    /// Where the last bin ends.
    pub high: f64,
    /// How many fell into each bin.
    pub counts: Vec<u64>,
}

#[cfg(test)]
pub(crate) mod examples {
    //! Results that tests of this module and of those above it are made of.

    use super::*;
    use crate::eval::settings::Fusion;
    use crate::image::ChannelOrder;

    pub(crate) fn result(set: Subject, metrics: &[(Metric, f64)]) -> SetResult {
        SetResult {
            set,
            protocol: "adaface".to_owned(),
            switched: Vec::new(),
            settings: Settings {
                fusion: Some(Fusion::PreNormVectorAdd),
                flip: Some(true),
                norm: true,
                detector_score: false,
                flipud: true,
                channel_order: Some(ChannelOrder::Bgr),
                mean: Some([127.5; 3]),
                std: Some([127.5; 3]),
            },
            images: 800,
            features: FeatureSource {
                files: vec![format!("packs/{set}.rec")],
                orders: vec!["0f".repeat(32)],
                alignment: Some("aligned".to_owned()),
                cached: false,
                rewriting: None,
            },
            counts: [("probes".to_owned(), 3728)].into_iter().collect(),
            metrics: metrics.iter().copied().collect(),
            curves: Curves::default(),
            warnings: Vec::new(),
        }
    }
}
