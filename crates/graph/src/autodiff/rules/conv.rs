//! Rules of what moves a window over images.

use crate::autodiff::cotangents::Cotangents;
use crate::graph::{Builder, Node, Op, Value, Window};

/// `y = x ⋆ w` is linear in both, and each gradient is an operator of its own.
pub(super) fn conv(g: &mut Builder, node: &Node, dy: Value, window: Window) -> Cotangents {
    let (x, w) = (node.inputs[0], node.inputs[1]);
    let shape = g.shape(x);
    let extents = [shape[2], shape[3]];
    let dx = g.apply(Op::ConvInputGradient(window, extents), &[w, dy]);
    vec![Some(dx), Some(g.apply(Op::ConvWeightGradient(window), &[x, dy]))]
}

/// The same of channels in groups.
pub(super) fn grouped(
    g: &mut Builder,
    node: &Node,
    dy: Value,
    window: Window,
    groups: usize,
) -> Cotangents {
    let (x, w) = (node.inputs[0], node.inputs[1]);
    let shape = g.shape(x);
    let extents = [shape[2], shape[3]];
    let dx = g.apply(Op::GroupedConvInputGradient(window, groups, extents), &[w, dy]);
    let dw = g.apply(Op::GroupedConvWeightGradient(window, groups), &[x, dy]);
    vec![Some(dx), Some(dw)]
}

/// The largest of a window takes its `dy`.
pub(super) fn max_pool(g: &mut Builder, node: &Node, dy: Value, window: Window) -> Cotangents {
    vec![Some(g.apply(Op::MaxPoolGradient(window), &[node.inputs[0], dy]))]
}
