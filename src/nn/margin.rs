//! Turning an angle of which only the cosine is known: no arccosine, which CUDA has no kernel for.

use crate::graph::{Builder, Value};
use std::f64::consts::PI;

/// `cos(clip(θ + a, ε, π − ε))` of t = cos θ `[N, 1]` and turns a `[N, 1]` or `[1, 1]` with |a| ≤ π
/// − ε.
///
/// Inside, `cos(θ + a) = t·cos a − √(1 − t²)·sin a`. θ + a is above π − ε exactly where a ≥ −ε and
/// t < cos(π − ε − a), and below ε where a ≤ ε and t > cos(ε − a); there the value is a constant,
/// without gradient.
pub(super) fn turned(g: &mut Builder, t: Value, a: Value, epsilon: f64) -> Value {
    let (cosine, sine) = (g.cos(a), g.sin(a));
    let one = g.scalar(1.0);
    let squared = g.mul(t, t);
    let rest = g.sub(one, squared);
    let own_sine = g.sqrt(rest);
    let (along, across) = (g.mul(t, cosine), g.mul(own_sine, sine));
    let inside = g.sub(along, across);

    let above = {
        let bound = g.neg(a);
        let bound = g.offset(bound, PI - epsilon);
        let bound = g.cos(bound);
        let (passes, low) = (g.less(t, bound), g.scalar(-epsilon));
        let forward = g.less_or_equal(low, a);
        g.and(passes, forward)
    };
    let below = {
        let bound = g.neg(a);
        let bound = g.offset(bound, epsilon);
        let bound = g.cos(bound);
        let (passes, high) = (g.less(bound, t), g.scalar(epsilon));
        let backward = g.less_or_equal(a, high);
        g.and(passes, backward)
    };
    let (lowest, highest) = (g.scalar((PI - epsilon).cos()), g.scalar(epsilon.cos()));
    let from_above = g.select(above, lowest, inside);
    g.select(below, highest, from_above)
}
