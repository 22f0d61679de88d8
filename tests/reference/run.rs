//! A graph through ONNX Runtime, from the evaluator's feeds to the evaluator's tensors.

use crate::installed;
use crate::reference::Tensor;
use qgface_data::graph::lower::{Arrangement, Rows, lower_with_rows};
use qgface_data::graph::{self, Graph, Node};
use qgface_data::runtime::{Buffer, Element, Program};
use std::num::NonZeroUsize;

/// Lowers `graph` and runs it on the processor, in 32 bits, with one thread. Returns the outputs in
/// order.
///
/// # Panics
/// As [`run_in`].
pub(crate) fn run(graph: &Graph, feeds: &[(&str, Tensor)]) -> Vec<Tensor> {
    run_in(&Arrangement::default(), graph, feeds)
}

/// The same with so many threads.
///
/// # Panics
/// As [`run_in`].
#[allow(dead_code, reason = "not every test that runs graphs has large ones")]
pub(crate) fn run_by(
    threads: NonZeroUsize,
    graph: &Graph,
    feeds: &[(&str, Tensor)],
) -> Vec<Tensor> {
    run_arranged(&Arrangement::default(), threads, graph, feeds)
}

/// The same, as arranged.
///
/// # Panics
/// When a feed is missing or has another shape than its input, when the runtime refuses, and when
/// an output holds truth values, which buffers are not read as.
pub(crate) fn run_in(
    arrangement: &Arrangement,
    graph: &Graph,
    feeds: &[(&str, Tensor)],
) -> Vec<Tensor> {
    run_arranged(arrangement, NonZeroUsize::MIN, graph, feeds)
}

fn run_arranged(
    arrangement: &Arrangement,
    threads: NonZeroUsize,
    graph: &Graph,
    feeds: &[(&str, Tensor)],
) -> Vec<Tensor> {
    let model = lower_with_rows(graph, "case", &Rows::new(), arrangement);
    let mut program = Program::open(&installed::runtime(), &model, threads).unwrap();
    let nodes = graph.inputs().into_iter().map(|(_, node)| node);
    let inputs: Vec<_> =
        nodes.map(|node| (node.name.as_str(), filled(&program, node, feeds))).collect();
    let outputs = graph.outputs().iter();
    let outputs: Vec<_> = outputs
        .map(|(name, value)| (name.as_str(), buffer(&program, graph.node(*value))))
        .collect();
    let mut binding = program.bind(&pairs(&inputs), &pairs(&outputs)).unwrap();
    program.run(&mut binding).unwrap();
    outputs.iter().map(|(_, buffer)| read(buffer)).collect()
}

fn pairs<'b>(bound: &'b [(&'b str, Buffer)]) -> Vec<(&'b str, &'b Buffer)> {
    bound.iter().map(|(name, buffer)| (*name, buffer)).collect()
}

/// A buffer for the value of a node.
pub(crate) fn buffer(program: &Program, node: &Node) -> Buffer {
    let element = match node.element {
        graph::Element::Float => Element::Float,
        graph::Element::Half => panic!("{}: models are fed and return whole floats", node.name),
        graph::Element::Int64 => Element::Int64,
        graph::Element::Bool => Element::Bool,
    };
    program.buffer(element, &node.shape).unwrap()
}

fn filled(program: &Program, node: &Node, feeds: &[(&str, Tensor)]) -> Buffer {
    let buffer = buffer(program, node);
    let Some((name, fed)) = feeds.iter().find(|(name, _)| *name == node.name) else {
        panic!("nothing is fed as {}", node.name)
    };
    assert!(fed.shape == node.shape, "{name}: fed {:?}, expected {:?}", fed.shape, node.shape);
    write(&buffer, fed);
    buffer
}

/// Writes numbers as the buffer's elements.
pub(crate) fn write(buffer: &Buffer, fed: &Tensor) {
    let numbers = fed.data.iter();
    match buffer.element() {
        Element::Float => {
            buffer.write_floats(&numbers.map(|&number| number as f32).collect::<Vec<_>>())
        }
        Element::Int64 => {
            buffer.write_ints(&numbers.map(|&number| number as i64).collect::<Vec<_>>())
        }
        Element::Bool => {
            buffer.write_bools(&numbers.map(|&number| number != 0.0).collect::<Vec<_>>())
        }
    }
    .unwrap();
}

/// What a buffer holds.
pub(crate) fn read(buffer: &Buffer) -> Tensor {
    let data = match buffer.element() {
        Element::Float => buffer.read_floats().unwrap().into_iter().map(f64::from).collect(),
        Element::Int64 => buffer.read_ints().unwrap().iter().map(|&n| n as f64).collect(),
        Element::Bool => panic!("an output of truth values"),
    };
    Tensor::new(buffer.shape(), data)
}
