//! Appending operators, one method each.

use super::op::Axes;
use super::{Element, Graph, Literal, Node, Op, Reduction, Value, Width, Window, World, shape};
use std::collections::HashMap;

/// A graph in the making. Methods do not fail: a wrong shape panics and names the caller's line.
///
/// ```
/// # use qgface_graph::graph::{Builder, Element};
/// let mut g = Builder::new();
/// let x = g.input("x", Element::Float, &[2, 3]);
/// let w = g.input("w", Element::Float, &[3, 4]);
/// let y = g.matmul(x, w);
/// assert_eq!(g.shape(y), [2, 4]);
/// let graph = g.finish(vec![("y".to_owned(), y)]);
/// assert_eq!(graph.inputs().len(), 2);
/// ```
#[derive(Debug, Default)]
pub struct Builder {
    graph: Graph,
    scope: Vec<String>,
    taken: HashMap<String, usize>,
    width: Width,
}

impl Builder {
    /// An empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// The graph so far.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// The graph, with what it returns.
    ///
    /// # Panics
    /// When two outputs have one name.
    #[track_caller]
    pub fn finish(mut self, outputs: Vec<(String, Value)>) -> Graph {
        for (at, (name, _)) in outputs.iter().enumerate() {
            assert!(outputs[..at].iter().all(|(other, _)| other != name), "two outputs {name}");
        }
        self.graph.outputs = outputs;
        self.graph
    }

    /// Extents of a value.
    pub fn shape(&self, value: Value) -> Vec<usize> {
        self.graph.node(value).shape.clone()
    }

    /// Lets names of the nodes that `build` appends begin with `name`.
    pub fn scoped<T>(&mut self, name: &str, build: impl FnOnce(&mut Self) -> T) -> T {
        self.enter(name);
        let built = build(self);
        self.leave();
        built
    }

    /// Lets names of nodes begin with `name`, until [`Builder::leave`].
    pub fn enter(&mut self, name: &str) {
        self.scope.push(name.to_owned());
    }

    /// Ends what [`Builder::enter`] began.
    pub fn leave(&mut self) {
        self.scope.pop();
    }

    /// Says how wide the floats of the nodes to come must be; returns what it was before.
    pub fn allow(&mut self, width: Width) -> Width {
        std::mem::replace(&mut self.width, width)
    }

    /// Declares what is fed as `name`.
    ///
    /// # Panics
    /// When there is an input of the name.
    #[track_caller]
    pub fn input(&mut self, name: &str, element: Element, shape: &[usize]) -> Value {
        let again = self.taken.insert(name.to_owned(), 1).is_some();
        assert!(!again, "two inputs {name}");
        let (inputs, shape, name) = (Vec::new(), shape.to_vec(), name.to_owned());
        let (op, width) = (Op::Input, self.width);
        self.append(Node { op, inputs, shape, element, name, width })
    }

    /// A constant of floats.
    #[track_caller]
    pub fn constant(&mut self, shape: &[usize], numbers: Vec<f64>) -> Value {
        assert!(shape::volume(shape) == numbers.len(), "{} numbers as {shape:?}", numbers.len());
        self.literal(Literal::Float(numbers), shape)
    }

    /// A single float, of no axis.
    pub fn scalar(&mut self, number: f64) -> Value {
        self.literal(Literal::Float(vec![number]), &[])
    }

    /// A constant list of integers.
    pub fn integers(&mut self, numbers: Vec<i64>) -> Value {
        let shape = [numbers.len()];
        self.literal(Literal::Int64(numbers), &shape)
    }

    fn literal(&mut self, literal: Literal, shape: &[usize]) -> Value {
        let element = literal.element();
        let (op, name) = (Op::Constant(literal), self.name("Constant"));
        let (inputs, shape, width) = (Vec::new(), shape.to_vec(), self.width);
        self.append(Node { op, inputs, shape, element, name, width })
    }

    /// Appends an operator.
    #[track_caller]
    pub fn apply(&mut self, op: Op, inputs: &[Value]) -> Value {
        let nodes: Vec<&Node> = inputs.iter().map(|&input| self.graph.node(input)).collect();
        let (element, shape) = shape::infer(&op, &nodes);
        let name = self.name(op.name());
        let (inputs, width) = (inputs.to_vec(), self.width);
        self.append(Node { op, inputs, shape, element, name, width })
    }

    fn append(&mut self, node: Node) -> Value {
        let value = Value(self.graph.nodes.len() as u32);
        self.graph.nodes.push(node);
        value
    }

    /// A name that no other node has.
    fn name(&mut self, op: &str) -> String {
        let mut name = self.scope.join("/");
        if !name.is_empty() {
            name.push('/');
        }
        name.push_str(op);
        let times = self.taken.entry(name.clone()).or_insert(0);
        *times += 1;
        if *times == 1 { name } else { format!("{name}_{times}") }
    }

    /// Stops gradients.
    pub fn detach(&mut self, x: Value) -> Value {
        self.apply(Op::Detach, &[x])
    }

    /// −x.
    pub fn neg(&mut self, x: Value) -> Value {
        self.apply(Op::Neg, &[x])
    }

    /// x held between 0 and 6.
    pub fn relu6(&mut self, x: Value) -> Value {
        self.apply(Op::Relu6, &[x])
    }

    /// eˣ.
    pub fn exp(&mut self, x: Value) -> Value {
        self.apply(Op::Exp, &[x])
    }

    /// ln x.
    pub fn log(&mut self, x: Value) -> Value {
        self.apply(Op::Log, &[x])
    }

    /// √x.
    pub fn sqrt(&mut self, x: Value) -> Value {
        self.apply(Op::Sqrt, &[x])
    }

    /// cos x.
    pub fn cos(&mut self, x: Value) -> Value {
        self.apply(Op::Cos, &[x])
    }

    /// sin x.
    pub fn sin(&mut self, x: Value) -> Value {
        self.apply(Op::Sin, &[x])
    }

    /// 1/(1 + e⁻ˣ).
    pub fn sigmoid(&mut self, x: Value) -> Value {
        self.apply(Op::Sigmoid, &[x])
    }

    /// x between `min` and `max`.
    pub fn clip(&mut self, x: Value, min: f64, max: f64) -> Value {
        self.apply(Op::Clip { min, max }, &[x])
    }

    /// x as other elements.
    pub fn cast(&mut self, x: Value, to: Element) -> Value {
        self.apply(Op::Cast(to), &[x])
    }

    /// a + b.
    #[track_caller]
    pub fn add(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::Add, &[a, b])
    }

    /// a − b.
    #[track_caller]
    pub fn sub(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::Sub, &[a, b])
    }

    /// a·b.
    #[track_caller]
    pub fn mul(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::Mul, &[a, b])
    }

    /// a/b.
    #[track_caller]
    pub fn div(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::Div, &[a, b])
    }

    /// x plus a number.
    pub fn offset(&mut self, x: Value, by: f64) -> Value {
        let by = self.scalar(by);
        self.add(x, by)
    }

    /// x times a number.
    pub fn scale(&mut self, x: Value, by: f64) -> Value {
        let by = self.scalar(by);
        self.mul(x, by)
    }

    /// The larger of two.
    #[track_caller]
    pub fn max(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::Max, &[a, b])
    }

    /// The smaller of two.
    #[track_caller]
    pub fn min(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::Min, &[a, b])
    }

    /// a = b.
    #[track_caller]
    pub fn equal(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::Equal, &[a, b])
    }

    /// a < b.
    #[track_caller]
    pub fn less(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::Less, &[a, b])
    }

    /// a ≤ b.
    #[track_caller]
    pub fn less_or_equal(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::LessOrEqual, &[a, b])
    }

    /// Both.
    #[track_caller]
    pub fn and(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::And, &[a, b])
    }

    /// Either.
    #[track_caller]
    pub fn or(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::Or, &[a, b])
    }

    /// `a` where `condition` is true, else `b`.
    #[track_caller]
    pub fn select(&mut self, condition: Value, a: Value, b: Value) -> Value {
        self.apply(Op::Where, &[condition, a, b])
    }

    /// The sum over `axes`, which vanish.
    #[track_caller]
    pub fn reduce_sum(&mut self, x: Value, axes: &[usize]) -> Value {
        self.apply(Op::ReduceSum(Axes { axes: axes.to_vec(), keep: false }), &[x])
    }

    /// The sum over `axes`, which stay with an extent of one.
    #[track_caller]
    pub fn reduce_sum_keep(&mut self, x: Value, axes: &[usize]) -> Value {
        self.apply(Op::ReduceSum(Axes { axes: axes.to_vec(), keep: true }), &[x])
    }

    /// The mean over `axes`, which vanish.
    #[track_caller]
    pub fn reduce_mean(&mut self, x: Value, axes: &[usize]) -> Value {
        self.apply(Op::ReduceMean(Axes { axes: axes.to_vec(), keep: false }), &[x])
    }

    /// The mean over `axes`, which stay with an extent of one.
    #[track_caller]
    pub fn reduce_mean_keep(&mut self, x: Value, axes: &[usize]) -> Value {
        self.apply(Op::ReduceMean(Axes { axes: axes.to_vec(), keep: true }), &[x])
    }

    /// The largest over `axes`, which stay with an extent of one.
    #[track_caller]
    pub fn reduce_max_keep(&mut self, x: Value, axes: &[usize]) -> Value {
        self.apply(Op::ReduceMax(Axes { axes: axes.to_vec(), keep: true }), &[x])
    }

    /// The mean of each channel `[C]`: over all axes but the second.
    pub fn mean_by_channel(&mut self, x: Value) -> Value {
        let axes: Vec<usize> = (0..self.shape(x).len()).filter(|&axis| axis != 1).collect();
        self.reduce_mean(x, &axes)
    }

    /// The mean of all elements, of no axis.
    pub fn mean(&mut self, x: Value) -> Value {
        let axes: Vec<usize> = (0..self.shape(x).len()).collect();
        self.reduce_mean(x, &axes)
    }

    /// Other extents.
    #[track_caller]
    pub fn reshape(&mut self, x: Value, shape: &[usize]) -> Value {
        self.apply(Op::Reshape(shape.to_vec()), &[x])
    }

    /// The first axis, and the others as one.
    pub fn flatten(&mut self, x: Value) -> Value {
        self.apply(Op::Flatten, &[x])
    }

    /// Axes in the order of `permutation`.
    #[track_caller]
    pub fn transpose(&mut self, x: Value, permutation: &[usize]) -> Value {
        self.apply(Op::Transpose(permutation.to_vec()), &[x])
    }

    /// Repeated to `shape`.
    #[track_caller]
    pub fn expand(&mut self, x: Value, shape: &[usize]) -> Value {
        self.apply(Op::Expand(shape.to_vec()), &[x])
    }

    /// Joined along `axis`.
    #[track_caller]
    pub fn concat(&mut self, parts: &[Value], axis: usize) -> Value {
        self.apply(Op::Concat(axis), parts)
    }

    /// From `start` to before `end` on `axis`.
    #[track_caller]
    pub fn slice(&mut self, x: Value, axis: usize, start: usize, end: usize) -> Value {
        self.apply(Op::Slice { axis, start, end }, &[x])
    }

    /// The product of two matrices.
    #[track_caller]
    pub fn matmul(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::Gemm { trans_a: false, trans_b: false }, &[a, b])
    }

    /// The product a·bᵀ.
    #[track_caller]
    pub fn matmul_transposed(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::Gemm { trans_a: false, trans_b: true }, &[a, b])
    }

    /// The products of matrices, which the last two axes are.
    #[track_caller]
    pub fn matmuls(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::MatMul { trans_a: false, trans_b: false }, &[a, b])
    }

    /// The products a·bᵀ of matrices, which the last two axes are.
    #[track_caller]
    pub fn matmuls_transposed(&mut self, a: Value, b: Value) -> Value {
        self.apply(Op::MatMul { trans_a: false, trans_b: true }, &[a, b])
    }

    /// eˣ/Σeˣ along the last axis.
    #[track_caller]
    pub fn softmax(&mut self, x: Value) -> Value {
        self.apply(Op::Softmax, &[x])
    }

    /// log(eˣ/Σeˣ) of each row.
    #[track_caller]
    pub fn log_softmax(&mut self, x: Value) -> Value {
        self.apply(Op::LogSoftmax, &[x])
    }

    /// The columns numbered by `columns`.
    #[track_caller]
    pub fn gather_columns(&mut self, x: Value, columns: Value) -> Value {
        self.apply(Op::GatherColumns, &[x, columns])
    }

    /// One element from each row.
    #[track_caller]
    pub fn gather_elements(&mut self, x: Value, columns: Value) -> Value {
        self.apply(Op::GatherElements, &[x, columns])
    }

    /// `x` with one element of each row replaced.
    #[track_caller]
    pub fn scatter_elements(&mut self, x: Value, columns: Value, updates: Value) -> Value {
        self.apply(Op::ScatterElements, &[x, columns, updates])
    }

    /// Cross-correlation.
    #[track_caller]
    pub fn conv(&mut self, x: Value, w: Value, window: Window) -> Value {
        self.apply(Op::Conv(window), &[x, w])
    }

    /// Cross-correlation of channels in groups.
    #[track_caller]
    pub fn grouped_conv(&mut self, x: Value, w: Value, window: Window, groups: usize) -> Value {
        self.apply(Op::GroupedConv(window, groups), &[x, w])
    }

    /// The largest in each window.
    #[track_caller]
    pub fn max_pool(&mut self, x: Value, window: Window) -> Value {
        self.apply(Op::MaxPool(window), &[x])
    }

    /// x or a·x.
    #[track_caller]
    pub fn prelu(&mut self, x: Value, slope: Value) -> Value {
        self.apply(Op::PRelu, &[x, slope])
    }

    /// The sum over ranks, on each.
    #[track_caller]
    pub fn all_sum(&mut self, x: Value, world: World) -> Value {
        self.apply(Op::AllReduce(world, Reduction::Sum), &[x])
    }

    /// The largest of the ranks' elements, on each.
    #[track_caller]
    pub fn all_max(&mut self, x: Value, world: World) -> Value {
        self.apply(Op::AllReduce(world, Reduction::Max), &[x])
    }

    /// The rows of all ranks, on each.
    #[track_caller]
    pub fn all_gather(&mut self, x: Value, world: World) -> Value {
        self.apply(Op::AllGather(world), &[x])
    }

    /// The rank's own rows of the sum over ranks.
    #[track_caller]
    pub fn reduce_scatter(&mut self, x: Value, world: World) -> Value {
        self.apply(Op::ReduceScatter(world), &[x])
    }

    /// The value of the rank `root`, on each.
    #[track_caller]
    pub fn broadcast(&mut self, x: Value, world: World, root: usize) -> Value {
        self.apply(Op::Broadcast(world, root), &[x])
    }

    /// x, for which it is announced under a number that `made` are made.
    #[track_caller]
    pub fn announce(&mut self, x: Value, number: usize, made: &[Value]) -> Value {
        let inputs: Vec<Value> = [x].into_iter().chain(made.iter().copied()).collect();
        self.apply(Op::Announce(number), &inputs)
    }
}
