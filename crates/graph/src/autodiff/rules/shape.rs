//! Rules of what moves elements.

use crate::autodiff::cotangents::Cotangents;
use crate::graph::{Builder, Node, Value};

/// The elements stay in their order, so `dx` is `dy` in the shape of `x`.
pub(super) fn reshape(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let shape = g.shape(node.inputs[0]);
    vec![Some(g.reshape(dy, &shape))]
}

/// `dx` is `dy` with the axes put back.
pub(super) fn transpose(g: &mut Builder, dy: Value, permutation: &[usize]) -> Cotangents {
    let mut back = vec![0; permutation.len()];
    permutation.iter().enumerate().for_each(|(to, &from)| back[from] = to);
    vec![Some(g.transpose(dy, &back))]
}

/// Each part takes its part of `dy`.
pub(super) fn concat(g: &mut Builder, node: &Node, dy: Value, axis: usize) -> Cotangents {
    let mut start = 0;
    let mut cotangents = Vec::with_capacity(node.inputs.len());
    for &part in &node.inputs {
        let end = start + g.shape(part)[axis];
        cotangents.push(Some(g.slice(dy, axis, start, end)));
        start = end;
    }
    cotangents
}

/// `dx` is `dy` between zeros.
pub(super) fn slice(
    g: &mut Builder,
    node: &Node,
    dy: Value,
    axis: usize,
    start: usize,
    end: usize,
) -> Cotangents {
    let shape = g.shape(node.inputs[0]);
    let mut parts = Vec::new();
    for (count, part) in [(start, None), (end - start, Some(dy)), (shape[axis] - end, None)] {
        let mut extents = shape.clone();
        extents[axis] = count;
        match part {
            Some(dy) => parts.push(dy),
            None if count == 0 => {}
            None => {
                let zero = g.scalar(0.0);
                parts.push(g.expand(zero, &extents));
            }
        }
    }
    vec![Some(g.concat(&parts, axis))]
}
