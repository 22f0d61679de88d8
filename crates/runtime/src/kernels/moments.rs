//! `ChannelMoments`: mean and variance by channel, in one pass over memory.
//!
//! Numbers are taken as blocks that fit the first caches, and read twice there: for a mean, and for
//! what lies around it. Blocks are joined in f64 (Chan, Golub and LeVeque 1979), in an order that the
//! shape alone decides.

use super::call::Call;
use super::operator::Channelwise;
use super::port::{Port, refuse};
use super::rows::{Rows, in_parts};
use super::vector::{Block, LANES, Lanes, Numbers, Work};
use super::widest::widest;
use ort::Error;
use ort::operator::KernelContext;
use std::cell::Cell;

/// Floats of a block: 32 KiB. Of rows of the least width no more than 32 terms are added in f32.
const BLOCK: usize = 1 << 13;

/// Mean and biased variance. With µ and σ² the exact ones, the mean is within 2⁻²⁴·|µ| + 2⁻¹⁸·σ, the
/// variance within 2⁻¹⁸·(σ² + 2⁻³⁸·µ²).
#[derive(Debug, Clone, Copy)]
pub(super) struct Moments;

impl Channelwise for Moments {
    const NAME: &'static str = "ChannelMoments";
    const INPUTS: &'static [Port] = &[Port::image("x")];
    const OUTPUTS: &'static [Port] = &[Port::channels("mean"), Port::channels("variance")];

    fn new(_: &KernelContext<'_>) -> Result<Self, Error> {
        Ok(Self)
    }

    #[allow(unsafe_code)]
    fn compute(&self, call: &Call<'_>) -> Result<(), Error> {
        let rows = Rows::new(call.elements(), call.channels());
        if rows.parts() == 0 {
            let found = format!("{:?}", call.shape());
            return Err(refuse(Self::NAME, "x", "at least one element", &found));
        }
        let x = call.image(0)?;
        let parts = in_parts(call.context, rows.parts(), |at| {
            // SAFETY: nothing writes the image.
            let x = unsafe { x.cells(rows.part(at)) };
            widest(Part { rows: &rows, x })
        })?;
        let mut all = Joined::none(rows.channels());
        for part in &parts {
            all.join(part.count, &part.mean, &part.squares);
        }
        let variance: Vec<f64> = all.squares.iter().map(|squares| squares / all.count).collect();
        call.write_channels(0, &all.mean)?;
        call.write_channels(1, &variance)
    }
}

/// Of some rows, by channel.
struct Joined {
    /// Number of rows.
    count: f64,
    mean: Vec<f64>,
    /// Sum of the squares of what lies around the mean.
    squares: Vec<f64>,
}

impl Joined {
    fn none(channels: usize) -> Self {
        Self { count: 0.0, mean: vec![0.0; channels], squares: vec![0.0; channels] }
    }

    /// Adds other rows.
    fn join(&mut self, count: f64, mean: &[f64], squares: &[f64]) {
        let share = count / (self.count + count);
        let weight = self.count * share;
        let own = self.mean.iter_mut().zip(&mut self.squares);
        for ((own_mean, own_squares), (mean, squares)) in own.zip(mean.iter().zip(squares)) {
            let apart = mean - *own_mean;
            *own_mean += apart * share;
            *own_squares += squares + apart * apart * weight;
        }
        self.count += count;
    }
}

/// Some of the rows.
struct Part<'a> {
    rows: &'a Rows,
    x: &'a [Cell<f32>],
}

impl Work for Part<'_> {
    type Made = Joined;

    #[inline(always)]
    fn run<V: Lanes>(self) -> Joined {
        let (channels, width) = (self.rows.channels(), self.rows.width());
        let mut all = Joined::none(channels);
        let mut sums = vec![[0.0; LANES]; width / LANES];
        let mut squares = sums.clone();
        let [mut apart, mut around] = [vec![0.0; channels], vec![0.0; channels]];
        for block in self.x.chunks((BLOCK / width).max(1) * width) {
            let count = (block.len() / channels) as f64;
            sums.fill([0.0; LANES]);
            for x in block.chunks(width) {
                add::<V>(x, &mut sums);
            }
            apart.fill(0.0);
            self.rows.fold(&sums, &mut apart);
            let means: Vec<f32> = apart.iter().map(|sum| (sum / count) as f32).collect();
            let table = self.rows.table(&means);
            sums.fill([0.0; LANES]);
            squares.fill([0.0; LANES]);
            for x in block.chunks(width) {
                add_around::<V>(x, &table, &mut sums, &mut squares);
            }
            apart.fill(0.0);
            self.rows.fold(&sums, &mut apart);
            around.fill(0.0);
            self.rows.fold(&squares, &mut around);
            // What was taken for the mean was rounded.
            for ((apart, around), mean) in apart.iter_mut().zip(&mut around).zip(means) {
                let off = *apart / count;
                *around -= off * *apart;
                *apart = f64::from(mean) + off;
            }
            all.join(count, &apart, &around);
        }
        all
    }
}

/// Adds numbers of a table's width, or fewer.
#[inline(always)]
fn add<V: Lanes>(x: &[Cell<f32>], sums: &mut [Numbers]) {
    let (blocks, rest) = x.as_chunks::<LANES>();
    for (x, sum) in blocks.iter().zip(&mut *sums) {
        V::of(sum).add(V::load(x)).put(sum);
    }
    for (x, sum) in rest.iter().zip(sums[blocks.len()..].as_flattened_mut()) {
        *sum += x.get();
    }
}

/// Adds what lies around the means, and its squares.
#[inline(always)]
fn add_around<V: Lanes>(
    x: &[Cell<f32>],
    means: &[Numbers],
    sums: &mut [Numbers],
    squares: &mut [Numbers],
) {
    let (blocks, rest) = x.as_chunks::<LANES>();
    let places = means.iter().zip(&mut *sums).zip(&mut *squares);
    for (x, ((mean, sum), square)) in blocks.iter().zip(places) {
        add_one::<V>(x, mean, sum, square);
    }
    if !rest.is_empty() {
        let at = blocks.len();
        // A number that is its mean adds nothing.
        let block: Block = means[at].map(Cell::new);
        for (own, number) in block.iter().zip(rest) {
            own.set(number.get());
        }
        add_one::<V>(&block, &means[at], &mut sums[at], &mut squares[at]);
    }
}

#[inline(always)]
fn add_one<V: Lanes>(x: &Block, mean: &Numbers, sum: &mut Numbers, square: &mut Numbers) {
    let apart = V::load(x).sub(V::of(mean));
    V::of(sum).add(apart).put(sum);
    V::of(square).add(apart.mul(apart)).put(square);
}

#[cfg(test)]
mod tests {
    use super::super::testing::{SHAPES, assert_near, numbers, refusal, run};
    use crate::Runtime;

    #[test]
    fn moments_are_those_of_two_passes_in_f64_also_far_from_zero() {
        let Some(runtime) = Runtime::installed() else { return };
        let spreads = [(0.0, 1.0), (0.3, 2.0), (1e4, 1.0), (-1e4, 1e-2), (5.0, 0.0)];
        for (shape, (mean, spread)) in SHAPES.iter().flat_map(|s| spreads.map(|spread| (s, spread)))
        {
            let c = shape[3];
            let x = numbers(1, shape.iter().product(), mean, spread);
            let inputs = [(shape.to_vec(), x)];
            let made = run(&runtime, "ChannelMoments", vec![], &inputs, &[&[c], &[c]]);
            let exact: Vec<(f64, f64)> = (0..c)
                .map(|channel| {
                    let own = inputs[0].1.iter().skip(channel).step_by(c).map(|&x| f64::from(x));
                    let count = own.clone().count() as f64;
                    let mean = own.clone().sum::<f64>() / count;
                    (mean, own.map(|x| (x - mean) * (x - mean)).sum::<f64>() / count)
                })
                .collect();
            let bound = |power| 2_f64.powi(power);
            let means = exact.iter().map(|(mean, variance)| {
                (*mean, bound(-24) * mean.abs() + bound(-18) * variance.sqrt())
            });
            assert_near(&format!("mean {shape:?} {mean} {spread}"), &made[0], means);
            let variances = exact.iter().map(|(mean, variance)| {
                (*variance, bound(-18) * (variance + bound(-38) * mean * mean))
            });
            assert_near(&format!("variance {shape:?} {mean} {spread}"), &made[1], variances);
        }
    }

    #[test]
    fn a_first_row_far_from_the_others_does_no_harm() {
        let Some(runtime) = Runtime::installed() else { return };
        let mut x = numbers(1, 4096, 0.0, 1.0);
        x[0] = 1e3;
        let exact = |power: i32| x.iter().map(|&x| f64::from(x).powi(power)).sum::<f64>() / 4096.0;
        let (mean, square) = (exact(1), exact(2));
        let inputs = [(vec![4096, 1], x.clone())];
        let made = run(&runtime, "ChannelMoments", vec![], &inputs, &[&[1], &[1]]);
        let variance = square - mean * mean;
        assert_near("variance", &made[1], [(variance, variance * 2_f64.powi(-18))]);
    }

    #[test]
    fn no_rows_are_refused_by_name() {
        let Some(runtime) = Runtime::installed() else { return };
        let said = refusal(&runtime, ("ChannelMoments", vec![]), &[&[0, 3, 3, 5]], &[&[5], &[5]]);
        let expected = "ChannelMoments: x: expected at least one element, found [0, 3, 3, 5]";
        assert!(said.contains(expected), "{said}");
        let said = refusal(&runtime, ("ChannelMoments", vec![]), &[&[2, 3, 0]], &[&[0], &[0]]);
        let expected = "ChannelMoments: x: expected an image of channels, found [2, 3, 0]";
        assert!(said.contains(expected), "{said}");
    }
}
