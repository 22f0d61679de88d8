//! A formula on images whose channels are planes, `[n, c, h, w]`.

use super::formula::{Formula, copy};
use super::image::Image;
use super::rows::{Rows, in_parts};
use super::vector::{Block, LANES, Lanes, Work};
use super::widest::widest;
use ort::Error;
use ort::operator::ComputeContext;
use std::cell::Cell;

/// Computes `y` of `x`, images of planes of `inner` elements, the first of which is of the first
/// channel. `y` may lie where `x` does.
///
/// # Errors
/// As [`in_parts`].
#[allow(unsafe_code)]
pub(super) fn compute_planes(
    context: &ComputeContext,
    inner: usize,
    formula: impl Formula<1, 1, 1, 0>,
    x: Image<'_>,
    parameters: &[f32],
    y: Image<'_>,
) -> Result<(), Error> {
    // Parts are of whole planes, as they would be of whole rows.
    let rows = Rows::new(x.elements(), inner);
    in_parts(context, rows.parts(), |at| {
        let part = rows.part(at);
        let first = part.start / inner;
        // SAFETY: no two parts have an element in common, and a part is one thread's.
        let [x, y] = [x, y].map(|image| unsafe { image.cells(part.clone()) });
        widest(Part { formula, inner, first, parameters, x, y });
    })
    .map(|_| ())
}

/// Some of the planes.
struct Part<'a, F> {
    formula: F,
    inner: usize,
    /// The number of its first plane.
    first: usize,
    parameters: &'a [f32],
    x: &'a [Cell<f32>],
    y: &'a [Cell<f32>],
}

impl<F: Formula<1, 1, 1, 0>> Work for Part<'_, F> {
    type Made = ();

    #[inline(always)]
    fn run<V: Lanes>(self) {
        let planes = self.x.chunks(self.inner).zip(self.y.chunks(self.inner));
        for (at, (x, y)) in planes.enumerate() {
            let parameter = V::splat(self.parameters[(self.first + at) % self.parameters.len()]);
            let (x, x_rest) = x.as_chunks::<LANES>();
            let (y, y_rest) = y.as_chunks::<LANES>();
            for (x, y) in x.iter().zip(y) {
                let ([made], []) = self.formula.of([V::load(x)], [parameter]);
                made.store(y);
            }
            if !x_rest.is_empty() {
                let block = Block::default();
                copy(x_rest, &block);
                let ([made], []) = self.formula.of([V::load(&block)], [parameter]);
                made.store(&block);
                copy(&block, y_rest);
            }
        }
    }
}
