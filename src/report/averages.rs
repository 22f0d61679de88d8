//! HQ Avg. and All Avg. of a row, where its numbers came in several files.

use crate::eval::results::SetResult;

const HQ: [&str; 5] = ["lfw", "cfp_fp", "agedb_30", "calfw", "cplfw"];

/// What All Avg. is the mean of, beside HQ Avg.
const MIXED: [(&str, &str); 5] = [
    ("scface", "d1"),
    ("scface", "d2"),
    ("scface", "d3"),
    ("tinyface", "rank_1"),
    ("ijbb", "tar@1e-04"),
];

/// Averages by their names, of those that every number is there for.
pub(super) fn averages<'a>(
    results: impl Iterator<Item = &'a SetResult> + Clone,
) -> Vec<(&'static str, f64)> {
    let value = |set: &str, metric: &str| {
        let result = results.clone().find(|result| result.set == set)?;
        result.metrics.get(metric).copied()
    };
    let hq: Option<Vec<f64>> = HQ.iter().map(|set| value(set, "accuracy")).collect();
    let hq = hq.map(|values| mean(&values));
    let mixed = MIXED.iter().map(|(set, metric)| value(set, metric));
    let all: Option<Vec<f64>> = mixed.chain([hq]).collect();
    let named = [("hq_avg", hq), ("all_avg", all.map(|values| mean(&values)))];
    named.into_iter().filter_map(|(name, value)| Some((name, value?))).collect()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::document::examples::result;

    #[test]
    fn the_averages_are_of_five_and_of_six_numbers_and_absent_where_one_is() {
        let mut results: Vec<SetResult> =
            HQ.iter().map(|set| result(set, &[("accuracy", 0.9543)])).collect();
        assert_eq!(averages(results.iter().take(4)), []);
        let near = |found: f64, expected: f64| assert!((found - expected).abs() < 1e-12, "{found}");
        let [("hq_avg", hq)] = averages(results.iter())[..] else { panic!() };
        near(hq, 0.9543);
        // Row D of the paper's ablation.
        results.push(result("scface", &[("d1", 0.9231), ("d2", 0.9954), ("d3", 1.0)]));
        results.push(result("tinyface", &[("rank_1", 0.6985)]));
        results.push(result("ijbb", &[("tar@1e-04", 0.9105)]));
        let [_, ("all_avg", all)] = averages(results.iter())[..] else { panic!() };
        assert!((all - 0.9136).abs() < 5e-5, "{all}");
    }
}
