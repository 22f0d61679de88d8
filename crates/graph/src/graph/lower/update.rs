//! Stochastic gradient descent of parameters in one pass each, in an operator of our own.

use super::emitter::{Emitter, float};
use super::layout::DOMAIN;
use super::lowering::{info, model};
use crate::graph::Element;
use crate::onnx;

/// An update, with the names of what it reads and makes.
#[derive(Debug, Clone, PartialEq)]
pub struct MomentumUpdate {
    /// The parameter, its momentum and its gradient, all of the shape.
    pub inputs: [String; 3],
    /// The new parameter and the new momentum.
    pub outputs: [String; 2],
    /// Their extents.
    pub shape: Vec<usize>,
    /// Factor on the momentum.
    pub momentum: f64,
    /// Factor of the parameter that is added to its gradient.
    pub weight_decay: f64,
}

/// Writes updates as a model called `name`, which reads the learning rate as `rate`.
pub fn lower_updates(name: &str, rate: &str, updates: &[MomentumUpdate]) -> onnx::Model {
    let mut emit = Emitter::default();
    let mut inputs = vec![info(rate, Element::Float, &[], None)];
    let mut outputs = Vec::new();
    for update in updates {
        let told = |names: &[String]| -> Vec<onnx::ValueInfo> {
            names.iter().map(|name| info(name, Element::Float, &update.shape, None)).collect()
        };
        inputs.extend(told(&update.inputs));
        outputs.extend(told(&update.outputs));
        let [parameter, momentum, gradient] = update.inputs.each_ref().map(String::as_str);
        emit.begin(parameter);
        let attributes =
            vec![float("momentum", update.momentum), float("weight_decay", update.weight_decay)];
        let read = [parameter, momentum, gradient, rate];
        let made: [String; 2] = emit.outputs_of(DOMAIN, "MomentumUpdate", &read, attributes);
        emit.rename(&made.into_iter().zip(update.outputs.clone()).collect());
    }
    model(onnx::Graph {
        name: name.to_owned(),
        node: emit.nodes,
        input: inputs,
        output: outputs,
        ..onnx::Graph::default()
    })
}
