//! Operators at work, in their order.

use super::op::Op;
use super::value::{Element, Value};

/// An operator at work.
#[derive(Debug, Clone)]
pub struct Node {
    /// What it computes.
    pub op: Op,
    /// What it reads, in the operator's order.
    pub inputs: Vec<Value>,
    /// Extents of what it makes.
    pub shape: Vec<usize>,
    /// Elements of what it makes.
    pub element: Element,
    /// Its name: the layer, a slash, the operator. An input's is the name it is fed by.
    pub name: String,
    /// How wide its floats must be.
    pub width: Width,
}

/// How wide the floats of a node must be. It changes nothing before [`narrowed`](super::narrowed).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Width {
    /// As wide as the lowering makes them.
    #[default]
    Whole,
    /// Half of that will do, where the operator bears it.
    Half,
}

/// Nodes in an order in which each stands after those that it reads, and the values to be returned.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    pub(super) nodes: Vec<Node>,
    pub(super) outputs: Vec<(String, Value)>,
}

impl Graph {
    /// All nodes, each after those that it reads.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The node that makes `value`.
    ///
    /// # Panics
    /// When the value is of another graph.
    pub fn node(&self, value: Value) -> &Node {
        &self.nodes[value.index()]
    }

    /// Names and values of what the graph returns.
    pub fn outputs(&self) -> &[(String, Value)] {
        &self.outputs
    }

    /// The values with their nodes, in order.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = (Value, &Node)> {
        self.nodes.iter().enumerate().map(|(index, node)| (Value(index as u32), node))
    }

    /// The inputs that the outputs depend on, in the order in which they were declared.
    pub fn inputs(&self) -> Vec<(Value, &Node)> {
        let live = self.live();
        let inputs = self.values().filter(|(_, node)| node.op == Op::Input);
        inputs.filter(|(value, _)| live[value.index()]).collect()
    }

    /// For each node, whether an output depends on it.
    pub fn live(&self) -> Vec<bool> {
        let mut live = vec![false; self.nodes.len()];
        for (_, output) in &self.outputs {
            live[output.index()] = true;
        }
        for (value, node) in self.values().rev() {
            if live[value.index()] {
                node.inputs.iter().for_each(|input| live[input.index()] = true);
            }
        }
        live
    }
}
