//! For the tests of kernels: models of one node, numbers to feed them, and shapes to try.

use super::super::{Buffer, Element, Error, Program, Runtime};
use super::add_to;
use super::call::Call;
use super::operator::{Channelwise, Custom};
use super::port::Port;
use super::rows::{Rows, in_parts};
use ort::operator::{KernelContext, OperatorDomain};
use qgface_fs::causes::chain;
use qgface_graph::graph::lower::DOMAIN;
use qgface_graph::onnx::{
    Attribute, AttributeType, Dimension, ElementType, Extent, Graph, Model, Node, OperatorSet,
    Shape, TensorType, Type, TypeKind, ValueInfo,
};
use std::num::NonZeroUsize;
use std::sync::Arc;

/// Images of one row, of rows that no table and no part ends with, of one part and of several.
pub(super) const SHAPES: [[usize; 4]; 14] = [
    [1, 1, 1, 1],
    [2, 5, 7, 1],
    [3, 211, 223, 1],
    [1, 1, 1, 3],
    [2, 3, 7, 3],
    [3, 131, 137, 3],
    [1, 1, 1, 64],
    [2, 3, 3, 64],
    [3, 31, 33, 64],
    [1, 1, 1, 100],
    [2, 3, 3, 100],
    [3, 27, 29, 100],
    [1, 1, 1, 512],
    [3, 11, 13, 512],
];

/// A tensor.
pub(super) type Tensor = (Vec<usize>, Vec<f32>);

/// Numbers around a mean, half of them farther from it than `spread`/2, none than `spread`.
pub(super) fn numbers(seed: u64, count: usize, mean: f32, spread: f32) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 0x1234_5678;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| mean + spread * next()).collect()
}

/// A tensor of numbers around 0.
pub(super) fn tensor(seed: u64, shape: &[usize]) -> Tensor {
    (shape.to_vec(), numbers(seed, shape.iter().product(), 0.0, 1.0))
}

/// A float of a node.
pub(super) fn float(name: &str, value: f32) -> Attribute {
    let kind = AttributeType::Float as i32;
    Attribute { name: name.to_owned(), f: Some(value), kind, ..Attribute::default() }
}

fn integer(name: &str, value: i64) -> Attribute {
    let kind = AttributeType::Int as i32;
    Attribute { name: name.to_owned(), i: Some(value), kind, ..Attribute::default() }
}

/// A model of one node of ours, its inputs `i0` and on, its outputs `o0` and on.
pub(super) fn model(
    operator: &str,
    attribute: Vec<Attribute>,
    inputs: &[&[usize]],
    outputs: &[&[usize]],
) -> Model {
    let infos = |letter: &str, shapes: &[&[usize]]| {
        let all = shapes.iter().enumerate();
        all.map(|(at, shape)| info(&format!("{letter}{at}"), shape)).collect::<Vec<_>>()
    };
    let names = |infos: &[ValueInfo]| infos.iter().map(|info| info.name.clone()).collect();
    let (input, output) = (infos("i", inputs), infos("o", outputs));
    let mut made: Vec<String> = names(&output);
    // What is rounded is read as floats.
    let widen = (operator.ends_with("Round") || operator.ends_with("Rounded")).then(|| {
        let rounded = std::mem::replace(&mut made[0], "rounded".to_owned());
        Node {
            input: vec![made[0].clone()],
            output: vec![rounded],
            op_type: "Cast".to_owned(),
            attribute: vec![integer("to", ElementType::Float as i64)],
            ..Node::default()
        }
    });
    let node = Node {
        input: names(&input),
        output: made,
        name: "node".to_owned(),
        op_type: operator.to_owned(),
        domain: DOMAIN.to_owned(),
        attribute,
        ..Node::default()
    };
    Model {
        ir_version: 8,
        opset_import: [("", 18), (DOMAIN, 1)]
            .map(|(domain, version)| OperatorSet { domain: domain.to_owned(), version })
            .into(),
        graph: Some(Graph {
            name: operator.to_owned(),
            node: [node].into_iter().chain(widen).collect(),
            input,
            output,
            ..Graph::default()
        }),
        ..Model::default()
    }
}

fn info(name: &str, shape: &[usize]) -> ValueInfo {
    let dim = shape
        .iter()
        .map(|&extent| Dimension {
            value: Some(Extent::Fixed(extent as i64)),
            ..Dimension::default()
        })
        .collect();
    let kind = TypeKind::Tensor(TensorType {
        elem_type: ElementType::Float as i32,
        shape: Some(Shape { dim }),
    });
    let r#type = Some(Type { value: Some(kind), ..Type::default() });
    ValueInfo { name: name.to_owned(), r#type, ..ValueInfo::default() }
}

/// An operator whose code panics: in a part where there are several, else before.
#[derive(Debug)]
pub(super) struct Broken;

impl Channelwise for Broken {
    const NAME: &'static str = "Broken";
    const INPUTS: &'static [Port] = &[Port::image("x")];
    const OUTPUTS: &'static [Port] = &[Port::image("y")];

    fn new(_: &KernelContext<'_>) -> Result<Self, ort::Error> {
        Ok(Self)
    }

    fn compute(&self, call: &Call<'_>) -> Result<(), ort::Error> {
        let rows = Rows::new(call.elements(), call.channels());
        in_parts(call.context, rows.parts(), |part| panic!("part {part} of {}", rows.parts()))
            .map(|_: Vec<()>| ())
    }
}

/// A program with the operators, and [`Broken`].
pub(super) fn program(runtime: &Runtime, model: &Model, threads: usize) -> Result<Program, Error> {
    program_in(DOMAIN, runtime, model, threads)
}

/// The same, with the operators in a domain of another name; the model is of nodes of [`model()`].
pub(super) fn program_in(
    domain: &str,
    runtime: &Runtime,
    model: &Model,
    threads: usize,
) -> Result<Program, Error> {
    let mut model = model.clone();
    let nodes =
        model.graph.iter_mut().flat_map(|graph| &mut graph.node).map(|node| &mut node.domain);
    let sets = model.opset_import.iter_mut().map(|set| &mut set.domain);
    nodes.chain(sets).filter(|own| *own == DOMAIN).for_each(|own| domain.clone_into(own));
    let domain = add_to(OperatorDomain::new(domain).unwrap()).unwrap();
    let domain: Arc<_> = domain.add(Custom::<Broken>::new()).unwrap().into();
    Program::open_with(runtime, &model, NonZeroUsize::new(threads).unwrap(), domain)
}

/// What a node makes of its inputs. Outputs of `inplace` lie where the inputs do.
pub(super) fn run_inplace(
    runtime: &Runtime,
    threads: usize,
    (operator, attributes): (&str, Vec<Attribute>),
    inputs: &[Tensor],
    outputs: &[&[usize]],
    inplace: &[(usize, usize)],
) -> Result<Vec<Vec<f32>>, Error> {
    let shapes: Vec<&[usize]> = inputs.iter().map(|(shape, _)| &shape[..]).collect();
    let mut program = program(runtime, &model(operator, attributes, &shapes, outputs), threads)?;
    let buffer = |shape: &[usize]| program.buffer(Element::Float, shape).unwrap();
    let given: Vec<Buffer> = shapes.iter().map(|shape| buffer(shape)).collect();
    for (buffer, (_, numbers)) in given.iter().zip(inputs) {
        buffer.write_floats(numbers).unwrap();
    }
    let made: Vec<Buffer> = (0..outputs.len())
        .map(|at| match inplace.iter().find(|(_, output)| *output == at) {
            Some((input, _)) => given[*input].clone(),
            None => buffer(outputs[at]),
        })
        .collect();
    let names = |letter, count| (0..count).map(|at| format!("{letter}{at}")).collect::<Vec<_>>();
    let (given_names, made_names) = (names("i", given.len()), names("o", made.len()));
    let given: Vec<_> = given_names.iter().map(String::as_str).zip(&given).collect();
    let made: Vec<_> = made_names.iter().map(String::as_str).zip(&made).collect();
    let mut binding = program.bind(&given, &made)?;
    program.run(&mut binding)?;
    Ok(made.iter().map(|(_, buffer)| buffer.read_floats().unwrap()).collect())
}

/// What a node makes of its inputs on one thread, which two and three threads make to the bit.
pub(super) fn run(
    runtime: &Runtime,
    operator: &str,
    attributes: Vec<Attribute>,
    inputs: &[Tensor],
    outputs: &[&[usize]],
) -> Vec<Vec<f32>> {
    let made = |threads| {
        let node = (operator, attributes.clone());
        run_inplace(runtime, threads, node, inputs, outputs, &[]).unwrap()
    };
    let one = made(1);
    for threads in [2, 3] {
        assert!(bits(&made(threads)) == bits(&one), "{operator}: {threads} threads");
    }
    one
}

/// Numbers as their bits, among which one that is none is like itself.
pub(super) fn bits(made: &[Vec<f32>]) -> Vec<Vec<u32>> {
    made.iter().map(|numbers| numbers.iter().map(|number| number.to_bits()).collect()).collect()
}

/// What a node is refused with.
pub(super) fn refusal(
    runtime: &Runtime,
    node: (&str, Vec<Attribute>),
    inputs: &[&[usize]],
    outputs: &[&[usize]],
) -> String {
    let inputs: Vec<Tensor> = inputs.iter().map(|shape| tensor(1, shape)).collect();
    chain(&run_inplace(runtime, 1, node, &inputs, outputs, &[]).unwrap_err())
}

/// Holds numbers against those that a formula gives, each within its bound.
pub(super) fn assert_near(
    what: &str,
    found: &[f32],
    expected: impl IntoIterator<Item = (f64, f64)>,
) {
    let mut count = 0;
    for (at, (expected, bound)) in expected.into_iter().enumerate() {
        let found = f64::from(found[at]);
        assert!((found - expected).abs() <= bound, "{what} [{at}]: {found}, {expected} ± {bound}");
        count += 1;
    }
    assert_eq!(found.len(), count, "{what}");
}
