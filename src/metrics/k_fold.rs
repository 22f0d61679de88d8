//! The accuracy of LFW and its kin: a threshold chosen on nine tenths of the pairs, scored on the tenth.

use super::scalar::sum;
use super::{Error, Rows, Scalar};

/// Thresholds tried: `numpy.arange(0, 4, 0.01)`, whose values are the `f64` products `i · 0.01`.
const THRESHOLDS: usize = 400;
const STEP: f64 = 0.01;

/// What was measured on one fold.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Fold {
    /// Pairs in the fold.
    pub pairs: usize,
    /// The first of the thresholds with the best accuracy on the other folds.
    pub threshold: f64,
    /// Share of right verdicts on the fold at that threshold.
    pub accuracy: f64,
}

/// Result of [`k_fold()`].
#[derive(Debug, Clone, PartialEq)]
pub struct KFold {
    /// The folds in order.
    pub folds: Vec<Fold>,
    /// Mean of the folds' accuracies.
    pub accuracy: f64,
    /// Population deviation of the folds' accuracies.
    pub std: f64,
    /// Mean of the folds' thresholds.
    pub threshold: f64,
    /// For each of the 400 thresholds the mean over folds of the share of genuine pairs accepted; a fold
    /// without genuine pairs counts as 0.
    pub true_rates: Vec<f64>,
    /// The same for impostor pairs.
    pub false_rates: Vec<f64>,
}

/// The thresholds that [`k_fold()`] tries, ascending.
#[must_use]
pub fn thresholds() -> Vec<f64> {
    (0..THRESHOLDS).map(|i| i as f64 * STEP).collect()
}

/// Accuracy of "same" where `distance < threshold`, over contiguous folds of which the first
/// (pairs mod folds) are one larger: `evaluate` of insightface's `verification.py`.
///
/// The reference compares an `f32` distance with the threshold rounded to `f32`; here all comparisons are in `f64`.
///
/// ```
/// # use qgface_data::metrics::k_fold;
/// let result = k_fold(&[0.1, 2.0, 0.1, 2.0], &[true, false, true, false], 2)?;
/// assert_eq!((result.accuracy, result.std), (1.0, 0.0));
/// # Ok::<(), qgface_data::metrics::Error>(())
/// ```
///
/// # Errors
/// If the lists differ in length, a distance is not a number, or there are less than two folds or fewer
/// pairs than folds.
pub fn k_fold(distances: &[f64], same: &[bool], folds: usize) -> Result<KFold, Error> {
    let pairs = distances.len();
    if same.len() != pairs {
        return Err(Error::Count { what: "verdicts of pairs", expected: pairs, found: same.len() });
    }
    if folds < 2 || pairs < folds {
        return Err(Error::Folds { folds, pairs });
    }
    if let Some(index) = distances.iter().position(|distance| distance.is_nan()) {
        return Err(Error::Score { what: "distance of pair", index, found: distances[index] });
    }
    let thresholds = thresholds();
    let mut start = 0;
    let counts: Vec<Counts> = (0..folds)
        .map(|fold| {
            let end = start + pairs / folds + usize::from(fold < pairs % folds);
            let range = start..end;
            start = end;
            Counts::of(&distances[range.clone()], &same[range], &thresholds)
        })
        .collect();
    let scored: Vec<Fold> = counts
        .iter()
        .map(|fold| {
            let right_elsewhere =
                |t: usize| counts.iter().map(|other| other.right(t)).sum::<usize>() - fold.right(t);
            let best = (0..THRESHOLDS).rev().max_by_key(|&t| right_elsewhere(t)).unwrap_or(0);
            let pairs = fold.genuine + fold.impostor;
            let accuracy = fold.right(best) as f64 / pairs as f64;
            Fold { pairs, threshold: thresholds[best], accuracy }
        })
        .collect();
    let mean = |values: &dyn Fn(usize) -> f64| (0..folds).map(values).sum::<f64>() / folds as f64;
    let accuracy = mean(&|fold| scored[fold].accuracy);
    let share = |part: usize, all: usize| if all == 0 { 0.0 } else { part as f64 / all as f64 };
    let rates = |rate: &dyn Fn(&Counts, usize) -> f64| {
        (0..THRESHOLDS).map(|t| mean(&|fold| rate(&counts[fold], t))).collect()
    };
    Ok(KFold {
        accuracy,
        std: mean(&|fold| (scored[fold].accuracy - accuracy).powi(2)).sqrt(),
        threshold: mean(&|fold| scored[fold].threshold),
        true_rates: rates(&|fold, t| share(fold.accepted[t].genuine, fold.genuine)),
        false_rates: rates(&|fold, t| share(fold.accepted[t].impostor, fold.impostor)),
        folds: scored,
    })
}

/// Pairs of one fold.
struct Counts {
    genuine: usize,
    impostor: usize,
    /// At each threshold.
    accepted: Vec<Accepted>,
}

#[derive(Clone, Copy, Default)]
struct Accepted {
    genuine: usize,
    impostor: usize,
}

impl Counts {
    fn of(distances: &[f64], same: &[bool], thresholds: &[f64]) -> Self {
        let mut accepted = vec![Accepted::default(); thresholds.len()];
        for (distance, same) in distances.iter().zip(same) {
            let first = thresholds.partition_point(|threshold| threshold <= distance);
            if let Some(slot) = accepted.get_mut(first) {
                *(if *same { &mut slot.genuine } else { &mut slot.impostor }) += 1;
            }
        }
        let mut so_far = Accepted::default();
        for slot in &mut accepted {
            so_far.genuine += slot.genuine;
            so_far.impostor += slot.impostor;
            *slot = so_far;
        }
        let genuine = same.iter().filter(|same| **same).count();
        Self { genuine, impostor: same.len() - genuine, accepted }
    }

    /// Right verdicts at threshold `t`.
    fn right(&self, t: usize) -> usize {
        self.accepted[t].genuine + self.impostor - self.accepted[t].impostor
    }
}

/// `|a − b|²` of rows 2i and 2i + 1, computed in the features' precision and order of sums of NumPy.
///
/// ```
/// # use qgface_data::metrics::{Rows, squared_distances};
/// let rows = Rows::new(&[1.0f32, 0.0, 0.0, 1.0], 2)?;
/// assert_eq!(squared_distances(rows)?, [2.0]);
/// # Ok::<(), qgface_data::metrics::Error>(())
/// ```
///
/// # Errors
/// If the number of rows is odd.
pub fn squared_distances<T: Scalar>(rows: Rows<'_, T>) -> Result<Vec<f64>, Error> {
    if !rows.len().is_multiple_of(2) {
        let (expected, found) = (rows.len() + 1, rows.len());
        return Err(Error::Count { what: "features of pairs", expected, found });
    }
    let square = |a: T, b: T| (a - b) * (a - b);
    let distance = |pair: usize| sum(rows.row(2 * pair), rows.row(2 * pair + 1), square).to_f64();
    Ok((0..rows.len() / 2).map(distance).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fold_is_scored_at_the_first_best_threshold_of_the_others() {
        // Fold 1 wants a threshold above 0.5 and at most 1, fold 2 one above 1.2 and at most 1.5.
        let result = k_fold(&[0.5, 1.0, 1.2, 1.5], &[true, false, true, false], 2).unwrap();
        let folds: Vec<_> =
            result.folds.iter().map(|fold| (fold.threshold, fold.accuracy)).collect();
        assert_eq!(folds, [(1.21, 0.5), (0.51, 0.5)]);
        assert_eq!((result.accuracy, result.std), (0.5, 0.0));
    }

    #[test]
    fn a_distance_at_the_threshold_is_not_same() {
        let at = 7.0 * 0.01;
        let result = k_fold(&[at, at], &[true, true], 2).unwrap();
        assert_eq!((result.true_rates[7], result.true_rates[8]), (0.0, 1.0));
        assert_eq!(result.folds[0].threshold, 8.0 * 0.01);
        assert!(result.false_rates.iter().all(|rate| *rate == 0.0));
    }

    #[test]
    fn the_first_folds_are_one_larger() {
        let result = k_fold(&[0.1; 11], &[true; 11], 4).unwrap();
        assert_eq!(result.folds.iter().map(|fold| fold.pairs).collect::<Vec<_>>(), [3, 3, 3, 2]);
    }

    #[test]
    fn fewer_pairs_than_folds_are_refused() {
        assert_eq!(k_fold(&[0.1; 9], &[true; 9], 10), Err(Error::Folds { folds: 10, pairs: 9 }));
        assert!(k_fold(&[0.1; 9], &[true; 9], 1).is_err());
        assert!(k_fold(&[0.1; 9], &[true; 8], 3).is_err());
        assert!(k_fold(&[f64::NAN; 9], &[true; 9], 3).is_err());
    }

    #[test]
    fn the_table_counts_as_a_plain_loop_does() {
        let distances: Vec<f64> = (0..137).map(|i| f64::from(i * i * 17 % 431) * 0.01).collect();
        let same: Vec<bool> = distances.iter().map(|d| (d * 77.0) % 4.0 > *d).collect();
        let result = k_fold(&distances, &same, 2).unwrap();
        for (t, threshold) in thresholds().into_iter().enumerate() {
            let rate = |range: std::ops::Range<usize>| {
                let genuine = range.filter(|&i| same[i]);
                let hits = genuine.clone().filter(|&i| distances[i] < threshold).count();
                hits as f64 / genuine.count() as f64
            };
            let expected = (rate(0..69) + rate(69..137)) / 2.0;
            assert!((result.true_rates[t] - expected).abs() < 1e-15);
        }
    }

    #[test]
    fn distances_are_of_neighbouring_rows() {
        let rows = [1.0f32, 0.0, 0.0, 1.0, 3.0, 3.0, 3.0, 5.0];
        assert_eq!(squared_distances(Rows::new(&rows, 2).unwrap()), Ok(vec![2.0, 4.0]));
        assert!(squared_distances(Rows::new(&rows[..6], 2).unwrap()).is_err());
    }
}
