//! The rates of a step.

use super::Error;
use super::names::RATE;

/// Numbers that change from step to step.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rates {
    /// The learning rate, finite.
    pub learning: f32,
    /// Factor of the contrastive loss, finite.
    pub contrast_weight: f32,
    /// b of the head, from 0 to 1; read where the step's scales are fed.
    pub head_scale: f32,
    /// b of the contrast; as the head's.
    pub contrast_scale: f32,
}

impl Rates {
    /// By the names of the inputs.
    pub(super) fn numbers(&self) -> [(&'static str, f32); 4] {
        [
            (RATE, self.learning),
            ("contrast_weight", self.contrast_weight),
            ("head_scale", self.head_scale),
            ("contrast_scale", self.contrast_scale),
        ]
    }

    pub(super) fn check(&self) -> Result<(), Error> {
        let scales = [self.head_scale, self.contrast_scale];
        let [learning, weight] = [self.learning, self.contrast_weight];
        let numbers = [("learning rate", learning), ("contrast weight", weight)];
        let infinite = numbers.into_iter().find(|(_, number)| !number.is_finite());
        let unbounded = scales.into_iter().find(|b| !(0.0..=1.0).contains(b));
        let (option, expected, found) = match (infinite, unbounded) {
            (Some((option, number)), _) => (option, "a finite number", number),
            (None, Some(b)) => ("quality scale", "0 to 1", b),
            (None, None) => return Ok(()),
        };
        Err(Error::Option { option, expected: expected.to_owned(), found: found.to_string() })
    }
}
