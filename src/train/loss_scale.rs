//! The factor of the loss from which gradients in half width are derived: without it small ones would be
//! zero there. It is halved where gradients overflow, and doubled when they have not for long.

use super::state::Tensor;
use super::{Error, TrainState};
use indexmap::IndexMap;

/// The scale at the beginning, and the good steps in a row after which it is doubled (PyTorch's
/// `GradScaler` has both).
const FIRST: f32 = 65_536.0;
const DOUBLED_AFTER: u32 = 2_000;

/// It is not doubled beyond: where gradients vanish it would grow to what is no number.
const MOST: f32 = 16_777_216.0;

/// A scale below is no help: a float16 holds larger numbers than it is then asked for.
const LEAST: f32 = 1.0;

/// Counts are exact in 32 bits up to this one.
const MOST_COUNTED: u32 = 1 << 24;

/// The tensors of a state that hold it; their names begin with [`LossScale::TENSORS`].
const SCALE: &str = "loss_scale.scale";
const GOOD: &str = "loss_scale.good_steps";
const SKIPPED: &str = "loss_scale.skipped_steps";

/// A scale of the loss, with what it depends on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LossScale {
    /// A power of two, so that to multiply and to divide by it rounds nothing.
    scale: f32,
    /// Steps that were made with it since it changed or gradients overflowed.
    good: u32,
    /// Steps that were not made, since gradients overflowed.
    skipped: u32,
}

impl Default for LossScale {
    fn default() -> Self {
        Self { scale: FIRST, good: 0, skipped: 0 }
    }
}

impl LossScale {
    /// What the names of a state's tensors begin with that hold it.
    pub(super) const TENSORS: &str = "loss_scale.";

    /// The scale with which nothing was made yet.
    ///
    /// # Panics
    /// Where it is no power of two from 1 on.
    pub(super) fn starting_at(scale: f32) -> Self {
        assert!(scale >= LEAST && scale.log2().fract() == 0.0, "{scale} as a loss scale");
        Self { scale, ..Self::default() }
    }

    /// The scale of a state; that of the beginning where the state has none.
    ///
    /// # Errors
    /// [`Error::State`] where it is no power of two from 1 on, or a count is none.
    pub(super) fn of(state: &TrainState) -> Result<Self, Error> {
        if !state.tensors.contains_key(SCALE) {
            return Ok(Self::default());
        }
        let read = |name: &str| state.get(name, &[]).map(|tensor| tensor.data[0]);
        let wrong = |name: &str, number: f32, what: &str| {
            let found = format!("{number}, {what}");
            Err(Error::State { name: name.to_owned(), expected: vec![], found })
        };
        let scale = read(SCALE)?;
        if scale < LEAST || scale.log2().fract() != 0.0 {
            return wrong(SCALE, scale, "no power of two from 1 on");
        }
        let [mut good, mut skipped] = [0, 0];
        let counts = [(GOOD, &mut good, DOUBLED_AFTER - 1), (SKIPPED, &mut skipped, MOST_COUNTED)];
        for (name, count, most) in counts {
            let number = read(name)?;
            if number.fract() != 0.0 || !(0.0..=most as f32).contains(&number) {
                return wrong(name, number, "no count of such steps");
            }
            *count = number as u32;
        }
        Ok(Self { scale, good, skipped })
    }

    /// The factor of the next step.
    pub fn scale(self) -> f32 {
        self.scale
    }

    /// Steps that were skipped so far.
    pub fn skipped_steps(self) -> u64 {
        self.skipped.into()
    }

    /// Whether there is no scale left to try.
    pub fn is_spent(self) -> bool {
        self.scale < LEAST
    }

    /// Enters a step that was made.
    pub(super) fn made(&mut self) {
        self.good += 1;
        if self.good == DOUBLED_AFTER {
            self.good = 0;
            if self.scale < MOST {
                self.scale *= 2.0;
            }
        }
    }

    /// Enters a step that was skipped, since its gradients overflowed.
    pub(super) fn overflowed(&mut self) {
        self.scale /= 2.0;
        self.good = 0;
        self.skipped = (self.skipped + 1).min(MOST_COUNTED);
    }

    /// What a state holds of it.
    pub(super) fn tensors(self) -> IndexMap<String, Tensor> {
        let numbers =
            [(SCALE, self.scale), (GOOD, self.good as f32), (SKIPPED, self.skipped as f32)];
        let tensor = |number| Tensor { shape: vec![], data: vec![number] };
        numbers.map(|(name, number)| (name.to_owned(), tensor(number))).into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_is_halved_at_an_overflow_and_doubled_after_many_good_steps_in_a_row() {
        let mut own = LossScale::default();
        assert_eq!(own.scale(), 65_536.0);
        (1..DOUBLED_AFTER).for_each(|_| own.made());
        own.overflowed();
        assert_eq!((own.scale(), own.skipped_steps()), (32_768.0, 1));
        (1..DOUBLED_AFTER).for_each(|_| own.made());
        assert_eq!(own.scale(), 32_768.0);
        own.made();
        assert_eq!((own.scale(), own.good), (65_536.0, 0));
        (0..20 * DOUBLED_AFTER).for_each(|_| own.made());
        assert_eq!(own.scale(), MOST);
    }

    #[test]
    fn below_one_it_is_spent() {
        let mut own = LossScale::default();
        (0..16).for_each(|_| own.overflowed());
        assert_eq!((own.scale(), own.is_spent()), (1.0, false));
        own.overflowed();
        assert!(own.is_spent());
    }

    #[test]
    fn it_comes_back_from_a_state_and_no_other_numbers_do() {
        let mut own = LossScale::default();
        own.overflowed();
        own.made();
        let state = TrainState { tensors: own.tensors() };
        assert_eq!(LossScale::of(&state).unwrap(), own);
        assert_eq!(LossScale::of(&TrainState::default()).unwrap(), LossScale::default());
        for (name, number) in [
            (SCALE, 0.5),
            (SCALE, 3.0),
            (SCALE, -2.0),
            (SCALE, f32::INFINITY),
            (GOOD, 2_000.0),
            (GOOD, 0.5),
            (SKIPPED, -1.0),
        ] {
            let mut damaged = state.clone();
            damaged.tensors[name].data = vec![number];
            let refused = LossScale::of(&damaged).unwrap_err();
            assert!(matches!(&refused, Error::State { name: own, .. } if own == name), "{refused}");
        }
        let mut damaged = state;
        damaged.tensors.shift_remove(GOOD);
        assert!(LossScale::of(&damaged).is_err());
    }
}
