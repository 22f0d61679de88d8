//! Averages over several sets.

use super::results::SetResult;
use super::sets::{HQ, IJBB, SCFACE, TINYFACE};
use super::subject::Subject;
use crate::metrics::table::{ACCURACY, ALL_AVERAGE, DISTANCE, HQ_AVERAGE, RANK, TAR};
use crate::metrics::{Metric, Rate};
use indexmap::IndexMap;

/// What All Avg. is the mean of, beside HQ Avg. (QGFace, ablation).
const OTHERS: [(Subject, Metric); 5] = [
    (Subject::Set(&SCFACE), DISTANCE.at(1)),
    (Subject::Set(&SCFACE), DISTANCE.at(2)),
    (Subject::Set(&SCFACE), DISTANCE.at(3)),
    (Subject::Set(&TINYFACE), RANK.at(1)),
    (Subject::Set(&IJBB), TAR.at_rate(Rate::one_in_ten_to(4))),
];

/// The averages by name, where every set they are of is there.
///
/// HQ Avg. is the mean of the five `.bin` sets' accuracies; All Avg. that of SCface's three distances,
/// TinyFace's rank 1, IJB-B's TAR@FAR=1e-4 and HQ Avg.
pub fn averages<'a>(results: impl Iterator<Item = &'a SetResult> + Clone) -> IndexMap<Metric, f64> {
    let value = |subject: Subject, metric: Metric| {
        let result = results.clone().find(|result| result.set == subject)?;
        result.metrics.get(&metric).copied()
    };
    let mean = |values: Option<Vec<f64>>| {
        values.map(|values| values.iter().sum::<f64>() / values.len() as f64)
    };
    let hq = mean(HQ.iter().map(|set| value(Subject::Set(set), ACCURACY.metric())).collect());
    let others = OTHERS.into_iter().map(|(subject, metric)| value(subject, metric));
    let all = mean(others.chain([hq]).collect());
    let named = [(HQ_AVERAGE.metric(), hq), (ALL_AVERAGE.metric(), all)];
    named.into_iter().filter_map(|(metric, value)| Some((metric, value?))).collect()
}

#[cfg(test)]
mod tests {
    use super::super::results::examples::result;
    use super::*;

    /// Row D of the ablation; the published average is 91.36.
    #[test]
    fn the_averages_are_those_of_the_published_ablation() {
        let accuracy = [(ACCURACY.metric(), 0.9543)];
        let mut results: Vec<_> =
            HQ.iter().map(|set| result(Subject::Set(set), &accuracy)).collect();
        let distances = [1, 2, 3].map(|distance| DISTANCE.at(distance));
        let rates = [0.9231, 0.9954, 1.0];
        let distances: Vec<(Metric, f64)> = distances.into_iter().zip(rates).collect();
        results.push(result(Subject::Set(&SCFACE), &distances));
        results.push(result(Subject::Set(&TINYFACE), &[(RANK.at(1), 0.6985)]));
        assert_eq!(averages(results.iter()).get(&ALL_AVERAGE.metric()), None);
        results.push(result(Subject::Set(&IJBB), &[(OTHERS[4].1, 0.9105)]));
        let averages = averages(results.iter());
        assert!((averages[&HQ_AVERAGE.metric()] - 0.9543).abs() < 1e-12);
        assert!((averages[&ALL_AVERAGE.metric()] - 0.9136).abs() < 5e-5);
    }
}
