//! For tests: small models.

use qgface_graph::onnx::{
    Attribute, AttributeType, Dimension, ElementType, Extent, Graph, Node, Shape, TensorType, Type,
    TypeKind, ValueInfo,
};

/// A tensor `[2, 3, 4]` of floats.
fn info(name: &str) -> ValueInfo {
    let fixed = |extent| Dimension { value: Some(Extent::Fixed(extent)), ..Dimension::default() };
    let shape = Shape { dim: [2, 3, 4].map(fixed).into() };
    let tensor = TensorType { elem_type: ElementType::Float as i32, shape: Some(shape) };
    let kind = Type { value: Some(TypeKind::Tensor(tensor)), ..Type::default() };
    ValueInfo { name: name.to_owned(), r#type: Some(kind), ..ValueInfo::default() }
}

/// A graph of x and y, `[2, 3, 4]` both, of nodes with an operator, inputs and an output each.
pub(super) fn graph(nodes: &[(&str, &str, &str)], returned: &[&str]) -> Graph {
    let node = |(operator, inputs, output): &(&str, &str, &str)| Node {
        op_type: (*operator).to_owned(),
        input: inputs.split(' ').map(str::to_owned).collect(),
        output: vec![(*output).to_owned()],
        ..Node::default()
    };
    Graph {
        node: nodes.iter().map(node).collect(),
        input: ["x", "y"].map(info).into(),
        output: returned.iter().map(|name| info(name)).collect(),
        ..Graph::default()
    }
}

/// The same, of which a node has a list of integers.
pub(super) fn with(mut graph: Graph, at: usize, name: &str, integers: &[i64]) -> Graph {
    graph.node[at].attribute.push(Attribute {
        name: name.to_owned(),
        ints: integers.to_vec(),
        kind: AttributeType::Ints as i32,
        ..Attribute::default()
    });
    graph
}
