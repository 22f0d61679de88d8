//! The rule of layer normalisation.

use crate::autodiff::cotangents::Cotangents;
use crate::graph::{Builder, Node, Value};

/// `y = γ·n + β` with `n = (x − μ)r`, `r = (v + ε)^−½` and μ, v of the last axis (Ba et al. 2016). With
/// `d = γ·dy` and means along that axis: `dx = r(d − mean d − n·mean(d·n))`, `dγ = Σ dy·n` and `dβ = Σ dy`
/// over the other axes.
pub(super) fn layer_norm(g: &mut Builder, node: &Node, dy: Value, epsilon: f64) -> Cotangents {
    let [x, gamma, _] = node.inputs[..] else { panic!("three inputs") };
    let mean = mean(g, x);
    let centred = g.sub(x, mean);
    let squared = g.mul(centred, centred);
    let variance = self::mean(g, squared);
    let sum = g.offset(variance, epsilon);
    let (deviation, one) = (g.sqrt(sum), g.scalar(1.0));
    let inverse = g.div(one, deviation);
    let normal = g.mul(centred, inverse);
    let scaled = g.mul(dy, gamma);
    let shared = self::mean(g, scaled);
    let along = g.mul(scaled, normal);
    let along = self::mean(g, along);
    let along = g.mul(normal, along);
    let rest = g.sub(scaled, shared);
    let rest = g.sub(rest, along);
    // What is larger than γ and β is summed where broadcasting is undone.
    let dgamma = g.mul(dy, normal);
    vec![Some(g.mul(rest, inverse)), Some(dgamma), Some(dy)]
}

/// Means along the last axis, which stays with an extent of one.
fn mean(g: &mut Builder, x: Value) -> Value {
    let last = g.shape(x).len() - 1;
    g.reduce_mean_keep(x, &[last])
}
