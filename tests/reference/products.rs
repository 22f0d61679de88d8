//! Matrix products and convolutions.

use super::Tensor;
use super::layout::volume;
use qgface_data::graph::Window;
use std::ops::Range;

/// `y[r, c] = Σₖ a[r, k]·b[k, c]`, with the positions of `a` or `b` exchanged where it is
/// transposed.
pub(super) fn gemm(inputs: &[&Tensor], trans_a: bool, trans_b: bool, shape: &[usize]) -> Vec<f64> {
    let (a, b) = (inputs[0], inputs[1]);
    let (rows, columns) = (shape[0], shape[1]);
    let inner = if trans_a { a.shape[0] } else { a.shape[1] };
    let mut y = vec![0.0; rows * columns];
    for r in 0..rows {
        for k in 0..inner {
            let a = if trans_a { a.data[k * rows + r] } else { a.data[r * inner + k] };
            for c in 0..columns {
                let b = if trans_b { b.data[c * inner + k] } else { b.data[k * columns + c] };
                y[r * columns + c] += a * b;
            }
        }
    }
    y
}

/// The same for each position of the axes before the last two.
pub(super) fn matmul(
    inputs: &[&Tensor],
    trans_a: bool,
    trans_b: bool,
    shape: &[usize],
) -> Vec<f64> {
    let last = shape.len() - 2;
    let one = |all: &Tensor, at: usize| {
        let count = volume(&all.shape[last..]);
        Tensor::new(&all.shape[last..], all.data[at * count..(at + 1) * count].to_vec())
    };
    let products = (0..volume(&shape[..last])).flat_map(|at| {
        let [a, b] = [0, 1].map(|input| one(inputs[input], at));
        gemm(&[&a, &b], trans_a, trans_b, &shape[last..])
    });
    products.collect()
}

/// `y[n, o, r, c] = Σ w[o, i, a, b]·x[n, i, r·s + a − p, c·s + b − p]`, x being zero outside, and i going
/// over the channels of the group of o.
pub(super) fn conv(
    x: &Tensor,
    w: &Tensor,
    window: Window,
    groups: usize,
    shape: &[usize],
) -> Vec<f64> {
    let mut y = vec![0.0; volume(shape)];
    for_each_run(window, groups, &x.shape, shape, |run| {
        for c in 0..run.count {
            y[run.y + c] += w.data[run.w] * x.data[run.x + c * window.stride];
        }
    });
    y
}

/// Each x takes what its terms of [`conv`] have beside it: `dx[…] = Σ w·dy`.
pub(super) fn conv_input(
    w: &Tensor,
    dy: &Tensor,
    window: Window,
    groups: usize,
    shape: &[usize],
) -> Vec<f64> {
    let mut dx = vec![0.0; volume(shape)];
    for_each_run(window, groups, shape, &dy.shape, |run| {
        for c in 0..run.count {
            dx[run.x + c * window.stride] += w.data[run.w] * dy.data[run.y + c];
        }
    });
    dx
}

/// Each w takes what its terms of [`conv`] have beside it: `dw[…] = Σ x·dy`.
pub(super) fn conv_weight(
    x: &Tensor,
    dy: &Tensor,
    window: Window,
    groups: usize,
    shape: &[usize],
) -> Vec<f64> {
    let mut dw = vec![0.0; volume(shape)];
    for_each_run(window, groups, &x.shape, &dy.shape, |run| {
        let mut sum = 0.0;
        for c in 0..run.count {
            sum += x.data[run.x + c * window.stride] * dy.data[run.y + c];
        }
        dw[run.w] += sum;
    });
    dw
}

/// Terms of a convolution that lie in one row of y and have one w: where w, the first x and the
/// first y are, and how many there are. From one to the next, y moves by one pixel and x by the
/// stride.
struct Run {
    w: usize,
    x: usize,
    y: usize,
    count: usize,
}

/// Calls `visit` with all terms of a convolution in which x is no padding.
fn for_each_run(
    window: Window,
    groups: usize,
    x: &[usize],
    y: &[usize],
    mut visit: impl FnMut(Run),
) {
    let Window { kernel, stride, pad } = window;
    let (&[images, inputs, height, width], &[_, outputs, rows, columns]) = (x, y) else {
        panic!("no images: {x:?} and {y:?}")
    };
    for n in 0..images {
        for o in 0..outputs {
            let part = inputs / groups;
            let first = o / (outputs / groups) * part;
            for i in first..first + part {
                for tap in 0..kernel * kernel {
                    let (a, b) = (tap / kernel, tap % kernel);
                    let met = met(window, b, width, columns);
                    for r in self::met(window, a, height, rows) {
                        let row = (n * inputs + i) * height + r * stride + a - pad;
                        visit(Run {
                            w: (o * part + i - first) * kernel * kernel + tap,
                            x: row * width + met.start * stride + b - pad,
                            y: ((n * outputs + o) * rows + r) * columns + met.start,
                            count: met.len(),
                        });
                    }
                }
            }
        }
    }
}

/// The positions of a window along an edge at which its pixel number `tap` lies on the image's
/// `extent` pixels: `0 ≤ r·s + tap − p < extent`.
fn met(window: Window, tap: usize, extent: usize, positions: usize) -> Range<usize> {
    let Window { stride, pad, .. } = window;
    let start = pad.saturating_sub(tap).div_ceil(stride);
    let end = (extent + pad).saturating_sub(tap).div_ceil(stride);
    start..end.min(positions)
}
