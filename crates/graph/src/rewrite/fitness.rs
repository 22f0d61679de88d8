//! Which models are rewritten at all.

use super::refusal::Refusal;
use crate::graph::lower::DOMAIN;
use crate::onnx::{ElementType, Model, Port};

/// Versions of the standard operators of which the nodes that are read here mean what is read.
const OLDEST: i64 = 7;
const NEWEST: i64 = 24;

/// The name of the model's input, where the model is one that is rewritten.
pub(super) fn input(model: &Model, image: [usize; 3]) -> Result<String, Refusal> {
    let summary = model.summary();
    if !(OLDEST..=NEWEST).contains(&summary.opset) {
        return Err(Refusal::Version { oldest: OLDEST, newest: NEWEST, found: summary.opset });
    }
    if !model.external_files().is_empty() {
        return Err(Refusal::External);
    }
    let nested = |found: String| Err(Refusal::Nested { found });
    if let Some(function) = model.functions.first() {
        return nested(format!("the function {}", function.name));
    }
    if !model.training_info.is_empty() || !model.graph().sparse_initializer.is_empty() {
        return nested("a training step or constants that are mostly zeros".to_owned());
    }
    for node in &model.graph().node {
        let has_graph = node.attribute.iter().any(|own| own.g.is_some() || !own.graphs.is_empty());
        if has_graph || node.domain == DOMAIN {
            return nested(format!("a node {}", node.op_type));
        }
    }
    let found = match &summary.inputs[..] {
        [Port { name, element: ElementType::Float, extents: Some(extents) }]
            if extents.0.len() == 4 =>
        {
            let fits = image.iter().zip(&extents.0[1..]).zip(1..).all(|((&own, extent), axis)| {
                extent.is_none() || extents.fixed(axis).is_none_or(|found| found == own as u64)
            });
            if fits {
                return Ok(name.clone());
            }
            extents.to_string()
        }
        inputs => {
            let told = |port: &Port| format!("{} of {:?}", port.name, port.element);
            inputs.iter().map(told).collect::<Vec<_>>().join(", ")
        }
    };
    Err(Refusal::Input { image, found })
}
