//! Whether gradients are summed over ranks while others are computed: as asked for, or as is faster.

use super::Error;
use crate::group::{Group, Reduction};
use crate::nn::Overlap;
use std::fmt;
use std::time::Duration;

/// How fast steps are either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    /// A step's gradients and their sums, of which each is begun as soon as its gradients are made.
    pub ahead: Duration,
    /// The same, summed when all are made.
    pub after: Duration,
}

impl Found {
    fn is_ahead(self) -> bool {
        self.ahead < self.after
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let milliseconds = |time: Duration| 1000.0 * time.as_secs_f64();
        let when = if self.is_ahead() { "while others are made" } else { "when all are made" };
        write!(
            f,
            "gradients are summed {when}: {:.0} ms a step while, {:.0} ms when all are made",
            milliseconds(self.ahead),
            milliseconds(self.after)
        )
    }
}

/// Steps before the first that is timed: they make ready what is made once.
const WARM_UP: usize = 2;

/// Steps that are timed either way, in turn.
const TIMED: usize = 5;

/// The way of the next step.
#[derive(Debug)]
pub(super) struct Pace {
    overlap: Overlap,
    /// Steps that were tried.
    steps: usize,
    /// Times of those that summed ahead, and after, but of the first steps.
    times: [Vec<Duration>; 2],
    found: Option<Found>,
    is_told: bool,
}

impl Pace {
    pub(super) fn new(overlap: Overlap) -> Self {
        let (times, found) = ([Vec::new(), Vec::new()], None);
        Self { overlap, steps: 0, times, found, is_told: false }
    }

    /// Whether the next step sums ahead.
    pub(super) fn is_ahead(&self) -> bool {
        match (self.overlap, self.found) {
            (Overlap::On, _) => true,
            (Overlap::Off, _) => false,
            (Overlap::Auto, Some(found)) => found.is_ahead(),
            (Overlap::Auto, None) => self.steps % 2 == 1,
        }
    }

    /// Enters what a step took; the slowest rank's times decide, for all.
    ///
    /// # Errors
    /// [`Error::Group`].
    pub(super) fn took(&mut self, time: Duration, group: &Group) -> Result<(), Error> {
        if self.overlap != Overlap::Auto || self.found.is_some() {
            return Ok(());
        }
        let [ahead, after] = &mut self.times;
        if self.steps >= WARM_UP {
            if self.steps % 2 == 1 { ahead.push(time) } else { after.push(time) }
        }
        self.steps += 1;
        if self.steps == WARM_UP + 2 * TIMED {
            let mut medians = [median(ahead), median(after)].map(|time| time.as_nanos() as u64);
            group.all_reduce(&mut medians, Reduction::Max)?;
            let [ahead, after] = medians.map(Duration::from_nanos);
            self.found = Some(Found { ahead, after });
        }
        Ok(())
    }

    /// What was found out, once.
    pub(super) fn found(&mut self) -> Option<Found> {
        let found = self.found.filter(|_| !self.is_told);
        self.is_told |= found.is_some();
        found
    }
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The ways of the first steps, where those that sum ahead take so long, and others 10.
    fn ways(overlap: Overlap, ahead: u64, steps: usize) -> (Vec<bool>, Pace) {
        let (mut pace, group) = (Pace::new(overlap), Group::alone());
        let ways = (0..steps).map(|step| {
            let way = pace.is_ahead();
            // What is made once takes longest, and now and then something else runs.
            let odd = if step < WARM_UP || step == 5 { 1000 } else { 0 };
            let time = odd + if way { ahead } else { 10 };
            pace.took(Duration::from_millis(time), &group).unwrap();
            way
        });
        (ways.collect(), pace)
    }

    #[test]
    fn both_ways_are_tried_in_turn_and_the_faster_one_stays() {
        const TRIED: usize = WARM_UP + 2 * TIMED;
        for (time, faster) in [(9, true), (11, false), (10, false)] {
            let (ways, mut pace) = ways(Overlap::Auto, time, TRIED + 3);
            assert_eq!(ways[..4], [false, true, false, true]);
            assert_eq!(ways[TRIED..], [faster; 3], "{time} ms");
            let told = pace.found().unwrap().to_string();
            let when = if faster { "while others" } else { "when all" };
            assert!(told.starts_with(&format!("gradients are summed {when} are made:")), "{told}");
            assert!(told.contains(&format!("{time} ms a step while, 10 ms when")), "{told}");
            assert_eq!(pace.found(), None, "told once");
        }
        assert_eq!(ways(Overlap::Auto, 9, TRIED - 1).1.found(), None);
    }

    #[test]
    fn what_is_asked_for_is_not_tried() {
        assert_eq!(ways(Overlap::On, 99, 20).0, [true; 20]);
        let (off, mut pace) = ways(Overlap::Off, 1, 20);
        assert_eq!((off, pace.found()), (vec![false; 20], None));
    }
}
