//! Open-set identification: found, and accepted although some probes have no mate.

use super::closed_set::check_scores;
use super::mates::{self, Mates};
use super::tally::highest;
use super::tiles::{Block, Shape};
use super::{ClosedSet, Error, Rows, Scalar, closed_set_of_scores};

/// What is added to the highest score of the non-mated probes when none may be accepted (reference:
/// `find_thresholds_by_FAR`, `epsilon`).
const ABOVE_ALL: f64 = 1e-5;

/// Detection and identification rates, result of [`open_set()`].
#[derive(Debug, Clone, PartialEq)]
pub struct OpenSet {
    /// For each false accept rate asked for, and for each rank, the share of mated probes found.
    pub rates: Vec<Vec<f64>>,
    /// The score from which a probe is accepted, for each false accept rate.
    pub thresholds: Vec<f64>,
    /// The share of non-mated probes that are accepted at it.
    pub fars: Vec<f64>,
}

/// DIR at FAR: a mated probe is found if its mate is among the first `ranks` and scores at least the
/// threshold (reference: `DIR_FAR`; here non-mates of the mate's score stand before it).
///
/// `top_scores` are the highest scores of the probes that have no mate.
///
/// ```
/// # use qgface_data::metrics::{Rows, closed_set_of_scores, open_set};
/// let scores = Rows::new(&[0.9, 0.1, 0.3, 0.4], 2)?;
/// let mated = closed_set_of_scores(scores, &[true, false, false, true])?;
/// let found = open_set(&mated, &[0.5, 0.2], &[1], &[0.5])?;
/// assert_eq!((found.thresholds, found.rates), (vec![0.5], vec![vec![0.5]]));
/// # Ok::<(), qgface_data::metrics::Error>(())
/// ```
///
/// # Errors
/// If no probe lacks a mate, a rate is not from 0 to 1, or a mated probe has more than one mate.
pub fn open_set(
    closed: &ClosedSet,
    top_scores: &[f64],
    ranks: &[u64],
    fars: &[f64],
) -> Result<OpenSet, Error> {
    if let Some(probe) = closed.mated.iter().find(|probe| probe.mates != 1) {
        return Err(Error::Mates { probe: probe.probe, mates: probe.mates });
    }
    let thresholds = thresholds_at(top_scores, fars)?;
    let rate = |threshold: f64, rank: u64| {
        closed.share(|probe| probe.rank <= rank && probe.best_mate >= threshold)
    };
    let accepted = |threshold: &f64| {
        let accepted = top_scores.iter().filter(|score| *score >= threshold).count();
        accepted as f64 / top_scores.len() as f64
    };
    Ok(OpenSet {
        rates: thresholds
            .iter()
            .map(|&threshold| ranks.iter().map(|&rank| rate(threshold, rank)).collect())
            .collect(),
        fars: thresholds.iter().map(accepted).collect(),
        thresholds,
    })
}

/// For each false accept rate the count-th highest of the scores, count = n·FAR rounded half to even; for
/// a count of 0 the highest plus 1e-5 (reference: `find_thresholds_by_FAR`).
///
/// ```
/// # use qgface_data::metrics::thresholds_at;
/// assert_eq!(thresholds_at(&[0.1, 0.4, 0.3, 0.2], &[0.5, 0.25])?, [0.3, 0.4]);
/// # Ok::<(), qgface_data::metrics::Error>(())
/// ```
///
/// # Errors
/// If there is no score, one is not finite, or a rate is not from 0 to 1.
pub fn thresholds_at(top_scores: &[f64], fars: &[f64]) -> Result<Vec<f64>, Error> {
    if let Some(index) = top_scores.iter().position(|score| !score.is_finite()) {
        let what = "highest score of non-mated probe";
        return Err(Error::Score { what, index, found: top_scores[index] });
    }
    let mut sorted = top_scores.to_vec();
    sorted.sort_unstable_by(|a, b| b.total_cmp(a));
    let Some(highest) = sorted.first() else {
        return Err(Error::Empty { what: "probe without a mate in the gallery" });
    };
    let threshold = |&far: &f64| {
        if !(0.0..=1.0).contains(&far) {
            return Err(Error::Rate { found: far });
        }
        let count = (sorted.len() as f64 * far).round_ties_even() as usize;
        Ok(count.checked_sub(1).map_or(highest + ABOVE_ALL, |last| sorted[last]))
    };
    fars.iter().map(threshold).collect()
}

/// The highest score of each probe that has no mate in the gallery, in the order of the probes; memory as
/// in [`super::closed_set()`].
///
/// # Errors
/// As [`super::closed_set()`], but it is no error if there is no such probe.
pub fn top_scores<T: Scalar>(
    probes: Rows<'_, T>,
    probe_ids: &[i64],
    gallery: Rows<'_, T>,
    gallery_ids: &[i64],
) -> Result<Vec<f64>, Error> {
    mates::check((probes, probe_ids), (gallery, gallery_ids))?;
    if gallery.is_empty() {
        return Err(Error::Empty { what: "gallery feature" });
    }
    let (_, others) = Mates::new(gallery_ids).split(probe_ids);
    let shape = Shape::new(others.len(), gallery.len(), gallery.width());
    let mut tops = Vec::with_capacity(others.len());
    let higher = |a: T, b: T| if b > a { b } else { a };
    for members in others.chunks(shape.probes()) {
        let found = Block::new(shape, probes, members).sweep(
            gallery,
            || vec![T::LOWEST; members.len()],
            |tops: &mut Vec<T>, mut tile| {
                for (i, top) in tops.iter_mut().enumerate() {
                    *top = higher(*top, highest(tile.of_probe(i)));
                }
            },
            |a, b| a.into_iter().zip(b).map(|(a, b)| higher(a, b)).collect(),
        );
        tops.extend(found.into_iter().map(T::to_f64));
    }
    Ok(tops)
}

/// [`open_set()`] of scores that are there already: (probes, gallery), and for each whether it is of a
/// mate.
///
/// # Errors
/// As [`open_set()`], and if the lists differ in length, a score is not finite, or no probe has a mate.
pub fn open_set_of_scores<T: Scalar>(
    scores: Rows<'_, T>,
    same: &[bool],
    ranks: &[u64],
    fars: &[f64],
) -> Result<OpenSet, Error> {
    check_scores(scores, same)?;
    let tops: Vec<f64> = (0..scores.len())
        .filter(|probe| !same[probe * scores.width()..][..scores.width()].contains(&true))
        .map(|probe| highest(scores.row(probe)).to_f64())
        .collect();
    open_set(&closed_set_of_scores(scores, same)?, &tops, ranks, fars)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_rounded_half_to_even_and_a_count_of_zero_is_above_all() {
        let tops = [0.1, 0.4, 0.3, 0.2, 0.5, 0.0, -0.1, -0.2, -0.3, -0.4];
        // 0.5 rounds to 0, 1.5 to 2, 2.5 to 2.
        let own = thresholds_at(&tops, &[0.05, 0.15, 0.25, 1.0]).unwrap();
        assert_eq!(own, [0.5 + 1e-5, 0.4, 0.4, -0.4]);
        assert!(thresholds_at(&[], &[0.1]).is_err() && thresholds_at(&tops, &[1.1]).is_err());
        assert!(thresholds_at(&[f64::NAN], &[0.1]).is_err());
    }

    const SCORES: [f32; 12] = [0.9, 0.1, 0.2, 0.6, 0.5, 0.1, 0.0, 0.5, 0.2, 0.3, 0.0, 0.1];
    const SAME: [bool; 12] =
        [true, false, false, false, true, false, false, false, false, false, false, false];

    #[test]
    fn a_probe_is_accepted_at_the_threshold_itself() {
        let scores = Rows::new(&SCORES, 3).unwrap();
        let own = open_set_of_scores(scores, &SAME, &[1, 2], &[0.0, 0.5, 1.0]).unwrap();
        assert_eq!(own.rates, [[0.5, 0.5], [0.5, 1.0], [0.5, 1.0]]);
        assert_eq!(own.fars, [0.0, 0.5, 1.0]);
        assert_eq!(own.thresholds[1], 0.5);
    }

    #[test]
    fn two_mates_and_no_lonely_probe_are_refused() {
        let scores = Rows::new(&SCORES, 3).unwrap();
        let two =
            [true, true, false, false, false, false, false, false, false, false, false, false];
        let error = open_set_of_scores(scores, &two, &[1], &[0.1]).unwrap_err();
        assert_eq!(error, Error::Mates { probe: 0, mates: 2 });
        let none =
            open_set_of_scores(Rows::new(&SCORES[..3], 3).unwrap(), &SAME[..3], &[1], &[0.1]);
        assert!(none.is_err());
    }

    #[test]
    fn top_scores_are_of_the_probes_without_mates() {
        let rows = Rows::new(&[1.0f64, 0.0, 0.0, 1.0, 0.6, 0.8], 2).unwrap();
        assert_eq!(top_scores(rows, &[1, 2, 3], rows, &[9, 2, 8]), Ok(vec![1.0, 1.0]));
        assert_eq!(top_scores(rows, &[1, 2, 3], rows, &[3, 2, 1]), Ok(vec![]));
    }
}
