//! Models of one operator, run on the processor with the stand-in.

use super::super::super::{Element as BufferElement, Error, Program, Runtime};
use super::super::kind::{OPERATORS, Port};
use super::super::place::{Lent, Place};
use super::super::shape::Element;
use super::super::{Cudnn, add_at};
use super::functions::api;
use ort::operator::{ComputeContext, OperatorDomain};
use qgface_graph::graph::lower::DOMAIN;
use qgface_graph::onnx::{
    Attribute, AttributeType, Dimension, ElementType, Extent, Graph, Model, Node, OperatorSet,
    Shape, TensorType, Type, TypeKind, ValueInfo,
};
use std::num::NonZeroUsize;
use std::ptr::NonNull;
use std::sync::Arc;

/// On the processor, where what is lent is made up.
pub(super) struct Processor(pub(super) Lent);

// SAFETY: what is lent is numbers that nobody follows.
#[allow(unsafe_code)]
unsafe impl Send for Processor {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl Sync for Processor {}

impl Place for Processor {
    fn provider(&self) -> Option<&'static str> {
        None
    }

    fn lent(&self, _: &ComputeContext) -> Result<Lent, ort::Error> {
        Ok(self.0)
    }
}

/// A stream, and no handle.
pub(super) fn lent() -> Lent {
    let stream = NonNull::without_provenance(std::num::NonZeroUsize::MIN);
    Lent { stream, handle: None, tf32: true }
}

/// The operators by the stand-in, on the processor.
pub(super) fn domain(lent: Lent) -> Arc<OperatorDomain> {
    let domain = OperatorDomain::new(DOMAIN).unwrap();
    add_at(domain, &Cudnn::of(api(), "9.0.0"), Box::new(Processor(lent))).unwrap().into()
}

/// Extents and numbers.
pub(super) type Tensor = (Vec<usize>, Vec<f32>);

/// A node, what it reads, and the extents of what it makes.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) operator: &'static str,
    pub(super) attributes: Vec<Attribute>,
    pub(super) inputs: Vec<Tensor>,
    pub(super) outputs: Vec<Vec<usize>>,
}

pub(super) fn integer(name: &str, value: usize) -> Attribute {
    let (i, kind) = (Some(value as i64), AttributeType::Int as i32);
    Attribute { name: name.into(), i, kind, ..Attribute::default() }
}

pub(super) fn float(name: &str, value: f32) -> Attribute {
    let kind = AttributeType::Float as i32;
    Attribute { name: name.into(), f: Some(value), kind, ..Attribute::default() }
}

impl Call {
    /// Its model: floats in and out, made halves where the operator has halves. Without extents the
    /// outputs have those that the operator tells.
    pub(super) fn model(&self, with_extents: bool) -> Model {
        let own = OPERATORS.iter().find(|own| own.0 == self.operator);
        let &(_, kind, element) = own.unwrap();
        let mut nodes = Vec::new();
        let cast = |from: &str, to: &str, element: ElementType| Node {
            attribute: vec![integer("to", element as usize)],
            ..node(to, "Cast", vec![from.into()], vec![to.into()])
        };
        let is_half = |port: &Port| *port == Port::Whole && element == Element::Half;
        let name = |letter: &str, at: usize, port: &Port| {
            let half = if is_half(port) { "h" } else { "" };
            format!("{letter}{at}{half}")
        };
        let ports = |ports: &'static [Port], letter: &'static str| {
            ports.iter().enumerate().map(move |(at, port)| name(letter, at, port))
        };
        for (at, port) in kind.inputs().iter().enumerate().filter(|(_, port)| is_half(port)) {
            nodes.push(cast(&format!("i{at}"), &name("i", at, port), ElementType::Float16));
        }
        let inputs = ports(kind.inputs(), "i").take(self.inputs.len()).collect();
        nodes.push(Node {
            domain: DOMAIN.into(),
            attribute: self.attributes.clone(),
            ..node("node", self.operator, inputs, ports(kind.outputs(), "o").collect())
        });
        for (at, port) in kind.outputs().iter().enumerate().filter(|(_, port)| is_half(port)) {
            nodes.push(cast(&name("o", at, port), &format!("o{at}"), ElementType::Float));
        }
        let input = self.inputs.iter().enumerate();
        let output = self.outputs.iter().enumerate();
        let graph = Graph {
            name: "one".into(),
            node: nodes,
            input: input.map(|(at, own)| port(&format!("i{at}"), Some(&own.0))).collect(),
            output: output
                .map(|(at, own)| port(&format!("o{at}"), with_extents.then_some(own)))
                .collect(),
            ..Graph::default()
        };
        let set = |domain: &str, version| OperatorSet { domain: domain.into(), version };
        let opset_import = vec![set("", 18), set(DOMAIN, 1)];
        Model { ir_version: 8, graph: Some(graph), opset_import, ..Model::default() }
    }

    /// What it makes.
    pub(super) fn run(&self, runtime: &Runtime, lent: Lent) -> Result<Vec<Vec<f32>>, Error> {
        run(runtime, &self.model(true), lent, &self.inputs, &self.outputs)
    }
}

/// What a model with inputs `i0` and on makes as `o0` and on.
pub(super) fn run(
    runtime: &Runtime,
    model: &Model,
    lent: Lent,
    inputs: &[Tensor],
    outputs: &[Vec<usize>],
) -> Result<Vec<Vec<f32>>, Error> {
    let mut program = Program::open_with(runtime, model, NonZeroUsize::MIN, domain(lent))?;
    let mut read = Vec::new();
    for (at, (extents, numbers)) in inputs.iter().enumerate() {
        let buffer = program.buffer(BufferElement::Float, extents)?;
        buffer.write_floats(numbers)?;
        read.push((format!("i{at}"), buffer));
    }
    let mut made = Vec::new();
    for (at, extents) in outputs.iter().enumerate() {
        made.push((format!("o{at}"), program.buffer(BufferElement::Float, extents)?));
    }
    let names = |own: &[(String, super::super::super::Buffer)]| -> Vec<_> {
        own.iter().map(|(name, _)| name.clone()).collect()
    };
    let (read_names, made_names) = (names(&read), names(&made));
    let read: Vec<_> = read_names.iter().zip(&read).map(|(name, own)| (&**name, &own.1)).collect();
    let bound: Vec<_> = made_names.iter().zip(&made).map(|(name, own)| (&**name, &own.1)).collect();
    let mut binding = program.bind(&read, &bound)?;
    program.run(&mut binding)?;
    made.iter().map(|(_, buffer)| buffer.read_floats()).collect()
}

fn node(name: &str, op_type: &str, input: Vec<String>, output: Vec<String>) -> Node {
    Node { name: name.into(), op_type: op_type.into(), input, output, ..Node::default() }
}

fn port(name: &str, extents: Option<&Vec<usize>>) -> ValueInfo {
    let known = |extent: &usize| Dimension {
        value: Some(Extent::Fixed(*extent as i64)),
        ..Dimension::default()
    };
    let shape = extents.map(|extents| Shape { dim: extents.iter().map(known).collect() });
    let tensor = TensorType { elem_type: ElementType::Float as i32, shape };
    let kind = Type { value: Some(TypeKind::Tensor(tensor)), ..Type::default() };
    ValueInfo { name: name.into(), r#type: Some(kind), ..ValueInfo::default() }
}
