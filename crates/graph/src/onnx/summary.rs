//! What a model says of itself: its ports, its metadata, how it begins.

use super::proto::{Dimension, ElementType, Extent, Graph, Model, Type, TypeKind, ValueInfo};
use std::collections::{BTreeMap, HashSet};

/// Nodes at the front of a graph that are looked at, as many as insightface looks at.
const FIRST_NODES: usize = 8;

/// What a model says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// What must be fed in: the graph's inputs that are not initialisers.
    pub inputs: Vec<Port>,
    /// What comes out.
    pub outputs: Vec<Port>,
    /// Named facts; of two with one name the last.
    pub metadata: BTreeMap<String, String>,
    /// The tool that wrote it and its version.
    pub producer: String,
    /// Version of the standard operator set; 0 when the model does not say.
    pub opset: i64,
    /// The first nodes, at most eight.
    pub first_nodes: Vec<NodeName>,
    /// Whether the graph normalises its input itself; see [`normalises_inside`].
    pub normalises_inside: bool,
}

/// An input or output of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Type of its numbers; [`ElementType::Undefined`] for what is no tensor.
    pub element: ElementType,
    /// Its extents; absent when even their number is unknown.
    pub extents: Option<Extents>,
}

/// The extents of a port, one for each axis; absent where unknown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extents(pub Vec<Option<Extent>>);

impl Extents {
    /// The number on `axis`, when it is fixed.
    pub fn fixed(&self, axis: usize) -> Option<u64> {
        match self.0.get(axis)? {
            Some(Extent::Fixed(extent)) => u64::try_from(*extent).ok(),
            Some(Extent::Symbol(_)) | None => None,
        }
    }
}

impl std::fmt::Display for Extents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("[")?;
        for (axis, extent) in self.0.iter().enumerate() {
            f.write_str(if axis == 0 { "" } else { ", " })?;
            match extent {
                Some(Extent::Fixed(extent)) => write!(f, "{extent}")?,
                Some(Extent::Symbol(name)) => f.write_str(name)?,
                None => f.write_str("?")?,
            }
        }
        f.write_str("]")
    }
}

/// A node's operator and name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeName {
    /// The operator.
    pub op: String,
    /// The name.
    pub name: String,
}

impl Summary {
    pub(super) fn of(model: &Model) -> Self {
        let graph = model.graph();
        let constants: HashSet<&str> =
            graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
        let fed = graph.input.iter().filter(|input| !constants.contains(input.name.as_str()));
        let standard = |domain: &str| domain.is_empty() || domain == "ai.onnx";
        let opset = model.opset_import.iter().find(|set| standard(&set.domain));
        let metadata = &model.metadata_props;
        let first = graph.node.iter().take(FIRST_NODES);
        Self {
            inputs: fed.map(port).collect(),
            outputs: graph.output.iter().map(port).collect(),
            metadata: metadata.iter().map(|own| (own.key.clone(), own.value.clone())).collect(),
            producer: format!("{} {}", model.producer_name, model.producer_version)
                .trim()
                .to_owned(),
            opset: opset.map_or(0, |set| set.version),
            first_nodes: first
                .map(|node| NodeName { op: node.op_type.clone(), name: node.name.clone() })
                .collect(),
            normalises_inside: normalises_inside(graph),
        }
    }
}

fn port(info: &ValueInfo) -> Port {
    let name = info.name.clone();
    let Some(Type { value: Some(TypeKind::Tensor(tensor)), .. }) = &info.r#type else {
        return Port { name, element: ElementType::Undefined, extents: None };
    };
    let element = tensor.elem_type();
    let extents = tensor.shape.as_ref().map(|shape| {
        Extents(shape.dim.iter().map(|Dimension { value, .. }| value.clone()).collect())
    });
    Port { name, element, extents }
}

/// Whether a graph subtracts and scales its input itself, so that it wants pixels of 0 to 255.
///
/// The rule is insightface's (`arcface_onnx.py`): among the first eight nodes stand one that subtracts
/// and one that multiplies, told by name. There any node of such a name counts; here it must work on the
/// input, or on what such nodes and changes of layout and type made of it, and the operator counts too,
/// since exporters name nodes as they like. A division counts as a multiplication.
pub fn normalises_inside(graph: &Graph) -> bool {
    let constants: HashSet<&str> =
        graph.initializer.iter().map(|tensor| tensor.name.as_str()).collect();
    let mut pixels: HashSet<&str> = graph.input.iter().map(|input| input.name.as_str()).collect();
    pixels.retain(|name| !constants.contains(name));
    let (mut subtracts, mut scales) = (false, false);
    for node in graph.node.iter().take(FIRST_NODES) {
        if !node.input.iter().any(|name| pixels.contains(name.as_str())) {
            continue;
        }
        let named = |prefixes: &[&str]| prefixes.iter().any(|own| node.name.starts_with(own));
        let operator = node.op_type.as_str();
        let subtraction = operator == "Sub" || named(&["Sub", "_minus"]);
        let scaling = matches!(operator, "Mul" | "Div") || named(&["Mul", "_mul", "Div", "_div"]);
        subtracts |= subtraction;
        scales |= scaling;
        let keeps = matches!(operator, "Add" | "Cast" | "Identity" | "Transpose" | "Reshape");
        if subtraction || scaling || keeps {
            pixels.extend(node.output.iter().map(String::as_str));
        }
    }
    subtracts && scales
}

#[cfg(test)]
mod tests {
    use super::super::proto::{Node, Tensor};
    use super::*;

    fn node(op: &str, name: &str, input: &[&str], output: &str) -> Node {
        Node {
            op_type: op.into(),
            name: name.into(),
            input: input.iter().map(|&name| name.into()).collect(),
            output: vec![output.into()],
            ..Node::default()
        }
    }

    fn graph(node: Vec<Node>) -> Graph {
        let input =
            ["data", "mean"].map(|name| ValueInfo { name: name.into(), ..Default::default() });
        let mean = Tensor { name: "mean".into(), ..Default::default() };
        Graph { node, input: input.into(), initializer: vec![mean], ..Graph::default() }
    }

    #[test]
    fn a_sub_and_a_mul_on_the_input_are_a_normalisation() {
        let nodes = vec![
            node("Sub", "_minusscalar0", &["data", "mean"], "a"),
            node("Mul", "_mulscalar0", &["a", "scale"], "b"),
            node("Conv", "conv0", &["b", "w"], "c"),
        ];
        assert!(normalises_inside(&graph(nodes)));
    }

    #[test]
    fn a_sub_and_a_mul_after_a_layer_are_none() {
        let nodes = vec![
            node("Conv", "conv0", &["data", "w"], "c"),
            node("Sub", "Sub_1", &["c", "mean"], "a"),
            node("Mul", "Mul_2", &["a", "scale"], "b"),
        ];
        assert!(!normalises_inside(&graph(nodes)));
    }

    #[test]
    fn a_scaling_alone_is_none() {
        let nodes = vec![node("Div", "", &["data", "scale"], "a"), node("Conv", "", &["a"], "b")];
        assert!(!normalises_inside(&graph(nodes)));
    }

    #[test]
    fn a_normalisation_behind_the_eighth_node_is_not_seen() {
        let mut nodes: Vec<_> = (0..7).map(|_| node("Identity", "", &["data"], "data")).collect();
        nodes.push(node("Sub", "", &["data", "mean"], "data"));
        let seen = graph(nodes.clone());
        nodes.push(node("Mul", "", &["data", "scale"], "b"));
        assert!(!normalises_inside(&seen) && !normalises_inside(&graph(nodes)));
    }

    #[test]
    fn an_initialiser_listed_as_input_is_no_input() {
        let model = Model { graph: Some(graph(Vec::new())), ..Model::default() };
        let summary = model.summary();
        assert_eq!(summary.inputs.len(), 1);
        assert_eq!(summary.inputs[0].name, "data");
    }
}
