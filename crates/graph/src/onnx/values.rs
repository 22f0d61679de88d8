//! What the values of a lowered model are: their extents and elements, which the format leaves out
//! between nodes.
//!
//! One table has a row for each operator that the lowering writes. All extents of inputs must be fixed.

use super::proto::{Attribute, ElementType, Extent, Graph, Node, Tensor, TypeKind, ValueInfo};
use std::collections::HashMap;

/// What a value is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its extents, none of which is open.
    pub extents: Vec<usize>,
    /// What its elements are.
    pub element: ElementType,
}

impl Value {
    /// Bytes that it takes.
    pub fn bytes(&self) -> u64 {
        self.extents.iter().map(|&extent| extent as u64).product::<u64>() * self.width()
    }

    /// Bytes of an element of the lowering.
    fn width(&self) -> u64 {
        match self.element {
            ElementType::Bool | ElementType::Int8 | ElementType::Uint8 => 1,
            ElementType::Float16 | ElementType::Bfloat16 => 2,
            ElementType::Int64 | ElementType::Double => 8,
            _ => 4,
        }
    }
}

/// A value of which cannot be said what it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{name}: what {operator} makes of its inputs is not known")]
pub struct Unknown {
    /// The value's name.
    pub name: String,
    /// The operator that makes it.
    pub operator: String,
}

/// A node with what it reads.
struct Made<'a> {
    node: &'a Node,
    inputs: Vec<Option<&'a Value>>,
    /// Numbers of constant inputs.
    numbers: Vec<Option<Vec<i64>>>,
}

/// What a node makes, an output after the other; none where its inputs do not fit.
type Rule = fn(&Made<'_>) -> Option<Vec<Value>>;

/// Operators by domain and name.
static RULES: [(&str, &[&str], Rule); 37] = [
    ("", &["Neg", "Exp", "Log", "Sqrt", "Cos", "Sin", "Sigmoid", "Relu", "Reciprocal"], as_first),
    ("", &["Clip", "LogSoftmax", "Softmax", "BatchNormalization"], as_first),
    ("", &["Identity", "ScatterElements"], as_first),
    ("", &["Add", "Sub", "Mul", "Div", "Max", "Min", "PRelu"], broadcast),
    ("", &["Equal", "Less", "LessOrEqual", "And", "Or"], compared),
    ("", &["Where"], chosen),
    ("", &["Cast"], cast),
    ("", &["ReduceSum", "ReduceMean", "ReduceMax"], reduced),
    ("", &["Reshape"], reshaped),
    ("", &["Flatten"], flattened),
    ("", &["Transpose"], transposed),
    ("", &["Expand"], expanded),
    ("", &["Concat"], joined),
    ("", &["Slice"], sliced),
    ("", &["Pad"], padded),
    ("", &["Gather"], gathered),
    ("", &["GatherElements"], as_second),
    ("", &["Gemm"], gemm),
    ("", &["MatMul"], matmul),
    ("", &["LayerNormalization"], layer_normalized),
    ("", &["Conv"], conv),
    ("", &["ConvTranspose"], conv_transposed),
    ("", &["MaxPool"], pooled),
    ("qgface", &["DnnlConv", "DnnlConvRounded"], dnnl_conv),
    ("qgface", &["DnnlConvInputGradient", "DnnlConvInputGradientRounded"], dnnl_by_images),
    ("qgface", &["DnnlConvWeightGradient", "DnnlConvWeightGradientRounded"], dnnl_by_kernels),
    ("qgface", &["ChannelRound", "ChannelAffineRounded"], as_first_rounded),
    ("qgface", &["ChannelPReluRounded", "ChannelCombineRounded"], as_first_rounded),
    ("qgface", &["ChannelAffine", "ChannelPRelu", "ChannelCombine"], as_first),
    ("qgface", &["ChannelMoments", "ChannelProducts"], by_channel),
    ("qgface", &["ChannelPReluGradient", "MomentumUpdate"], as_both),
    ("qgface", &["AllReduceSum", "AllReduceMax", "Broadcast", "Announce"], as_first),
    ("qgface", &["AllGather"], of_all_ranks),
    ("qgface", &["ReduceScatter"], of_one_rank),
    ("qgface", &["CudnnConvInputGradient", "CudnnConvInputGradient16"], cudnn_by_images),
    ("qgface", &["CudnnConvWeightGradient", "CudnnConvWeightGradient16"], cudnn_by_kernels),
    ("qgface", &["CudnnBatchNorm", "CudnnBatchNormGradient"], with_two_by_channel),
];

impl Graph {
    /// What all values of the graph are, by name.
    ///
    /// # Errors
    /// [`Unknown`]: an operator that the lowering does not write, or one whose inputs do not fit it.
    pub fn values(&self) -> Result<HashMap<&str, Value>, Unknown> {
        let constants: HashMap<&str, &Tensor> =
            self.initializer.iter().map(|own| (own.name.as_str(), own)).collect();
        let mut known: HashMap<&str, Value> = HashMap::new();
        for (name, tensor) in &constants {
            let element = ElementType::try_from(tensor.data_type).unwrap_or(ElementType::Undefined);
            known.insert(name, Value { extents: whole(&tensor.dims), element });
        }
        for input in &self.input {
            let value = declared(input).ok_or_else(|| unknown(&input.name, "an open extent"))?;
            known.insert(&input.name, value);
        }
        for node in &self.node {
            let inputs = node.input.iter().map(|name| known.get(name.as_str())).collect();
            let numbers = node.input.iter();
            let numbers = numbers.map(|name| integers_of(constants.get(name.as_str())?)).collect();
            let made = Made { node, inputs, numbers };
            let first = node.output.first().map_or("", String::as_str);
            let rule = RULES.iter().find(|(domain, names, _)| {
                *domain == node.domain && names.contains(&node.op_type.as_str())
            });
            let values = rule.and_then(|(_, _, rule)| rule(&made));
            let values = values.ok_or_else(|| unknown(first, &node.op_type))?;
            known.extend(node.output.iter().map(String::as_str).zip(values));
        }
        Ok(known)
    }
}

fn unknown(name: &str, operator: &str) -> Unknown {
    Unknown { name: name.to_owned(), operator: operator.to_owned() }
}

/// What an input or output says of itself; none with an open extent.
fn declared(info: &ValueInfo) -> Option<Value> {
    let TypeKind::Tensor(tensor) = info.r#type.as_ref()?.value.as_ref()? else { return None };
    let extent = |extent: &Option<Extent>| match extent {
        Some(Extent::Fixed(extent)) => usize::try_from(*extent).ok(),
        _ => None,
    };
    let extents = tensor.shape.as_ref()?.dim.iter().map(|dimension| extent(&dimension.value));
    let element = ElementType::try_from(tensor.elem_type).ok()?;
    Some(Value { extents: extents.collect::<Option<_>>()?, element })
}

fn whole(extents: &[i64]) -> Vec<usize> {
    extents.iter().map(|&extent| usize::try_from(extent).unwrap_or(0)).collect()
}

/// The numbers of a constant of 64-bit integers.
fn integers_of(constant: &Tensor) -> Option<Vec<i64>> {
    let bytes = &constant.raw_data;
    let own = constant.data_type == ElementType::Int64 as i32 && bytes.len().is_multiple_of(8);
    let number = |bytes: &[u8]| bytes.try_into().ok().map(i64::from_le_bytes);
    own.then(|| bytes.chunks_exact(8).map(number).collect())?
}

impl Made<'_> {
    fn input(&self, at: usize) -> Option<&Value> {
        *self.inputs.get(at)?
    }

    /// Extents of an input of images.
    fn image(&self, at: usize) -> Option<[usize; 4]> {
        self.input(at)?.extents.clone().try_into().ok()
    }

    /// The numbers of a constant input.
    fn constant(&self, at: usize) -> Option<&[i64]> {
        self.numbers.get(at)?.as_deref()
    }

    fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.node.attribute.iter().find(|own| own.name == name)
    }

    fn integer(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.i
    }

    fn extent(&self, name: &str) -> Option<usize> {
        usize::try_from(self.integer(name)?).ok()
    }

    fn integers(&self, name: &str) -> Option<Vec<usize>> {
        self.attribute(name)?.ints.iter().map(|&own| usize::try_from(own).ok()).collect()
    }

    /// One output of these extents, with elements as the first input's.
    fn one(&self, extents: Vec<usize>) -> Option<Vec<Value>> {
        Some(vec![Value { extents, element: self.input(0)?.element }])
    }

    /// Height and width behind a window that moves over an image.
    fn moved(&self, [height, width]: [usize; 2]) -> Option<[usize; 2]> {
        let kernel = self.integers("kernel_shape")?;
        let (strides, pads) = (self.integers("strides")?, self.integers("pads")?);
        let positions = |extent: usize, axis: usize| {
            let padded = extent + pads.get(axis)? + pads.get(axis + 2)?;
            Some(padded.checked_sub(*kernel.get(axis)?)? / strides.get(axis)? + 1)
        };
        Some([positions(height, 0)?, positions(width, 1)?])
    }
}

fn as_first(made: &Made<'_>) -> Option<Vec<Value>> {
    Some(vec![made.input(0)?.clone()])
}

fn of_all_ranks(made: &Made<'_>) -> Option<Vec<Value>> {
    let mut extents = made.input(0)?.extents.clone();
    *extents.first_mut()? *= made.extent("ranks")?;
    made.one(extents)
}

fn of_one_rank(made: &Made<'_>) -> Option<Vec<Value>> {
    let (mut extents, ranks) = (made.input(0)?.extents.clone(), made.extent("ranks")?);
    let first = extents.first_mut()?;
    *first = (ranks > 0 && first.is_multiple_of(ranks)).then(|| *first / ranks)?;
    made.one(extents)
}

fn as_second(made: &Made<'_>) -> Option<Vec<Value>> {
    made.one(made.input(1)?.extents.clone())
}

/// The extents that several broadcast to.
fn common<'a>(all: impl Iterator<Item = &'a Value>) -> Vec<usize> {
    let mut common: Vec<usize> = Vec::new();
    for value in all {
        let longest = common.len().max(value.extents.len());
        let at = |extents: &[usize], axis: usize| {
            (axis + extents.len()).checked_sub(longest).map_or(1, |own| extents[own])
        };
        let wider = |axis| match (at(&common, axis), at(&value.extents, axis)) {
            (1, other) => other,
            (own, _) => own,
        };
        common = (0..longest).map(wider).collect();
    }
    common
}

fn broadcast(made: &Made<'_>) -> Option<Vec<Value>> {
    made.one(common(made.inputs.iter().flatten().copied()))
}

fn compared(made: &Made<'_>) -> Option<Vec<Value>> {
    let extents = common(made.inputs.iter().flatten().copied());
    Some(vec![Value { extents, element: ElementType::Bool }])
}

fn chosen(made: &Made<'_>) -> Option<Vec<Value>> {
    let extents = common(made.inputs.iter().flatten().copied());
    Some(vec![Value { extents, element: made.input(1)?.element }])
}

fn cast(made: &Made<'_>) -> Option<Vec<Value>> {
    let element = ElementType::try_from(made.integer("to")? as i32).ok()?;
    Some(vec![Value { extents: made.input(0)?.extents.clone(), element }])
}

fn reduced(made: &Made<'_>) -> Option<Vec<Value>> {
    let (axes, keeps) = (whole(made.constant(1)?), made.integer("keepdims")? != 0);
    let extents = made.input(0)?.extents.iter().enumerate();
    let left = extents.filter_map(|(axis, &extent)| match (axes.contains(&axis), keeps) {
        (false, _) => Some(extent),
        (true, true) => Some(1),
        (true, false) => None,
    });
    made.one(left.collect())
}

fn reshaped(made: &Made<'_>) -> Option<Vec<Value>> {
    made.one(whole(made.constant(1)?))
}

fn flattened(made: &Made<'_>) -> Option<Vec<Value>> {
    let (first, others) = made.input(0)?.extents.split_first()?;
    made.one(vec![*first, others.iter().product()])
}

fn transposed(made: &Made<'_>) -> Option<Vec<Value>> {
    let extents = &made.input(0)?.extents;
    let permutation = made.integers("perm")?;
    made.one(permutation.iter().map(|&axis| extents.get(axis).copied()).collect::<Option<_>>()?)
}

fn expanded(made: &Made<'_>) -> Option<Vec<Value>> {
    let own = made.input(0)?;
    let to = Value { extents: whole(made.constant(1)?), element: own.element };
    made.one(common([own, &to].into_iter()))
}

fn joined(made: &Made<'_>) -> Option<Vec<Value>> {
    let axis = made.extent("axis")?;
    let mut extents = made.input(0)?.extents.clone();
    *extents.get_mut(axis)? = made
        .inputs
        .iter()
        .try_fold(0, |sum, input| Some(sum + input.as_ref()?.extents.get(axis)?))?;
    made.one(extents)
}

fn sliced(made: &Made<'_>) -> Option<Vec<Value>> {
    let [starts, ends, axes, steps] = [1, 2, 3, 4].map(|at| made.constant(at).map(whole));
    let (starts, ends, axes, steps) = (starts?, ends?, axes?, steps?);
    let mut extents = made.input(0)?.extents.clone();
    for (at, axis) in axes.into_iter().enumerate() {
        let extent = extents.get_mut(axis)?;
        let end = (*ends.get(at)?).min(*extent);
        *extent = end.checked_sub(*starts.get(at)?)?.div_ceil(*steps.get(at)?);
    }
    made.one(extents)
}

fn padded(made: &Made<'_>) -> Option<Vec<Value>> {
    let (extents, pads) = (&made.input(0)?.extents, whole(made.constant(1)?));
    let axes = extents.len();
    let wider = |axis: usize| Some(extents[axis] + pads.get(axis)? + pads.get(axis + axes)?);
    made.one((0..axes).map(wider).collect::<Option<_>>()?)
}

fn gathered(made: &Made<'_>) -> Option<Vec<Value>> {
    let axis = made.extent("axis")?;
    let mut extents = made.input(0)?.extents.clone();
    if axis >= extents.len() {
        return None;
    }
    extents.splice(axis..=axis, made.input(1)?.extents.iter().copied());
    made.one(extents)
}

fn gemm(made: &Made<'_>) -> Option<Vec<Value>> {
    let extent = |at: usize, transposed: &str, axis: usize| {
        let turned = usize::from(made.integer(transposed) == Some(1));
        made.input(at)?.extents.get(axis ^ turned).copied()
    };
    made.one(vec![extent(0, "transA", 0)?, extent(1, "transB", 1)?])
}

fn matmul(made: &Made<'_>) -> Option<Vec<Value>> {
    let (a, b) = (made.input(0)?, made.input(1)?);
    let (batch_a, [rows, _]) = a.extents.split_last_chunk()?;
    let (batch_b, [_, columns]) = b.extents.split_last_chunk()?;
    let batch = |extents: &[usize]| Value { extents: extents.to_vec(), element: a.element };
    let mut extents = common([&batch(batch_a), &batch(batch_b)].into_iter());
    extents.extend([rows, columns]);
    made.one(extents)
}

/// The normalised, and mean and 1/σ by what is normalised together.
fn layer_normalized(made: &Made<'_>) -> Option<Vec<Value>> {
    let (own, axis) = (made.input(0)?, made.extent("axis")?);
    let mut extents = own.extents.clone();
    extents.iter_mut().skip(axis).for_each(|extent| *extent = 1);
    let beside = Value { extents, element: own.element };
    Some(vec![own.clone(), beside.clone(), beside])
}

fn conv(made: &Made<'_>) -> Option<Vec<Value>> {
    let ([n, _, height, width], [o, ..]) = (made.image(0)?, made.image(1)?);
    let [rows, columns] = made.moved([height, width])?;
    made.one(vec![n, o, rows, columns])
}

fn conv_transposed(made: &Made<'_>) -> Option<Vec<Value>> {
    let ([n, _, rows, columns], [_, by_group, ..]) = (made.image(0)?, made.image(1)?);
    let kernel = made.integers("kernel_shape")?;
    let (strides, more) = (made.integers("strides")?, made.integers("output_padding")?);
    let pads = made.integers("pads").unwrap_or_else(|| vec![0; 4]);
    let extent = |positions: usize, axis: usize| {
        let reached = strides.get(axis)? * positions.checked_sub(1)? + kernel.get(axis)?;
        (reached + more.get(axis)?).checked_sub(pads.get(axis)? + pads.get(axis + 2)?)
    };
    let channels = by_group * made.extent("group").unwrap_or(1);
    made.one(vec![n, channels, extent(rows, 0)?, extent(columns, 1)?])
}

fn pooled(made: &Made<'_>) -> Option<Vec<Value>> {
    let [n, c, height, width] = made.image(0)?;
    let [rows, columns] = made.moved([height, width])?;
    let extents = vec![n, c, rows, columns];
    let element = made.input(0)?.element;
    let positions = Value { extents: extents.clone(), element: ElementType::Int64 };
    Some(vec![Value { extents, element }, positions])
}

/// Images have their channels last; what is made is in 32 bits whatever was multiplied.
fn dnnl_conv(made: &Made<'_>) -> Option<Vec<Value>> {
    let (a, b) = (made.image(0)?, made.image(1)?);
    let (kernel, stride) = (made.extent("kernel")?, made.extent("stride")?);
    let pad = made.extent("pad")?;
    let positions =
        |extent: usize| Some((extent + 2 * pad).checked_sub(kernel)?.checked_div(stride)? + 1);
    Some(vec![floats(vec![a[0], positions(a[1])?, positions(a[2])?, b[0]])])
}

fn dnnl_by_images(made: &Made<'_>) -> Option<Vec<Value>> {
    let (a, b) = (made.image(0)?, made.image(1)?);
    Some(vec![floats(vec![b[0], made.extent("height")?, made.extent("width")?, a[1]])])
}

fn dnnl_by_kernels(made: &Made<'_>) -> Option<Vec<Value>> {
    let (a, b) = (made.image(0)?, made.image(1)?);
    let kernel = made.extent("kernel")?;
    Some(vec![floats(vec![b[3], a[3], kernel, kernel])])
}

fn floats(extents: Vec<usize>) -> Value {
    Value { extents, element: ElementType::Float }
}

fn as_first_rounded(made: &Made<'_>) -> Option<Vec<Value>> {
    let extents = made.input(0)?.extents.clone();
    Some(vec![Value { extents, element: ElementType::Bfloat16 }])
}

/// Two outputs of as many numbers as an image has channels.
fn by_channel(made: &Made<'_>) -> Option<Vec<Value>> {
    let channels = vec![*made.input(0)?.extents.last()?];
    let value = floats(channels);
    Some(vec![value.clone(), value])
}

/// One output as the first input, one as the second: dx and the slopes' gradient, or a parameter and its
/// momentum.
fn as_both(made: &Made<'_>) -> Option<Vec<Value>> {
    Some(vec![made.input(0)?.clone(), made.input(1)?.clone()])
}

/// Images lie in planes.
fn cudnn_by_images(made: &Made<'_>) -> Option<Vec<Value>> {
    let (a, b) = (made.image(0)?, made.image(1)?);
    made.one(vec![b[0], a[1], made.extent("height")?, made.extent("width")?])
}

fn cudnn_by_kernels(made: &Made<'_>) -> Option<Vec<Value>> {
    let (a, b) = (made.image(0)?, made.image(1)?);
    let kernel = made.extent("kernel")?;
    made.one(vec![b[1], a[1], kernel, kernel])
}

/// An image, and two numbers by channel, as many as the second input has.
fn with_two_by_channel(made: &Made<'_>) -> Option<Vec<Value>> {
    let by_channel = made.input(1)?;
    Some(vec![made.input(0)?.clone(), by_channel.clone(), by_channel.clone()])
}
