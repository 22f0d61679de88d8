//! From a graph to standard ONNX (operator set 18), which any ONNX Runtime runs on any device.
//!
//! Most operators become one node. For those of convolution, normalisation and slopes there are several
//! formulations, in a file each: which is fastest is a property of the machine and of the extents, so an
//! [`Arrangement`] can name one for a [`Problem`], and a built-in rule has one for the others. Only what
//! an output depends on is written.

mod batch_norm;
mod batch_norm_gradient;
mod collective;
mod conv_input;
mod conv_weight;
mod convolution;
mod emitter;
mod formulation;
mod grouped;
mod layout;
mod lowering;
mod pixels;
mod pool;
mod prelu;
mod problem;
mod reduce;
mod rounding;
mod rows;
mod update;
mod vendor;
mod vendor_planes;
mod ways;

use super::{Graph, Op};
use crate::onnx;
use lowering::{Lowering, info, model};
use std::collections::HashMap;

pub use collective::ANNOUNCE;
pub use layout::{DOMAIN, Layout};
pub use lowering::Rows;
pub use problem::{Arrangement, Formulations, MOST_IMAGES, Problem};
pub use rows::{ByRow, lower_by_row, lower_with_rows, rows_of};
pub use update::{MomentumUpdate, lower_updates};

/// The name of an open first extent.
const OPEN: &str = "N";

/// Writes a graph as a model called `name`, with the graph's inputs and outputs under their names.
///
/// ```
/// # use qgface_graph::graph::{Builder, Element, lower};
/// let mut g = Builder::new();
/// let x = g.input("x", Element::Float, &[3]);
/// let y = g.exp(x);
/// let model = lower(&g.finish(vec![("y".to_owned(), y)]), "exponential");
/// assert_eq!(model.graph().node[0].op_type, "Exp");
/// ```
pub fn lower(graph: &Graph, name: &str) -> onnx::Model {
    lower_with_rows(graph, name, &Rows::new(), &Arrangement::default())
}

/// Writes a graph whose weights are known: inputs that `weights` has numbers for become
/// initialisers, and the first extent of the others, of all that is made of them and of all outputs is left
/// open.
///
/// # Panics
/// When a weight has not as many numbers as its input.
pub fn lower_with_weights(
    graph: &Graph,
    name: &str,
    weights: &HashMap<&str, &[f32]>,
) -> onnx::Model {
    let arrangement = Arrangement::default();
    let mut lowering = Lowering::new(graph, &arrangement);
    for (value, node) in graph.values() {
        let is_fed = node.op == Op::Input && !weights.contains_key(node.name.as_str());
        if is_fed || node.inputs.iter().any(|input| lowering.open.contains(input)) {
            lowering.open.insert(value);
        }
    }
    lowering.nodes();
    let mut inputs = Vec::new();
    for (_, node) in graph.inputs() {
        match weights.get(node.name.as_str()) {
            Some(numbers) => lowering.emitter.weight(&node.name, &node.shape, numbers),
            None => inputs.push(info(&node.name, node.element, &node.shape, Some(OPEN))),
        }
    }
    model(lowering.finish(name, inputs, Some(OPEN)))
}
