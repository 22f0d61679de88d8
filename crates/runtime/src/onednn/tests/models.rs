//! Models of one convolution: an operator of oneDNN's, or the runtime's own nodes for the same.

use super::super::super::{Buffer, Element, Error, Program, Runtime};
use super::super::shape::Pass;
use super::cases::Case;
use qgface_graph::onnx::{
    Attribute, AttributeType, Dimension, ElementType, Extent, Graph, Model, OperatorSet, Shape,
    Tensor, TensorType, Type, TypeKind, ValueInfo,
};
use std::num::NonZeroUsize;

/// By what nodes the product is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    OneDnn,
    Rounded,
    Stock,
}

/// A convolution in a model: `a` and `b` are its inputs, `made` its output.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) inputs: [[usize; 4]; 2],
    pub(super) output: [usize; 4],
    case: Case,
    pass: Pass,
    kind: Kind,
    attributes: Vec<(&'static str, i64)>,
}

impl Node {
    pub(super) fn new(case: &Case, pass: Pass, kind: Kind) -> Self {
        let (inputs, output) = case.ports(pass);
        let mut attributes =
            vec![("kernel", case.kernel), ("stride", case.stride), ("pad", case.pad)];
        if pass == Pass::ByImages {
            attributes.extend([("height", case.height), ("width", case.width)]);
        }
        let attributes = attributes.into_iter().map(|(name, own)| (name, own as i64)).collect();
        Self { inputs, output, case: *case, pass, kind, attributes }
    }

    /// The same with another attribute, or without.
    pub(super) fn with(&self, name: &'static str, value: Option<i64>) -> Self {
        let mut node = self.clone();
        node.attributes.retain(|(own, _)| *own != name);
        node.attributes.extend(value.map(|value| (name, value)));
        node
    }
}

/// The model of a node.
pub(super) fn model(node: &Node) -> Model {
    with_outputs(node, Some(node.output))
}

/// The model of a node whose output says nothing of its extents.
pub(super) fn open_ended(node: &Node) -> Model {
    with_outputs(node, None)
}

fn with_outputs(node: &Node, output: Option<[usize; 4]>) -> Model {
    let (nodes, initializer) = match node.kind {
        Kind::OneDnn => (vec![own(node)], Vec::new()),
        Kind::Rounded => (rounded(node), Vec::new()),
        Kind::Stock => stock(node),
    };
    let graph = Graph {
        name: "one".into(),
        node: nodes,
        initializer,
        input: vec![port("a", Some(node.inputs[0])), port("b", Some(node.inputs[1]))],
        output: vec![port("made", output)],
        ..Graph::default()
    };
    let set = |domain: &str, version| OperatorSet { domain: domain.into(), version };
    let opset_import = vec![set("", 18), set("qgface", 1)];
    Model { ir_version: 8, graph: Some(graph), opset_import, ..Model::default() }
}

fn own(node: &Node) -> qgface_graph::onnx::Node {
    let op_type = match node.pass {
        Pass::Forward => "DnnlConv",
        Pass::ByImages => "DnnlConvInputGradient",
        Pass::ByKernels => "DnnlConvWeightGradient",
    };
    let attribute = |&(name, i): &(&str, i64)| Attribute {
        name: name.into(),
        i: Some(i),
        kind: AttributeType::Int as i32,
        ..Attribute::default()
    };
    qgface_graph::onnx::Node {
        domain: "qgface".into(),
        attribute: node.attributes.iter().map(attribute).collect(),
        ..call("node", op_type, &["a", "b"], "made")
    }
}

/// The same of images that the runtime rounds.
fn rounded(node: &Node) -> Vec<qgface_graph::onnx::Node> {
    let mut own = own(node);
    own.op_type.push_str("Rounded");
    let images: &[usize] = match node.pass {
        Pass::Forward => &[0],
        Pass::ByImages => &[1],
        Pass::ByKernels => &[0, 1],
    };
    let mut nodes = Vec::new();
    for &at in images {
        let given = std::mem::take(&mut own.input[at]);
        own.input[at] = format!("{given} rounded");
        let mut round = call(&own.input[at], "Cast", &[&given], &own.input[at]);
        let to = ElementType::Bfloat16 as i64;
        let kind = AttributeType::Int as i32;
        round.attribute =
            vec![Attribute { name: "to".into(), i: Some(to), kind, ..Attribute::default() }];
        nodes.push(round);
    }
    nodes.push(own);
    nodes
}

/// The runtime's own nodes, which take channels before rows: a convolution, a transposed one, and the
/// gradient by kernels as a convolution of images by positions, channels and images exchanged.
fn stock(node: &Node) -> (Vec<qgface_graph::onnx::Node>, Vec<Tensor>) {
    let Case { kernel, stride, pad, .. } = node.case;
    let turn = |name: &str, from: &str, to: &str, order: [i64; 4]| {
        let mut turn = call(name, "Transpose", &[from], to);
        turn.attribute.push(ints("perm", &order));
        turn
    };
    let to_rows = |from: &str, to: &str| turn(to, from, to, [0, 3, 1, 2]);
    let from_rows = |from: &str| turn("back", from, "made", [0, 2, 3, 1]);
    let both = |own: usize| [own as i64; 2];
    let (mut nodes, mut initializers) = (Vec::new(), Vec::new());
    match node.pass {
        Pass::Forward => {
            let mut conv = call("conv", "Conv", &["x", "b"], "y");
            conv.attribute = vec![
                ints("kernel_shape", &both(kernel)),
                ints("strides", &both(stride)),
                ints("pads", &[pad as i64; 4]),
            ];
            nodes.extend([to_rows("a", "x"), conv, from_rows("y")]);
        }
        Pass::ByImages => {
            // What positions leave over below and on the right.
            let over = |extent: usize| (extent + 2 * pad - kernel) % stride;
            let mut conv = call("conv", "ConvTranspose", &["y", "a"], "x");
            conv.attribute = vec![
                ints("kernel_shape", &both(kernel)),
                ints("strides", &both(stride)),
                ints("pads", &[pad as i64; 4]),
                ints(
                    "output_padding",
                    &[over(node.case.height) as i64, over(node.case.width) as i64],
                ),
            ];
            nodes.extend([to_rows("b", "y"), conv, from_rows("x")]);
        }
        Pass::ByKernels => {
            let mut conv = call("conv", "Conv", &["x", "y"], "whole");
            conv.attribute = vec![
                ints("kernel_shape", &[node.inputs[1][1] as i64, node.inputs[1][2] as i64]),
                ints("dilations", &both(stride)),
                ints("pads", &[pad as i64; 4]),
            ];
            nodes.push(turn("x", "a", "x", [3, 0, 1, 2]));
            nodes.push(turn("y", "b", "y", [3, 0, 1, 2]));
            nodes.push(conv);
            // Images that reach beyond the last position make larger kernels.
            nodes.push(call("cut", "Slice", &["whole", "zeros", "kernel", "axes"], "w"));
            nodes.push(turn("back", "w", "made", [1, 0, 2, 3]));
            let numbers = [("zeros", [0; 2]), ("kernel", both(kernel)), ("axes", [2, 3])];
            initializers.extend(numbers.map(|(name, numbers)| whole_numbers(name, &numbers)));
        }
    }
    (nodes, initializers)
}

fn call(name: &str, op_type: &str, inputs: &[&str], output: &str) -> qgface_graph::onnx::Node {
    qgface_graph::onnx::Node {
        name: name.into(),
        op_type: op_type.into(),
        input: inputs.iter().map(|&input| input.into()).collect(),
        output: vec![output.into()],
        ..Default::default()
    }
}

fn ints(name: &str, numbers: &[i64]) -> Attribute {
    let kind = AttributeType::Ints as i32;
    Attribute { name: name.into(), ints: numbers.to_vec(), kind, ..Attribute::default() }
}

fn whole_numbers(name: &str, numbers: &[i64]) -> Tensor {
    let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    Tensor {
        name: name.into(),
        dims: vec![numbers.len() as i64],
        data_type: ElementType::Int64 as i32,
        raw_data: bytes.into(),
        ..Tensor::default()
    }
}

fn port(name: &str, extents: Option<[usize; 4]>) -> ValueInfo {
    let known =
        |extent| Dimension { value: Some(Extent::Fixed(extent as i64)), ..Dimension::default() };
    let shape = extents.map(|extents| Shape { dim: extents.map(known).into() });
    let tensor = TensorType { elem_type: ElementType::Float as i32, shape };
    let kind = Type { value: Some(TypeKind::Tensor(tensor)), ..Type::default() };
    ValueInfo { name: name.into(), r#type: Some(kind), ..ValueInfo::default() }
}

pub(super) fn buffer(program: &Program, extents: [usize; 4]) -> Buffer {
    program.buffer(Element::Float, &extents).unwrap()
}

/// What the model of a node makes of numbers.
pub(super) fn run(
    runtime: &Runtime,
    node: &Node,
    inputs: &[Vec<f32>; 2],
    threads: NonZeroUsize,
) -> Result<Vec<f32>, Error> {
    let mut program = Program::open(runtime, &model(node), threads)?;
    let [a, b] = node.inputs.map(|extents| buffer(&program, extents));
    let made = buffer(&program, node.output);
    a.write_floats(&inputs[0])?;
    b.write_floats(&inputs[1])?;
    let mut binding = program.bind(&[("a", &a), ("b", &b)], &[("made", &made)])?;
    program.run(&mut binding)?;
    made.read_floats()
}
