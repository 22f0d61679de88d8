//! The rules of matrix products.

use crate::autodiff::cotangents::Cotangents;
use crate::graph::{Builder, Node, Op, Value};

/// `y = a·b`, so `da = dy·bᵀ` and `db = aᵀ·dy`; transposed where `a` or `b` is.
pub(super) fn gemm(
    g: &mut Builder,
    node: &Node,
    dy: Value,
    trans_a: bool,
    trans_b: bool,
) -> Cotangents {
    let op = |trans_a, trans_b| Op::Gemm { trans_a, trans_b };
    product(g, node, dy, [trans_a, trans_b], op)
}

/// The same of many matrices.
pub(super) fn matmul(
    g: &mut Builder,
    node: &Node,
    dy: Value,
    trans_a: bool,
    trans_b: bool,
) -> Cotangents {
    let op = |trans_a, trans_b| Op::MatMul { trans_a, trans_b };
    product(g, node, dy, [trans_a, trans_b], op)
}

fn product(
    g: &mut Builder,
    node: &Node,
    dy: Value,
    [trans_a, trans_b]: [bool; 2],
    op: fn(bool, bool) -> Op,
) -> Cotangents {
    let (a, b) = (node.inputs[0], node.inputs[1]);
    let mut product = |a, trans_a, b, trans_b| g.apply(op(trans_a, trans_b), &[a, b]);
    let da = match trans_a {
        false => product(dy, false, b, !trans_b),
        true => product(b, trans_b, dy, true),
    };
    let db = match trans_b {
        false => product(a, !trans_a, dy, false),
        true => product(dy, true, a, trans_a),
    };
    vec![Some(da), Some(db)]
}
