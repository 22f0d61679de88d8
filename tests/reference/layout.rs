//! Where elements lie, and what moves, repeats or reduces them along axes.

use super::Tensor;
use qgface_data::graph::Axes;
use std::borrow::Cow;
use std::ops::Range;

/// Product of extents.
pub(super) fn volume(shape: &[usize]) -> usize {
    shape.iter().product()
}

/// Distances in row-major order from one position on an axis to the next.
fn strides(shape: &[usize]) -> Vec<usize> {
    (0..shape.len()).map(|axis| volume(&shape[axis + 1..])).collect()
}

/// The strides with which elements of the shape `from`, aligned at its last axis, repeat to
/// `shape`: zero where there is an extent of one, or none.
fn repeating(from: &[usize], shape: &[usize]) -> Vec<usize> {
    let extra = shape.len() - from.len();
    let own = strides(from).into_iter().zip(from);
    let own = own.map(|(stride, &extent)| if extent == 1 { 0 } else { stride });
    std::iter::repeat_n(0, extra).chain(own).collect()
}

/// For each index into `shape`, in row-major order, the sum of its positions times `strides`.
fn offsets(shape: &[usize], strides: Vec<usize>) -> impl Iterator<Item = usize> {
    let (count, shape) = (volume(shape), shape.to_vec());
    let (mut index, mut next) = (vec![0; shape.len()], 0);
    (0..count).map(move |_| {
        let offset = next;
        for axis in (0..shape.len()).rev() {
            index[axis] += 1;
            next += strides[axis];
            if index[axis] < shape[axis] {
                break;
            }
            next -= shape[axis] * strides[axis];
            index[axis] = 0;
        }
        offset
    })
}

/// x repeated to `shape`.
pub(super) fn expand<'x>(x: &'x Tensor, shape: &[usize]) -> Cow<'x, [f64]> {
    if x.shape == shape {
        return Cow::Borrowed(&x.data);
    }
    let offsets = offsets(shape, repeating(&x.shape, shape));
    Cow::Owned(offsets.map(|offset| x.data[offset]).collect())
}

/// Joins along axes all elements that would be one, were they repeated, beginning with `start`.
pub(super) fn reduce(
    x: &Tensor,
    axes: &Axes,
    start: f64,
    join: impl Fn(f64, f64) -> f64,
) -> Vec<f64> {
    let mut kept = x.shape.clone();
    axes.axes.iter().for_each(|&axis| kept[axis] = 1);
    let mut reduced = vec![start; volume(&kept)];
    for (&x, offset) in x.data.iter().zip(offsets(&x.shape, repeating(&kept, &x.shape))) {
        reduced[offset] = join(reduced[offset], x);
    }
    reduced
}

/// The sum over axes, divided by the number of elements that each sum has.
pub(super) fn mean(x: &Tensor, axes: &Axes) -> Vec<f64> {
    let count: usize = axes.axes.iter().map(|&axis| x.shape[axis]).product();
    let sums = reduce(x, axes, 0.0, |sum, x| sum + x);
    sums.into_iter().map(|sum| sum / count as f64).collect()
}

/// `γ(x − μ)/√(v + ε) + β` with mean and biased variance of the last axis: of x, γ, β.
pub(super) fn layer_norm(inputs: &[&Tensor], epsilon: f64) -> Vec<f64> {
    let [x, gamma, beta] = inputs else { panic!("three inputs") };
    let count = gamma.data.len();
    let mut y = Vec::with_capacity(x.data.len());
    for row in x.data.chunks_exact(count) {
        let mean = row.iter().sum::<f64>() / count as f64;
        let variance = row.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / count as f64;
        let deviation = (variance + epsilon).sqrt();
        let by_place = row.iter().zip(gamma.data.iter().zip(&beta.data));
        y.extend(by_place.map(|(x, (gamma, beta))| gamma * (x - mean) / deviation + beta));
    }
    y
}

/// Axis k of the result is axis `permutation[k]` of x.
pub(super) fn transpose(x: &Tensor, permutation: &[usize]) -> Vec<f64> {
    let own = strides(&x.shape);
    let shape: Vec<usize> = permutation.iter().map(|&axis| x.shape[axis]).collect();
    let strides = permutation.iter().map(|&axis| own[axis]).collect();
    offsets(&shape, strides).map(|offset| x.data[offset]).collect()
}

/// The parts one behind the other on `axis`.
pub(super) fn concat(parts: &[&Tensor], axis: usize) -> Vec<f64> {
    let mut joined = Vec::new();
    for outer in 0..volume(&parts[0].shape[..axis]) {
        for part in parts {
            let block = volume(&part.shape[axis..]);
            joined.extend_from_slice(&part.data[outer * block..][..block]);
        }
    }
    joined
}

/// The `range` of positions on `axis`.
pub(super) fn slice(x: &Tensor, axis: usize, range: Range<usize>) -> Vec<f64> {
    let (block, step) = (volume(&x.shape[axis..]), volume(&x.shape[axis + 1..]));
    let mut part = Vec::new();
    for outer in 0..volume(&x.shape[..axis]) {
        part.extend_from_slice(&x.data[outer * block..][range.start * step..range.end * step]);
    }
    part
}
