//! `pixels`: images with their channels last, in layers that do at once what a network does around a
//! convolution.
//!
//! Nodes are read in their order. A convolution, and a normalisation before one, is held back until
//! something wants its result: what follows is folded into it where that is the same but for rounding.
//! Whatever else wants an image gets it in the order of ONNX, by a transposition.

use super::constants::Constants;
use super::fitness;
use super::pass::Pass;
use super::refusal::Refusal;
use crate::graph::lower::DOMAIN;
use crate::onnx::{Graph, Model, OperatorSet, Tensor};
use std::collections::HashSet;

/// Rewrites a model of images of these channels, height and width.
///
/// Memory: the weights once more.
///
/// # Errors
/// Why the model is left alone.
pub fn pixels(model: &Model, image: [usize; 3]) -> Result<Model, Refusal> {
    let input = fitness::input(model, image)?;
    let graph = model.graph();
    let constants = Constants::of(graph);
    let mut pass = Pass::new(graph, &constants, model.summary().opset);
    pass.planes.insert(input.clone(), image);
    graph.node.iter().for_each(|node| pass.node(node));
    graph.output.iter().for_each(|output| pass.in_planes(&output.name));
    if pass.layers == 0 {
        return Err(Refusal::Nothing);
    }
    let Pass { nodes, tensors, .. } = pass;
    let used: HashSet<&str> = nodes
        .iter()
        .flat_map(|node| &node.input)
        .chain(graph.output.iter().map(|output| &output.name))
        .map(String::as_str)
        .collect();
    let kept = graph.initializer.iter().chain(&tensors);
    let initializer: Vec<Tensor> =
        kept.filter(|tensor| used.contains(tensor.name.as_str())).cloned().collect();
    // An initialiser that is listed as an input may be fed, so that nothing is made ready of it.
    let fed = graph.input.iter().filter(|info| info.name == input).cloned().collect();
    let graph = Graph {
        node: nodes,
        name: graph.name.clone(),
        initializer,
        input: fed,
        output: graph.output.clone(),
        ..Graph::default()
    };
    let own = OperatorSet { domain: DOMAIN.to_owned(), version: 1 };
    Ok(Model {
        // Initialisers that are no inputs came with the fourth version.
        ir_version: model.ir_version.max(4),
        graph: Some(graph),
        opset_import: model.opset_import.iter().cloned().chain([own]).collect(),
        ..Model::default()
    })
}
