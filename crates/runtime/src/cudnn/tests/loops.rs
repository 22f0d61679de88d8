//! The operators by definition, in f64, on tensors with channels second.

use super::super::shape::{Convolution, Pass};

/// A gradient of a convolution: of w or x, and dy.
///
/// `dw[o, i, a, b] = Σ dy[n, o, r, c]·x[n, i, r·s + a − p, c·s + b − p]`, and dx the same with x and dw
/// exchanged.
pub(super) fn gradient(shape: &Convolution, [a, dy]: [&[f64]; 2]) -> Vec<f64> {
    let [x, w, y] = shape.extents().unwrap();
    let (stride, pad) = (shape.stride as isize, shape.pad as isize);
    let mut made = Vec::new();
    let outer = if shape.pass == Pass::ByKernels { w } else { x };
    for at in positions(outer) {
        let mut sum = 0.0;
        for place in positions(y) {
            let [n, o, r, c] = place;
            match shape.pass {
                Pass::ByKernels if o == at[0] => {
                    let row = r as isize * stride + at[2] as isize - pad;
                    let column = c as isize * stride + at[3] as isize - pad;
                    if inside(row, x[2]) && inside(column, x[3]) {
                        let x_at = [n, at[1], row as usize, column as usize];
                        sum += dy[flat(y, place)] * a[flat(x, x_at)];
                    }
                }
                Pass::ByImages if n == at[0] => {
                    let down = at[2] as isize - r as isize * stride + pad;
                    let right = at[3] as isize - c as isize * stride + pad;
                    if inside(down, w[2]) && inside(right, w[3]) {
                        let w_at = [o, at[1], down as usize, right as usize];
                        sum += dy[flat(y, place)] * a[flat(w, w_at)];
                    }
                }
                _ => {}
            }
        }
        made.push(sum);
    }
    made
}

/// y, mean and 1/√(variance + ε) of x, γ and β (Ioffe and Szegedy 2015).
pub(super) fn normalized(
    extents: [usize; 4],
    [x, gamma, beta]: [&[f64]; 3],
    epsilon: f64,
) -> [Vec<f64>; 3] {
    let mean = by_channel(extents, |at| x[at]);
    let variance = by_channel(extents, |at| (x[at] - mean[channel(extents, at)]).powi(2));
    let inverse: Vec<f64> = variance.iter().map(|own| 1.0 / (own + epsilon).sqrt()).collect();
    let y = (0..x.len()).map(|at| {
        let own = channel(extents, at);
        gamma[own] * (x[at] - mean[own]) * inverse[own] + beta[own]
    });
    [y.collect(), mean, inverse]
}

/// dx, dγ and dβ of x, γ and dy: `dx = γr(dy − E dy − x̂·E(dy·x̂))`, with r = 1/√(variance + ε).
pub(super) fn normalized_gradient(
    extents: [usize; 4],
    [x, gamma, dy]: [&[f64]; 3],
    epsilon: f64,
) -> [Vec<f64>; 3] {
    let [normal, _, inverse] = normalized(extents, [x, &[1.0; 16], &[0.0; 16]], epsilon);
    let mean = by_channel(extents, |at| dy[at]);
    let product = by_channel(extents, |at| dy[at] * normal[at]);
    let dx = (0..x.len()).map(|at| {
        let own = channel(extents, at);
        gamma[own] * inverse[own] * (dy[at] - mean[own] - normal[at] * product[own])
    });
    let count = (extents[0] * extents[2] * extents[3]) as f64;
    let sums = |means: &[f64]| means.iter().map(|own| own * count).collect();
    [dx.collect(), sums(&product), sums(&mean)]
}

fn channel([_, c, h, w]: [usize; 4], at: usize) -> usize {
    at / (h * w) % c
}

/// The mean by channel.
fn by_channel(extents: [usize; 4], of: impl Fn(usize) -> f64) -> Vec<f64> {
    let [n, c, h, w] = extents;
    let own = |own: usize| {
        let all = (0..n * c * h * w).filter(|at| channel(extents, *at) == own);
        all.map(&of).sum::<f64>() / (n * h * w) as f64
    };
    (0..c).map(own).collect()
}

fn inside(position: isize, extent: usize) -> bool {
    position >= 0 && (position as usize) < extent
}

fn flat(extents: [usize; 4], at: [usize; 4]) -> usize {
    at.iter().zip(extents).fold(0, |flat, (at, extent)| flat * extent + at)
}

fn positions([a, b, c, d]: [usize; 4]) -> impl Iterator<Item = [usize; 4]> {
    let all = 0..a * b * c * d;
    all.map(move |at| [at / (b * c * d), at / (c * d) % b, at / d % c, at % d])
}
