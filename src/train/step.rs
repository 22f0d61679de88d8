//! One step as two graphs: the gradients, and the update. Between them the gradients can be looked at, and
//! summed over devices.

use super::Error;
use crate::autodiff::backward;
use crate::graph::{Builder, Element, Graph, Value};
use crate::nn::{
    Averages, Backbone, Decay, EmaStart, HeadKind, HeadState, Initial, Joint, JointInput,
    JointOptions, JointState, Layers, MARGIN_BOUND, Mode, Params, QualityScale, Queue, QueueKind,
    joint,
};
use crate::optim::Sgd;

/// What a step is compiled from.
#[derive(Debug, Clone, PartialEq)]
pub struct StepOptions {
    /// The backbone.
    pub backbone: Backbone,
    /// The losses.
    pub joint: JointOptions,
    /// Number of classes.
    pub classes: usize,
    /// Images a step.
    pub batch: usize,
    /// Views of each image, 1 or 2; with contrast 2.
    pub views: usize,
    /// b of the head's quality scaler.
    pub head_scale: f64,
    /// b of the contrast.
    pub contrast_scale: f64,
    /// Whether both b are fed at each step instead.
    pub scales_fed: bool,
    /// The optimiser.
    pub sgd: Sgd,
}

/// Names of the numbers that a step reports, in the order of the output `scalars`.
pub const SCALARS: [&str; 6] =
    ["loss", "loss_cla", "loss_con", "margin", "weighted_pairs", "gradient_norm"];

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
}

impl From<[f32; SCALARS.len()]> for Scalars {
    fn from(numbers: [f32; SCALARS.len()]) -> Self {
        let [loss, loss_cla, loss_con, margin, weighted_pairs, gradient_norm] = numbers;
        Self { loss, loss_cla, loss_con, margin, weighted_pairs, gradient_norm }
    }
}

/// A compiled step.
///
/// `gradients` is fed `images`, `labels`, `contrast_weight`, with dropout `dropout_mask`, where the scales are
/// fed `head_scale` and `contrast_scale`, and all parameters and buffers under their names; it returns
/// `scalars`, `gradient.` and each parameter's name, and `next.` and each buffer's. `update` is fed `rate`,
/// and each parameter under its name, after `momentum.` and after `gradient.`; it returns the first two
/// after `next.`.
#[derive(Debug, Clone)]
pub struct StepGraph {
    /// What it was compiled from.
    pub options: StepOptions,
    /// Forward and backward.
    pub gradients: Graph,
    /// The optimiser.
    pub update: Graph,
    /// All that the step keeps.
    pub params: Params,
}

/// Labels up to here are exact as floats, as the queue holds them.
const MOST_CLASSES: usize = 1 << 24;

impl StepGraph {
    /// Compiles a step.
    ///
    /// # Errors
    /// [`Error::Option`] for options of which no step can be made.
    pub fn new(options: StepOptions) -> Result<Self, Error> {
        check(&options)?;
        let mut g = Builder::new();
        let (mut outputs, params, values, loss, scalars) = forward(&mut g, &options);
        let gradients = backward(&mut g, loss, &values);
        let gradients: Vec<Value> = gradients
            .into_iter()
            .zip(&values)
            // A parameter that the loss does not depend on has a gradient of zero.
            .map(|(gradient, &value)| gradient.unwrap_or_else(|| zeros_like(&mut g, value)))
            .collect();
        let norm = g.scoped("gradient_norm", |g| length(g, &gradients));
        let scalars: Vec<Value> =
            scalars.into_iter().chain([norm]).map(|number| g.reshape(number, &[1])).collect();
        let scalars = g.concat(&scalars, 0);
        outputs.push(("scalars".to_owned(), scalars));
        let names =
            params.parameters.iter().map(|parameter| format!("gradient.{}", parameter.name));
        outputs.extend(names.zip(gradients));
        let update = update(&options.sgd, &params);
        Ok(Self { options, gradients: g.finish(outputs), update, params })
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

fn check(options: &StepOptions) -> Result<(), Error> {
    let refuse = |option, expected: &str, found: String| {
        Err(Error::Option { option, expected: expected.to_owned(), found })
    };
    let StepOptions { backbone, joint, classes, batch, views, .. } = options;
    if *classes < 2 || *classes > MOST_CLASSES {
        return refuse("classes", "2 to 16777216", classes.to_string());
    }
    if !(1..=2).contains(views) || (joint.contrast.is_some() && *views != 2) {
        return refuse("views", "1 or 2, and 2 with contrast", views.to_string());
    }
    if batch * views < 2 {
        let expected = "at least two rows, of one there is no deviation";
        return refuse("batch", expected, format!("{batch} image of {views} view"));
    }
    if !(0.0..1.0).contains(&backbone.dropout) {
        return refuse("dropout", "at least 0 and below 1", backbone.dropout.to_string());
    }
    let finite = joint.head.m.abs() < MARGIN_BOUND && joint.head.s.is_finite();
    if !finite {
        let found = format!("m {} and s {}", joint.head.m, joint.head.s);
        return refuse("margin", "an m below π in size and a finite s", found);
    }
    if let Some((_, queue)) = joint.contrast
        && queue.size == 0
    {
        return refuse("queue", "at least one entry", "0".to_owned());
    }
    let scales = [options.head_scale, options.contrast_scale];
    if !scales.iter().all(|b| (0.0..=1.0).contains(b)) {
        return refuse("quality scale", "0 to 1", format!("{scales:?}"));
    }
    Ok(())
}

type Forward = (Vec<(String, Value)>, Params, Vec<Value>, Value, Vec<Value>);

/// Appends backbone and losses; returns the new buffers by output name, what was declared, the parameters,
/// the loss, and the numbers to report but the last.
fn forward(g: &mut Builder, options: &StepOptions) -> Forward {
    let rows = options.batch * options.views;
    let [height, width] = options.backbone.image;
    let images = g.input("images", Element::Float, &[rows, 3, height, width]);
    let once = g.input("labels", Element::Int64, &[options.batch]);
    let labels = if options.views == 1 { once } else { g.concat(&[once, once], 0) };
    let weight = g.input("contrast_weight", Element::Float, &[]);
    let scale = |g: &mut Builder, name: &str, b: f64| match options.scales_fed {
        true => QualityScale::Fed(g.input(name, Element::Float, &[])),
        false => QualityScale::Fixed(b),
    };
    let head_scale = scale(g, "head_scale", options.head_scale);
    let contrast_scale = scale(g, "contrast_scale", options.contrast_scale);

    let mut layers = Layers::new(g, Mode::Training);
    let features = layers.within("backbone", |layers| options.backbone.build(layers, images));
    let (kernel, state) = declare_state(&mut layers, options);
    let input = JointInput { features, labels, kernel, weight, head_scale, contrast_scale };
    let joint = joint(layers.g, &options.joint, input, state);
    keep(&mut layers, &joint.state);
    let Layers { g, params, next, values, .. } = layers;
    let zero = g.scalar(0.0);
    let margin = joint.contrast.map_or(zero, |contrast| contrast.average);
    let weighted = weighted_pairs(g, &joint).unwrap_or(zero);
    let scalars = vec![joint.loss, joint.loss_cla, joint.loss_con, margin, weighted];
    let next = next.into_iter().map(|(name, value)| (format!("next.{name}"), value)).collect();
    (next, params, values, joint.loss, scalars)
}

/// Declares class columns, averages and the queue.
fn declare_state(layers: &mut Layers<'_>, options: &StepOptions) -> (Value, JointState) {
    let (dimension, head) = (options.backbone.embedding, &options.joint.head);
    let (kernel, head) = layers.within("head", |layers| {
        let shape = [dimension, options.classes];
        let kernel = layers.parameter("kernel", &shape, Initial::UnitColumns, Decay::Decayed);
        let mean = layers.buffer("batch_mean", &[], 0.0);
        let averages = Averages { mean, std: layers.buffer("batch_std", &[], 0.0) };
        let curricular = matches!(head.kind, HeadKind::CurricularFace { .. });
        let t = curricular.then(|| layers.buffer("t", &[], 0.0));
        let waits = head.ema_start == EmaStart::FirstBatch;
        let started = waits.then(|| layers.buffer("started", &[], 0.0));
        (kernel, HeadState { averages, t, started })
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
    (kernel, JointState { head, contrast })
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

/// The length of all values as one vector.
fn length(g: &mut Builder, values: &[Value]) -> Value {
    let squares: Vec<Value> = values
        .iter()
        .map(|&value| {
            let squared = g.mul(value, value);
            let axes: Vec<usize> = (0..g.shape(value).len()).collect();
            let sum = g.reduce_sum(squared, &axes);
            g.reshape(sum, &[1])
        })
        .collect();
    let squares = g.concat(&squares, 0);
    let sum = g.reduce_sum(squares, &[0]);
    g.sqrt(sum)
}

fn update(sgd: &Sgd, params: &Params) -> Graph {
    let mut g = Builder::new();
    let rate = g.input("rate", Element::Float, &[]);
    let mut outputs = Vec::new();
    for parameter in &params.parameters {
        let name = &parameter.name;
        let [p, m, d] = ["", "momentum.", "gradient."]
            .map(|prefix| g.input(&format!("{prefix}{name}"), Element::Float, &parameter.shape));
        let updated = g.scoped(name, |g| sgd.update(g, [p, m, d], parameter.decay, rate));
        outputs.push((format!("next.{name}"), updated.parameter));
        outputs.push((format!("next.momentum.{name}"), updated.momentum));
    }
    g.finish(outputs)
}
