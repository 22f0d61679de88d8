//! Curves and histograms of a result, small enough to be stored with it.

use super::results::{Histogram, RocCurve, ScoreHistograms};
use crate::metrics::Roc;

/// Points of a stored ROC, at most.
const ROC_POINTS: usize = 400;

/// Bins of a stored histogram: 2·∛n for n numbers (Rice's rule) within these.
const BINS: std::ops::RangeInclusive<usize> = 20..=100;

fn bins(numbers: usize) -> usize {
    let bins = (2.0 * (numbers as f64).cbrt()).ceil() as usize;
    bins.clamp(*BINS.start(), *BINS.end())
}

/// Ranks of a stored CMC.
pub(super) const CMC_RANKS: usize = 50;

/// A ROC thinned to what a plot shows.
pub(super) fn roc_curve(name: &str, roc: &Roc) -> RocCurve {
    let points = roc.thinned(ROC_POINTS);
    let points = points.iter().map(|point| [roc.far(point), roc.tar(point)]).collect();
    RocCurve { name: name.to_owned(), points }
}

/// Scores of one person and of two, in the same bins.
pub(super) fn histograms(
    score: &str,
    of: &str,
    genuine: &[f64],
    impostor: &[f64],
) -> ScoreHistograms {
    let range = range(genuine.iter().chain(impostor).copied());
    let bins = bins(genuine.len().min(impostor.len()));
    ScoreHistograms {
        score: score.to_owned(),
        of: of.to_owned(),
        genuine: histogram(genuine.iter().copied(), range, bins),
        impostor: histogram(impostor.iter().copied(), range, bins),
    }
}

/// The norms of features; none where nobody knows them, so that all are 1.
pub(super) fn norm_histogram(norms: &[f32]) -> Option<Histogram> {
    let known = norms.iter().any(|norm| (norm - 1.0).abs() > NORM_TOLERANCE);
    let values = || norms.iter().map(|norm| f64::from(*norm));
    known.then(|| histogram(values(), range(values()), bins(norms.len())))
}

/// How far from 1 a norm is that was only rounded.
const NORM_TOLERANCE: f32 = 1e-4;

/// Where the bins of these numbers begin and end.
fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    let (low, high) = values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if low < high { (low, high) } else { (low - 0.5, low + 0.5) }
}

fn histogram(values: impl Iterator<Item = f64>, (low, high): (f64, f64), bins: usize) -> Histogram {
    let mut counts = vec![0; bins];
    let per_bin = bins as f64 / (high - low);
    for value in values {
        counts[(((value - low) * per_bin) as usize).min(bins - 1)] += 1;
    }
    Histogram { low, high, counts }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_histograms_have_the_same_bins_and_lose_nothing() {
        let both = histograms("cosine", "all pairs", &[1.0, 0.5], &[0.0, 0.25, 0.999]);
        assert_eq!((both.genuine.low, both.impostor.high), (0.0, 1.0));
        assert_eq!(both.genuine.counts[19], 1);
        assert_eq!(both.impostor.counts.iter().sum::<u64>(), 3);
    }

    #[test]
    fn norms_that_nobody_knows_have_no_histogram() {
        assert_eq!(norm_histogram(&[1.0, 1.0]), None);
        assert_eq!(norm_histogram(&[1.0, 2.0]).unwrap().counts.len(), 20);
    }
}
