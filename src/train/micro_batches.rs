//! The batches of one step, of which it sums the gradients.

use super::state::Tensor;
use super::{Error, Scalars, TrainState};
use indexmap::IndexMap;

/// What the batches that a step has learned from so far have reported.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct MicroBatches {
    batches: usize,
    /// Of the losses and the share of weighted pairs; 32 bits, so that a state holds them whole.
    sums: [f32; SUMMED],
}

/// Numbers of which a step reports the mean.
const SUMMED: usize = 4;

/// The tensors of a state that hold them: how many batches, and their sums.
const BATCHES: &str = "step.batches";
const SUMS: &str = "step.sums";

impl MicroBatches {
    /// Those of a state; none where the state lies between two steps.
    ///
    /// # Errors
    /// [`Error::State`] where a step of `accumulate` batches is never in such a state.
    pub(super) fn of(state: &TrainState, accumulate: usize) -> Result<Self, Error> {
        if !state.tensors.contains_key(BATCHES) {
            return Ok(Self::default());
        }
        let count = state.get(BATCHES, &[])?.data[0];
        if count.fract() != 0.0 || !(1.0..accumulate as f32).contains(&count) {
            let found = format!("{count}, where a step sums the gradients of {accumulate}");
            return Err(Error::State { name: BATCHES.to_owned(), expected: vec![], found });
        }
        let mut sums = [0.0; SUMMED];
        sums.copy_from_slice(&state.get(SUMS, &[SUMMED])?.data);
        Ok(Self { batches: count as usize, sums })
    }

    /// Whether a step has begun and awaits more batches.
    pub(super) fn is_begun(self) -> bool {
        self.batches > 0
    }

    /// Batches so far.
    pub(super) fn batches(self) -> usize {
        self.batches
    }

    /// Enters what a batch reported.
    pub(super) fn enter(&mut self, own: Scalars) {
        let Scalars { loss, loss_cla, loss_con, weighted_pairs, .. } = own;
        self.batches += 1;
        let reported = [loss, loss_cla, loss_con, weighted_pairs];
        self.sums.iter_mut().zip(reported).for_each(|(sum, own)| *sum += own);
    }

    /// What the step reports whose batches these are: means, and what the last batch left as it is.
    pub(super) fn reported(self, last: Scalars) -> Scalars {
        let [loss, loss_cla, loss_con, weighted_pairs] =
            self.sums.map(|sum| sum / self.batches as f32);
        Scalars { loss, loss_cla, loss_con, weighted_pairs, ..last }
    }

    /// What a state holds of it beside the gradients.
    pub(super) fn tensors(self) -> IndexMap<String, Tensor> {
        let batches = Tensor { shape: vec![], data: vec![self.batches as f32] };
        let sums = Tensor { shape: vec![self.sums.len()], data: self.sums.to_vec() };
        [(BATCHES.to_owned(), batches), (SUMS.to_owned(), sums)].into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalars(loss: f32, margin: f32) -> Scalars {
        Scalars { loss, margin, ..Scalars::from([1.0; 7]) }
    }

    #[test]
    fn a_step_reports_means_of_losses_and_the_last_of_what_runs_on() {
        let mut own = MicroBatches::default();
        own.enter(scalars(1.0, 0.1));
        own.enter(scalars(2.0, 0.2));
        assert_eq!(own.reported(scalars(2.0, 0.2)), scalars(1.5, 0.2));
    }

    #[test]
    fn they_come_back_from_a_state_of_the_same_step_alone() {
        let mut own = MicroBatches::default();
        own.enter(scalars(0.3, 0.1));
        own.enter(scalars(0.4, 0.1));
        let state = TrainState { tensors: own.tensors() };
        assert_eq!(MicroBatches::of(&state, 3).unwrap(), own);
        assert_eq!(MicroBatches::of(&TrainState::default(), 3).unwrap(), MicroBatches::default());
        for accumulate in [1, 2] {
            let refused = MicroBatches::of(&state, accumulate).unwrap_err();
            assert!(matches!(refused, Error::State { .. }), "{refused}");
        }
        let mut damaged = state.clone();
        damaged.tensors[BATCHES].data = vec![1.5];
        assert!(MicroBatches::of(&damaged, 3).is_err());
        damaged.tensors.shift_remove(SUMS);
        assert!(MicroBatches::of(&damaged, 3).is_err());
    }
}
