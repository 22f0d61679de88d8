//! Whole QG steps: on the device in every arrangement, against the simplest on the processor.

use super::report::Check;
use crate::causes::chain;
use crate::graph::lower::{Arrangement, Layout};
use crate::nn::{
    Architecture, Backbone, ContrastOptions, EmaStart, HeadKind, HeadOptions, JointOptions,
    QueueKind, QueueOptions,
};
use crate::optim::Sgd;
use crate::runtime::Runtime;
use crate::seed::Seed;
use crate::train::tuning::name;
use crate::train::{
    Batch, Error, Making, Rates, Scales, StepGraph, StepOptions, Stepper, TrainState,
};
use std::num::NonZeroUsize;

/// What a step may leave otherwise, of the largest number of a tensor: roundings of some hundred
/// operators in a row, and pairs of the contrast that are weighted on one side of a bound or the other.
const BOUND: f64 = 5e-2;

/// The same, where convolutions round their factors: some ten in a row are each off by a part in 300.
const ROUNDED_BOUND: f64 = 0.5;

/// Steps on one batch after which the head's loss is to be below a half of what it was.
const STEPS: usize = 30;

/// People of a step, and entries of its queue.
const CLASSES: usize = 64;

/// Tensors of whole numbers.
const COUNTED: [&str; 2] = ["queue.labels", "queue.filled"];

/// The rate of steps that are to learn.
const LEARNING: f32 = 0.05;

/// A network at work, as a user trains it.
pub(super) struct Trained {
    /// Its name.
    pub(super) name: String,
    /// Its step.
    pub(super) graph: StepGraph,
    state: TrainState,
    pub(super) batch: Batch,
}

impl Trained {
    /// A network of a width, with two views of each of some images, AdaFace's head and a proxy queue.
    ///
    /// # Errors
    /// [`Error::Option`].
    pub(super) fn new(
        architecture: Architecture,
        width: f64,
        images: usize,
    ) -> Result<Self, Error> {
        let queue = QueueOptions { kind: QueueKind::Proxy, size: CLASSES };
        let head = HeadOptions {
            s: 32.0,
            ema_start: EmaStart::FirstBatch,
            ..HeadOptions::new(HeadKind::AdaFace)
        };
        let graph = StepGraph::new(StepOptions {
            backbone: Backbone::new(architecture, width),
            joint: JointOptions { head, contrast: Some((ContrastOptions::default(), queue)) },
            classes: CLASSES,
            batch: images,
            accumulate: 1,
            views: 2,
            scales: Scales::Fed,
            sgd: Sgd::default(),
        })?;
        let state = TrainState::initial(&graph, Seed::new(0));
        let batch = drawn(&graph);
        let name = if width == 1.0 {
            architecture.to_string()
        } else {
            format!("{architecture} x {width}")
        };
        Ok(Self { name, graph, state, batch })
    }

    /// A step that is ready, with its first state.
    ///
    /// # Errors
    /// Whatever the runtime refuses with.
    pub(super) fn stepper(
        &self,
        runtime: &Runtime,
        threads: NonZeroUsize,
        arrangement: &Arrangement,
    ) -> Result<Stepper, Error> {
        let making = Making { threads, arrangement, profile: None };
        let mut stepper = Stepper::made(runtime, self.graph.clone(), &making)?;
        stepper.load(&self.state)?;
        Ok(stepper)
    }
}

/// The rates of a step.
pub(super) fn rates(learning: f32) -> Rates {
    Rates { learning, contrast_weight: 0.1, head_scale: 0.2, contrast_scale: 0.2 }
}

/// Drawn pixels, as a batch has them; each image is of a person of its own.
fn drawn(graph: &StepGraph) -> Batch {
    let mut draws = Seed::new(0).stream("check");
    let count: usize = graph.image_shape().iter().product();
    let masked: usize = graph.mask_shape().map_or(0, |shape| shape.iter().product());
    let images = (0..count).map(|_| draws.uniform(-1.0, 1.0) as f32).collect();
    let labels = (0..graph.options.batch).map(|at| (at % CLASSES) as i64).collect();
    let dropout_mask = (0..masked).map(|_| draws.uniform(0.0, 1.0) >= 0.4).collect();
    Batch { images, labels, dropout_mask }
}

/// Checks steps of a network on a device in some layouts: that one leaves what it leaves on the processor
/// in the simplest, and that some learn.
///
/// # Errors
/// [`Error::Runtime`]: the processor refuses the reference.
pub(super) fn check(
    device: &Runtime,
    processor: &Runtime,
    threads: NonZeroUsize,
    layouts: &[Layout],
    trained: &Trained,
) -> Result<Vec<Check>, Error> {
    let mut reference = trained.stepper(processor, threads, &Arrangement::default())?;
    reference.step(&trained.batch, &rates(LEARNING))?;
    let mut expected = reference.state()?;
    // Labels of the queue are no floats: what is small beside them is not small.
    expected.tensors.retain(|name, _| !COUNTED.contains(&name.as_str()));
    drop(reference);
    let own = |&layout: &Layout| {
        let what = format!("a step of {} in {}", trained.name, name(layout));
        match stepped(device, threads, layout, trained, &expected) {
            Ok(found) => found.map_or_else(
                |fault| Check::failed(&what, fault),
                |found| Check::passed(&what, found),
            ),
            Err(error) => Check::failed(&what, chain(&error)),
        }
    };
    Ok(layouts.iter().map(own).collect())
}

/// What is found of steps in a layout; the inner `Err` says what is wrong.
fn stepped(
    device: &Runtime,
    threads: NonZeroUsize,
    layout: Layout,
    trained: &Trained,
    expected: &TrainState,
) -> Result<Result<String, String>, Error> {
    let mut stepper = trained.stepper(device, threads, &layout.into())?;
    let first = stepper.step(&trained.batch, &rates(LEARNING))?.scalars.loss_cla;
    let difference = expected.difference(&stepper.state()?);
    let bound = if layout == Layout::RoundedPixels { ROUNDED_BOUND } else { BOUND };
    // What is no number is no small one.
    let near = difference <= bound;
    if !near {
        let expected = format!("expected {bound} of the largest number at most");
        return Ok(Err(format!("leaves another state: {difference:.1e} apart, {expected}")));
    }
    let mut last = first;
    for _ in 1..STEPS {
        last = stepper.step(&trained.batch, &rates(LEARNING))?.scalars.loss_cla;
    }
    let told = format!("{difference:.0e} apart, loss {first:.1} to {last:.1} in {STEPS} steps");
    Ok(if last < 0.5 * first { Ok(told) } else { Err(format!("does not learn: {told}")) })
}
