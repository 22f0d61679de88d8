//! The ROC of a verification, and the true accept rate at a false accept rate.

use super::Error;
use rayon::prelude::*;

/// One point of a [`Roc`]: what is accepted at scores of at least `threshold`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct RocPoint {
    /// The score; +∞ at the first point, where nothing is accepted.
    pub threshold: f64,
    /// Accepted impostor pairs.
    pub false_positives: u64,
    /// Accepted genuine pairs.
    pub true_positives: u64,
}

/// The ROC as `sklearn.metrics.roc_curve` with `drop_intermediate` gives it.
///
/// One point for each distinct score, highest first. Of these a point is kept if it is the first, the last, or
/// the second difference, over all of them, of its false or of its true positives is not zero. Only then the
/// point of nothing accepted is put in front.
///
/// ```
/// # use qgface_data::metrics::{Reading, Roc};
/// let roc = Roc::of_pairs(vec![0.9, 0.8, 0.7, 0.1], &[true, false, true, false])?;
/// assert_eq!(roc.tar_at(0.5, Reading::Flipped), 1.0);
/// assert_eq!(roc.tar_at(0.5, Reading::First), 0.5);
/// # Ok::<(), qgface_data::metrics::Error>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct Roc {
    points: Vec<RocPoint>,
    genuine: u64,
    impostor: u64,
}

/// Which of several points that are equally near a false accept rate is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// The first from the high thresholds: the lowest rate at that false accept rate.
    First,
    /// The first of the reversed curve (`numpy.flipud`): the highest rate there.
    Flipped,
}

impl Roc {
    /// Makes the curve of the scores of genuine and of impostor pairs, in any order; `−0 = 0`.
    ///
    /// The lists are sorted in place; beyond them only the kept points take memory.
    ///
    /// # Errors
    /// If one of the lists is empty or a score is not finite.
    pub fn from_scores(mut genuine: Vec<f64>, mut impostor: Vec<f64>) -> Result<Self, Error> {
        for (what, scores) in [("genuine pair", &mut genuine), ("impostor pair", &mut impostor)] {
            if scores.is_empty() {
                return Err(Error::Empty { what });
            }
            if let Some(index) = scores.par_iter().position_first(|score| !score.is_finite()) {
                return Err(Error::Score { what, index, found: scores[index] });
            }
            scores.par_sort_unstable_by(|a, b| b.total_cmp(a));
        }
        let (genuine_count, impostor_count) = (genuine.len() as u64, impostor.len() as u64);
        let points =
            keep_corners(Distinct { genuine: &genuine, impostor: &impostor, last: NOTHING });
        Ok(Self { points, genuine: genuine_count, impostor: impostor_count })
    }

    /// [`Self::from_scores`] of pairs in one list, and for each whether it is genuine.
    ///
    /// # Errors
    /// As there, and if the lists differ in length.
    pub fn of_pairs(scores: Vec<f64>, same: &[bool]) -> Result<Self, Error> {
        if scores.len() != same.len() {
            let (expected, found) = (scores.len(), same.len());
            return Err(Error::Count { what: "verdicts of pairs", expected, found });
        }
        let (genuine, impostor) = by_verdict(&scores, same);
        drop(scores);
        Self::from_scores(genuine, impostor)
    }

    /// The kept points, the one of nothing accepted first.
    #[must_use]
    pub fn points(&self) -> &[RocPoint] {
        &self.points
    }

    /// False accept rate of a point.
    #[must_use]
    pub fn far(&self, point: &RocPoint) -> f64 {
        point.false_positives as f64 / self.impostor as f64
    }

    /// True accept rate of a point.
    #[must_use]
    pub fn tar(&self, point: &RocPoint) -> f64 {
        point.true_positives as f64 / self.genuine as f64
    }

    /// The true accept rate at the kept point whose false accept rate is nearest `far`.
    #[must_use]
    pub fn tar_at(&self, far: f64, reading: Reading) -> f64 {
        let distance = |point: &&RocPoint| (self.far(point) - far).abs();
        let nearer = |a: &&RocPoint, b: &&RocPoint| distance(a).total_cmp(&distance(b));
        // `min_by` takes the first of equals.
        let nearest = match reading {
            Reading::First => self.points.iter().min_by(nearer),
            Reading::Flipped => self.points.iter().rev().min_by(nearer),
        };
        nearest.map_or(f64::NAN, |point| self.tar(point))
    }

    /// At most `count` of the kept points, for a plot with a logarithmic axis: both ends, and between them for each of
    /// the false accept rates evenly spaced in their logarithm from one impostor pair to all, the last point
    /// at or below it.
    #[must_use]
    pub fn thinned(&self, count: usize) -> Vec<RocPoint> {
        let last = self.points.len() - 1;
        if self.points.len() <= count {
            return self.points.clone();
        }
        let between = count.saturating_sub(2);
        let at = |step: usize| {
            let share = 1.0 - step as f64 / between as f64;
            let far = (self.impostor as f64).powf(-share);
            self.points.partition_point(|point| self.far(point) <= far).saturating_sub(1)
        };
        let mut kept: Vec<usize> = (0..between).map(at).chain([0, last]).collect();
        kept.sort_unstable();
        kept.dedup();
        kept.truncate(count);
        kept.into_iter().map(|at| self.points[at]).collect()
    }
}

/// Scores of genuine and of impostor pairs, each in their order.
#[must_use]
pub fn by_verdict(scores: &[f64], same: &[bool]) -> (Vec<f64>, Vec<f64>) {
    let count = same.iter().filter(|same| **same).count();
    let mut genuine = Vec::with_capacity(count);
    let mut impostor = Vec::with_capacity(same.len() - count);
    for (same, score) in same.iter().zip(scores) {
        if *same { genuine.push(*score) } else { impostor.push(*score) }
    }
    (genuine, impostor)
}

const NOTHING: RocPoint =
    RocPoint { threshold: f64::INFINITY, false_positives: 0, true_positives: 0 };

/// One point for each distinct score of two descending lists.
struct Distinct<'a> {
    genuine: &'a [f64],
    impostor: &'a [f64],
    last: RocPoint,
}

impl Iterator for Distinct<'_> {
    type Item = RocPoint;

    fn next(&mut self) -> Option<RocPoint> {
        let highest = |scores: &[f64]| scores.first().copied().unwrap_or(f64::NEG_INFINITY);
        let threshold = highest(self.genuine).max(highest(self.impostor));
        if threshold == f64::NEG_INFINITY {
            return None;
        }
        let take_equal = |scores: &mut &[f64]| {
            let equal = scores.iter().take_while(|score| **score == threshold).count();
            *scores = &scores[equal..];
            equal as u64
        };
        self.last = RocPoint {
            threshold,
            false_positives: self.last.false_positives + take_equal(&mut self.impostor),
            true_positives: self.last.true_positives + take_equal(&mut self.genuine),
        };
        Some(self.last)
    }
}

/// [`NOTHING`], and of `all` the first, the last and those where a second difference is not zero.
fn keep_corners(all: impl Iterator<Item = RocPoint>) -> Vec<RocPoint> {
    let mut kept = vec![NOTHING];
    let mut waiting: Option<(Option<RocPoint>, RocPoint)> = None;
    for next in all {
        if let Some((before, point)) = waiting
            && before.is_none_or(|before| is_corner(&before, &point, &next))
        {
            kept.push(point);
        }
        waiting = Some((waiting.map(|(_, point)| point), next));
    }
    kept.extend(waiting.map(|(_, last)| last));
    kept
}

fn is_corner(before: &RocPoint, point: &RocPoint, after: &RocPoint) -> bool {
    let bends =
        |count: fn(&RocPoint) -> u64| count(after) - count(point) != count(point) - count(before);
    bends(|point| point.false_positives) || bends(|point| point.true_positives)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(roc: &Roc) -> Vec<(u64, u64)> {
        roc.points().iter().map(|point| (point.false_positives, point.true_positives)).collect()
    }

    /// `roc_curve([1, 1, 0, 1, 0, 0, 0], [7, 6, 5, 4, 3, 2, 1])` of scikit-learn 1.7.2.
    #[test]
    fn points_on_a_line_are_dropped_and_the_origin_is_not_one_of_the_line() {
        let roc = Roc::from_scores(vec![4.0, 7.0, 6.0], vec![1.0, 2.0, 5.0, 3.0]).unwrap();
        assert_eq!(counts(&roc), [(0, 0), (0, 1), (0, 2), (1, 2), (1, 3), (4, 3)]);
        assert_eq!(roc.points()[0].threshold, f64::INFINITY);
    }

    #[test]
    fn equal_scores_are_one_point_and_zero_has_no_sign() {
        let roc = Roc::from_scores(vec![0.0, 1.0], vec![-0.0, 0.0, 1.0]).unwrap();
        assert_eq!(counts(&roc), [(0, 0), (1, 1), (3, 2)]);
    }

    #[test]
    fn of_equally_near_points_the_reading_says_which() {
        let roc = Roc::from_scores(vec![9.0, 8.0, 7.5, 3.0], vec![7.0, 2.0]).unwrap();
        // Nothing, 9, 7.5 at FAR 0; 7 and 3 at FAR 0.5; 2 at FAR 1.
        assert_eq!(counts(&roc), [(0, 0), (0, 1), (0, 3), (1, 3), (1, 4), (2, 4)]);
        assert_eq!(
            (roc.tar_at(0.1, Reading::First), roc.tar_at(0.1, Reading::Flipped)),
            (0.0, 0.75)
        );
        assert_eq!(
            (roc.tar_at(0.5, Reading::First), roc.tar_at(0.5, Reading::Flipped)),
            (0.75, 1.0)
        );
        // FAR 0 and 0.5 are equally near 0.25.
        assert_eq!(
            (roc.tar_at(0.25, Reading::First), roc.tar_at(0.25, Reading::Flipped)),
            (0.0, 1.0)
        );
    }

    #[test]
    fn a_rate_over_nothing_and_a_score_that_is_none_are_refused() {
        assert_eq!(
            Roc::from_scores(vec![1.0], vec![]),
            Err(Error::Empty { what: "impostor pair" })
        );
        assert!(Roc::from_scores(vec![], vec![1.0]).is_err());
        assert!(Roc::from_scores(vec![1.0, f64::NAN], vec![1.0]).is_err());
    }

    #[test]
    fn thinned_points_are_few_and_have_both_ends() {
        let score = |i: u64| (i * 7919 % 10_007) as f64;
        let roc = Roc::from_scores(
            (0..500).map(|i| score(i) + 0.5).collect(),
            (500..9000).map(score).collect(),
        )
        .unwrap();
        let thin = roc.thinned(50);
        assert!((30..=50).contains(&thin.len()), "{}", thin.len());
        assert_eq!((thin.first(), thin.last()), (roc.points().first(), roc.points().last()));
        assert!(thin.is_sorted_by_key(|point| point.false_positives));
        assert_eq!(roc.thinned(usize::MAX), roc.points());
    }

    #[test]
    fn rates_rise_with_the_false_accept_rate() {
        let score = |i: u64| (i * i * 31 % 1009) as f64;
        let roc = Roc::from_scores((0..90).map(score).collect(), (100..900).map(score).collect())
            .unwrap();
        let tars: Vec<f64> =
            (0..=100).map(|i| roc.tar_at(f64::from(i) / 100.0, Reading::Flipped)).collect();
        assert!(tars.is_sorted() && tars[100] == 1.0);
    }
}
