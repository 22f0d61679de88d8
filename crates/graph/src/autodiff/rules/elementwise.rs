//! Rules of what acts on each element alone.

use crate::autodiff::cotangents::Cotangents;
use crate::graph::{Builder, Element, Node, Op, Value};

/// `y = −x`, so `dx = −dy`.
pub(super) fn neg(g: &mut Builder, dy: Value) -> Cotangents {
    vec![Some(g.neg(dy))]
}

/// `y = min(max(x, 0), 6)`, so `dx = dy` where `0 < x < 6`, else 0, as PyTorch's `hardtanh`.
pub(super) fn relu6(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let x = node.inputs[0];
    let (zero, six) = (g.scalar(0.0), g.scalar(6.0));
    let (above, below) = (g.less(zero, x), g.less(x, six));
    let inside = g.and(above, below);
    vec![Some(g.select(inside, dy, zero))]
}

/// `y = eˣ`, so `dx = dy·y`.
pub(super) fn exp(g: &mut Builder, y: Value, dy: Value) -> Cotangents {
    vec![Some(g.mul(dy, y))]
}

/// `y = ln x`, so `dx = dy/x`.
pub(super) fn log(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    vec![Some(g.div(dy, node.inputs[0]))]
}

/// `y = √x`, so `dx = dy/2y`.
pub(super) fn sqrt(g: &mut Builder, y: Value, dy: Value) -> Cotangents {
    let twice = g.scale(y, 2.0);
    vec![Some(g.div(dy, twice))]
}

/// `y = cos x`, so `dx = −dy·sin x`.
pub(super) fn cos(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let sine = g.sin(node.inputs[0]);
    let product = g.mul(dy, sine);
    neg(g, product)
}

/// `y = sin x`, so `dx = dy·cos x`.
pub(super) fn sin(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let cosine = g.cos(node.inputs[0]);
    vec![Some(g.mul(dy, cosine))]
}

/// `y = 1/(1 + e⁻ˣ)`, so `dx = dy·y·(1 − y)`.
pub(super) fn sigmoid(g: &mut Builder, y: Value, dy: Value) -> Cotangents {
    let one = g.scalar(1.0);
    let rest = g.sub(one, y);
    let slope = g.mul(y, rest);
    vec![Some(g.mul(dy, slope))]
}

/// `y = min(max(x, a), b)`, so `dx = dy` where `a ≤ x ≤ b`, else 0, as PyTorch's `clamp`.
pub(super) fn clip(g: &mut Builder, node: &Node, dy: Value, min: f64, max: f64) -> Cotangents {
    let x = node.inputs[0];
    let (low, high, zero) = (g.scalar(min), g.scalar(max), g.scalar(0.0));
    let (above, below) = (g.less_or_equal(low, x), g.less_or_equal(x, high));
    let inside = g.and(above, below);
    vec![Some(g.select(inside, dy, zero))]
}

/// Only between floats is a cast smooth, and there `dx = dy`.
pub(super) fn cast(g: &Builder, node: &Node, dy: Value, to: Element) -> Cotangents {
    let from = g.graph().node(node.inputs[0]).element;
    vec![Some(dy).filter(|_| from == Element::Float && to == Element::Float)]
}

/// `y = a − b`, so `da = dy` and `db = −dy`.
pub(super) fn sub(g: &mut Builder, dy: Value) -> Cotangents {
    vec![Some(dy), Some(g.neg(dy))]
}

/// `y = a·b`, so `da = dy·b` and `db = dy·a`.
pub(super) fn mul(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    vec![Some(g.mul(dy, b)), Some(g.mul(dy, a))]
}

/// `y = a/b`, so `da = dy/b` and `db = −da·y`.
pub(super) fn div(g: &mut Builder, node: &Node, y: Value, dy: Value) -> Cotangents {
    let da = g.div(dy, node.inputs[1]);
    let product = g.mul(da, y);
    vec![Some(da), Some(g.neg(product))]
}

/// `y = max(a, b)`: the larger takes `dy`, equals take half each.
pub(super) fn max(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    let (a_wins, b_wins) = (g.less(b, a), g.less(a, b));
    shares(g, dy, a_wins, b_wins)
}

/// `y = min(a, b)`: the smaller takes `dy`, equals take half each.
pub(super) fn min(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    let (a_wins, b_wins) = (g.less(a, b), g.less(b, a));
    shares(g, dy, a_wins, b_wins)
}

/// `da = dy·(1 + [a wins] − [b wins])/2`, and `db` what is left of `dy`.
fn shares(g: &mut Builder, dy: Value, a_wins: Value, b_wins: Value) -> Cotangents {
    let (a, b) = (g.cast(a_wins, Element::Float), g.cast(b_wins, Element::Float));
    let difference = g.sub(a, b);
    let doubled = g.offset(difference, 1.0);
    let share = g.scale(doubled, 0.5);
    let da = g.mul(dy, share);
    vec![Some(da), Some(g.sub(dy, da))]
}

/// `y = x` where `x > 0`, else `a·x`.
pub(super) fn prelu(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let (x, slope) = (node.inputs[0], node.inputs[1]);
    let dx = g.apply(Op::PReluInputGradient, &[x, slope, dy]);
    vec![Some(dx), Some(g.apply(Op::PReluSlopeGradient, &[x, dy]))]
}
