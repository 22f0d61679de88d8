//! Rules of what chooses elements.

use crate::autodiff::cotangents::Cotangents;
use crate::graph::{Builder, Node, Op, Value};

/// `dy` goes to the branch that was taken.
pub(super) fn select(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let (condition, zero) = (node.inputs[0], g.scalar(0.0));
    let (da, db) = (g.select(condition, dy, zero), g.select(condition, zero, dy));
    vec![None, Some(da), Some(db)]
}

/// `y = x − ln Σeˣ`, so `dx = dy − eʸ·Σdy` by row.
pub(super) fn log_softmax(g: &mut Builder, y: Value, dy: Value) -> Cotangents {
    let (sum, probability) = (g.reduce_sum_keep(dy, &[1]), g.exp(y));
    let shared = g.mul(probability, sum);
    vec![Some(g.sub(dy, shared))]
}

/// `y = eˣ/Σeˣ`, so `dx = y·(dy − Σ y·dy)` along the last axis.
pub(super) fn softmax(g: &mut Builder, y: Value, dy: Value) -> Cotangents {
    let last = g.shape(y).len() - 1;
    let weighted = g.mul(y, dy);
    let sum = g.reduce_sum_keep(weighted, &[last]);
    let shared = g.mul(y, sum);
    vec![Some(g.sub(weighted, shared))]
}

/// Columns take the sum of the cotangents of where they were copied to.
pub(super) fn gather_columns(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let width = g.shape(node.inputs[0])[1];
    vec![Some(g.apply(Op::ScatterColumns(width), &[dy, node.inputs[1]])), None]
}

/// Each column takes the cotangent of the one that it was added to.
pub(super) fn scatter_columns(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    vec![Some(g.gather_columns(dy, node.inputs[1])), None]
}

/// All zero but for the elements that were taken.
pub(super) fn gather_elements(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let (shape, zero) = (g.shape(node.inputs[0]), g.scalar(0.0));
    let zeros = g.expand(zero, &shape);
    vec![Some(g.scatter_elements(zeros, node.inputs[1], dy)), None]
}

/// The replaced elements take nothing, what replaced them takes theirs.
pub(super) fn scatter_elements(g: &mut Builder, node: &Node, dy: Value) -> Cotangents {
    let (columns, zero) = (node.inputs[1], g.scalar(0.0));
    let zeros = g.expand(zero, &g.shape(columns));
    let dx = g.scatter_elements(dy, columns, zeros);
    vec![Some(dx), None, Some(g.gather_elements(dy, columns))]
}
