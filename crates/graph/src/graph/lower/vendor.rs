//! What a device's library computes of a graph: which of its values, and what is known of them.

use super::batch_norm_gradient::{self, BatchNormGradient};
use super::layout::{Layout, by_channel};
use crate::graph::{Graph, Node, Op, Value};
use std::collections::HashMap;

/// What the library's operators stand for, and the names of what they made.
#[derive(Default)]
pub(super) struct Vendor {
    gradients: Vec<BatchNormGradient>,
    /// dx, dγ and dβ, by the first of them.
    pub(super) made: HashMap<Value, [String; 3]>,
    /// Normalisations, by what they normalise.
    forwards: HashMap<Value, Value>,
    /// The mean, and 1/√(variance + ε), by the normalisation.
    pub(super) saved: HashMap<Value, [String; 2]>,
}

impl Vendor {
    /// None where no library is asked for.
    pub(super) fn of(graph: &Graph, layout: Layout) -> Option<Self> {
        if layout != Layout::VendorPlanes {
            return None;
        }
        let mut own = Self { gradients: batch_norm_gradient::all(graph), ..Self::default() };
        for (value, node) in graph.values() {
            if matches!(node.op, Op::BatchNormTraining { .. }) && node.shape.len() == 4 {
                own.forwards.entry(node.inputs[0]).or_insert(value);
            }
        }
        Some(own)
    }

    /// The gradient that a value is of, and which of dx, dγ and dβ it is.
    pub(super) fn part(&self, value: Value) -> Option<(BatchNormGradient, usize)> {
        self.gradients.iter().find_map(|own| {
            let parts = [Some(own.dx), own.dgamma, own.dbeta];
            parts.iter().position(|part| *part == Some(value)).map(|part| (*own, part))
        })
    }

    /// The normalisation that knows a mean or a variance, where it is computed before.
    pub(super) fn statistic(&self, value: Value, node: &Node) -> Option<Value> {
        let is_statistic = match &node.op {
            Op::BatchVariance => true,
            Op::ReduceMean(axes) => *axes == by_channel(),
            _ => false,
        };
        let forward = is_statistic.then(|| self.forwards.get(&node.inputs[0])).flatten();
        forward.copied().filter(|forward| forward.index() < value.index())
    }

    /// What a value is computed of.
    pub(super) fn read(&self, value: Value, node: &Node) -> Vec<Value> {
        if let Some((own, _)) = self.part(value) {
            return vec![own.x, own.gamma, own.dy, own.forward];
        }
        match self.statistic(value, node) {
            Some(forward) => vec![forward],
            None => node.inputs.clone(),
        }
    }
}
