//! The rule of each operator: the cotangents of its inputs, from that of its output.
//!
//! A rule sees one operator and is mathematics alone. It may give a cotangent of a larger shape
//! than its input's, which is then summed, or of a smaller one that broadcasts to it.

mod batch_norm;
mod collective;
mod conv;
mod elementwise;
mod layer_norm;
mod matmul;
mod reduce;
mod select;
mod shape;

use super::cotangents::Cotangents;
use crate::graph::{Builder, Node, Op, Reduction, Value};

/// Applies the rule of `node`, which makes `y`, to the cotangent `dy`.
pub(super) fn vjp(g: &mut Builder, node: &Node, y: Value, dy: Value) -> Cotangents {
    match &node.op {
        Op::Input | Op::Constant(_) => vec![],
        Op::Detach => vec![None],
        Op::Neg => elementwise::neg(g, dy),
        Op::Relu6 => elementwise::relu6(g, node, dy),
        Op::Exp => elementwise::exp(g, y, dy),
        Op::Log => elementwise::log(g, node, dy),
        Op::Sqrt => elementwise::sqrt(g, y, dy),
        Op::Cos => elementwise::cos(g, node, dy),
        Op::Sin => elementwise::sin(g, node, dy),
        Op::Sigmoid => elementwise::sigmoid(g, y, dy),
        Op::Clip { min, max } => elementwise::clip(g, node, dy, *min, *max),
        Op::Cast(to) => elementwise::cast(g, node, dy, *to),
        Op::Add => vec![Some(dy), Some(dy)],
        Op::Sub => elementwise::sub(g, dy),
        Op::Mul => elementwise::mul(g, node, dy),
        Op::Div => elementwise::div(g, node, y, dy),
        Op::Max => elementwise::max(g, node, dy),
        Op::Min => elementwise::min(g, node, dy),
        Op::Equal | Op::Less | Op::LessOrEqual | Op::And | Op::Or => vec![None, None],
        Op::Where => select::select(g, node, dy),
        Op::ReduceSum(axes) => reduce::sum(g, node, dy, axes),
        Op::ReduceMean(axes) => reduce::mean(g, node, dy, axes),
        Op::ReduceMax(axes) => reduce::max(g, node, y, dy, axes),
        Op::Reshape(_) | Op::Flatten => shape::reshape(g, node, dy),
        Op::Transpose(permutation) => shape::transpose(g, dy, permutation),
        // What was repeated is summed where broadcasting is undone.
        Op::Expand(_) => vec![Some(dy)],
        Op::Concat(axis) => shape::concat(g, node, dy, *axis),
        Op::Slice { axis, start, end } => shape::slice(g, node, dy, *axis, *start, *end),
        Op::Gemm { trans_a, trans_b } => matmul::gemm(g, node, dy, *trans_a, *trans_b),
        Op::MatMul { trans_a, trans_b } => matmul::matmul(g, node, dy, *trans_a, *trans_b),
        Op::LogSoftmax => select::log_softmax(g, y, dy),
        Op::Softmax => select::softmax(g, y, dy),
        Op::GatherColumns => select::gather_columns(g, node, dy),
        Op::ScatterColumns(_) => select::scatter_columns(g, node, dy),
        Op::GatherElements => select::gather_elements(g, node, dy),
        Op::ScatterElements => select::scatter_elements(g, node, dy),
        Op::Conv(window) => conv::conv(g, node, dy, *window),
        Op::GroupedConv(window, groups) => conv::grouped(g, node, dy, *window, *groups),
        Op::MaxPool(window) => conv::max_pool(g, node, dy, *window),
        Op::BatchNormalization { epsilon } => batch_norm::given(g, node, dy, *epsilon),
        Op::BatchNormTraining { epsilon } => batch_norm::training(g, node, dy, *epsilon),
        Op::BatchNormSynchronised { epsilon, count, world } => {
            batch_norm::synchronised(g, node, dy, *epsilon, *count, *world)
        }
        Op::LayerNormalization { epsilon } => layer_norm::layer_norm(g, node, dy, *epsilon),
        Op::AllReduce(world, Reduction::Sum) => collective::sum(g, dy, *world),
        Op::AllReduce(world, Reduction::Max) => collective::max(g, node, y, dy, *world),
        Op::AllGather(world) => collective::gather(g, dy, *world),
        Op::ReduceScatter(world) => collective::scatter(g, dy, *world),
        Op::Broadcast(world, root) => collective::broadcast(g, dy, *world, *root),
        Op::PRelu => elementwise::prelu(g, node, dy),
        Op::ConvInputGradient(..)
        | Op::ConvWeightGradient(_)
        | Op::GroupedConvInputGradient(..)
        | Op::GroupedConvWeightGradient(..)
        | Op::MaxPoolGradient(_)
        | Op::PReluInputGradient
        | Op::PReluSlopeGradient
        | Op::ProductMean
        | Op::ChannelSum
        | Op::BatchVariance
        | Op::Announce(_) => panic!("{} is not differentiated", node.op.name()),
    }
}
