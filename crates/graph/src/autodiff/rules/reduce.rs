//! Rules of sums, means and maxima.

use crate::autodiff::cotangents::Cotangents;
use crate::graph::{Axes, Builder, Element, Node, Value};

/// `y = Σx`, so `dx = dy`, repeated.
pub(super) fn sum(g: &mut Builder, node: &Node, dy: Value, axes: &Axes) -> Cotangents {
    vec![Some(kept(g, node, dy, axes))]
}

/// `y = Σx/n`, so `dx = dy/n`, repeated.
pub(super) fn mean(g: &mut Builder, node: &Node, dy: Value, axes: &Axes) -> Cotangents {
    let shape = g.shape(node.inputs[0]);
    let count: usize = axes.axes.iter().map(|&axis| shape[axis]).product();
    let dy = kept(g, node, dy, axes);
    vec![Some(g.scale(dy, 1.0 / count as f64))]
}

/// `y = max x`, so `dx = dy/n` for the `n` elements that equal `y`, else 0.
pub(super) fn max(g: &mut Builder, node: &Node, y: Value, dy: Value, axes: &Axes) -> Cotangents {
    let (y, dy) = (kept(g, node, y, axes), kept(g, node, dy, axes));
    let largest = g.equal(node.inputs[0], y);
    let largest = g.cast(largest, Element::Float);
    let count = g.reduce_sum_keep(largest, &axes.axes);
    let share = g.div(dy, count);
    vec![Some(g.mul(largest, share))]
}

/// A reduced value with the axes that vanished.
fn kept(g: &mut Builder, node: &Node, value: Value, axes: &Axes) -> Value {
    if axes.keep {
        return value;
    }
    let mut shape = g.shape(node.inputs[0]);
    axes.axes.iter().for_each(|&axis| shape[axis] = 1);
    g.reshape(value, &shape)
}
