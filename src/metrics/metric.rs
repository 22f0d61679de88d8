//! A metric by its one name: what results, settings and reports write, and what they are read into.

use super::family::{Experiment, Family, Members, Unit};
use super::rate::Rate;
use super::table::METRICS;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

/// A metric of the table: a family and, where it has several members, which of them.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    family: &'static Family,
    member: Member,
}

/// What tells a metric from others of its family.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Member {
    Only,
    Number(u32),
    Rate(Rate),
}

impl Family {
    /// The metric of a family of one.
    ///
    /// # Panics
    /// If the family has several.
    #[track_caller]
    pub const fn metric(&'static self) -> Metric {
        assert!(
            matches!(self.members, Members::One),
            "a family of several metrics has no only one"
        );
        Metric { family: self, member: Member::Only }
    }

    /// The metric of a number: a rank, a distance, an edge in pixels.
    ///
    /// # Panics
    /// If the family's members differ by something else.
    #[track_caller]
    pub const fn at(&'static self, number: u32) -> Metric {
        assert!(matches!(self.members, Members::Numbers(_)), "no family of numbers");
        Metric { family: self, member: Member::Number(number) }
    }

    /// The metric of a rate.
    ///
    /// # Panics
    /// If the family's members differ by something else.
    #[track_caller]
    pub const fn at_rate(&'static self, rate: Rate) -> Metric {
        assert!(matches!(self.members, Members::Rates(_)), "no family of rates");
        Metric { family: self, member: Member::Rate(rate) }
    }

    /// The members that are measured, in order.
    pub fn measured(&'static self) -> Vec<Metric> {
        match self.members {
            Members::One => vec![self.metric()],
            Members::Numbers(numbers) => numbers.iter().map(|number| self.at(*number)).collect(),
            Members::Rates(rates) => rates.iter().map(|rate| self.at_rate(*rate)).collect(),
        }
    }

    /// Whether an experiment of this kind gives it.
    pub fn is_of(&self, experiment: Experiment) -> bool {
        self.of.contains(&experiment)
    }

    /// Its name with a letter or a word for what its members differ by: `rank_K`, `tar@RATE`.
    pub fn name_told(&self) -> String {
        let member = match self.members {
            Members::One => "",
            Members::Numbers(_) => "K",
            Members::Rates(_) => "RATE",
        };
        self.name.replace(PLACE, member)
    }

    /// The member of a name.
    fn member(&'static self, name: &str) -> Option<Metric> {
        let start = self.name.split(PLACE).next()?;
        let rest = name.strip_prefix(start)?;
        let metric = match self.members {
            Members::One => self.metric(),
            Members::Numbers(_) => {
                let digits = rest.split(|letter: char| !letter.is_ascii_digit()).next()?;
                self.at(digits.parse().ok().filter(|number| *number > 0)?)
            }
            Members::Rates(_) => self.at_rate(Rate::named(rest)?),
        };
        (metric.to_string() == name).then_some(metric)
    }
}

/// Stands in a family's name for what its members differ by.
const PLACE: &str = "{}";

/// The metrics that an experiment of this kind may give, in the order of its results.
pub fn of(experiment: Experiment) -> impl Iterator<Item = Metric> {
    let families = METRICS.iter().filter(move |family| family.is_of(experiment));
    families.flat_map(|family| family.measured())
}

impl Metric {
    /// Its row of the table.
    pub fn family(self) -> &'static Family {
        self.family
    }

    /// What stands above a column of it, beside the name of the set: `Rank 1`.
    pub fn title(self) -> String {
        self.family.title.replace(PLACE, &self.member_title())
    }

    /// What tells it from others of its family, as people write it: `1e-4`.
    pub fn member_title(self) -> String {
        match self.member {
            Member::Only => String::new(),
            Member::Number(number) => number.to_string(),
            Member::Rate(rate) => rate.title(),
        }
    }

    /// The rank, distance or edge that it is of.
    ///
    /// # Panics
    /// If its family's members differ by something else.
    #[track_caller]
    pub fn number(self) -> u32 {
        match self.member {
            Member::Number(number) => number,
            Member::Only | Member::Rate(_) => panic!("{self} is of no number"),
        }
    }

    /// The rate that it is at.
    ///
    /// # Panics
    /// If its family's members differ by something else.
    #[track_caller]
    pub fn rate(self) -> f64 {
        match self.member {
            Member::Rate(rate) => rate.value(),
            Member::Only | Member::Number(_) => panic!("{self} is at no rate"),
        }
    }

    /// A value in the unit in which it is shown: a rate in per cent.
    pub fn shown(self, value: f64) -> f64 {
        match self.family.unit {
            Unit::Rate => per_cent(value),
            Unit::Count | Unit::Number | Unit::Threshold => value,
        }
    }

    /// A value as it stands in a table, without its unit: `63.98`, `2`.
    pub fn cell(self, value: f64) -> String {
        self.digits(self.shown(value))
    }

    /// A value that is in the unit in which it is shown already, with the metric's decimals.
    pub fn digits(self, shown: f64) -> String {
        format!("{shown:.*}", self.family.decimals)
    }

    /// A value with its unit: `63.98 %`, `2`.
    pub fn told(self, value: f64) -> String {
        match self.family.unit {
            Unit::Rate => format!("{} %", self.cell(value)),
            Unit::Count | Unit::Number | Unit::Threshold => self.cell(value),
        }
    }
}

/// A fraction in per cent, without the digits that only its binary form has.
pub fn per_cent(fraction: f64) -> f64 {
    (fraction * 1e8).round() / 1e6
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self.member {
            Member::Only => Cow::Borrowed(self.family.name),
            Member::Number(number) => self.family.name.replace(PLACE, &number.to_string()).into(),
            Member::Rate(rate) => self.family.name.replace(PLACE, &rate.to_string()).into(),
        };
        f.pad(&name)
    }
}

impl PartialEq for Metric {
    fn eq(&self, other: &Self) -> bool {
        self.family.name == other.family.name && self.member == other.member
    }
}

impl Eq for Metric {}

impl Hash for Metric {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.family.name.hash(state);
        self.member.hash(state);
    }
}

/// A name that no metric has.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}, found {found:?}", self.expected())]
pub struct UnknownMetric {
    /// The name.
    pub found: String,
}

impl UnknownMetric {
    /// What was expected.
    pub fn expected(&self) -> String {
        format!("expected a metric ({})", METRICS.map(Family::name_told).join(", "))
    }
}

impl FromStr for Metric {
    type Err = UnknownMetric;

    fn from_str(name: &str) -> Result<Self, UnknownMetric> {
        let found = METRICS.iter().find_map(|family| family.member(name));
        found.ok_or_else(|| UnknownMetric { found: name.to_owned() })
    }
}

impl Serialize for Metric {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Reads a name of the tables out of a file, which a later version may have written.
///
/// # Errors
/// A name that nothing has, with what was expected.
pub(crate) fn named<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: FromStr<Err: fmt::Display>,
    D: Deserializer<'de>,
{
    let name = Cow::<str>::deserialize(deserializer)?;
    let unknown = |error| de::Error::custom(format!("{error}; another version may have it"));
    name.parse().map_err(unknown)
}

impl<'de> Deserialize<'de> for Metric {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        named(deserializer)
    }
}

impl JsonSchema for Metric {
    fn schema_name() -> Cow<'static, str> {
        "Metric".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let form = |family: &&Family| match family.members {
            Members::One => family.name.to_owned(),
            Members::Numbers(_) => family.name.replace(PLACE, "[1-9][0-9]*"),
            Members::Rates(_) => family.name.replace(PLACE, "[1-9]e-[0-9]{2}"),
        };
        let forms: Vec<String> = METRICS.iter().map(form).collect();
        json_schema!({ "type": "string", "pattern": format!("^({})$", forms.join("|")) })
    }
}

#[cfg(test)]
mod tests {
    use super::super::table::{ACCURACY, DISTANCE, RANK, REDUCED, SEARCH_TIES, TAR, THRESHOLD};
    use super::*;
    use std::collections::HashSet;

    fn all() -> impl Iterator<Item = Metric> {
        METRICS.iter().flat_map(|family| family.measured())
    }

    #[test]
    fn a_metric_has_one_name_that_is_read_back() {
        let names: HashSet<String> = all().map(|metric| metric.to_string()).collect();
        assert_eq!(names.len(), all().count());
        for metric in all() {
            assert_eq!(metric.to_string().parse(), Ok(metric));
            let readers = METRICS.iter().filter_map(|family| family.member(&metric.to_string()));
            assert_eq!(readers.count(), 1, "{metric}");
        }
        let names =
            [RANK.at(20), DISTANCE.at(3), REDUCED.at(8), TAR.at_rate(Rate::one_in_ten_to(4))];
        assert_eq!(names.map(|metric| metric.to_string()), ["rank_20", "d3", "8x8", "tar@1e-04"]);
    }

    #[test]
    fn a_name_that_no_metric_has_is_refused_with_those_that_there_are() {
        for name in [
            "", "rank_", "rank_0", "rank_01", "rank_1 ", "8x12", "8x", "tar@1e-4", "tar", "d",
            "Map",
        ] {
            assert!(name.parse::<Metric>().is_err(), "{name}");
        }
        let told = "auc".parse::<Metric>().unwrap_err().to_string();
        assert!(told.starts_with("expected a metric (rank_K, map, dK, ties, "), "{told}");
        assert!(told.contains("tar@RATE") && told.contains("found \"auc\""), "{told}");
    }

    #[test]
    fn values_are_written_in_their_unit() {
        let (rank, ties) = (RANK.at(1), SEARCH_TIES.metric());
        assert_eq!((rank.cell(0.6398), rank.told(0.6398)), ("63.98".into(), "63.98 %".into()));
        assert_eq!((rank.cell(0.0), rank.told(1.0)), ("0.00".into(), "100.00 %".into()));
        for (count, told) in [(0.0, "0"), (1.0, "1"), (2.0, "2"), (40.0, "40")] {
            assert_eq!((ties.cell(count), ties.told(count)), (told.into(), told.into()));
            assert!(Unit::Count.allows(ties.shown(count)));
        }
        assert_eq!(THRESHOLD.metric().told(1.4305), "1.4305");
        assert_eq!(per_cent(0.9231), 92.31);
    }

    #[test]
    fn every_row_stands_in_the_table_and_says_what_it_is() {
        let rows = include_str!("table.rs").matches(": Family = Family {").count();
        assert_eq!(METRICS.len(), rows);
        for family in METRICS {
            let has_place = family.name.contains(PLACE);
            assert_eq!(has_place, family.members != Members::One, "{}", family.name);
            assert!(!family.of.is_empty() && !family.counts.ends_with('.'), "{}", family.name);
        }
    }

    #[test]
    fn an_experiment_has_its_metrics_in_the_order_of_its_results() {
        let names =
            |experiment| of(experiment).map(|metric| metric.to_string()).collect::<Vec<_>>();
        assert_eq!(names(Experiment::ClosedSet), ["rank_1", "rank_5", "rank_20", "map", "ties"]);
        assert_eq!(names(Experiment::Distances), ["d1", "d2", "d3", "ties"]);
        assert_eq!(names(Experiment::Folds), ["accuracy", "std", "threshold"]);
        assert_eq!(names(Experiment::Average), ["hq_avg", "all_avg"]);
        assert_eq!(of(Experiment::OwnPairs).next(), Some(ACCURACY.metric()));
    }
}
