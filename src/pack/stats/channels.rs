//! Sums over channels in whole numbers, so that means and deviations are exact for any order of adding.

use crate::image::{ChannelOrder, Pixels};
use schemars::JsonSchema;
use serde::Serialize;

/// Values of a channel.
const VALUES: usize = 256;

/// How often each value stands in each channel, the channels as a decoder returns them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Histograms(Box<[[u64; VALUES]; 3]>);

/// Mean and deviation of three channels.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct ChannelStats {
    /// Which colour stands first.
    pub order: ChannelOrder,
    /// Means, in grey levels from 0 to 255.
    pub mean: [f64; 3],
    /// Deviations over all pixels (of the population), in grey levels.
    pub deviation: [f64; 3],
}

impl Default for Histograms {
    fn default() -> Self {
        Self(Box::new([[0; VALUES]; 3]))
    }
}

impl Histograms {
    /// Adds every pixel of a picture.
    pub(super) fn add(&mut self, pixels: &Pixels) {
        let [first, second, third] = &mut *self.0;
        for &[a, b, c] in pixels.data.as_chunks::<3>().0 {
            first[usize::from(a)] += 1;
            second[usize::from(b)] += 1;
            third[usize::from(c)] += 1;
        }
    }

    /// Adds what was counted elsewhere.
    pub(super) fn add_all(&mut self, other: &Self) {
        let own = self.0.as_flattened_mut().iter_mut();
        own.zip(other.0.as_flattened()).for_each(|(own, other)| *own += other);
    }

    /// How often each value stands in each channel, those of `order` first to last; `stored` says which
    /// colours the decoder's first to last are.
    pub fn of(&self, order: ChannelOrder, stored: ChannelOrder) -> [&[u64; VALUES]; 3] {
        let [first, second, third] = &*self.0;
        if order == stored { [first, second, third] } else { [third, second, first] }
    }

    /// Pixels counted.
    pub fn pixels(&self) -> u64 {
        self.0[0].iter().sum()
    }

    /// Mean and deviation of each channel: with n values x, `Σx / n` and `√(n·Σx² − (Σx)²) / n`, all sums
    /// exact. Zero without pixels.
    pub(super) fn stats(&self, order: ChannelOrder, stored: ChannelOrder) -> ChannelStats {
        let channels = self.of(order, stored);
        let count = u128::from(self.pixels());
        let sums = channels.map(|channel| {
            let counted = channel.iter().enumerate().map(|(x, n)| (x as u128, u128::from(*n)));
            let sum: u128 = counted.clone().map(|(x, n)| x * n).sum();
            let squares: u128 = counted.map(|(x, n)| x * x * n).sum();
            (sum, squares)
        });
        let divisor = count.max(1) as f64;
        ChannelStats {
            order,
            mean: sums.map(|(sum, _)| sum as f64 / divisor),
            deviation: sums
                .map(|(sum, squares)| ((count * squares - sum * sum) as f64).sqrt() / divisor),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(values: &[[u8; 3]]) -> Pixels {
        let data = values.as_flattened().to_vec();
        Pixels { width: values.len() as u32, height: 1, order: ChannelOrder::Rgb, data }
    }

    #[test]
    fn means_and_deviations_are_those_of_the_definition() {
        let mut histograms = Histograms::default();
        histograms.add(&pixels(&[[0, 10, 255], [4, 10, 255]]));
        histograms.add(&pixels(&[[0, 10, 255], [4, 10, 255]]));
        let stats = histograms.stats(ChannelOrder::Rgb, ChannelOrder::Rgb);
        assert_eq!((stats.mean, stats.deviation), ([2.0, 10.0, 255.0], [2.0, 0.0, 0.0]));
    }

    #[test]
    fn a_pack_with_exchanged_colours_is_told_in_its_true_ones() {
        let mut histograms = Histograms::default();
        histograms.add(&pixels(&[[1, 2, 3]]));
        let rgb = histograms.stats(ChannelOrder::Rgb, ChannelOrder::Bgr);
        assert_eq!(rgb.mean, [3.0, 2.0, 1.0]);
        assert_eq!(histograms.stats(ChannelOrder::Bgr, ChannelOrder::Bgr).mean, [1.0, 2.0, 3.0]);
    }

    #[test]
    fn parts_added_in_any_order_are_the_whole() {
        let parts = [[1, 2, 3], [200, 9, 0], [7, 7, 7]].map(|value| {
            let mut part = Histograms::default();
            part.add(&pixels(&[value]));
            part
        });
        let sum = |order: [usize; 3]| {
            let mut sum = Histograms::default();
            order.iter().for_each(|&at| sum.add_all(&parts[at]));
            sum
        };
        assert_eq!(sum([0, 1, 2]), sum([2, 0, 1]));
    }

    #[test]
    fn the_sums_of_a_large_set_do_not_overflow() {
        let mut histograms = Histograms::default();
        histograms.0[0][255] = 1 << 48;
        let stats = histograms.stats(ChannelOrder::Rgb, ChannelOrder::Rgb);
        assert_eq!((stats.mean[0], stats.deviation[0]), (255.0, 0.0));
    }
}
