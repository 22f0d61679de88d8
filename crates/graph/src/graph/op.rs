//! The operators of a graph, named as in ONNX where ONNX has them.

use super::{Element, Literal, Reduction, World};

/// The window that a convolution or a pooling moves over the rows and columns of an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    /// Pixels an edge.
    pub kernel: usize,
    /// Pixels from one position to the next.
    pub stride: usize,
    /// Zeros added on every side.
    pub pad: usize,
}

impl Window {
    /// Positions along an edge of `extent` pixels.
    ///
    /// ```
    /// # use qgface_graph::graph::Window;
    /// assert_eq!(Window { kernel: 3, stride: 2, pad: 1 }.positions(112), 56);
    /// ```
    ///
    /// # Panics
    /// When the window does not fit in.
    #[track_caller]
    pub fn positions(self, extent: usize) -> usize {
        let padded = extent + 2 * self.pad;
        assert!(padded >= self.kernel, "a window of {} on {padded} pixels", self.kernel);
        (padded - self.kernel) / self.stride + 1
    }
}

/// An operator. Images are N, C, H, W; elementwise operators broadcast as NumPy does.
#[derive(Debug, Clone, PartialEq)]
pub enum Op {
    /// Fed from outside.
    Input,
    /// Stands in the graph.
    Constant(Literal),
    /// Its input, through which no gradient flows. Costs nothing.
    Detach,
    /// −x.
    Neg,
    /// x held between 0 and 6; no gradient passes at the bounds themselves.
    Relu6,
    /// eˣ.
    Exp,
    /// ln x.
    Log,
    /// √x.
    Sqrt,
    /// cos x.
    Cos,
    /// sin x.
    Sin,
    /// 1/(1 + e⁻ˣ).
    Sigmoid,
    /// x held between two bounds; the gradient passes at the bounds themselves.
    Clip {
        /// The lower bound.
        min: f64,
        /// The upper bound.
        max: f64,
    },
    /// x as another kind of element.
    Cast(Element),
    /// a + b.
    Add,
    /// a − b.
    Sub,
    /// a·b.
    Mul,
    /// a/b.
    Div,
    /// The larger of two; at a tie each has half of the gradient.
    Max,
    /// The smaller of two; at a tie each has half of the gradient.
    Min,
    /// a = b.
    Equal,
    /// a < b.
    Less,
    /// a ≤ b.
    LessOrEqual,
    /// Both.
    And,
    /// Either.
    Or,
    /// The second where the first is true, else the third.
    Where,
    /// The sum over axes.
    ReduceSum(Axes),
    /// The mean over axes.
    ReduceMean(Axes),
    /// The largest over axes; the gradient is shared among equals.
    ReduceMax(Axes),
    /// The same elements with other extents.
    Reshape(Vec<usize>),
    /// The first axis, and all others as one.
    Flatten,
    /// Axes in another order.
    Transpose(Vec<usize>),
    /// Repeated to larger extents.
    Expand(Vec<usize>),
    /// Joined along an axis.
    Concat(usize),
    /// The part from `start` to before `end` on an axis.
    Slice {
        /// The axis.
        axis: usize,
        /// The first position.
        start: usize,
        /// The position behind the last.
        end: usize,
    },
    /// Two matrices' product, each transposed first where it says so.
    Gemm {
        /// Whether the first is.
        trans_a: bool,
        /// Whether the second is.
        trans_b: bool,
    },
    /// Products of matrices, which the last two axes are, for each position of the others; each transposed
    /// first where it says so.
    MatMul {
        /// Whether the first ones are.
        trans_a: bool,
        /// Whether the second ones are.
        trans_b: bool,
    },
    /// log(eˣ/Σeˣ) along the last axis of a matrix.
    LogSoftmax,
    /// eˣ/Σeˣ along the last axis.
    Softmax,
    /// The columns of a matrix that the second input numbers.
    GatherColumns,
    /// From every row of a matrix the element that the second input numbers, as one column.
    GatherElements,
    /// The matrix with the third input in place of the elements that the second numbers, one a row.
    ScatterElements,
    /// The matrix of the given width, all zero but for the columns that the second input numbers,
    /// to which the first's are added: the gradient of [`Op::GatherColumns`].
    ScatterColumns(usize),
    /// Cross-correlation of x `[N, I, H, W]` with w `[O, I, k, k]`.
    Conv(Window),
    /// Gradient of [`Op::Conv`] by x of height and width: of w and dy.
    ConvInputGradient(Window, [usize; 2]),
    /// Gradient of [`Op::Conv`] by w: of x and dy.
    ConvWeightGradient(Window),
    /// Cross-correlation of x `[N, I, H, W]` with w `[O, I/g, k, k]`, where channels are in g groups that do
    /// not meet: each makes O/g channels of its I/g.
    GroupedConv(Window, usize),
    /// Gradient of [`Op::GroupedConv`] by x of height and width: of w and dy.
    GroupedConvInputGradient(Window, usize, [usize; 2]),
    /// Gradient of [`Op::GroupedConv`] by w: of x and dy.
    GroupedConvWeightGradient(Window, usize),
    /// The largest in each window.
    MaxPool(Window),
    /// Gradient of [`Op::MaxPool`]: of x and dy. The first of equals in a window takes all.
    MaxPoolGradient(Window),
    /// γ(x − μ)/√(v + ε) + β by channel: of x, γ, β, μ, v.
    BatchNormalization {
        /// ε.
        epsilon: f64,
    },
    /// The same with the batch's own mean and biased variance: of x, γ, β.
    BatchNormTraining {
        /// ε.
        epsilon: f64,
    },
    /// The biased variance by channel, over all axes but the second. Not differentiated: it feeds
    /// the running statistics.
    BatchVariance,
    /// γ(x − μ)/√(v + ε) + β by channel: of x, γ, β, μ, v, where μ and v are those of x on all ranks.
    /// Its gradient by x has what goes through them, too, and they have none.
    BatchNormSynchronised {
        /// ε.
        epsilon: f64,
        /// Elements of a channel on all ranks.
        count: usize,
        /// The ranks.
        world: World,
    },
    /// γ(x − μ)/√(v + ε) + β along the last axis, with mean μ and biased variance v of that axis: of x, γ, β.
    LayerNormalization {
        /// ε.
        epsilon: f64,
    },
    /// x where it is positive, else a·x, with a slope a by channel `[C]`.
    PRelu,
    /// Gradient of [`Op::PRelu`] by x: of x, a and dy.
    PReluInputGradient,
    /// Gradient of [`Op::PRelu`] by a: of x and dy.
    PReluSlopeGradient,
    /// Means by channel of x·y, `[C]`: x and y `[N, C, …]`.
    ProductMean,
    /// a·x + b·y + c by channel: of x, y, a, b, c. Not differentiated: it is the gradient of
    /// [`Op::BatchNormTraining`] by its first input.
    ChannelSum,
    /// On all ranks what the values of all become together, element by element.
    AllReduce(World, Reduction),
    /// On all ranks the values of all, one behind the other along the first axis.
    AllGather(World),
    /// Of the sum of all ranks' values the rank's own part: the first axis is cut into as many as there
    /// are ranks.
    ReduceScatter(World),
    /// On all ranks the value of the rank of this number.
    Broadcast(World, usize),
    /// The first input; that the others are made is announced under a number, to whoever goes on with them
    /// while the rest is computed. Not differentiated.
    Announce(usize),
}

/// The axes that a reduction goes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Axes {
    /// The axes, ascending.
    pub axes: Vec<usize>,
    /// Whether they stay with an extent of one.
    pub keep: bool,
}

impl Op {
    /// The ranks between which it exchanges something, if it is an exchange at all.
    pub fn world(&self) -> Option<World> {
        match self {
            Self::AllReduce(world, _)
            | Self::AllGather(world)
            | Self::ReduceScatter(world)
            | Self::Broadcast(world, _) => Some(*world),
            _ => None,
        }
    }

    /// Its name in node names and messages: ONNX's, where ONNX has the operator.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Input => "Input",
            Self::Constant(_) => "Constant",
            Self::Detach => "Detach",
            Self::Neg => "Neg",
            Self::Relu6 => "Relu6",
            Self::Exp => "Exp",
            Self::Log => "Log",
            Self::Sqrt => "Sqrt",
            Self::Cos => "Cos",
            Self::Sin => "Sin",
            Self::Sigmoid => "Sigmoid",
            Self::Clip { .. } => "Clip",
            Self::Cast(_) => "Cast",
            Self::Add => "Add",
            Self::Sub => "Sub",
            Self::Mul => "Mul",
            Self::Div => "Div",
            Self::Max => "Max",
            Self::Min => "Min",
            Self::Equal => "Equal",
            Self::Less => "Less",
            Self::LessOrEqual => "LessOrEqual",
            Self::And => "And",
            Self::Or => "Or",
            Self::Where => "Where",
            Self::ReduceSum(_) => "ReduceSum",
            Self::ReduceMean(_) => "ReduceMean",
            Self::ReduceMax(_) => "ReduceMax",
            Self::Reshape(_) => "Reshape",
            Self::Flatten => "Flatten",
            Self::Transpose(_) => "Transpose",
            Self::Expand(_) => "Expand",
            Self::Concat(_) => "Concat",
            Self::Slice { .. } => "Slice",
            Self::Gemm { .. } => "Gemm",
            Self::MatMul { .. } => "MatMul",
            Self::LogSoftmax => "LogSoftmax",
            Self::Softmax => "Softmax",
            Self::GatherColumns => "GatherColumns",
            Self::GatherElements => "GatherElements",
            Self::ScatterElements => "ScatterElements",
            Self::ScatterColumns(_) => "ScatterColumns",
            Self::Conv(_) => "Conv",
            Self::ConvInputGradient(..) => "ConvInputGradient",
            Self::ConvWeightGradient(_) => "ConvWeightGradient",
            Self::GroupedConv(..) => "GroupedConv",
            Self::GroupedConvInputGradient(..) => "GroupedConvInputGradient",
            Self::GroupedConvWeightGradient(..) => "GroupedConvWeightGradient",
            Self::MaxPool(_) => "MaxPool",
            Self::MaxPoolGradient(_) => "MaxPoolGradient",
            Self::BatchNormalization { .. } => "BatchNormalization",
            Self::BatchNormTraining { .. } => "BatchNormTraining",
            Self::BatchVariance => "BatchVariance",
            Self::LayerNormalization { .. } => "LayerNormalization",
            Self::PRelu => "PRelu",
            Self::PReluInputGradient => "PReluInputGradient",
            Self::PReluSlopeGradient => "PReluSlopeGradient",
            Self::ProductMean => "ProductMean",
            Self::ChannelSum => "ChannelSum",
            Self::BatchNormSynchronised { .. } => "BatchNormSynchronised",
            Self::AllReduce(..) => "AllReduce",
            Self::AllGather(_) => "AllGather",
            Self::ReduceScatter(_) => "ReduceScatter",
            Self::Broadcast(..) => "Broadcast",
            Self::Announce(_) => "Announce",
        }
    }
}
