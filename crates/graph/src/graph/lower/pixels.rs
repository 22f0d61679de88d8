//! Images with their channels last, `[N, H, W, C]`, and the program's own operators on them.
//!
//! What is named by channel then lies together, convolutions need no other layout, and a normalisation
//! or its gradient reads images once or twice. Values pass between the two layouts where an operator
//! has one only: where the images come in, and before the linear layer. Parameters keep their layout.

use super::emitter::{Emitter, integer};
use super::layout::{DOMAIN, Pixels, by_channel, moved, of_image};
use super::lowering::Lowering;
use super::rounding::{ROUND, ROUNDED};
use super::ways::{FLOAT32, IN_PLANES};
use crate::graph::{Axes, Node, Op, Value, Window};
use crate::onnx::Attribute;

/// What a convolution multiplies.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    /// float32.
    Whole,
    /// bfloat16.
    Rounded,
}

impl Form {
    /// The name of an operator on such images.
    fn of(self, operator: &str) -> String {
        format!("{operator}{}", if self == Self::Rounded { ROUNDED } else { "" })
    }
}

/// What a node was lowered to.
enum Made {
    /// Images with channels last.
    Pixels(String),
    /// A tensor as the graph has it.
    Plain(String),
}

impl Lowering<'_> {
    /// Lowers a node to what has images with channels last, where there is such.
    ///
    /// Returns whether it did.
    pub(super) fn in_pixels(&mut self, value: Value, node: &Node) -> bool {
        if self.pixels.is_none() {
            return false;
        }
        match self.made_of_pixels(node) {
            Some(Made::Pixels(name)) => _ = self.known().names.insert(value, name),
            Some(Made::Plain(name)) => _ = self.names.insert(value, name),
            None => return false,
        }
        true
    }

    fn made_of_pixels(&mut self, node: &Node) -> Option<Made> {
        let images = node.inputs.iter().any(|&input| self.is_image(input));
        let chosen = self.chosen(node);
        if !images || chosen == Some(IN_PLANES) {
            return None;
        }
        let read = &node.inputs;
        let made = match &node.op {
            Op::Detach => Made::Pixels(self.known().names.get(&read[0])?.clone()),
            Op::Conv(window) => {
                let form = self.form(chosen);
                let inputs = [self.factor(read[0], form), self.name(read[1])];
                Made::Pixels(self.own(&form.of("DnnlConv"), &inputs, moved(*window)))
            }
            Op::ConvInputGradient(window, [height, width]) => {
                let form = self.form(chosen);
                let inputs = [self.name(read[0]), self.factor(read[1], form)];
                let mut attributes = moved(*window);
                attributes
                    .extend([integer("height", *height as i64), integer("width", *width as i64)]);
                Made::Pixels(self.own(&form.of("DnnlConvInputGradient"), &inputs, attributes))
            }
            Op::ConvWeightGradient(window) => {
                let form = self.form(chosen);
                let inputs = [0, 1].map(|at| self.factor(read[at], form));
                Made::Plain(self.own(&form.of("DnnlConvWeightGradient"), &inputs, moved(*window)))
            }
            Op::BatchNormTraining { epsilon } => {
                let (mean, variance) = self.moments(read[0]);
                let [gamma, beta] = [1, 2].map(|at| self.name(read[at]));
                let line = line(&mut self.emitter, [&gamma, &beta, &mean, &variance], *epsilon);
                self.affine(read[0], line)
            }
            Op::BatchNormalization { epsilon } | Op::BatchNormSynchronised { epsilon, .. } => {
                let by_channel = [1, 2, 3, 4].map(|at| self.name(read[at]));
                let line = line(&mut self.emitter, by_channel.each_ref().map(|x| &**x), *epsilon);
                self.affine(read[0], line)
            }
            Op::BatchVariance => Made::Plain(self.moments(read[0]).1),
            Op::ReduceMean(axes) if *axes == by_channel() => self.mean_by_channel(read[0])?,
            Op::ProductMean => {
                let [_, products] = self.sums(read[0], read[1]);
                self.share(&products, read[0])
            }
            Op::ChannelSum => {
                let [x, y] = [self.pixels(read[1]), self.pixels(read[0])];
                let [p, q, r] = [2, 3, 4].map(|at| self.name(read[at]));
                Made::Pixels(self.own("ChannelCombine", &[x, y, p, q, r], vec![]))
            }
            Op::PRelu => {
                let inputs = [self.pixels(read[0]), self.name(read[1])];
                Made::Pixels(self.own("ChannelPRelu", &inputs, vec![]))
            }
            Op::PReluInputGradient => {
                let inputs = [self.pixels(read[0]), self.name(read[1]), self.pixels(read[2])];
                let inputs = inputs.each_ref().map(|input| &**input);
                let [dx, slope] =
                    self.emitter.outputs_of(DOMAIN, "ChannelPReluGradient", &inputs, vec![]);
                self.known().slopes.insert((read[0], read[2]), slope);
                Made::Pixels(dx)
            }
            Op::PReluSlopeGradient => {
                Made::Plain(self.known().slopes.get(&(read[0], read[1]))?.clone())
            }
            Op::Add if self.shape(read[0]) == self.shape(read[1]) => {
                let known = &self.known().names;
                if !read.iter().any(|input| known.contains_key(input)) {
                    return None;
                }
                if let Some(name) = self.added_in_passing(read[0], read[1]) {
                    return Some(Made::Pixels(name));
                }
                let [a, b] = [self.pixels(read[0]), self.pixels(read[1])];
                Made::Pixels(self.emitter.node("Add", &[&a, &b], vec![]))
            }
            Op::ReduceMean(axes) | Op::ReduceSum(axes)
                if *axes == of_image() && self.has_pixels(read[0]) =>
            {
                let (x, axes) = (self.pixels(read[0]), Axes { axes: vec![1, 2], keep: true });
                Made::Pixels(self.emitter.reduce(node.op.name(), &x, &axes))
            }
            Op::Sigmoid | Op::Neg | Op::Add | Op::Sub | Op::Mul if self.all_have_pixels(read) => {
                let inputs: Vec<String> =
                    read.iter().map(|&input| self.as_it_lies(input)).collect();
                let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
                Made::Pixels(self.emitter.node(node.op.name(), &inputs, vec![]))
            }
            Op::MaxPool(window) if is_every(*window) => {
                let (x, [_, _, h, w]) = (self.pixels(read[0]), self.extents(read[0]));
                let parts = [(1, 0, h, window.stride), (2, 0, w, window.stride)];
                Made::Pixels(self.emitter.slice(&x, &parts))
            }
            Op::MaxPoolGradient(window) if is_every(*window) => {
                let dy = self.pixels(read[1]);
                let (dx, dy_of) = (self.extents(read[0]), self.extents(read[1]));
                Made::Pixels(spread(&mut self.emitter, &dy, dy_of, dx, window.stride))
            }
            _ => return None,
        };
        Some(made)
    }

    fn known(&mut self) -> &mut Pixels {
        self.pixels.as_mut().expect("asked where channels are last alone")
    }

    /// Whether an image has its channels last.
    fn has_pixels(&mut self, image: Value) -> bool {
        self.known().names.contains_key(&image)
    }

    /// Whether all values are images with their channels last, or single numbers.
    fn all_have_pixels(&mut self, values: &[Value]) -> bool {
        values.iter().all(|&value| self.shape(value).is_empty() || self.has_pixels(value))
    }

    /// The name of an image with its channels last, or of a single number.
    fn as_it_lies(&mut self, value: Value) -> String {
        if self.is_image(value) { self.pixels(value) } else { self.name(value) }
    }

    fn is_image(&self, value: Value) -> bool {
        self.shape(value).len() == 4
    }

    fn extents(&self, image: Value) -> [usize; 4] {
        <[usize; 4]>::try_from(self.shape(image)).expect("an image")
    }

    /// Has an image that is fed lie with its channels last.
    pub(super) fn take_pixels(&mut self, input: Value) {
        let name = self.graph.node(input).name.clone();
        self.known().names.insert(input, name);
    }

    /// A value with its channels last.
    pub(super) fn pixels(&mut self, value: Value) -> String {
        if let Some(name) = self.known().names.get(&value) {
            return name.clone();
        }
        let name = self.name(value);
        let name = self.emitter.transpose(&name, &[0, 2, 3, 1]);
        self.known().names.insert(value, name.clone());
        name
    }

    /// Gives a value that has its channels last the layout of the graph, too.
    pub(super) fn in_planes(&mut self, value: Value) {
        if self.names.contains_key(&value) {
            return;
        }
        let known = self.pixels.as_ref().and_then(|known| known.names.get(&value)).cloned();
        let name = known.expect("lowered before it is read");
        let name = self.emitter.transpose(&name, &[0, 3, 1, 2]);
        self.names.insert(value, name);
    }

    /// What a convolution multiplies.
    fn form(&mut self, chosen: Option<&str>) -> Form {
        match self.known().rounded && chosen != Some(FLOAT32) {
            true => Form::Rounded,
            false => Form::Whole,
        }
    }

    /// An image as a convolution reads it.
    fn factor(&mut self, value: Value, form: Form) -> String {
        if form == Form::Whole {
            return self.pixels(value);
        }
        if let Some(name) = self.known().roundings.get(&value) {
            return name.clone();
        }
        let whole = self.pixels(value);
        let rounded = self.own(ROUND, &[whole], vec![]);
        self.known().roundings.insert(value, rounded.clone());
        rounded
    }

    /// Appends an operator of our own with one output.
    fn own(&mut self, op: &str, inputs: &[String], attributes: Vec<Attribute>) -> String {
        let inputs: Vec<&str> = inputs.iter().map(String::as_str).collect();
        let [made] = self.emitter.outputs_of(DOMAIN, op, &inputs, attributes);
        made
    }

    /// A sum by channel, or a normalisation, that nothing else reads takes what is added to it along.
    fn added_in_passing(&mut self, a: Value, b: Value) -> Option<String> {
        let alone = |own: &Value, lowering: &mut Self| {
            let known = lowering.known();
            let made = known.names.contains_key(own) && known.uses[own] == 1;
            let op = &lowering.graph.node(*own).op;
            let adds = matches!(
                op,
                Op::ChannelSum
                    | Op::BatchNormTraining { .. }
                    | Op::BatchNormalization { .. }
                    | Op::BatchNormSynchronised { .. }
            );
            made && adds
        };
        let (sum, other) = [(a, b), (b, a)].into_iter().find(|(sum, _)| alone(sum, self))?;
        let (sum, other) = (self.pixels(sum), self.pixels(other));
        self.emitter.extend(&sum, &other);
        Some(sum)
    }

    fn affine(&mut self, x: Value, [scale, shift]: [String; 2]) -> Made {
        let inputs = [self.pixels(x), scale, shift];
        Made::Pixels(self.own("ChannelAffine", &inputs, vec![]))
    }

    pub(super) fn moments_of_pixels(&mut self, x: Value) -> (String, String) {
        let x = self.pixels(x);
        let [mean, variance] = self.emitter.outputs_of(DOMAIN, "ChannelMoments", &[&x], vec![]);
        (mean, variance)
    }

    /// The mean of what was normalised is known, that of a gradient comes with its products.
    fn mean_by_channel(&mut self, x: Value) -> Option<Made> {
        if let Some((mean, _)) = self.moments.get(&x) {
            return Some(Made::Plain(mean.clone()));
        }
        let other = self.graph.values().find_map(|(_, node)| {
            (node.op == Op::ProductMean && node.inputs[1] == x).then(|| node.inputs[0])
        });
        match other {
            Some(other) => {
                let [sum, _] = self.sums(other, x);
                Some(self.share(&sum, x))
            }
            None if self.known().names.contains_key(&x) => Some(Made::Plain(self.moments(x).0)),
            None => None,
        }
    }

    /// Sums by channel of dy and of x·dy, computed once.
    fn sums(&mut self, x: Value, dy: Value) -> [String; 2] {
        if let Some(sums) = self.known().sums.get(&(x, dy)) {
            return sums.clone();
        }
        let [x_name, dy_name] = [self.pixels(x), self.pixels(dy)];
        let sums = self.emitter.outputs_of(DOMAIN, "ChannelProducts", &[&dy_name, &x_name], vec![]);
        self.known().sums.insert((x, dy), sums.clone());
        sums
    }

    /// A sum by channel over the elements of one.
    fn share(&mut self, sum: &str, x: Value) -> Made {
        let [n, _, h, w] = self.extents(x);
        let share = self.emitter.floats(&[], &[1.0 / (n * h * w) as f64]);
        Made::Plain(self.emitter.node("Mul", &[sum, &share], vec![]))
    }
}

/// Whether a window takes single pixels.
fn is_every(window: Window) -> bool {
    window.kernel == 1 && window.pad == 0
}

/// γ(x − μ)/√(v + ε) + β as scale·x + shift.
fn line(emit: &mut Emitter, [gamma, beta, mean, variance]: [&str; 4], epsilon: f64) -> [String; 2] {
    let epsilon = emit.floats(&[], &[epsilon]);
    let sum = emit.node("Add", &[variance, &epsilon], vec![]);
    let deviation = emit.node("Sqrt", &[&sum], vec![]);
    let scale = emit.node("Div", &[gamma, &deviation], vec![]);
    let moved = emit.node("Mul", &[&scale, mean], vec![]);
    [scale, emit.node("Sub", &[beta, &moved], vec![])]
}

/// dy between zeros: each of its pixels is the first of a square.
fn spread(
    emit: &mut Emitter,
    dy: &str,
    [n, c, rows, columns]: [usize; 4],
    [_, _, height, width]: [usize; 4],
    stride: usize,
) -> String {
    let apart = emit.reshape(dy, &[n, rows, 1, columns, 1, c]);
    let between = stride - 1;
    let pads = [[0; 6], [0, 0, between, 0, between, 0]].concat();
    let pads = emit.numbers(&pads.iter().map(|&pad| pad as i64).collect::<Vec<_>>());
    let padded = emit.node("Pad", &[&apart, &pads], vec![]);
    let whole = emit.reshape(&padded, &[n, rows * stride, columns * stride, c]);
    match (rows * stride, columns * stride) == (height, width) {
        true => whole,
        false => emit.slice(&whole, &[(1, 0, height, 1), (2, 0, width, 1)]),
    }
}
