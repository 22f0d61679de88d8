//! What ranks and counts may be where scores tie within the last bits: another machine orders such
//! ties otherwise, so a rank, a rate or a point of a curve lies between the best and the worst order.
//!
//! Where no two scores are within the slack of each other, best and worst are one, and nothing is
//! granted.

use qgface_data::metrics::{Rows, Scalar};
use std::ops::RangeInclusive;

/// Rounding of the manifests' rates, which are means in f32 or decimals.
const RATE: f64 = 1e-6;

/// Ranks, from 1, that the best of the mates may have among the scores of a probe.
///
/// # Panics
/// When there is no mate.
pub(crate) fn ranks(scores: &[f64], same: &[bool], slack: f64) -> RangeInclusive<u64> {
    let of = |mate: bool| {
        scores.iter().zip(same).filter(move |(_, same)| **same == mate).map(|(score, _)| *score)
    };
    let best = of(true).fold(f64::NEG_INFINITY, f64::max);
    assert!(best.is_finite(), "a probe without a mate");
    let ahead = |bar: f64| of(false).filter(|score| *score >= bar).count() as u64;
    ahead((best + slack).next_up()) + 1..=ahead(best - slack) + 1
}

/// Probes against a gallery, by one plain loop in f64 a score.
pub(crate) struct Similarities<'a, T> {
    pub(crate) probes: Rows<'a, T>,
    pub(crate) gallery: Rows<'a, T>,
    /// Whether a row of the gallery is a mate of a probe.
    pub(crate) same: &'a dyn Fn(usize, usize) -> bool,
}

impl<T: Scalar> Similarities<'_, T> {
    /// Ranks that the best mate of a probe may have.
    pub(crate) fn ranks(&self, probe: usize, slack: f64) -> RangeInclusive<u64> {
        let product = |row: usize| -> f64 {
            let both = self.probes.row(probe).iter().zip(self.gallery.row(row));
            both.map(|(a, b)| a.to_f64() * b.to_f64()).sum()
        };
        let rows = 0..self.gallery.len();
        let same: Vec<bool> = rows.clone().map(|row| (self.same)(probe, row)).collect();
        ranks(&rows.map(product).collect::<Vec<_>>(), &same, slack)
    }
}

/// The rate of ranks up to `k` where each rank may be any of its bracket.
pub(crate) fn rate(brackets: &[RangeInclusive<u64>], k: u64) -> RangeInclusive<f64> {
    let share = |found: usize| found as f64 / brackets.len() as f64;
    let surely = brackets.iter().filter(|ranks| *ranks.end() <= k).count();
    let possibly = brackets.iter().filter(|ranks| *ranks.start() <= k).count();
    share(surely)..=share(possibly)
}

/// Share of `scores` above a threshold that is known within the slack.
pub(crate) fn share_above(scores: &[f64], threshold: f64, slack: f64) -> RangeInclusive<f64> {
    let share =
        |bar: f64| scores.iter().filter(|score| **score > bar).count() as f64 / scores.len() as f64;
    share(threshold + slack)..=share((threshold - slack).next_down())
}

/// # Panics
/// When the rate lies outside by more than rates are rounded by.
#[track_caller]
pub(crate) fn assert_within(rate: f64, bracket: &RangeInclusive<f64>, what: &str) {
    let within = rate >= bracket.start() - RATE && rate <= bracket.end() + RATE;
    assert!(within, "{what}: {rate}, expected {bracket:?}");
}

/// How many of descending `scores` are at least a bar that is known within the slack.
pub(crate) fn counts_from(descending: &[f64], bar: f64, slack: f64) -> RangeInclusive<u64> {
    let count = |bar: f64| descending.partition_point(|score| *score >= bar) as u64;
    count(bar + slack)..=count(bar - slack)
}
