//! CurricularFace (Huang et al. 2020): other classes that come too near weigh the more, the further
//! the training is.

use super::columns::Places;
use crate::graph::{Builder, Value};
use std::f64::consts::PI;

/// Below this 1 − t² counts as this, without gradient.
const SMALLEST_SQUARED_SINE: f64 = 1e-12;

/// Constants of the margin, and how far the training is.
pub(super) struct Hardness {
    /// The margin in radians.
    pub(super) m: f64,
    /// Whether the margin falls back to a subtraction beyond π − m.
    pub(super) fallback: bool,
    /// The running mean of t.
    pub(super) t: Value,
}

/// Cosines `[N, C]` with cos(θ + m) in place of the target `[N, 1]`, and c·(t + c) in place of each
/// other c that exceeds it (equations 8 and 10 of the paper). Of columns that other ranks have the target is
/// the one that they tell.
pub(super) fn logits(
    g: &mut Builder,
    hardness: &Hardness,
    cosines: Value,
    target: Value,
    places: &Places,
) -> Value {
    let Hardness { m, fallback, t } = *hardness;
    let one = g.scalar(1.0);
    let squared = g.mul(target, target);
    let rest = g.sub(one, squared);
    // At ±1, which only eps 0 lets through, the sine has no slope.
    let rest = g.clip(rest, SMALLEST_SQUARED_SINE, 1.0);
    let sine = g.sqrt(rest);
    let (along, across) = (g.scale(target, m.cos()), g.scale(sine, m.sin()));
    let moved = g.sub(along, across);
    let hard = g.less(moved, cosines);
    let more = g.add(cosines, t);
    let weighed = g.mul(cosines, more);
    let others = g.select(hard, weighed, cosines);
    let own = if fallback {
        let (threshold, less) = (g.scalar((PI - m).cos()), g.offset(target, -m * (PI - m).sin()));
        let within = g.less(threshold, target);
        g.select(within, moved, less)
    } else {
        moved
    };
    places.replaced(g, others, own)
}
