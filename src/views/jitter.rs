//! Colours changed by random factors, in a random order.

use crate::image::{Pixels, colour};
use crate::seed::Stream;

/// What a factor changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// [`colour::brightness`].
    Brightness,
    /// [`colour::contrast`].
    Contrast,
    /// [`colour::saturation`].
    Saturation,
}

/// Changes of colour and their factors, in the order in which they happen.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Jitter(pub [(Change, f64); 3]);

impl Jitter {
    /// Draws an order, each of the six equally likely, and factors uniform in
    /// [max(0, 1 − `strength`), 1 + `strength`] (torchvision, `ColorJitter` without a hue).
    pub fn draw(strength: f64, stream: &mut Stream) -> Self {
        let mut changes = [Change::Brightness, Change::Contrast, Change::Saturation];
        stream.shuffle(&mut changes);
        let least = (1.0 - strength).max(0.0);
        Self(changes.map(|change| (change, stream.uniform(least, 1.0 + strength))))
    }

    /// Changes a picture.
    pub fn apply(&self, pixels: &mut Pixels) {
        for (change, factor) in self.0 {
            match change {
                Change::Brightness => colour::brightness(pixels, factor),
                Change::Contrast => colour::contrast(pixels, factor),
                Change::Saturation => colour::saturation(pixels, factor),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ChannelOrder;
    use crate::seed::Seed;

    #[test]
    fn the_six_orders_are_equally_likely_and_factors_stay_within_their_range() {
        let mut stream = Seed::new(1).stream("jitter");
        let mut counts = [0i32; 9];
        let mut sum = 0.0;
        for _ in 0..6_000 {
            let Jitter(changes) = Jitter::draw(0.2, &mut stream);
            // The first and the second tell the third.
            counts[3 * changes[0].0 as usize + changes[1].0 as usize] += 1;
            for (_, factor) in changes {
                assert!((0.8..1.2).contains(&factor), "{factor}");
                sum += factor;
            }
        }
        // Five standard errors of 6,000 draws: 5·√(6,000·5/36); two places equal never.
        for (at, count) in counts.iter().enumerate() {
            let expected = if at % 4 == 0 { 0 } else { 1_000 };
            assert!((count - expected).abs() <= 144 * expected.min(1), "{counts:?}");
        }
        // Five standard errors of 18,000 draws: 5·0.4/√12/√18,000.
        assert!((sum / 18_000.0 - 1.0).abs() < 0.0043, "{sum}");
    }

    #[test]
    fn a_factor_is_never_negative() {
        let mut stream = Seed::new(2).stream("jitter");
        for _ in 0..1_000 {
            let Jitter(changes) = Jitter::draw(1.5, &mut stream);
            assert!(changes.iter().all(|(_, factor)| (0.0..2.5).contains(factor)));
        }
    }

    #[test]
    fn changes_happen_in_their_order() {
        let double = (Change::Brightness, 2.0);
        let grey = (Change::Saturation, 0.0);
        let still = (Change::Contrast, 1.0);
        let changed = |changes| {
            let data = vec![200, 0, 0];
            let mut pixels = Pixels { width: 1, height: 1, order: ChannelOrder::Bgr, data };
            Jitter(changes).apply(&mut pixels);
            pixels.data
        };
        // The grey of (200, 0, 0) is 60 (0.299·200), and of (255, 0, 0) it is 76.
        assert_eq!(changed([grey, double, still]), [120; 3]);
        assert_eq!(changed([double, grey, still]), [76; 3]);
    }
}
