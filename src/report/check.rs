//! Whether the numbers of a result can be what they are called.

use super::{Error, Evaluation};
use crate::eval::Subject;
use crate::eval::results::{Curves, Histogram, SetResult};
use crate::metrics::{Metric, Unit};

/// Errs at the first number that no evaluation gives.
///
/// # Errors
/// [`Error::Empty`] and [`Error::Value`].
pub(super) fn check(evaluation: &Evaluation) -> Result<(), Error> {
    let file = &evaluation.file;
    let report = &evaluation.report;
    if report.results.is_empty() {
        return Err(Error::Empty { file: file.clone() });
    }
    for (metric, found) in &report.averages {
        value(*metric, *found, || format!("averages, {metric}")).map_err(|fault| fault.of(file))?;
    }
    report.results.iter().try_for_each(set).map_err(|fault| fault.of(file))
}

/// What an [`Error::Value`] lacks the file of.
struct Fault {
    place: String,
    expected: &'static str,
    found: String,
}

impl Fault {
    fn of(self, file: &str) -> Error {
        let Fault { place, expected, found } = self;
        Error::Value { file: file.to_owned(), place, expected, found }
    }
}

fn need(
    holds: bool,
    expected: &'static str,
    place: impl FnOnce() -> String,
    found: impl FnOnce() -> String,
) -> Result<(), Fault> {
    if holds { Ok(()) } else { Err(Fault { place: place(), expected, found: found() }) }
}

fn value(metric: Metric, value: f64, place: impl FnOnce() -> String) -> Result<(), Fault> {
    of_unit(metric.family().unit, value, place)
}

fn rate(value: f64, place: impl FnOnce() -> String) -> Result<(), Fault> {
    of_unit(Unit::Rate, value, place)
}

fn of_unit(unit: Unit, value: f64, place: impl FnOnce() -> String) -> Result<(), Fault> {
    need(unit.allows(value), unit.expected(), place, || format!("{value:?}"))
}

fn set(result: &SetResult) -> Result<(), Fault> {
    let set = result.set;
    for (metric, found) in &result.metrics {
        value(*metric, *found, || format!("{set}, metric {metric}"))?;
    }
    curves(&result.curves, set)
}

fn curves(curves: &Curves, set: Subject) -> Result<(), Fault> {
    for curve in &curves.roc {
        for (i, point) in curve.points.iter().enumerate() {
            for value in point {
                rate(*value, || format!("{set}, roc {:?}, point {i}", curve.name))?;
            }
        }
    }
    for curve in &curves.cmc {
        for (i, value) in curve.rates.iter().enumerate() {
            rate(*value, || format!("{set}, cmc {:?}, rank {}", curve.name, i + 1))?;
        }
    }
    let scores = curves.scores.iter().flat_map(|scores| {
        [("genuine scores", &scores.genuine), ("impostor scores", &scores.impostor)]
    });
    let norms = curves.norms.iter().map(|norms| ("norms", norms));
    scores.chain(norms).try_for_each(|(name, bins)| histogram(bins, set, name))
}

/// Beyond it no figure is drawn.
const LARGEST: f64 = 1e30;

fn histogram(bins: &Histogram, set: Subject, name: &str) -> Result<(), Fault> {
    let Histogram { low, high, counts } = bins;
    let within = low.abs() <= LARGEST && high.abs() <= LARGEST;
    let apart = high - low > 1e-9 * low.abs().max(high.abs());
    need(
        within && apart && !counts.is_empty(),
        "a histogram of one bin or more from a number to a larger one",
        || format!("{set}, {name}"),
        || format!("{} bins from {low:?} to {high:?}", counts.len()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::results::examples::result;
    use crate::eval::sets::{LFW, SCFACE, TINYFACE};
    use crate::metrics::table::{ACCURACY, RANK, THRESHOLD, TIES};
    use crate::report::document::examples::evaluation;

    #[test]
    fn a_rate_in_per_cent_is_refused_with_file_set_and_metric() {
        let rank_1 = [(RANK.at(1), 63.98)];
        let wrong = evaluation("a.json", vec![result(Subject::Set(&TINYFACE), &rank_1)]);
        assert_eq!(
            check(&wrong).unwrap_err().to_string(),
            "a.json: tinyface, metric rank_1: expected a rate as a fraction from 0 to 1, found 63.98"
        );
    }

    #[test]
    fn counts_are_whole_and_histograms_have_width() {
        let of = |result: SetResult| check(&evaluation("a.json", vec![result]));
        let ties = |ties| result(Subject::Set(&SCFACE), &[(TIES.metric(), ties)]);
        assert!(of(ties(2.0)).is_ok() && of(ties(0.5)).is_err() && of(ties(-1.0)).is_err());
        let lfw = |metric, value| result(Subject::Set(&LFW), &[(metric, value)]);
        assert!(of(lfw(THRESHOLD.metric(), 1.43)).is_ok());
        for (low, high, counts) in
            [(0.0, 0.0, vec![1]), (0.0, 1.0, Vec::new()), (f64::NAN, 1.0, vec![1])]
        {
            let mut wrong = lfw(ACCURACY.metric(), 0.9);
            wrong.curves.norms = Some(Histogram { low, high, counts });
            assert!(of(wrong).unwrap_err().to_string().contains("lfw, norms"));
        }
        assert!(matches!(check(&evaluation("a.json", Vec::new())), Err(Error::Empty { .. })));
    }
}
