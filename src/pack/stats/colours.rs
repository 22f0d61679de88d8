//! Whether a pack's colours are what it says, by skin tones or by another pack.
//!
//! Skin reflects more red than blue, whoever's it is, so in the middle of a true picture of a face the
//! mean red lies above the mean blue; exchanged, below. A single picture may be grey or lit in
//! colour, so pictures vote, and a clear majority of enough votes is asked for.

use super::channels::Histograms;
use crate::image::{ChannelOrder, Pixels};
use schemars::JsonSchema;
use serde::Serialize;

/// What is said of a pack's red and blue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// They stand as declared.
    AsDeclared,
    /// They are exchanged.
    Swapped,
    /// The pictures do not tell.
    Unknown,
}

/// How far red must stand from blue in the middle of a picture for it to vote, in grey levels.
const LEAST_DIFFERENCE: i64 = 4;

/// Votes from which a majority is believed.
const LEAST_VOTES: u64 = 8;

/// The majority that is believed, of all votes.
const MAJORITY: f64 = 0.8;

/// Votes must be at least this share of the pictures, or most of the set is grey.
const LEAST_SHARE: f64 = 0.25;

/// Greatest difference of two means.
const RANGE: i64 = 255;

/// Votes of the middles of pictures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SkinVotes {
    /// Pictures by the rounded difference of their mean red and mean blue, from −255 to 255.
    differences: Vec<u64>,
    red: u64,
    blue: u64,
}

impl Default for SkinVotes {
    fn default() -> Self {
        Self { differences: vec![0; 2 * RANGE as usize + 1], red: 0, blue: 0 }
    }
}

/// What the votes are.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SkinReport {
    /// What they say.
    pub verdict: Verdict,
    /// Pictures with more red than blue in the middle, as declared.
    pub red: u64,
    /// Pictures with more blue than red.
    pub blue: u64,
    /// Pictures with about as much of both.
    pub neutral: u64,
}

impl SkinVotes {
    /// Of the middle of a picture, the sums of its first and last channel as the decoder returns them and
    /// its pixels: half its width and half its height.
    pub(super) fn middle(pixels: &Pixels) -> [i64; 3] {
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        let (columns, rows) =
            (width / 4..(3 * width).div_ceil(4), height / 4..(3 * height).div_ceil(4));
        let mut sums = [0; 3];
        for row in pixels.data.chunks_exact(width * 3).skip(rows.start).take(rows.len()) {
            for pixel in row.as_chunks::<3>().0.iter().skip(columns.start).take(columns.len()) {
                sums[0] += i64::from(pixel[0]);
                sums[1] += i64::from(pixel[2]);
                sums[2] += 1;
            }
        }
        sums
    }

    /// Takes the vote of a picture whose middle has these sums, its channels stored in `order`.
    pub(super) fn add(&mut self, [first, last, count]: [i64; 3], order: ChannelOrder) {
        let difference = match order {
            ChannelOrder::Rgb => first - last,
            ChannelOrder::Bgr => last - first,
        };
        let count = count.max(1);
        if difference >= LEAST_DIFFERENCE * count {
            self.red += 1;
        } else if difference <= -LEAST_DIFFERENCE * count {
            self.blue += 1;
        }
        let rounded = (2 * difference + count).div_euclid(2 * count).clamp(-RANGE, RANGE);
        self.differences[(rounded + RANGE) as usize] += 1;
    }

    /// Pictures by the difference of their mean red and mean blue.
    pub fn differences(&self) -> impl Iterator<Item = (i64, u64)> {
        self.differences.iter().enumerate().map(|(at, count)| (at as i64 - RANGE, *count))
    }

    /// Counts the votes.
    pub(super) fn report(&self) -> SkinReport {
        let (red, blue) = (self.red, self.blue);
        let pictures: u64 = self.differences.iter().sum();
        let votes = red + blue;
        let enough = votes >= LEAST_VOTES && votes as f64 >= LEAST_SHARE * pictures as f64;
        let clear = |own: u64| enough && own as f64 >= MAJORITY * votes as f64;
        let verdict = match (clear(red), clear(blue)) {
            (true, _) => Verdict::AsDeclared,
            (_, true) => Verdict::Swapped,
            _ => Verdict::Unknown,
        };
        SkinReport { verdict, red, blue, neutral: pictures - votes }
    }
}

/// How a pack's colours stand to those of another pack.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct AgainstReport {
    /// The other pack.
    pub pack: String,
    /// What it says.
    pub verdict: Verdict,
    /// Distance of red from its red and of blue from its blue, in grey levels.
    pub distance: f64,
    /// Distance of red from its blue and of blue from its red.
    pub distance_swapped: f64,
}

/// The nearer way round must be at most this much of the other.
const CLEARLY_NEARER: f64 = 0.6;

/// Red and blue nearer than this to each other in both packs, in grey levels, tell nothing.
const GREY: f64 = 2.0;

impl AgainstReport {
    /// Compares the red and blue of two packs, each with the order it is stored in, by the distance of
    /// their distributions (Wasserstein's, of order 1).
    pub(super) fn of(
        own: (&Histograms, ChannelOrder),
        pack: String,
        other: (&Histograms, ChannelOrder),
    ) -> Self {
        let [red, _, blue] = own.0.of(ChannelOrder::Rgb, own.1);
        let [other_red, _, other_blue] = other.0.of(ChannelOrder::Rgb, other.1);
        let distance = wasserstein(red, other_red) + wasserstein(blue, other_blue);
        let distance_swapped = wasserstein(red, other_blue) + wasserstein(blue, other_red);
        let coloured = wasserstein(red, blue).min(wasserstein(other_red, other_blue)) >= GREY;
        let verdict = if coloured && distance <= CLEARLY_NEARER * distance_swapped {
            Verdict::AsDeclared
        } else if coloured && distance_swapped <= CLEARLY_NEARER * distance {
            Verdict::Swapped
        } else {
            Verdict::Unknown
        };
        Self { pack, verdict, distance, distance_swapped }
    }
}

/// `∫ |F(x) − G(x)| dx` of two distributions over grey levels.
fn wasserstein(a: &[u64; 256], b: &[u64; 256]) -> f64 {
    let total = |channel: &[u64; 256]| channel.iter().sum::<u64>().max(1) as f64;
    let (all_a, all_b) = (total(a), total(b));
    let (mut below_a, mut below_b, mut distance) = (0, 0, 0.0);
    for (a, b) in a.iter().zip(b) {
        below_a += a;
        below_b += b;
        distance += (below_a as f64 / all_a - below_b as f64 / all_b).abs();
    }
    distance
}

#[cfg(test)]
mod tests {
    use super::*;

    fn votes(differences: &[i64]) -> SkinReport {
        let mut votes = SkinVotes::default();
        differences.iter().for_each(|&difference| {
            votes.add([100 + difference, 100, 1], ChannelOrder::Rgb);
        });
        votes.report()
    }

    #[test]
    fn a_clear_majority_of_enough_pictures_is_believed() {
        assert_eq!(votes(&[20; 8]).verdict, Verdict::AsDeclared);
        assert_eq!(votes(&[-20; 8]).verdict, Verdict::Swapped);
        assert_eq!(votes(&[20; 7]).verdict, Verdict::Unknown);
        assert_eq!(votes(&[20, 20, 20, 20, 20, 20, 20, -20, -20, -20]).verdict, Verdict::Unknown);
    }

    #[test]
    fn grey_pictures_do_not_vote_and_a_grey_set_tells_nothing() {
        let report = votes(&[0, 3, -3, 1]);
        assert_eq!((report.red, report.blue, report.neutral), (0, 0, 4));
        let mostly_grey: Vec<i64> = [vec![20; 8], vec![0; 25]].concat();
        assert_eq!(votes(&mostly_grey).verdict, Verdict::Unknown);
    }

    #[test]
    fn the_middle_is_half_the_width_and_half_the_height() {
        let mut data = vec![0; 8 * 4 * 3];
        for (y, x) in [(1, 2), (2, 5)] {
            data[(y * 8 + x) * 3] = 10;
        }
        for (y, x) in [(0, 3), (1, 1), (2, 6), (3, 3)] {
            data[(y * 8 + x) * 3] = 200;
        }
        let pixels = Pixels { width: 8, height: 4, order: ChannelOrder::Rgb, data };
        assert_eq!(SkinVotes::middle(&pixels), [20, 0, 8]);
    }

    #[test]
    fn distributions_one_level_apart_have_the_distance_one() {
        let (mut a, mut b) = ([0; 256], [0; 256]);
        (a[7], b[8]) = (5, 10);
        assert_eq!(wasserstein(&a, &b), 1.0);
        assert_eq!(wasserstein(&a, &a), 0.0);
    }
}
