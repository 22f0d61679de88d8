//! A naive evaluator of graphs in 64 bits: what each operator means, in one plain loop each.
//!
//! Integers, true and false are floats here too; true is 1. Floats of half width are rounded to it when
//! they are made, and only then.

mod elementwise;
mod images;
mod layout;
mod products;
mod select;

use half::f16;
use layout::volume;
use qgface_data::graph::{Element, Graph, Literal, Node, Op, Value};

/// Numbers in row-major order, with their extents.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tensor {
    pub(crate) shape: Vec<usize>,
    pub(crate) data: Vec<f64>,
}

impl Tensor {
    /// # Panics
    /// When there are not as many numbers as the shape holds.
    #[track_caller]
    pub(crate) fn new(shape: &[usize], data: Vec<f64>) -> Self {
        assert!(volume(shape) == data.len(), "{} numbers as {shape:?}", data.len());
        Self { shape: shape.to_vec(), data }
    }
}

/// Computes what `graph` returns, in its order, from what is fed by name. What no output depends on
/// is neither computed nor needs a feed.
///
/// # Panics
/// When a feed is missing or has another shape than its input.
pub(crate) fn evaluate(graph: &Graph, feeds: &[(&str, Tensor)]) -> Vec<Tensor> {
    evaluate_through(graph, feeds, &mut |_, _| ())
}

/// The same, but each value goes through `hands`, which may change it, before another reads it.
///
/// # Panics
/// As [`evaluate`].
pub(crate) fn evaluate_through(
    graph: &Graph,
    feeds: &[(&str, Tensor)],
    hands: &mut dyn FnMut(Value, &mut Tensor),
) -> Vec<Tensor> {
    let live = graph.live();
    let mut made: Vec<Option<Tensor>> = vec![None; live.len()];
    for (value, node) in graph.values().filter(|(value, _)| live[value.index()]) {
        let read = node.inputs.iter().map(|input| made[input.index()].as_ref().unwrap());
        let mut data = compute(node, &read.collect::<Vec<_>>(), feeds);
        if node.element == Element::Half {
            data.iter_mut().for_each(|x| *x = f16::from_f64(*x).to_f64());
        }
        let mut tensor = Tensor::new(&node.shape, data);
        hands(value, &mut tensor);
        made[value.index()] = Some(tensor);
    }
    graph.outputs().iter().map(|(_, value)| made[value.index()].clone().unwrap()).collect()
}

/// The elements that an operator makes of its inputs.
fn compute(node: &Node, inputs: &[&Tensor], feeds: &[(&str, Tensor)]) -> Vec<f64> {
    let shape = &node.shape[..];
    let unary = |f: fn(f64) -> f64| elementwise::unary(inputs[0], f);
    let binary = |f: fn(f64, f64) -> f64| elementwise::binary(inputs, shape, f);
    match &node.op {
        Op::Input => fed(node, feeds),
        Op::Constant(Literal::Float(numbers)) => numbers.clone(),
        Op::Constant(Literal::Int64(numbers)) => numbers.iter().map(|&n| n as f64).collect(),
        Op::Detach | Op::Reshape(_) | Op::Flatten => inputs[0].data.clone(),
        Op::Neg => unary(|x| -x),
        Op::Exp => unary(f64::exp),
        Op::Log => unary(f64::ln),
        Op::Sqrt => unary(f64::sqrt),
        Op::Cos => unary(f64::cos),
        Op::Sin => unary(f64::sin),
        Op::Sigmoid => unary(|x| 1.0 / (1.0 + (-x).exp())),
        Op::Clip { min, max } => elementwise::unary(inputs[0], |x| x.max(*min).min(*max)),
        Op::Cast(to) => elementwise::cast(inputs[0], *to),
        Op::Add => binary(|a, b| a + b),
        Op::Sub => binary(|a, b| a - b),
        Op::Mul => binary(|a, b| a * b),
        Op::Div => binary(|a, b| a / b),
        Op::Max => binary(f64::max),
        Op::Min => binary(f64::min),
        Op::Equal => binary(|a, b| f64::from(a == b)),
        Op::Less => binary(|a, b| f64::from(a < b)),
        Op::LessOrEqual => binary(|a, b| f64::from(a <= b)),
        Op::And => binary(|a, b| f64::from(a != 0.0 && b != 0.0)),
        Op::Or => binary(|a, b| f64::from(a != 0.0 || b != 0.0)),
        Op::Where => elementwise::select(inputs, shape),
        Op::ReduceSum(axes) => layout::reduce(inputs[0], axes, 0.0, |sum, x| sum + x),
        Op::ReduceMean(axes) => layout::mean(inputs[0], axes),
        Op::ReduceMax(axes) => layout::reduce(inputs[0], axes, f64::NEG_INFINITY, f64::max),
        Op::Transpose(permutation) => layout::transpose(inputs[0], permutation),
        Op::Expand(to) => layout::expand(inputs[0], to).into_owned(),
        Op::Concat(axis) => layout::concat(inputs, *axis),
        Op::Slice { axis, start, end } => layout::slice(inputs[0], *axis, *start..*end),
        Op::Gemm { trans_a, trans_b } => products::gemm(inputs, *trans_a, *trans_b, shape),
        Op::LogSoftmax => select::log_softmax(inputs[0]),
        Op::GatherColumns => select::gather_columns(inputs[0], inputs[1]),
        Op::GatherElements => select::gather_elements(inputs[0], inputs[1]),
        Op::ScatterElements => select::scatter_elements(inputs[0], inputs[1], inputs[2]),
        Op::ScatterColumns(width) => select::scatter_columns(inputs[0], inputs[1], *width),
        Op::Conv(window) => products::conv(inputs[0], inputs[1], *window, shape),
        Op::ConvInputGradient(window, _) => {
            products::conv_input(inputs[0], inputs[1], *window, shape)
        }
        Op::ConvWeightGradient(window) => {
            products::conv_weight(inputs[0], inputs[1], *window, shape)
        }
        Op::MaxPool(window) => images::max_pool(inputs[0], *window, shape),
        Op::MaxPoolGradient(window) => images::max_pool_gradient(inputs[0], inputs[1], *window),
        Op::BatchNormalization { epsilon } => images::batch_normalization(inputs, *epsilon),
        Op::BatchNormTraining { epsilon } => images::batch_norm_training(inputs, *epsilon),
        Op::BatchVariance => images::moments(inputs[0]).1.data,
        Op::PRelu => images::prelu(inputs[0], inputs[1]),
        Op::PReluInputGradient => images::prelu_input(inputs[0], inputs[1], inputs[2]),
        Op::PReluSlopeGradient => images::prelu_slope(inputs[0], inputs[1]),
        Op::ProductMean => images::product_mean(inputs[0], inputs[1]),
        Op::ChannelSum => images::channel_sum(inputs),
    }
}

fn fed(node: &Node, feeds: &[(&str, Tensor)]) -> Vec<f64> {
    let Node { name, shape, .. } = node;
    let Some((_, tensor)) = feeds.iter().find(|(fed, _)| fed == name) else {
        panic!("nothing is fed as {name}")
    };
    assert!(tensor.shape == *shape, "{name}: fed {:?}, expected {shape:?}", tensor.shape);
    tensor.data.clone()
}
