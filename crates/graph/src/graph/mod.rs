//! A typed graph of operators: what a training step computes, before anything runs it.
//!
//! A [`Builder`] appends nodes and infers their shapes; `autodiff` appends the gradients;
//! [`lower()`] writes standard ONNX. Every node makes one value, all extents are known, and floats
//! have no width here: the lowering makes them 32 bits wide, the evaluator of the tests computes
//! with 64. A new operator is a row in each of `op.rs`, `shape.rs`, `autodiff/rules/mod.rs`,
//! `lower/mod.rs` and the evaluator.

mod builder;
mod literal;
pub mod lower;
mod op;
mod shape;

pub use builder::Builder;
pub use literal::Literal;
pub use lower::lower;
pub use op::{Axes, Op, Window};

/// A value of a graph: the number of the node that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(u32);

impl Value {
    /// Position of its node in [`Graph::nodes`].
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the elements of a value are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// A float, of the width that the lowering chooses.
    Float,
    /// A 64-bit integer.
    Int64,
    /// True or false.
    Bool,
}

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
}

/// Nodes in an order in which each stands after those that it reads, and the values to be returned.
#[derive(Debug, Clone, Default)]
pub struct Graph {
    nodes: Vec<Node>,
    outputs: Vec<(String, Value)>,
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
