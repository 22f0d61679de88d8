//! What a number is of: a published set, packs of one's own, or several sets.

use super::sets::{EVAL_SETS, EvalSet};
use crate::metrics::{self, Better, Experiment, Family, METRICS, Metric, UnknownMetric, named};
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// What a result is of.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// A set by its protocol.
    Set(&'static EvalSet),
    /// Probes in a gallery, packs of one's own.
    OwnGallery,
    /// Pairs of a pack of one's own.
    OwnPairs,
}

impl Subject {
    /// All there are.
    pub fn all() -> impl Iterator<Item = Self> {
        EVAL_SETS.into_iter().map(Self::Set).chain([Self::OwnGallery, Self::OwnPairs])
    }

    /// Its name in results.
    pub fn name(self) -> &'static str {
        match self {
            Self::Set(set) => set.name,
            Self::OwnGallery => "identification",
            Self::OwnPairs => "verification",
        }
    }

    /// Its name for people, as the field writes it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Set(set) => set.title,
            Self::OwnGallery => "Identification, own packs",
            Self::OwnPairs => "Verification, own pairs",
        }
    }

    /// The experiment, which says what is measured.
    pub fn experiment(self) -> Experiment {
        match self {
            Self::Set(set) => set.kind.experiment(),
            Self::OwnGallery => Experiment::ClosedSet,
            Self::OwnPairs => Experiment::OwnPairs,
        }
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl PartialEq for Subject {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

impl Eq for Subject {}

impl Hash for Subject {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name().hash(state);
    }
}

/// A name that nothing evaluated has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}, found {found:?}", self.expected())]
pub struct UnknownSubject {
    /// The name.
    pub found: String,
}

impl UnknownSubject {
    /// What was expected.
    pub fn expected(&self) -> String {
        let names: Vec<&str> = Subject::all().map(Subject::name).collect();
        format!("expected a set ({})", names.join(", "))
    }
}

impl FromStr for Subject {
    type Err = UnknownSubject;

    fn from_str(name: &str) -> Result<Self, UnknownSubject> {
        let found = Self::all().find(|subject| subject.name() == name);
        found.ok_or_else(|| UnknownSubject { found: name.to_owned() })
    }
}

impl Serialize for Subject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

impl<'de> Deserialize<'de> for Subject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named(deserializer)
    }
}

impl JsonSchema for Subject {
    fn schema_name() -> Cow<'static, str> {
        "Subject".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let names: Vec<&str> = Self::all().map(Self::name).collect();
        json_schema!({ "type": "string", "enum": names })
    }
}

/// Which number it is: a metric of a subject, or an average over several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Measure {
    /// `tinyface.rank_1`.
    Of(Subject, Metric),
    /// `hq_avg`.
    Average(Metric),
}

impl Measure {
    /// A metric of a published set.
    pub const fn of_set(set: &'static EvalSet, metric: Metric) -> Self {
        Self::Of(Subject::Set(set), metric)
    }

    /// Whether of two of its values one is better.
    pub fn is_ranked(&self) -> bool {
        self.metric().family().better != Better::Neither
    }

    /// What names one, in words.
    pub fn expected() -> String {
        let sets: Vec<&str> = Subject::all().map(Subject::name).collect();
        let metrics = METRICS.map(Family::name_told);
        format!(
            "SET.METRIC, a set of {}, and a metric of it of which more or less is better, of {}",
            sets.join(", "),
            metrics.join(", ")
        )
    }

    /// The metric.
    pub fn metric(self) -> Metric {
        match self {
            Self::Of(_, metric) | Self::Average(metric) => metric,
        }
    }
}

impl fmt::Display for Measure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of(subject, metric) => f.pad(&format!("{subject}.{metric}")),
            Self::Average(metric) => metric.fmt(f),
        }
    }
}

/// Why a text names no measure.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum UnknownMeasure {
    /// No set has the first name.
    #[error(transparent)]
    Subject(#[from] UnknownSubject),
    /// No metric has the second name.
    #[error(transparent)]
    Metric(#[from] UnknownMetric),
    /// A set without this metric, or a metric of sets without a set.
    #[error("expected {}, found {found}", known.join(", "))]
    Apart {
        /// What the set has, or what there is without a set.
        known: Vec<String>,
        /// The metric.
        found: Metric,
    },
}

impl UnknownMeasure {
    /// What was expected.
    pub fn expected(&self) -> String {
        match self {
            Self::Subject(unknown) => unknown.expected(),
            Self::Metric(unknown) => unknown.expected(),
            Self::Apart { known, .. } => format!("expected {}", known.join(", ")),
        }
    }
}

impl FromStr for Measure {
    type Err = UnknownMeasure;

    fn from_str(text: &str) -> Result<Self, UnknownMeasure> {
        let (subject, metric) = match text.split_once('.') {
            Some((subject, metric)) => (Some(subject.parse::<Subject>()?), metric.parse()?),
            None => (None, text.parse::<Metric>()?),
        };
        let experiment = subject.map_or(Experiment::Average, Subject::experiment);
        if !metric.family().is_of(experiment) {
            let whole = |own: Metric| match subject {
                Some(subject) => Self::Of(subject, own).to_string(),
                None => own.to_string(),
            };
            let known = metrics::of(experiment).map(whole).collect();
            return Err(UnknownMeasure::Apart { known, found: metric });
        }
        Ok(subject.map_or(Self::Average(metric), |subject| Self::Of(subject, metric)))
    }
}

impl Serialize for Measure {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Measure {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named(deserializer)
    }
}

impl JsonSchema for Measure {
    fn schema_name() -> Cow<'static, str> {
        "Measure".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string" })
    }
}

#[cfg(test)]
mod tests {
    use super::super::sets::{SCFACE, TINYFACE};
    use super::*;
    use crate::metrics::table::{DISTANCE, HQ_AVERAGE, RANK};
    use std::collections::HashSet;

    #[test]
    fn a_subject_has_one_name_that_is_read_back() {
        let names: HashSet<&str> = Subject::all().map(Subject::name).collect();
        assert_eq!(names.len(), Subject::all().count());
        for subject in Subject::all() {
            assert_eq!(subject.name().parse(), Ok(subject));
        }
        let told = "ms1m".parse::<Subject>().unwrap_err().to_string();
        assert!(told.starts_with("expected a set (tinyface, scface, "), "{told}");
        assert!(told.ends_with(", verification), found \"ms1m\""), "{told}");
    }

    #[test]
    fn a_measure_is_a_metric_of_its_set_or_an_average() {
        let rank = Measure::of_set(&TINYFACE, RANK.at(1));
        let average = Measure::Average(HQ_AVERAGE.metric());
        for (text, measure) in [("tinyface.rank_1", rank), ("hq_avg", average)] {
            assert_eq!((text.parse(), measure.to_string().as_str()), (Ok(measure), text));
        }
        assert_eq!("scface.d3".parse(), Ok(Measure::of_set(&SCFACE, DISTANCE.at(3))));
        for (text, expected) in [
            ("scface.rank_1", "expected scface.d1, scface.d2, scface.d3, scface.ties"),
            ("rank_1", "expected hq_avg, all_avg"),
            ("tinyface.auc", "expected a metric (rank_K, "),
            ("tiny.rank_1", "expected a set (tinyface, "),
            ("tinyface.", "expected a metric ("),
            ("", "expected a metric ("),
        ] {
            let told = text.parse::<Measure>().unwrap_err();
            assert!(told.expected().starts_with(expected), "{text}: {told}");
        }
    }
}
