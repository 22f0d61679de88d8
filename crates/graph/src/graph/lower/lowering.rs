//! A graph's operators as nodes of a model, one after another.

use super::emitter::{self, Emitter, float, integer, moves};
use super::layout::{DOMAIN, Layout, Pixels};
use super::problem::{Arrangement, Formulations, Problem};
use super::rounding;
use super::vendor::Vendor;
use crate::graph::{Element, Graph, Literal, Node, Op, Value};
use crate::onnx;
use std::collections::{HashMap, HashSet};

/// The version of the operators; every CUDA kernel of the pinned runtime is at hand in it.
const OPSET: i64 = 18;

/// The version of the program's own operators.
const OWN_OPSET: i64 = 1;

/// Who made a model, as the model says.
const PRODUCER: &str = "qgface-data";

/// The version of the format that came with it and is read by runtimes from 1.18 on.
const IR_VERSION: i64 = 10;

/// Less than one column of so many is copied as a column.
const FEW_COLUMNS: usize = 16;

/// Tensors that are kept as rows `[count, elements]`, by their names.
pub type Rows = HashMap<String, [usize; 2]>;

/// A graph on its way.
pub(super) struct Lowering<'g> {
    pub(super) graph: &'g Graph,
    pub(super) emitter: Emitter,
    pub(super) names: HashMap<Value, String>,
    /// Mean and variance by channel of values that were normalised.
    pub(super) moments: HashMap<Value, (String, String)>,
    /// dy where x is not positive, of x and dy.
    pub(super) negative: HashMap<(Value, Value), String>,
    /// Inputs that lie as rows.
    pub(super) rows: Option<&'g Rows>,
    /// Images with channels last, where the program's own operators are used.
    pub(super) pixels: Option<Pixels>,
    /// What a device's library computes, where its operators are used.
    pub(super) vendor: Option<Vendor>,
    /// Values whose first extent is left open.
    pub(super) open: HashSet<Value>,
    /// What the last exchange between ranks made.
    pub(super) exchanged: Option<String>,
    /// Whether something was announced.
    pub(super) has_announced: bool,
    layout: Layout,
    formulations: &'g Formulations,
}

impl<'g> Lowering<'g> {
    pub(super) fn new(graph: &'g Graph, arrangement: &'g Arrangement) -> Self {
        let (names, moments, negative) = (HashMap::new(), HashMap::new(), HashMap::new());
        let Arrangement { layout, formulations } = arrangement;
        Self {
            graph,
            emitter: Emitter::default(),
            names,
            moments,
            negative,
            rows: None,
            pixels: Pixels::of(graph, *layout),
            vendor: Vendor::of(graph, *layout),
            open: HashSet::new(),
            exchanged: None,
            has_announced: false,
            layout: *layout,
            formulations,
        }
    }

    pub(super) fn nodes(&mut self) {
        let graph = self.graph;
        let live = self.live();
        for (value, node) in graph.values().filter(|(value, _)| live[value.index()]) {
            if self.is_known(value) {
                continue;
            }
            self.emitter.begin(&node.name);
            if !self.in_pixels(value, node) && !self.by_vendor(value, node) {
                let name = self.node(node);
                self.names.insert(value, name);
            }
        }
    }

    fn is_known(&self, value: Value) -> bool {
        let pixels = self.pixels.as_ref();
        self.names.contains_key(&value)
            || pixels.is_some_and(|pixels| pixels.names.contains_key(&value))
    }

    /// The name of the formulation that was chosen for a node, if one was.
    pub(super) fn chosen(&self, node: &Node) -> Option<&'g str> {
        self.chosen_for(Problem::of(self.graph, node, self.layout))
    }

    /// The same, for mean and variance of a value.
    pub(super) fn chosen_for_moments(&self, x: Value) -> Option<&'g str> {
        let op = Op::BatchNormTraining { epsilon: 0.0 };
        self.chosen_for(Problem::of_image(op, self.shape(x), self.layout))
    }

    /// The same, for both gradients of slopes that a value was multiplied by.
    pub(super) fn chosen_for_slopes(&self, x: Value) -> Option<&'g str> {
        self.chosen_for(Problem::of_image(Op::PReluInputGradient, self.shape(x), self.layout))
    }

    fn chosen_for(&self, problem: Option<Problem>) -> Option<&'g str> {
        if self.formulations.is_empty() {
            return None;
        }
        self.formulations.get(&problem?.to_string()).map(String::as_str)
    }

    /// The name of a value in the layout of the graph.
    pub(super) fn name(&mut self, value: Value) -> String {
        self.in_planes(value);
        self.names[&value].clone()
    }

    pub(super) fn shape(&self, value: Value) -> &'g [usize] {
        &self.graph.node(value).shape
    }

    /// Emits one operator; returns the name of what it makes.
    fn node(&mut self, node: &Node) -> String {
        let inputs: Vec<String> = node.inputs.iter().map(|&input| self.name(input)).collect();
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let emit = &mut self.emitter;
        match &node.op {
            Op::Input if self.rows.is_some_and(|rows| rows.contains_key(&node.name)) => {
                emit.reshape(&node.name, &node.shape)
            }
            Op::Input => node.name.clone(),
            Op::Constant(Literal::Float(numbers)) => emit.floats(&node.shape, numbers),
            Op::Constant(Literal::Int64(numbers)) => emit.numbers(numbers),
            Op::Detach => inputs[0].to_owned(),
            Op::Neg
            | Op::Exp
            | Op::Log
            | Op::Sqrt
            | Op::Cos
            | Op::Sin
            | Op::Sigmoid
            | Op::Add
            | Op::Sub
            | Op::Mul
            | Op::Div
            | Op::Max
            | Op::Min
            | Op::Equal
            | Op::Less
            | Op::LessOrEqual
            | Op::And
            | Op::Or
            | Op::Where => emit.node(node.op.name(), &inputs, vec![]),
            Op::Relu6 => {
                let [min, max] = [0.0, 6.0].map(|own| emit.floats_of(node.element, &[], &[own]));
                emit.node("Clip", &[inputs[0], &min, &max], vec![])
            }
            Op::Clip { min, max } => {
                let (min, max) = (emit.floats(&[], &[*min]), emit.floats(&[], &[*max]));
                emit.node("Clip", &[inputs[0], &min, &max], vec![])
            }
            Op::Cast(to) => emit.cast(inputs[0], element(*to)),
            Op::ReduceSum(axes) => self.reduce(node, "ReduceSum", axes),
            Op::ReduceMean(axes) => self.reduce(node, "ReduceMean", axes),
            Op::ReduceMax(axes) => self.reduce(node, "ReduceMax", axes),
            Op::Reshape(shape) if !shape.is_empty() && self.open.contains(&node.inputs[0]) => {
                emit.reshape_open(inputs[0], shape)
            }
            Op::Reshape(shape) => emit.reshape(inputs[0], shape),
            Op::Flatten => emit.node("Flatten", &inputs, vec![integer("axis", 1)]),
            Op::Transpose(permutation) => emit.transpose(inputs[0], permutation),
            Op::Expand(shape) => {
                let shape = emit.numbers(&emitter::extents(shape));
                emit.node("Expand", &[inputs[0], &shape], vec![])
            }
            Op::Concat(axis) => emit.concat(&inputs, *axis),
            Op::Slice { axis, start, end } => emit.slice(inputs[0], &[(*axis, *start, *end, 1)]),
            Op::Gemm { trans_a, trans_b } => emit.gemm(inputs[0], *trans_a, inputs[1], *trans_b),
            Op::MatMul { trans_a, trans_b } => {
                emit.matmuls(inputs[0], *trans_a, inputs[1], *trans_b, node.shape.len())
            }
            Op::Softmax => emit.node("Softmax", &inputs, vec![integer("axis", last_axis(node))]),
            Op::LogSoftmax => emit.node("LogSoftmax", &inputs, vec![integer("axis", 1)]),
            Op::GatherColumns => self.gather_columns(node),
            Op::GatherElements => emit.node("GatherElements", &inputs, vec![integer("axis", 1)]),
            Op::ScatterElements => emit.node("ScatterElements", &inputs, vec![integer("axis", 1)]),
            Op::ScatterColumns(width) => self.scatter_columns(node, *width),
            Op::Conv(window) => emit.conv(inputs[0], inputs[1], *window),
            Op::ConvInputGradient(window, extents) => self.conv_input(node, *window, *extents),
            Op::ConvWeightGradient(window) => self.conv_weight(node, *window),
            Op::GroupedConv(window, groups) => self.grouped_conv(node, *window, *groups),
            Op::GroupedConvInputGradient(window, groups, extents) => {
                self.grouped_conv_input(node, *window, *groups, *extents)
            }
            Op::GroupedConvWeightGradient(window, groups) => {
                self.grouped_conv_weight(node, *window, *groups)
            }
            Op::MaxPool(window) => emit.node("MaxPool", &inputs, moves(*window)),
            Op::MaxPoolGradient(window) => self.max_pool_gradient(node, *window),
            Op::BatchNormalization { epsilon } | Op::BatchNormSynchronised { epsilon, .. } => {
                emit.batch_normalization(&inputs, *epsilon)
            }
            Op::BatchNormTraining { epsilon } => self.batch_norm_training(node, *epsilon),
            Op::LayerNormalization { epsilon } => {
                let attributes = vec![integer("axis", last_axis(node)), float("epsilon", *epsilon)];
                emit.node("LayerNormalization", &inputs, attributes)
            }
            Op::BatchVariance => self.moments(node.inputs[0]).1,
            Op::PRelu => self.prelu(node),
            Op::PReluInputGradient => self.prelu_input(node),
            Op::PReluSlopeGradient => self.prelu_slope(node),
            Op::ProductMean => self.product_mean(node),
            Op::ChannelSum => self.channel_sum(node),
            Op::AllReduce(world, _)
            | Op::AllGather(world)
            | Op::ReduceScatter(world)
            | Op::Broadcast(world, _) => self.exchange(node, *world),
            Op::Announce(number) => self.announce(node, *number),
        }
    }

    /// Many columns are copied as rows of the transposed matrix, which lie together: for a queue of
    /// as many entries as classes that is several times faster. A transposition of the result is
    /// cancelled by the runtime.
    fn gather_columns(&mut self, node: &Node) -> String {
        let (x, columns) = (self.name(node.inputs[0]), self.name(node.inputs[1]));
        let (width, count) = (self.shape(node.inputs[0])[1], node.shape[1]);
        let emit = &mut self.emitter;
        if count * FEW_COLUMNS < width {
            return emit.node("Gather", &[&x, &columns], vec![integer("axis", 1)]);
        }
        let turned = emit.transpose(&x, &[1, 0]);
        let rows = emit.node("Gather", &[&turned, &columns], vec![integer("axis", 0)]);
        emit.transpose(&rows, &[1, 0])
    }

    /// A product with a matrix of ones and zeros: equal numbers add up in a fixed order on every
    /// device.
    fn scatter_columns(&mut self, node: &Node, width: usize) -> String {
        let (dy, columns) = (self.name(node.inputs[0]), self.name(node.inputs[1]));
        let count = self.shape(node.inputs[1])[0];
        let emit = &mut self.emitter;
        let every: Vec<f64> = (0..width).map(|column| column as f64).collect();
        let every = emit.floats(&[1, width], &every);
        let columns = emit.cast(&columns, onnx::ElementType::Float);
        let columns = emit.reshape(&columns, &[count, 1]);
        let chosen = emit.node("Equal", &[&columns, &every], vec![]);
        let chosen = emit.cast(&chosen, onnx::ElementType::Float);
        emit.gemm(&dy, false, &chosen, false)
    }

    pub(super) fn finish(
        mut self,
        name: &str,
        inputs: Vec<onnx::ValueInfo>,
        open: Option<&str>,
    ) -> onnx::Graph {
        let mut outputs = Vec::new();
        let mut renamed = HashMap::new();
        self.graph.outputs().iter().for_each(|&(_, value)| self.in_planes(value));
        for (output, value) in self.graph.outputs() {
            let node = self.graph.node(*value);
            outputs.push(info(output, node.element, &node.shape, open));
            let own = self.name(*value);
            // An input, a constant and what is returned twice are copied; all else takes the name
            // itself.
            if self.emitter.makes(&own) && !renamed.contains_key(&own) {
                renamed.insert(own, output.clone());
            } else {
                self.emitter.copy(&own, output);
            }
        }
        self.emitter.rename(&renamed);
        rounding::merge(&mut self.emitter.nodes);
        onnx::Graph {
            name: name.to_owned(),
            node: self.emitter.nodes,
            initializer: self.emitter.initializers,
            input: inputs,
            output: outputs,
            ..onnx::Graph::default()
        }
    }
}

/// The number of the last axis of what a node makes.
fn last_axis(node: &Node) -> i64 {
    node.shape.len() as i64 - 1
}

pub(super) fn model(graph: onnx::Graph) -> onnx::Model {
    let mut opset_import = vec![onnx::OperatorSet { domain: String::new(), version: OPSET }];
    if graph.node.iter().any(|node| node.domain == DOMAIN) {
        opset_import.push(onnx::OperatorSet { domain: DOMAIN.to_owned(), version: OWN_OPSET });
    }
    onnx::Model {
        ir_version: IR_VERSION,
        producer_name: PRODUCER.to_owned(),
        producer_version: env!("CARGO_PKG_VERSION").to_owned(),
        graph: Some(graph),
        opset_import,
        ..onnx::Model::default()
    }
}

pub(super) fn element(element: Element) -> onnx::ElementType {
    match element {
        Element::Float => onnx::ElementType::Float,
        Element::Half => onnx::ElementType::Float16,
        Element::Int64 => onnx::ElementType::Int64,
        Element::Bool => onnx::ElementType::Bool,
    }
}

/// What a model says of an input or output; `open` is the name of an open first extent.
pub(super) fn info(
    name: &str,
    kind: Element,
    shape: &[usize],
    open: Option<&str>,
) -> onnx::ValueInfo {
    let fixed = |&extent: &usize| onnx::Extent::Fixed(extent as i64);
    let mut extents: Vec<onnx::Extent> = shape.iter().map(fixed).collect();
    if let (Some(first), Some(open)) = (extents.first_mut(), open) {
        *first = onnx::Extent::Symbol(open.to_owned());
    }
    let dimension = |extent| onnx::Dimension { value: Some(extent), ..onnx::Dimension::default() };
    let shape = onnx::Shape { dim: extents.into_iter().map(dimension).collect() };
    let tensor = onnx::TensorType { elem_type: element(kind) as i32, shape: Some(shape) };
    let value = Some(onnx::TypeKind::Tensor(tensor));
    let r#type = Some(onnx::Type { value, ..onnx::Type::default() });
    onnx::ValueInfo { name: name.to_owned(), r#type, ..onnx::ValueInfo::default() }
}
