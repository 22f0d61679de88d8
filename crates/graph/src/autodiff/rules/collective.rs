//! Rules of what ranks exchange. The loss is the sum of the losses of all ranks, so that all together
//! are one process: what a rank gives to others has the gradients of all that they made of it.

use crate::autodiff::cotangents::Cotangents;
use crate::graph::{Builder, Element, Node, Value, World};

/// `y_r = Σ_s x_s` on every rank r, so `dx = Σ_r dy_r`.
pub(super) fn sum(g: &mut Builder, dy: Value, world: World) -> Cotangents {
    vec![Some(g.all_sum(dy, world))]
}

/// The largest on every rank: `dx = Σ_r dy_r`, shared among the ranks whose elements are equal to it.
pub(super) fn max(g: &mut Builder, node: &Node, y: Value, dy: Value, world: World) -> Cotangents {
    let is_largest = g.equal(node.inputs[0], y);
    let is_largest = g.cast(is_largest, Element::Float);
    let equals = g.all_sum(is_largest, world);
    let share = g.div(is_largest, equals);
    let sum = g.all_sum(dy, world);
    vec![Some(g.mul(sum, share))]
}

/// Part s of every rank's `y` is `x_s`, so `dx` is the rank's part of `Σ_r dy_r`.
pub(super) fn gather(g: &mut Builder, dy: Value, world: World) -> Cotangents {
    vec![Some(g.reduce_scatter(dy, world))]
}

/// `y_r` is part r of `Σ_s x_s`, so each rank's `dx` is the `dy` of all.
pub(super) fn scatter(g: &mut Builder, dy: Value, world: World) -> Cotangents {
    vec![Some(g.all_gather(dy, world))]
}

/// `y_r = x_root`, so `dx = Σ_r dy_r` there, and 0 elsewhere.
pub(super) fn broadcast(g: &mut Builder, dy: Value, world: World, root: usize) -> Cotangents {
    let sum = g.all_sum(dy, world);
    let own = if world.rank == root { 1.0 } else { 0.0 };
    vec![Some(g.scale(sum, own))]
}
