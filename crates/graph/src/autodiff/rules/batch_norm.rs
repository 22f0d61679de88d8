//! Rules of batch normalisation. M is the number of elements a channel.

use crate::autodiff::cotangents::Cotangents;
use crate::graph::{Builder, Node, Op, Value, World};

/// `y = γ(x − μ)r + β` with `r = (v + ε)^−½` and μ, v given: `dx = γr·dy`, `dγ = r(Σx·dy − μΣdy)`,
/// `dβ = Σdy`, `dμ = −γr·Σdy`, `dv = −½γr²·dγ`.
pub(super) fn given(g: &mut Builder, node: &Node, dy: Value, epsilon: f64) -> Cotangents {
    let [x, gamma, _, mean, variance] = node.inputs[..] else { panic!("five inputs") };
    let inverse = inverse_deviation(g, variance, epsilon);
    let scale = g.mul(gamma, inverse);
    let (sum, centred) = means(g, x, dy, mean);
    let count = per_channel(g, x);
    let (sum, centred) = (g.scale(sum, count), g.scale(centred, count));
    let dgamma = g.mul(inverse, centred);
    let dmean = g.mul(scale, sum);
    let dvariance = {
        let squared = g.mul(scale, inverse);
        let product = g.mul(squared, dgamma);
        g.scale(product, -0.5)
    };
    let by_channel = beside(g, scale, x);
    let dx = g.mul(dy, by_channel);
    let dmean = g.neg(dmean);
    vec![Some(dx), Some(dgamma), Some(sum), Some(dmean), Some(dvariance)]
}

/// The same with the batch's own μ and v (Ioffe and Szegedy 2015). With `s = Σdy/M`, `p = Σx·dy/M`,
/// `k = r²(p − μs)` and `A = γr`: `dx = A·dy − Ak·x + A(kμ − s)`, `dγ = M·r(p − μs)`, `dβ = M·s`.
pub(super) fn training(g: &mut Builder, node: &Node, dy: Value, epsilon: f64) -> Cotangents {
    let [x, gamma, _] = node.inputs[..] else { panic!("three inputs") };
    let mean = g.mean_by_channel(x);
    let variance = g.apply(Op::BatchVariance, &[x]);
    let inverse = inverse_deviation(g, variance, epsilon);
    let (sum, centred) = means(g, x, dy, mean);
    let half = g.mul(inverse, centred);
    let dx = by_image(g, [x, dy], gamma, mean, inverse, [sum, half]);
    let count = per_channel(g, x);
    vec![Some(dx), Some(g.scale(half, count)), Some(g.scale(sum, count))]
}

/// The same where μ and v are those of all ranks, which have N elements a channel: s and p are sums over all
/// ranks over N, `dγ` and `dβ` those of the rank's own (`torch.nn.modules._functions.SyncBatchNorm`).
pub(super) fn synchronised(
    g: &mut Builder,
    node: &Node,
    dy: Value,
    epsilon: f64,
    count: usize,
    world: World,
) -> Cotangents {
    let [x, gamma, _, mean, variance] = node.inputs[..] else { panic!("five inputs") };
    let inverse = inverse_deviation(g, variance, epsilon);
    let (sum, centred) = means(g, x, dy, mean);
    let own = per_channel(g, x);
    let (sum, centred) = (g.scale(sum, own), g.scale(centred, own));
    let channels = g.shape(mean)[0];
    let both = g.concat(&[sum, centred], 0);
    let all = g.all_sum(both, world);
    let all = g.scale(all, 1.0 / count as f64);
    let all_sum = g.slice(all, 0, 0, channels);
    let all_centred = g.slice(all, 0, channels, 2 * channels);
    let half = g.mul(inverse, all_centred);
    let dx = by_image(g, [x, dy], gamma, mean, inverse, [all_sum, half]);
    vec![Some(dx), Some(g.mul(inverse, centred)), Some(sum), None, None]
}

/// `dx`, of s and r(p − μs).
fn by_image(
    g: &mut Builder,
    [x, dy]: [Value; 2],
    gamma: Value,
    mean: Value,
    inverse: Value,
    [sum, half]: [Value; 2],
) -> Value {
    let slope = g.mul(inverse, half);
    let scale = g.mul(gamma, inverse);
    let constant = {
        let shift = g.mul(slope, mean);
        let rest = g.sub(shift, sum);
        g.mul(scale, rest)
    };
    let slope = g.mul(scale, slope);
    let slope = g.neg(slope);
    g.apply(Op::ChannelSum, &[dy, x, scale, slope, constant])
}

fn inverse_deviation(g: &mut Builder, variance: Value, epsilon: f64) -> Value {
    let sum = g.offset(variance, epsilon);
    let (deviation, one) = (g.sqrt(sum), g.scalar(1.0));
    g.div(one, deviation)
}

/// By channel the mean of dy, and the mean of (x − μ)·dy as that of x·dy less μ times the first.
fn means(g: &mut Builder, x: Value, dy: Value, mean: Value) -> (Value, Value) {
    let sum = g.mean_by_channel(dy);
    let product = g.apply(Op::ProductMean, &[x, dy]);
    let shift = g.mul(mean, sum);
    (sum, g.sub(product, shift))
}

/// M.
fn per_channel(g: &Builder, x: Value) -> f64 {
    let shape = g.shape(x);
    (shape.iter().product::<usize>() / shape[1]) as f64
}

/// A value by channel, so that it broadcasts with `x`.
fn beside(g: &mut Builder, by_channel: Value, x: Value) -> Value {
    let shape = g.shape(x);
    let extents: Vec<usize> =
        (0..shape.len()).map(|axis| if axis == 1 { shape[1] } else { 1 }).collect();
    g.reshape(by_channel, &extents)
}
