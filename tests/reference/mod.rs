//! A naive evaluator of graphs in 64 bits: what each operator means, in one plain loop each.
//!
//! Integers, true and false are floats here too; true is 1. Floats of half width are rounded to it when
//! they are made, and only then.

mod elementwise;
mod exchange;
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
    let (graphs, feeds) = ([graph], [feeds.to_vec()]);
    evaluate_in_step(&graphs, &feeds, hands).swap_remove(0)
}

/// The same for the ranks of a world, each with its graph and feeds: all compute a value before any
/// computes the next, so that they can exchange it.
///
/// # Panics
/// As [`evaluate`], and when the graphs have other operators or numbers of ranks.
pub(crate) fn evaluate_together(
    graphs: &[&Graph],
    feeds: &[Vec<(&str, Tensor)>],
) -> Vec<Vec<Tensor>> {
    evaluate_in_step(graphs, feeds, &mut |_, _| ())
}

fn evaluate_in_step(
    graphs: &[&Graph],
    feeds: &[Vec<(&str, Tensor)>],
    hands: &mut dyn FnMut(Value, &mut Tensor),
) -> Vec<Vec<Tensor>> {
    let live = graphs[0].live();
    for graph in graphs {
        assert!(graph.live() == live, "ranks that compute other values");
    }
    let mut made: Vec<Vec<Option<Tensor>>> = vec![vec![None; live.len()]; graphs.len()];
    let values = graphs[0].values().map(|(value, _)| value);
    for value in values.filter(|value| live[value.index()]) {
        let nodes: Vec<&Node> = graphs.iter().map(|graph| graph.node(value)).collect();
        let reads = |rank: usize| {
            let read = nodes[rank].inputs.iter().map(|input| made[rank][input.index()].as_ref());
            read.map(Option::unwrap).collect::<Vec<_>>()
        };
        let all: Vec<Vec<f64>> = match nodes[0].op.world() {
            Some(_) => {
                let read: Vec<&Tensor> = (0..nodes.len()).map(|rank| reads(rank)[0]).collect();
                exchange::exchanged(&nodes, &read)
            }
            None => (0..nodes.len())
                .map(|rank| compute(nodes[rank], &reads(rank), &feeds[rank]))
                .collect(),
        };
        for (rank, mut data) in all.into_iter().enumerate() {
            let node = nodes[rank];
            assert!(node.op.name() == nodes[0].op.name(), "{} on rank {rank}", node.name);
            if node.element == Element::Half {
                data.iter_mut().for_each(|x| *x = f16::from_f64(*x).to_f64());
            }
            let mut tensor = Tensor::new(&node.shape, data);
            hands(value, &mut tensor);
            made[rank][value.index()] = Some(tensor);
        }
    }
    let returned = |(rank, graph): (usize, &&Graph)| {
        graph
            .outputs()
            .iter()
            .map(|(_, value)| made[rank][value.index()].clone().unwrap())
            .collect()
    };
    graphs.iter().enumerate().map(returned).collect()
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
        Op::Relu6 => unary(|x| x.clamp(0.0, 6.0)),
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
        Op::MatMul { trans_a, trans_b } => products::matmul(inputs, *trans_a, *trans_b, shape),
        Op::LogSoftmax => select::log_softmax(inputs[0]),
        Op::Softmax => select::softmax(inputs[0]),
        Op::GatherColumns => select::gather_columns(inputs[0], inputs[1]),
        Op::GatherElements => select::gather_elements(inputs[0], inputs[1]),
        Op::ScatterElements => select::scatter_elements(inputs[0], inputs[1], inputs[2]),
        Op::ScatterColumns(width) => select::scatter_columns(inputs[0], inputs[1], *width),
        Op::Conv(window) => products::conv(inputs[0], inputs[1], *window, 1, shape),
        Op::GroupedConv(window, groups) => {
            products::conv(inputs[0], inputs[1], *window, *groups, shape)
        }
        Op::ConvInputGradient(window, _) => {
            products::conv_input(inputs[0], inputs[1], *window, 1, shape)
        }
        Op::GroupedConvInputGradient(window, groups, _) => {
            products::conv_input(inputs[0], inputs[1], *window, *groups, shape)
        }
        Op::ConvWeightGradient(window) => {
            products::conv_weight(inputs[0], inputs[1], *window, 1, shape)
        }
        Op::GroupedConvWeightGradient(window, groups) => {
            products::conv_weight(inputs[0], inputs[1], *window, *groups, shape)
        }
        Op::MaxPool(window) => images::max_pool(inputs[0], *window, shape),
        Op::MaxPoolGradient(window) => images::max_pool_gradient(inputs[0], inputs[1], *window),
        Op::BatchNormalization { epsilon } | Op::BatchNormSynchronised { epsilon, .. } => {
            images::batch_normalization(inputs, *epsilon)
        }
        Op::BatchNormTraining { epsilon } => images::batch_norm_training(inputs, *epsilon),
        Op::LayerNormalization { epsilon } => layout::layer_norm(inputs, *epsilon),
        Op::BatchVariance => images::moments(inputs[0]).1.data,
        Op::PRelu => images::prelu(inputs[0], inputs[1]),
        Op::PReluInputGradient => images::prelu_input(inputs[0], inputs[1], inputs[2]),
        Op::PReluSlopeGradient => images::prelu_slope(inputs[0], inputs[1]),
        Op::ProductMean => images::product_mean(inputs[0], inputs[1]),
        Op::ChannelSum => images::channel_sum(inputs),
        Op::AllReduce(..) | Op::AllGather(_) | Op::ReduceScatter(_) | Op::Broadcast(..) => {
            panic!("{} is of all ranks", node.op.name())
        }
        Op::Announce(_) => inputs[0].data.clone(),
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
