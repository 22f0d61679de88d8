//! One step as two graphs: the gradients, and the update. Between them the gradients can be looked
//! at, and summed over devices.

use super::Error;
use super::buckets::numbered;
use super::declared::{declare_columns, declare_state, keep};
use super::names::{ACCUMULATED, CARRIED, GRADIENT, KERNEL, LOSS_SCALE, MOMENTUM, NEXT, RATE};
use super::options::{LARGEST, MOST_PLANNED, Scales, StepOptions, check};
use crate::autodiff::backward;
use crate::graph::{Builder, Element, Graph, Value, Width, narrowed};
use crate::nn::{
    HeadShare, Joint, JointInput, Layers, Mode, Parameter, Params, QualityScale, joint,
};

/// Names of the numbers that a step reports, in the order of the output `scalars`.
pub const SCALARS: [&str; 7] =
    ["loss", "loss_cla", "loss_con", "margin", "weighted_pairs", "gradient_norm", "statistics"];

/// What a step reports.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scalars {
    /// The joint loss.
    pub loss: f32,
    /// The head's loss.
    pub loss_cla: f32,
    /// The contrastive loss; 0 without contrast.
    pub loss_con: f32,
    /// The running margin of the contrast; 0 without.
    pub margin: f32,
    /// Share of the contrast's rows whose weight is not zero.
    pub weighted_pairs: f32,
    /// Length of the gradient by all parameters; not finite where any of them is not.
    pub gradient_norm: f32,
    /// Sum of all new statistics and averages; not finite where any of them is not.
    pub statistics: f32,
}

impl From<[f32; SCALARS.len()]> for Scalars {
    fn from(numbers: [f32; SCALARS.len()]) -> Self {
        let [loss, loss_cla, loss_con, margin, weighted_pairs, gradient_norm, statistics] = numbers;
        Self { loss, loss_cla, loss_con, margin, weighted_pairs, gradient_norm, statistics }
    }
}

/// A compiled step.
///
/// `gradients` is fed `images`, `labels`, `contrast_weight`, the backbone's masks, where the
/// scales are fed `head_scale` and `contrast_scale`, and all parameters and buffers under their
/// names; it returns `scalars`, `gradient.` and each parameter's name, and `next.` and each
/// buffer's. Where a step learns from several batches it is fed `accumulated.` and each
/// parameter's name, to which the gradient is added, and `carried`, 0 for the first batch of a
/// step, of which nothing is read there, else 1. In half width it is fed `loss_scale`, by which the
/// loss is multiplied before gradients are derived from it, and these are divided.
///
/// Where a batch scores a sample of the class columns it is fed these as `sample.kernel` `[D, A]` in place of
/// all, of A at most; in `sample.places` where among them the class of each scored row is, −1 where another
/// rank has it; in `sample.count` how many there are, where that changes; and in `sample.queue` the columns of
/// the queue's labels `[Q, D]`, where there is a queue of proxies. `gradient.head.kernel` is that of the sample
/// and of this batch alone, and is neither in the gradient's length nor in the update.
///
/// Where ranks share the step this is one rank's. Its losses and the other numbers are its own, and the
/// step's are their means over ranks; its gradients are to be summed over ranks, but for those of
/// parameters of which each rank has a part, and `gradients` announces which of them are made, by what is summed
/// in one go; and the gradient's length is that of its own.
#[derive(Debug, Clone)]
pub struct StepGraph {
    /// What it was compiled from.
    pub options: StepOptions,
    /// The width in which the backbone and its gradients compute, as [`narrowed`] says; the losses are
    /// whole, as the reference casts its backbone alone (`forward_16`).
    pub width: Width,
    /// Forward and backward.
    pub gradients: Graph,
    /// All that the step keeps, but class columns of which a batch scores a sample.
    pub params: Params,
    /// Those.
    pub sampled: Option<Parameter>,
}

impl StepGraph {
    /// Compiles a step.
    ///
    /// # Errors
    /// [`Error::Option`] for options of which no step can be made.
    pub fn new(options: StepOptions) -> Result<Self, Error> {
        Self::in_width(options, Width::Whole)
    }

    /// Compiles a step whose backbone computes in a width.
    ///
    /// # Errors
    /// As [`StepGraph::new`].
    pub fn in_width(options: StepOptions, width: Width) -> Result<Self, Error> {
        check(&options, LARGEST)?;
        Self::compiled(options, width)
    }

    /// The same of more classes than labels are exact for, to tell what it would take.
    ///
    /// # Errors
    /// As [`StepGraph::new`].
    pub fn planned(options: StepOptions, width: Width) -> Result<Self, Error> {
        check(&options, MOST_PLANNED)?;
        Self::compiled(options, width)
    }

    fn compiled(options: StepOptions, width: Width) -> Result<Self, Error> {
        let mut g = Builder::new();
        let Forward { parameters, params, sampled, next, loss, mut reported } =
            forward(&mut g, &options, width);
        let share = match options.accumulate * options.sharing.world.ranks {
            1 => loss,
            parts => g.scale(loss, 1.0 / parts as f64),
        };
        let scale = (width == Width::Half).then(|| g.input(LOSS_SCALE, Element::Float, &[]));
        let scaled = scale.map_or(share, |scale| g.mul(share, scale));
        let gradients = backward(&mut g, scaled, &parameters);
        let mut gradients: Vec<Value> = gradients
            .into_iter()
            .zip(&parameters)
            // A parameter that the loss does not depend on has a gradient of zero.
            .map(|(gradient, &value)| gradient.unwrap_or_else(|| zeros_like(&mut g, value)))
            .collect();
        if let Some(scale) = scale {
            g.scoped("unscaled", |g| divide(g, &mut gradients, scale));
        }
        if options.accumulate > 1 {
            g.scoped("accumulated", |g| add_earlier(g, &mut gradients, &params.parameters));
        }
        let learned = &gradients[..params.parameters.len()];
        let summed = match options.sharing.world.is_alone() {
            true => Vec::new(),
            false => numbered(&params.parameters, |own| !is_part(&options, &own.name)),
        };
        reported.push(g.scoped("gradient_norm", |g| length(g, learned, &summed)));
        reported.push(g.scoped("statistics", |g| sum_of_statistics(g, &next)));
        let reported: Vec<Value> =
            reported.into_iter().map(|number| g.reshape(number, &[1])).collect();
        let mut outputs = vec![("scalars".to_owned(), g.concat(&reported, 0))];
        outputs.extend(next.into_iter().map(|(name, value)| (format!("{NEXT}{name}"), value)));
        let names = params.parameters.iter().chain(&sampled);
        let names = names.map(|own| format!("{GRADIENT}{}", own.name));
        outputs.extend(names.zip(gradients));
        let gradients = match width {
            Width::Whole => g.finish(outputs),
            Width::Half => narrowed(&g.finish(outputs)),
        };
        Ok(Self { options, width, gradients, params, sampled })
    }

    /// All that is learned.
    pub fn parameters(&self) -> impl Iterator<Item = &Parameter> {
        self.params.parameters.iter().chain(&self.sampled)
    }

    /// The optimiser, of some parameters: fed `rate`, and each under its name, after `momentum.` and
    /// after `gradient.`, it returns the first two after `next.`.
    pub fn update(&self, parameters: &[Parameter]) -> Graph {
        let mut g = Builder::new();
        let rate = g.input(RATE, Element::Float, &[]);
        let mut outputs = Vec::new();
        for parameter in parameters {
            let name = &parameter.name;
            let [p, m, d] = ["", MOMENTUM, GRADIENT].map(|prefix| {
                g.input(&format!("{prefix}{name}"), Element::Float, &parameter.shape)
            });
            let sgd = &self.options.sgd;
            let updated = g.scoped(name, |g| sgd.update(g, [p, m, d], parameter.decay, rate));
            outputs.push((format!("{NEXT}{name}"), updated.parameter));
            outputs.push((format!("{NEXT}{MOMENTUM}{name}"), updated.momentum));
        }
        g.finish(outputs)
    }

    /// Whether each rank has a part of a parameter.
    pub(super) fn is_part(&self, name: &str) -> bool {
        is_part(&self.options, name)
    }

    /// Rows of a step: images times views.
    pub fn rows(&self) -> usize {
        self.options.batch * self.options.views
    }

    /// Shape of a step's images.
    pub fn image_shape(&self) -> [usize; 4] {
        let [height, width] = self.options.backbone.image;
        [self.rows(), 3, height, width]
    }

    /// Names and shapes of a step's masks.
    pub fn masks(&self) -> Vec<(&'static str, Vec<usize>)> {
        let masks = self.options.backbone.masks().into_iter();
        masks.map(|mask| (mask.name, [&[self.rows()], &mask.extents[..]].concat())).collect()
    }
}

fn is_part(options: &StepOptions, name: &str) -> bool {
    options.sharing.head == HeadShare::Sharded && name == KERNEL
}

/// What the forward pass makes.
struct Forward {
    /// The parameters' values, in the order of `params`; behind them a sample of class columns.
    parameters: Vec<Value>,
    params: Params,
    sampled: Option<Parameter>,
    /// New buffers by their names.
    next: Vec<(String, Value)>,
    loss: Value,
    /// The numbers of [`SCALARS`] but the last two.
    reported: Vec<Value>,
}

/// Appends the backbone, in a width, and the losses.
fn forward(g: &mut Builder, options: &StepOptions, width: Width) -> Forward {
    let rows = options.batch * options.views;
    let image = options.backbone.image;
    let images = g.input("images", Element::Float, &[rows, 3, image[0], image[1]]);
    let once = g.input("labels", Element::Int64, &[options.batch]);
    let labels = if options.views == 1 { once } else { g.concat(&[once, once], 0) };
    let weight = g.input("contrast_weight", Element::Float, &[]);
    let (head_scale, contrast_scale) = match options.scales {
        Scales::Fixed { head, contrast } => {
            (QualityScale::Fixed(head), QualityScale::Fixed(contrast))
        }
        Scales::Fed => {
            let mut fed = |name| QualityScale::Fed(g.input(name, Element::Float, &[]));
            (fed("head_scale"), fed("contrast_scale"))
        }
    };
    let sharing = options.sharing;
    let mut layers = Layers::new(g, Mode::Training).normalised_by(sharing.normalised());
    layers.g.allow(width);
    let features = layers.within("backbone", |layers| options.backbone.build(layers, images));
    layers.g.allow(Width::Whole);
    let (columns, sampled) = declare_columns(&mut layers, options);
    let state = declare_state(&mut layers, options);
    let input =
        JointInput { features, labels, columns, weight, head_scale, contrast_scale, sharing };
    let joint = joint(layers.g, &options.joint, input, state);
    keep(&mut layers, &joint.state);
    let Layers { g, params, next, values: mut parameters, .. } = layers;
    parameters.extend(sampled.as_ref().map(|_| columns.kernel));
    let zero = g.scalar(0.0);
    let margin = joint.contrast.map_or(zero, |contrast| contrast.average);
    let weighted = weighted_pairs(g, &joint).unwrap_or(zero);
    let reported = vec![joint.loss, joint.loss_cla, joint.loss_con, margin, weighted];
    Forward { parameters, params, sampled, next, loss: joint.loss, reported }
}

/// Share of rows whose weight is not zero.
fn weighted_pairs(g: &mut Builder, joint: &Joint) -> Option<Value> {
    let weight = joint.contrast?.weight;
    let zero = g.scalar(0.0);
    let none = g.equal(weight, zero);
    let none = g.cast(none, Element::Float);
    let (share, one) = (g.mean(none), g.scalar(1.0));
    Some(g.sub(one, share))
}

fn zeros_like(g: &mut Builder, value: Value) -> Value {
    let (zero, shape) = (g.scalar(0.0), g.shape(value));
    g.expand(zero, &shape)
}

/// Divides gradients by a scale.
fn divide(g: &mut Builder, gradients: &mut [Value], scale: Value) {
    let one = g.scalar(1.0);
    let share = g.div(one, scale);
    gradients.iter_mut().for_each(|gradient| *gradient = g.mul(*gradient, share));
}

/// Adds the gradients of a step's earlier batches. Where there are none nothing of them is read: what
/// lies there may be no number.
fn add_earlier(g: &mut Builder, gradients: &mut [Value], parameters: &[Parameter]) {
    let zero = g.scalar(0.0);
    let carried = g.input(CARRIED, Element::Float, &[]);
    let is_first = g.equal(carried, zero);
    for (gradient, own) in gradients.iter_mut().zip(parameters) {
        let earlier = g.input(&format!("{ACCUMULATED}{}", own.name), Element::Float, &own.shape);
        let earlier = g.select(is_first, zero, earlier);
        *gradient = g.add(earlier, *gradient);
    }
}

/// The length of all values as one vector. Those that ranks sum, by what they sum in one go, are announced as
/// soon as their squares are known.
fn length(g: &mut Builder, values: &[Value], summed: &[Vec<usize>]) -> Value {
    let squares: Vec<Value> = values.iter().map(|&value| square(g, value)).collect();
    // The runtime begins with what comes last here: with gradients that are made first.
    let announced = summed.iter().enumerate().rev().map(|(number, bucket)| {
        let [made, of_bucket] =
            [values, &squares].map(|all| bucket.iter().map(|&at| all[at]).collect::<Vec<_>>());
        let of_bucket = g.concat(&of_bucket, 0);
        g.announce(of_bucket, number, &made)
    });
    let mut all: Vec<Value> = announced.collect();
    let is_summed = |at: &usize| summed.iter().flatten().any(|own| own == at);
    all.extend((0..values.len()).filter(|at| !is_summed(at)).map(|at| squares[at]));
    let squares = g.concat(&all, 0);
    let sum = g.reduce_sum(squares, &[0]);
    g.sqrt(sum)
}

/// The sum of a value's squares `[1]`.
pub(super) fn square(g: &mut Builder, value: Value) -> Value {
    // The product with itself as a row reads the numbers once and writes none.
    let count = g.shape(value).iter().product();
    let row = g.reshape(value, &[1, count]);
    let square = g.matmul_transposed(row, row);
    g.reshape(square, &[1])
}

/// The sum of all that is replaced but the queue, whose rows the losses are made of.
fn sum_of_statistics(g: &mut Builder, next: &[(String, Value)]) -> Value {
    let statistics = next.iter().filter(|(name, _)| !name.starts_with("queue."));
    let flat: Vec<Value> = statistics
        .map(|&(_, value)| {
            let count = g.shape(value).iter().product();
            g.reshape(value, &[count])
        })
        .collect();
    let joined = g.concat(&flat, 0);
    g.reduce_sum(joined, &[0])
}
