//! What is computed of each element by itself, with parameters by channel, and its sums by channel.

use super::image::Image;
use super::number::Number;
use super::rows::{Rows, in_parts};
use super::vector::{Block, LANES, Lanes, Numbers, Work};
use super::widest::widest;
use ort::Error;
use ort::operator::ComputeContext;
use std::cell::Cell;

/// Mathematics of one element: of `I` images and `P` parameters of its channel, `O` images and `S`
/// terms that are summed by channel. Terms of images that are 0 must be 0.
pub(super) trait Formula<const I: usize, const P: usize, const O: usize, const S: usize>:
    Copy + Send + Sync
{
    /// The formula, `#[inline(always)]` as [`Work::run`].
    fn of<V: Lanes>(self, images: [V; I], parameters: [V; P]) -> ([V; O], [V; S]);
}

/// Tables of the width that are added before they are folded into sums of f64: each of their sums is
/// of so many terms at most.
const ADDED: usize = 32;

/// Computes the outputs; returns the sums by channel, of terms added in f32, at most [`ADDED`] at a
/// time, and these in f64, in an order that the shape alone decides. A sum is off by at most
/// 2⁻¹⁸ of the sum of what its terms amount to.
///
/// An output may lie where an input of the same call does.
///
/// # Errors
/// As [`in_parts`].
#[allow(unsafe_code)]
pub(super) fn compute<N: Number, const I: usize, const P: usize, const O: usize, const S: usize>(
    context: &ComputeContext,
    rows: &Rows,
    formula: impl Formula<I, P, O, S>,
    images: [Image<'_>; I],
    parameters: [&[f32]; P],
    outputs: [Image<'_, N>; O],
) -> Result<[Vec<f64>; S], Error> {
    let tables = parameters.map(|parameters| rows.table(parameters));
    let parts = in_parts(context, rows.parts(), |at| {
        let part = rows.part(at);
        // SAFETY: no two parts have an element in common, and a part is one thread's.
        let images = images.map(|image| unsafe { image.cells(part.clone()) });
        // SAFETY: as above.
        let outputs = outputs.map(|image| unsafe { image.cells(part.clone()) });
        widest(Part { rows, formula, tables: &tables, images, outputs })
    })?;
    let mut sums = [(); S].map(|()| vec![0.0; rows.channels()]);
    for part in parts {
        for (sum, part) in sums.iter_mut().flatten().zip(part.iter().flatten()) {
            *sum += part;
        }
    }
    Ok(sums)
}

/// A part of the work.
struct Part<'a, F, N, const I: usize, const P: usize, const O: usize, const S: usize> {
    rows: &'a Rows,
    formula: F,
    tables: &'a [Vec<Numbers>; P],
    images: [&'a [Cell<f32>]; I],
    outputs: [&'a [Cell<N>]; O],
}

impl<
    F: Formula<I, P, O, S>,
    N: Number,
    const I: usize,
    const P: usize,
    const O: usize,
    const S: usize,
> Work for Part<'_, F, N, I, P, O, S>
{
    type Made = [Vec<f64>; S];

    #[inline(always)]
    fn run<V: Lanes>(self) -> [Vec<f64>; S] {
        let (rows, width) = (self.rows, self.rows.width());
        let mut sums = [(); S].map(|()| vec![0.0; rows.channels()]);
        let mut added = [(); S].map(|()| vec![[0.0; LANES]; width / LANES]);
        let elements = self.images.first().map_or(0, |image| image.len());
        for (at, start) in (0..elements).step_by(width).enumerate() {
            let end = (start + width).min(elements);
            let images = self.images.map(|image| &image[start..end]);
            let outputs = self.outputs.map(|output| &output[start..end]);
            apply::<V, _, _, I, P, O, S>(self.formula, images, self.tables, outputs, &mut added);
            if end == elements || at % ADDED == ADDED - 1 {
                for (sums, added) in sums.iter_mut().zip(&mut added) {
                    rows.fold(added, sums);
                    added.fill([0.0; LANES]);
                }
            }
        }
        sums
    }
}

/// Computes elements of the tables' width, or fewer; adds the terms to `added`.
#[inline(always)]
fn apply<
    V: Lanes,
    F: Formula<I, P, O, S>,
    N: Number,
    const I: usize,
    const P: usize,
    const O: usize,
    const S: usize,
>(
    formula: F,
    images: [&[Cell<f32>]; I],
    tables: &[Vec<Numbers>; P],
    outputs: [&[Cell<N>]; O],
    added: &mut [Vec<Numbers>; S],
) {
    let images = images.map(|image| image.as_chunks::<LANES>());
    let outputs = outputs.map(|output| output.as_chunks::<LANES>());
    let whole = images.first().map_or(0, |(blocks, _)| blocks.len());
    for at in 0..whole {
        let mut x = [V::splat(0.0); I];
        for (x, image) in x.iter_mut().zip(&images) {
            *x = V::load(&image.0[at]);
        }
        let y = one::<V, F, I, P, O, S>(formula, x, tables, at, added);
        for (y, output) in y.into_iter().zip(&outputs) {
            N::store(y, &output.0[at]);
        }
    }
    if images.first().is_none_or(|(_, rest)| rest.is_empty()) {
        return;
    }
    let mut x = [V::splat(0.0); I];
    for (x, image) in x.iter_mut().zip(&images) {
        let padded = Block::default();
        copy(image.1, &padded);
        *x = V::load(&padded);
    }
    let y = one::<V, F, I, P, O, S>(formula, x, tables, whole, added);
    for (y, output) in y.into_iter().zip(&outputs) {
        let padded: [Cell<N>; LANES] = Default::default();
        N::store(y, &padded);
        copy(&padded, output.1);
    }
}

/// Computes one block, with the parameters at a place of the tables.
#[inline(always)]
fn one<
    V: Lanes,
    F: Formula<I, P, O, S>,
    const I: usize,
    const P: usize,
    const O: usize,
    const S: usize,
>(
    formula: F,
    images: [V; I],
    tables: &[Vec<Numbers>; P],
    at: usize,
    added: &mut [Vec<Numbers>; S],
) -> [V; O] {
    let mut parameters = [V::splat(0.0); P];
    for (parameter, table) in parameters.iter_mut().zip(tables) {
        *parameter = V::of(&table[at]);
    }
    let (outputs, terms) = formula.of(images, parameters);
    for (term, added) in terms.into_iter().zip(added) {
        V::of(&added[at]).add(term).put(&mut added[at]);
    }
    outputs
}

/// Copies as many numbers as both have.
fn copy<N: Copy>(from: &[Cell<N>], to: &[Cell<N>]) {
    for (from, to) in from.iter().zip(to) {
        to.set(from.get());
    }
}
