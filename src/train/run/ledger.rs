//! What a process counts while it steps.

use crate::train::metrics::Line;
use std::time::Duration;

/// Sums over the steps of this process.
#[derive(Debug, Default)]
pub(super) struct Ledger {
    /// Numbers of the last step.
    pub(super) last: Option<Line>,
    /// Damaged images that were left out, by name, each once.
    pub(super) skipped: Vec<String>,
    /// Time of the steps, and the part of it that was spent waiting for batches; without the first,
    /// which is always waited for.
    timed: Duration,
    waited: Duration,
    /// The part of it in which ranks exchanged something or waited for each other.
    exchanged: Duration,
    weighted_pairs: f64,
    steps: u64,
    of_step: OfStep,
}

/// What the batches of the step at work have cost in this process.
#[derive(Debug, Default)]
struct OfStep {
    batches: u64,
    taken: Duration,
    waited: Duration,
}

impl Ledger {
    /// Enters a batch of the step at work that took `taken`, of which `waited` to be loaded.
    pub(super) fn learned(&mut self, taken: Duration, waited: Duration) {
        self.of_step.batches += 1;
        self.of_step.taken += taken;
        self.of_step.waited += waited;
    }

    /// Enters what a batch took of exchanges between ranks; not of the first, before which they begin apart.
    pub(super) fn exchanged(&mut self, taken: Duration) {
        if self.last.is_some() {
            self.exchanged += taken;
        }
    }

    /// Batches that the step at work has learned from in this process.
    pub(super) fn batches(&self) -> u64 {
        self.of_step.batches
    }

    /// What those have taken, and the part of it that was spent waiting.
    pub(super) fn of_step(&self) -> (Duration, Duration) {
        (self.of_step.taken, self.of_step.waited)
    }

    /// Leaves out the step at work, which was skipped.
    pub(super) fn skip_step(&mut self) {
        self.of_step = OfStep::default();
    }

    /// Enters the step at work, which was made.
    pub(super) fn enter(&mut self, line: Line) {
        let OfStep { taken, waited, .. } = std::mem::take(&mut self.of_step);
        if self.last.is_some() {
            self.timed += taken;
            self.waited += waited;
        }
        self.weighted_pairs += f64::from(line.weighted_pairs);
        self.steps += 1;
        self.last = Some(line);
    }

    /// Enters an image that was left out; whether it is the first time.
    pub(super) fn skip(&mut self, name: String) -> bool {
        let is_new = !self.skipped.contains(&name);
        if is_new {
            self.skipped.push(name);
        }
        is_new
    }

    /// Share of the time that was spent waiting, from 0 to 1.
    pub(super) fn waiting_share(&self) -> f64 {
        share(self.waited.as_secs_f64(), self.timed.as_secs_f64())
    }

    /// Share of the time in which ranks exchanged something or waited for each other, from 0 to 1.
    pub(super) fn exchanging_share(&self) -> f64 {
        share(self.exchanged.as_secs_f64(), self.timed.as_secs_f64())
    }

    /// Mean share of the pairs that had a weight.
    pub(super) fn weighted_share(&self) -> f64 {
        share(self.weighted_pairs, self.steps as f64)
    }
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 { part / whole } else { 0.0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(weighted_pairs: f32) -> Line {
        Line {
            step: 1,
            epoch: 0,
            loss: 1.0,
            loss_cla: 1.0,
            loss_con: 0.0,
            lr: 0.1,
            margin: 0.0,
            grad_norm: 1.0,
            weighted_pairs,
            images_per_second: 1.0,
            waited: 0.0,
            loss_scale: None,
            skipped_steps: None,
        }
    }

    #[test]
    fn the_first_step_of_a_process_counts_for_no_time() {
        let mut ledger = Ledger::default();
        assert_eq!((ledger.waiting_share(), ledger.weighted_share()), (0.0, 0.0));
        let seconds = Duration::from_secs;
        for (pairs, taken, waited) in [(0.5, 100, 100), (0.0, 4, 1), (1.0, 2, 1)] {
            ledger.learned(seconds(taken), seconds(waited));
            if taken == 2 {
                ledger.learned(seconds(2), seconds(0));
                assert_eq!((ledger.batches(), ledger.of_step()), (2, (seconds(4), seconds(1))));
            }
            ledger.enter(line(pairs));
        }
        assert_eq!((ledger.waiting_share(), ledger.weighted_share()), (0.25, 0.5));
    }

    #[test]
    fn a_step_that_was_skipped_counts_for_no_time() {
        let mut ledger = Ledger::default();
        ledger.learned(Duration::from_secs(9), Duration::from_secs(1));
        ledger.skip_step();
        ledger.learned(Duration::from_secs(2), Duration::ZERO);
        assert_eq!((ledger.batches(), ledger.of_step().0), (1, Duration::from_secs(2)));
    }

    #[test]
    fn an_image_is_left_out_once() {
        let mut ledger = Ledger::default();
        assert!(ledger.skip("a".to_owned()) && !ledger.skip("a".to_owned()));
        assert_eq!(ledger.skipped, ["a"]);
    }
}
