//! Graphs as they are lowered for the library, run with the stand-in, against the same in ONNX's
//! operators.

use super::super::super::Runtime;
use super::cases::noise;
use super::models::{Tensor, lent, run};
use super::stand_in::library;
use super::{close, nothing_is_left, wide};
use qgface_graph::autodiff::backward;
use qgface_graph::graph::lower::{DOMAIN, Layout, Rows, lower_with_rows};
use qgface_graph::graph::{Builder, Element, Graph, Op, Value, Width, Window, narrowed};
use qgface_graph::onnx::Model;

const EPSILON: f64 = 1e-5;

/// Of the largest number of an output: some dozen operators in a row, each rounded to 24 bits.
const TOLERANCE: f64 = 2e-5;

/// The same, where most of them are rounded to 11 bits.
const HALF_TOLERANCE: f64 = 2e-2;

/// A graph in the making, with what is learned.
struct Making {
    g: Builder,
    inputs: Vec<Value>,
    statistics: Vec<Value>,
}

impl Making {
    fn input(&mut self, shape: &[usize]) -> Value {
        let own = self.g.input(&format!("i{}", self.inputs.len()), Element::Float, shape);
        self.inputs.push(own);
        own
    }

    fn conv(&mut self, x: Value, outputs: usize, window: Window) -> Value {
        let w = self.input(&[outputs, self.g.shape(x)[1], window.kernel, window.kernel]);
        self.g.conv(x, w, window)
    }

    /// Normalised, as the layers of networks do it.
    fn normal(&mut self, x: Value) -> Value {
        let channels = self.g.shape(x)[1];
        let (gamma, beta) = (self.input(&[channels]), self.input(&[channels]));
        let op = Op::BatchNormTraining { epsilon: EPSILON };
        let y = self.g.apply(op, &[x, gamma, beta]);
        let mean = self.g.mean_by_channel(x);
        let variance = self.g.apply(Op::BatchVariance, &[x]);
        self.statistics.extend([mean, variance]);
        y
    }
}

/// The loss, the statistics and all gradients of two residual blocks that allow a width, as a graph with
/// outputs `o0` and on.
fn network(width: Width) -> Graph {
    let mut own = Making { g: Builder::new(), inputs: Vec::new(), statistics: Vec::new() };
    let three = |stride| Window { kernel: 3, stride, pad: 1 };
    own.g.allow(width);
    let x = own.input(&[3, 3, 9, 8]);
    let x = own.conv(x, 4, three(1));
    let x = own.normal(x);
    let slope = own.input(&[4]);
    let x = own.g.prelu(x, slope);
    // One that goes by unchanged, and one that is made smaller and wider.
    let y = own.normal(x);
    let y = own.conv(y, 4, three(1));
    let y = own.normal(y);
    let x = own.g.add(x, y);
    let short = own.conv(x, 6, Window { kernel: 1, stride: 2, pad: 0 });
    let short = own.normal(short);
    let y = own.conv(x, 6, three(2));
    let y = own.normal(y);
    let x = own.g.add(short, y);
    own.g.allow(Width::Whole);
    // Features are normalised without scale and shift.
    let x = own.g.flatten(x);
    let width = own.g.shape(x)[1];
    let w = own.input(&[width, 5]);
    let x = own.g.matmul(x, w);
    let x = own.normal(x);
    let squares = own.g.mul(x, x);
    let cubes = own.g.mul(squares, x);
    let loss = own.g.mean(cubes);
    let gradients = backward(&mut own.g, loss, &own.inputs);
    let all = [loss].into_iter().chain(own.statistics).chain(gradients.into_iter().flatten());
    let outputs = all.enumerate().map(|(at, value)| (format!("o{at}"), value)).collect();
    own.g.finish(outputs)
}

/// All outputs of a graph, in ONNX's operators and by the library.
fn both(runtime: &Runtime, graph: &Graph) -> [Vec<Vec<f32>>; 2] {
    let inputs = graph.inputs().into_iter().zip(7..);
    let drawn = inputs.map(|((_, node), seed)| {
        let numbers = noise(seed, node.shape.iter().product());
        (node.shape.clone(), numbers.iter().map(|own| own + 0.1).collect())
    });
    let inputs: Vec<Tensor> = drawn.collect();
    let outputs: Vec<_> =
        graph.outputs().iter().map(|(_, value)| graph.node(*value).shape.clone()).collect();
    [Layout::Planes, Layout::VendorPlanes]
        .map(|layout| run(runtime, &lowered(graph, layout), lent(), &inputs, &outputs).unwrap())
}

fn largest(numbers: &[f32]) -> f32 {
    numbers.iter().fold(0.0, |largest: f32, own| largest.max(own.abs()))
}

fn lowered(graph: &Graph, layout: Layout) -> Model {
    lower_with_rows(graph, "network", &Rows::new(), &layout.into())
}

fn operators(model: &Model, own: bool) -> Vec<&str> {
    let nodes = model.graph().node.iter().filter(|node| (node.domain == DOMAIN) == own);
    nodes.map(|node| node.op_type.as_str()).collect()
}

#[test]
fn a_network_has_the_same_gradients_as_in_the_operators_of_onnx() {
    let Some(runtime) = Runtime::installed() else { return };
    let graph = network(Width::Whole);
    let [stock, own] = both(&runtime, &graph);
    let all = stock.iter().map(|own| largest(own)).fold(0.0, f32::max);
    for (at, (stock, own)) in stock.iter().zip(&own).enumerate() {
        // Before a normalisation a gradient may be zero but for rounding.
        if largest(stock) < 1e-5 * all {
            assert!(largest(own) < 1e-5 * all, "output {at}");
            continue;
        }
        close(own, &wide(stock), TOLERANCE);
    }
    nothing_is_left();
    library(|own| {
        let times = |function| own.calls.iter().filter(|call| **call == function).count();
        assert_eq!(times("cudnnBatchNormalizationForwardTraining"), 5);
        assert_eq!(times("cudnnBatchNormalizationBackward"), 5);
        assert_eq!(times("cudnnConvolutionBackwardFilter"), 4);
        // By the images that come in, too.
        assert_eq!(times("cudnnConvolutionBackwardData"), 4);
    });
}

#[test]
fn in_half_width_the_library_has_gradients_of_halves_and_moments_of_floats() {
    let graph = narrowed(&network(Width::Half));
    let own = lowered(&graph, Layout::VendorPlanes);
    let mut made: Vec<_> = operators(&own, true);
    made.sort_unstable();
    let expected = [
        ["CudnnBatchNorm"; 5].as_slice(),
        &["CudnnBatchNormGradient"; 5],
        &["CudnnConvInputGradient16"; 4],
        &["CudnnConvWeightGradient16"; 4],
    ];
    assert_eq!(made, expected.concat());
    assert!(own.graph().values().is_ok());
    let Some(runtime) = Runtime::installed() else { return };
    let [stock, own] = both(&runtime, &graph);
    let all = stock.iter().map(|own| largest(own)).fold(0.0, f32::max);
    let both: Vec<_> =
        stock.iter().zip(&own).filter(|(stock, _)| largest(stock) > 1e-3 * all).collect();
    assert!(2 * both.len() > stock.len(), "{} of {}", both.len(), stock.len());
    for (stock, own) in both {
        close(own, &wide(stock), HALF_TOLERANCE);
    }
    nothing_is_left();
}

#[test]
fn what_the_library_computes_leaves_nothing_of_itself_in_other_operators() {
    let graph = network(Width::Whole);
    let (planes, own) = (lowered(&graph, Layout::Planes), lowered(&graph, Layout::VendorPlanes));
    assert!(operators(&planes, true).is_empty());
    let mut made: Vec<_> = operators(&own, true);
    made.sort_unstable();
    let expected = [
        ["CudnnBatchNorm"; 5].as_slice(),
        &["CudnnBatchNormGradient"; 5],
        &["CudnnConvInputGradient"; 4],
        &["CudnnConvWeightGradient"; 4],
    ];
    assert_eq!(made, expected.concat());
    let left = operators(&own, false);
    for gone in ["ConvTranspose", "Gather", "Pad", "Slice"] {
        assert!(operators(&planes, false).contains(&gone) && !left.contains(&gone), "{gone}");
    }
    // The features' own moments, and no others: images' are 1/r² − ε.
    let count = |model, op| operators(model, false).iter().filter(|own| **own == op).count();
    assert_eq!(count(&own, "LayerNormalization"), 0);
    assert_eq!(count(&own, "BatchNormalization"), 2);
    assert_eq!(count(&own, "Relu"), 5 + 1);
    // Every node's result is read or returned.
    let own = own.graph();
    let read: Vec<&str> =
        own.node.iter().flat_map(|node| node.input.iter().map(|own| &**own)).collect();
    let returned: Vec<&str> = own.output.iter().map(|own| &*own.name).collect();
    for node in &own.node {
        let is_read = |own: &String| read.contains(&&**own) || returned.contains(&&**own);
        assert!(node.output.iter().any(is_read), "{}", node.name);
    }
}
