//! One step as two graphs: the gradients, and the update. Between them the gradients can be looked
//! at, and summed over devices.

use super::{Error, Sample};
use crate::autodiff::backward;
use crate::graph::{Builder, Element, Graph, Value, Width, narrowed};
use crate::nn::{
    Averages, Backbone, Columns, Curve, Decay, EmaStart, HeadKind, HeadShare, HeadState, Initial,
    Joint, JointInput, JointOptions, JointState, Layers, MARGIN_BOUND, Margin, Mode, Parameter,
    Params, QualityScale, Queue, QueueKind, Range, SampledColumns, Sharing, joint,
};
use crate::optim::Sgd;
use crate::settings::LARGEST_CONSTANT;

/// What a step is compiled from.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOptions {
    /// The backbone.
    pub backbone: Backbone,
    /// The losses.
    pub joint: JointOptions,
    /// Number of classes.
    pub classes: usize,
    /// Images a batch.
    pub batch: usize,
    /// Batches that a step learns from: their gradients are summed before its update, each divided by
    /// their number. Statistics, averages and the queue advance with every batch.
    pub accumulate: usize,
    /// Views of each image, 1 or 2; with contrast 2.
    pub views: usize,
    /// Where b of the quality scalers comes from.
    pub scales: Scales,
    /// The optimiser.
    pub sgd: Sgd,
    /// What the ranks share that train together. Batch and rows are each rank's own.
    pub sharing: Sharing,
    /// The class columns that a batch scores, where it does not score all.
    pub sample: Option<Sample>,
}

impl StepOptions {
    /// Images of a batch of all ranks.
    pub fn images(&self) -> usize {
        self.batch.saturating_mul(self.sharing.world.ranks)
    }
}

/// Where b of the quality scalers comes from: how strongly quality scales, from 0, not at all, to
/// 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Scales {
    /// The step is compiled for these.
    Fixed {
        /// b of the head.
        head: f64,
        /// b of the contrast.
        contrast: f64,
    },
    /// Both are fed at each step.
    Fed,
}

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
/// `gradients` is fed `images`, `labels`, `contrast_weight`, with dropout `dropout_mask`, where the
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
/// parameters of which each rank has a part; and the gradient's length is that of its own.
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

/// The class columns' name.
pub(super) const KERNEL: &str = "head.kernel";

/// Names of what tells of a sample of them.
pub(super) const SAMPLE_KERNEL: &str = "sample.kernel";
pub(super) const SAMPLE_PLACES: &str = "sample.places";
pub(super) const SAMPLE_COUNT: &str = "sample.count";
pub(super) const SAMPLE_QUEUE: &str = "sample.queue";

/// What names of gradients begin with, before the parameter's.
pub(super) const GRADIENT: &str = "gradient.";

/// What names of the gradients of earlier batches begin with, before the parameter's.
pub(super) const ACCUMULATED: &str = "accumulated.";

/// The input that says whether a step has learned from earlier batches.
pub(super) const CARRIED: &str = "carried";

/// The input that the loss is multiplied by in half width.
pub(super) const LOSS_SCALE: &str = "loss_scale";

/// What the name of a parameter's momentum begins with.
pub(super) const MOMENTUM: &str = "momentum.";

/// The learning rate's name in the second graph.
pub(super) const RATE: &str = "rate";

/// What the name of a gradient's sum over ranks begins with, before the gradient's.
pub(super) const SUM: &str = "sum.";

/// What names of what replaces a tensor begin with, before the tensor's.
pub(super) const NEXT: &str = "next.";

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
        reported.push(g.scoped("gradient_norm", |g| length(g, learned)));
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

    /// What ranks do with the gradients of what all of them have, where devices do it: of each, fed under its
    /// name, the sum over ranks, named `sum.` and that.
    pub fn sums(&self) -> Graph {
        let mut g = Builder::new();
        let world = self.options.sharing.world;
        let mut outputs = Vec::new();
        for own in self.params.parameters.iter().filter(|own| !self.is_part(&own.name)) {
            let name = format!("{GRADIENT}{}", own.name);
            let gradient = g.input(&name, Element::Float, &own.shape);
            outputs.push((format!("{SUM}{name}"), g.all_sum(gradient, world)));
        }
        g.finish(outputs)
    }

    /// Whether each rank has a part of a parameter.
    pub(super) fn is_part(&self, name: &str) -> bool {
        self.options.sharing.head == HeadShare::Sharded && name == KERNEL
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

    /// Shape of a step's dropout mask; none without dropout.
    pub fn mask_shape(&self) -> Option<[usize; 4]> {
        let [channels, height, width] = self.options.backbone.last_extents();
        let drops = self.options.backbone.dropout > 0.0;
        drops.then_some([self.rows(), channels, height, width])
    }
}

/// No extent of a step is larger; products of two still count exactly.
const LARGEST: usize = 1 << 24;

/// Classes that are planned at most.
const MOST_PLANNED: usize = 1 << 30;

/// Labels are exact as floats up to the largest extent, as the queue holds them.
fn check(options: &StepOptions, most_classes: usize) -> Result<(), Error> {
    let refuse = |option, expected: &str, found: String| {
        Err(Error::Option { option, expected: expected.to_owned(), found })
    };
    let StepOptions { backbone, joint, classes, batch, views, accumulate, .. } = options;
    let blocks = backbone.blocks.iter().map(|block| block.channels);
    let channels = blocks.chain([backbone.stem, backbone.embedding]);
    for (option, extent, least) in channels
        .map(|channels| ("channels", channels, 1))
        .chain(backbone.image.map(|extent| ("image", extent, 1)))
        .chain(backbone.blocks.iter().map(|block| ("stride", block.stride, 1)))
        .chain([("classes", *classes, 2), ("batch", *batch, 1), ("views", *views, 1)])
        .chain([("accumulate", *accumulate, 1)])
        .chain(joint.contrast.map(|(_, queue)| ("queue", queue.size, 1)))
    {
        let most = if option == "classes" { most_classes } else { LARGEST };
        if !(least..=most).contains(&extent) {
            return refuse(option, &format!("{least} to {most}"), extent.to_string());
        }
    }
    if *views > 2 || (joint.contrast.is_some() && *views != 2) {
        return refuse("views", "1 or 2, and 2 with contrast", views.to_string());
    }
    let ranks = options.sharing.columns().ranks;
    if *classes < ranks {
        let expected = format!("at least one for each of {ranks} ranks, which have parts of them");
        return refuse("classes", &expected, classes.to_string());
    }
    if batch * views < 2 {
        let expected = "at least two rows, of one there is no deviation";
        return refuse("batch", expected, format!("{batch} image of {views} view"));
    }
    if !(0.0..1.0).contains(&backbone.dropout) {
        return refuse("dropout", "at least 0 and below 1", backbone.dropout.to_string());
    }
    if let Some(Sample { rate, .. }) = options.sample {
        if !(rate > 0.0 && rate <= 1.0) {
            return refuse("sample", "above 0, at most 1", rate.to_string());
        }
        let Sharing { world, head, .. } = options.sharing;
        if !world.is_alone() && head == HeadShare::Replicated {
            let expected = "class columns in parts: each rank would update others of the same";
            return refuse("sample", expected, "all columns on each rank".to_owned());
        }
    }
    check_losses(options)?;
    let Sgd { momentum, weight_decay } = options.sgd;
    for (option, number) in [("momentum", momentum), ("weight decay", weight_decay)] {
        if !(0.0..=1.0).contains(&number) {
            return refuse(option, "0 to 1", number.to_string());
        }
    }
    Ok(())
}

/// Checks the constants of head and contrast.
fn check_losses(options: &StepOptions) -> Result<(), Error> {
    let head = &options.joint.head;
    let eps = match head.kind {
        HeadKind::CurricularFace { eps, .. } => eps,
        _ => 0.0,
    };
    let mut bounded = vec![
        ("margin of the head", head.m, -MARGIN_BOUND, MARGIN_BOUND),
        ("scale of the head", head.s, f64::MIN_POSITIVE, LARGEST_CONSTANT),
        ("h", head.h, 0.0, LARGEST_CONSTANT),
        ("t_alpha of the head", head.t_alpha, 0.0, 1.0),
        ("eps", eps, 0.0, 0.5),
    ];
    if let Some((contrast, _)) = &options.joint.contrast {
        bounded.push(("scale of the contrast", contrast.s, f64::MIN_POSITIVE, LARGEST_CONSTANT));
        bounded.push(("t_alpha of the contrast", contrast.t_alpha, 0.0, 1.0));
        if let Margin::Static(m) = contrast.margin {
            bounded.push(("margin of the contrast", m, -2.0, 2.0));
        }
    }
    if let Scales::Fixed { head, contrast } = options.scales {
        // Above this the line of the whole range has no end below 1.
        let line = options.joint.contrast.is_some_and(|(contrast, _)| {
            contrast.curve == Curve::Linear && contrast.range == Range::Whole
        });
        let most = if line { 0.99 } else { 1.0 };
        bounded.push(("quality scale of the head", head, 0.0, 1.0));
        bounded.push(("quality scale of the contrast", contrast, 0.0, most));
    }
    for (option, number, least, most) in bounded {
        if !(least..=most).contains(&number) {
            let expected = format!("{least} to {most}");
            return Err(Error::Option { option, expected, found: number.to_string() });
        }
    }
    Ok(())
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

/// Declares class columns, or the parameter of which the graph is fed a sample.
fn declare_columns(layers: &mut Layers<'_>, options: &StepOptions) -> (Columns, Option<Parameter>) {
    let (world, dimension) = (options.sharing.columns(), options.backbone.embedding);
    let own = world.part(options.classes);
    let (first, shape) = (own.start, [dimension, own.len()]);
    let initial = Initial::UnitColumns { first, of: options.classes };
    let Some(sample) = options.sample else {
        let kernel = layers
            .within("head", |layers| layers.parameter("kernel", &shape, initial, Decay::Decayed));
        return (Columns { kernel, first, world, sample: None }, None);
    };
    let size = sample.size(own.len(), options.images());
    let rows = world.ranks * options.batch * options.views;
    let contrast = options.joint.contrast.as_ref();
    let proxied = contrast.filter(|(_, queue)| queue.kind == QueueKind::Proxy);
    let mut fed = |name, shape: &[usize]| layers.g.input(name, Element::Float, shape);
    let kernel = fed(SAMPLE_KERNEL, &[dimension, size.most]);
    let count = (size.most > size.usual).then(|| fed(SAMPLE_COUNT, &[]));
    let of_queue = proxied.map(|(_, queue)| fed(SAMPLE_QUEUE, &[queue.size, dimension]));
    let places = layers.g.input(SAMPLE_PLACES, Element::Int64, &[rows]);
    let told = SampledColumns { places, count, of_queue };
    let (name, shape) = (KERNEL.to_owned(), shape.to_vec());
    let parameter = Parameter { name, shape, initial, decay: Decay::Decayed };
    (Columns { kernel, first, world, sample: Some(told) }, Some(parameter))
}

/// Declares averages and the queue.
fn declare_state(layers: &mut Layers<'_>, options: &StepOptions) -> JointState {
    let (dimension, head) = (options.backbone.embedding, &options.joint.head);
    let head = layers.within("head", |layers| {
        let mean = layers.buffer("batch_mean", &[], 0.0);
        let averages = Averages { mean, std: layers.buffer("batch_std", &[], 0.0) };
        let curricular = matches!(head.kind, HeadKind::CurricularFace { .. });
        let t = curricular.then(|| layers.buffer("t", &[], 0.0));
        let waits = head.ema_start == EmaStart::FirstBatch;
        let started = waits.then(|| layers.buffer("started", &[], 0.0));
        HeadState { averages, t, started }
    });
    let contrast = options.joint.contrast.map(|(_, queue)| {
        let average = layers.within("contrast", |layers| layers.buffer("batch_mean", &[], 0.0));
        let queue = layers.within("queue", |layers| {
            let entries = [queue.size, dimension];
            let proxied = queue.kind == QueueKind::Proxy;
            Queue {
                embeddings: layers.buffer("embeddings", &entries, 0.0),
                labels: layers.buffer("labels", &entries[..1], 0.0),
                proxies: proxied.then(|| layers.buffer("proxies", &entries, 0.0)),
                filled: layers.buffer("filled", &[], 0.0),
            }
        });
        (queue, average)
    });
    JointState { head, contrast }
}

/// Says what the buffers of the losses become.
fn keep(layers: &mut Layers<'_>, state: &JointState) {
    let HeadState { averages, t, started } = state.head;
    let mut next = vec![
        ("head.batch_mean", Some(averages.mean)),
        ("head.batch_std", Some(averages.std)),
        ("head.t", t),
        ("head.started", started),
    ];
    if let Some((queue, average)) = state.contrast {
        next.push(("contrast.batch_mean", Some(average)));
        next.push(("queue.embeddings", Some(queue.embeddings)));
        next.push(("queue.labels", Some(queue.labels)));
        next.push(("queue.proxies", queue.proxies));
        next.push(("queue.filled", Some(queue.filled)));
    }
    for (name, value) in next {
        if let Some(value) = value {
            layers.replace(name, value);
        }
    }
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

/// The length of all values as one vector.
fn length(g: &mut Builder, values: &[Value]) -> Value {
    let squares: Vec<Value> = values.iter().map(|&value| square(g, value)).collect();
    let squares = g.concat(&squares, 0);
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
