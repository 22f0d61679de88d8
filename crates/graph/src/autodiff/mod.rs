//! Reverse-mode differentiation: appends to a graph the gradients of a scalar.
//!
//! One rule an operator says what a cotangent becomes on its way to the operator's inputs; the
//! rules know no layer, and what they append are ordinary operators. Broadcasting is undone and
//! cotangents are added up here and nowhere else.

mod cotangents;
mod rules;

use crate::graph::{Builder, Node, Op, Value};
use std::collections::HashMap;

/// Gradients of the scalar `loss` by each of `wrt`, appended to the graph; none where the loss does
/// not depend on one.
///
/// ```
/// # use qgface_graph::{autodiff::backward, graph::{Builder, Element}};
/// let mut g = Builder::new();
/// let x = g.input("x", Element::Float, &[3]);
/// let unused = g.input("unused", Element::Float, &[]);
/// let squares = g.mul(x, x);
/// let loss = g.reduce_sum(squares, &[0]);
/// let gradients = backward(&mut g, loss, &[x, unused]);
/// assert_eq!(g.shape(gradients[0].unwrap()), [3]);
/// assert_eq!(gradients[1], None);
/// ```
///
/// # Panics
/// When `loss` has an axis, or on the way to it stands an operator that is not differentiated: the
/// gradients of convolutions, poolings and slopes, and the variance of running statistics.
pub fn backward(g: &mut Builder, loss: Value, wrt: &[Value]) -> Vec<Option<Value>> {
    assert!(g.shape(loss).is_empty(), "a loss of {:?}", g.shape(loss));
    let reached = depends_on(g, wrt, loss);
    let forward: Vec<(Value, Node)> = {
        let nodes = g.graph().values().take(loss.index() + 1);
        nodes.filter(|(value, _)| reached[value.index()]).map(|(v, n)| (v, n.clone())).collect()
    };
    let mut gradients = HashMap::from([(loss, g.scalar(1.0))]);
    for (value, node) in forward.iter().rev() {
        let Some(&sum) = gradients.get(value) else { continue };
        // Gradients are as wide as what they are of.
        let before = g.allow(node.width);
        g.scoped(&format!("gradient/{}", node.name), |g| {
            let dy = whole(g, sum, &node.shape);
            let cotangents = rules::vjp(g, node, *value, dy);
            for (input, cotangent) in node.inputs.iter().zip(cotangents) {
                let Some(cotangent) = cotangent.filter(|_| reached[input.index()]) else {
                    continue;
                };
                let own = unbroadcast(g, cotangent, &g.shape(*input));
                let sum = match gradients.get(input) {
                    Some(&other) => g.add(other, own),
                    None => own,
                };
                gradients.insert(*input, sum);
            }
        });
        g.allow(before);
    }
    let gradient = |value: &Value| {
        let sum = gradients.get(value).copied()?;
        let shape = g.shape(*value);
        Some(whole(g, sum, &shape))
    };
    wrt.iter().map(gradient).collect()
}

/// For each value up to `loss`, whether it depends on one of `wrt` by a way that gradients take.
fn depends_on(g: &Builder, wrt: &[Value], loss: Value) -> Vec<bool> {
    let mut depends = vec![false; loss.index() + 1];
    for (value, node) in g.graph().values().take(loss.index() + 1) {
        let through = node.op != Op::Detach && node.inputs.iter().any(|i| depends[i.index()]);
        depends[value.index()] = through || wrt.contains(&value);
    }
    depends
}

/// A sum of cotangents in the shape of what it belongs to: until it is read it may be smaller,
/// where an extent of one stands for equal elements.
fn whole(g: &mut Builder, sum: Value, shape: &[usize]) -> Value {
    if g.shape(sum) == shape { sum } else { g.expand(sum, shape) }
}

/// Sums a cotangent over the axes along which the value of `shape` was repeated.
fn unbroadcast(g: &mut Builder, cotangent: Value, shape: &[usize]) -> Value {
    let from = g.shape(cotangent);
    let Some(extra) = from.len().checked_sub(shape.len()) else { return cotangent };
    let leading = 0..extra;
    let repeated = (extra..from.len()).filter(|&axis| shape[axis - extra] == 1 && from[axis] != 1);
    let axes: Vec<usize> = leading.chain(repeated).collect();
    if axes.is_empty() {
        return cotangent;
    }
    let summed = g.reduce_sum_keep(cotangent, &axes);
    let kept = g.shape(summed)[extra..].to_vec();
    if extra == 0 { summed } else { g.reshape(summed, &kept) }
}
