//! Whole QG steps: on the device in every arrangement, against the simplest on the processor.

use super::report::Check;
use crate::causes::chain;
use crate::graph::Width;
use crate::graph::lower::{Arrangement, Layout};
use crate::nn::{
    Architecture, Backbone, ContrastOptions, EmaStart, HeadKind, HeadOptions, JointOptions,
    QueueKind, QueueOptions, Sharing,
};
use crate::optim::Sgd;
use crate::runtime::Runtime;
use crate::seed::Seed;
use crate::train::tuning::{bounds, name};
use crate::train::{
    Batch, Error, LossScale, Making, Rates, Scales, StepGraph, StepOptions, Stepper, TrainState,
};
use std::num::NonZeroUsize;

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
    /// The same with a backbone of half width.
    pub(super) half: StepGraph,
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
        let options = StepOptions {
            backbone: Backbone::new(architecture, width),
            joint: JointOptions { head, contrast: Some((ContrastOptions::default(), queue)) },
            classes: CLASSES,
            batch: images,
            accumulate: 1,
            views: 2,
            scales: Scales::Fed,
            sgd: Sgd::default(),
            sharing: Sharing::default(),
            sample: None,
        };
        let graph = StepGraph::new(options.clone())?;
        let half = StepGraph::in_width(options, Width::Half)?;
        let state = TrainState::initial(&graph, Seed::new(0));
        let batch = drawn(&graph);
        let name = if width == 1.0 {
            architecture.to_string()
        } else {
            format!("{architecture} x {width}")
        };
        Ok(Self { name, graph, half, state, batch })
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
        ready(runtime, threads, arrangement, &self.graph, &self.state)
    }

    /// The same of half width, with a scale of its loss.
    fn half_stepper(
        &self,
        runtime: &Runtime,
        threads: NonZeroUsize,
        layout: Layout,
        scale: LossScale,
    ) -> Result<Stepper, Error> {
        let mut state = self.state.clone();
        state.tensors.extend(scale.tensors());
        ready(runtime, threads, &layout.into(), &self.half, &state)
    }
}

fn ready(
    runtime: &Runtime,
    threads: NonZeroUsize,
    arrangement: &Arrangement,
    graph: &StepGraph,
    state: &TrainState,
) -> Result<Stepper, Error> {
    let making = Making::new(threads, arrangement);
    let mut stepper = Stepper::made(runtime, graph.clone(), &making)?;
    stepper.load(state)?;
    Ok(stepper)
}

/// The rates of a step.
pub(super) fn rates(learning: f32) -> Rates {
    Rates { learning, contrast_weight: 0.1, head_scale: 0.2, contrast_scale: 0.2 }
}

/// Drawn pixels, as a batch has them; each image is of a person of its own.
fn drawn(graph: &StepGraph) -> Batch {
    let mut draws = Seed::new(0).stream("check");
    let count: usize = graph.image_shape().iter().product();
    let images = (0..count).map(|_| draws.uniform(-1.0, 1.0) as f32).collect();
    let labels = (0..graph.options.batch).map(|at| (at % CLASSES) as i64).collect();
    let masks = graph.masks().into_iter().map(|(_, shape)| {
        (0..shape.iter().product()).map(|_: usize| draws.uniform(0.0, 1.0) >= 0.4).collect()
    });
    let masks = masks.collect();
    Batch { number: 0, images, labels, masks }
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
        let stepper = trained.stepper(device, threads, &layout.into());
        let bound = bounds(device.device(), layout, Width::Whole).step;
        let found = stepper.and_then(|own| stepped(own, bound, trained, &expected));
        told(&format!("a step of {} in {}", trained.name, name(layout)), found)
    };
    let mut checks: Vec<Check> = layouts.iter().map(own).collect();
    for &layout in layouts.iter().filter(|layout| layout.has(Width::Half)) {
        let bound = bounds(device.device(), layout, Width::Half).step;
        let half = trained.half_stepper(device, threads, layout, LossScale::default());
        let half = half.and_then(|own| stepped(own, bound, trained, &expected));
        let what = format!("a step of {} in {} in float16", trained.name, name(layout));
        checks.push(told(&what, half));
    }
    let scale = LossScale::starting_at(OVERFLOWING);
    let scaled = trained.half_stepper(device, threads, Layout::Planes, scale);
    let scaled = scaled.and_then(|own| overflowing(own, trained));
    checks.push(told(&format!("the loss scale of {}", trained.name), scaled));
    Ok(checks)
}

/// The inner `Err` says what is wrong.
type Found = Result<Result<String, String>, Error>;

fn told(what: &str, found: Found) -> Check {
    match found {
        Ok(Ok(found)) => Check::passed(what, found),
        Ok(Err(fault)) => Check::failed(what, fault),
        Err(error) => Check::failed(what, chain(&error)),
    }
}

/// What is found of steps that begin with the first state.
fn stepped(mut stepper: Stepper, bound: f64, trained: &Trained, expected: &TrainState) -> Found {
    let made = stepper.step_in_scale(&trained.batch, &rates(LEARNING))?;
    let first = made.scalars.loss_cla;
    let difference = expected.difference(&stepper.state()?);
    // What is no number is no small one.
    let near = difference <= bound;
    if !near {
        let expected = format!("expected {bound} of a tensor at most");
        return Ok(Err(format!("leaves another state: {difference:.1e} apart, {expected}")));
    }
    let mut last = first;
    for _ in 1..STEPS {
        last = stepper.step(&trained.batch, &rates(LEARNING))?.scalars.loss_cla;
    }
    let told = format!("{difference:.0e} apart, loss {first:.1} to {last:.1} in {STEPS} steps");
    Ok(if last < 0.5 * first { Ok(told) } else { Err(format!("does not learn: {told}")) })
}

/// A scale with which gradients overflow in half width.
const OVERFLOWING: f32 = 1_073_741_824.0;

/// What is found of a loss scale that is too large at first: steps are skipped and it is halved until one
/// is made.
fn overflowing(mut stepper: Stepper, trained: &Trained) -> Found {
    let scale = |stepper: &Stepper| stepper.loss_scale().map_or(0.0, LossScale::scale);
    let mut skipped = 0;
    while scale(&stepper) >= 1.0 {
        let before = scale(&stepper);
        let stepped = stepper.step(&trained.batch, &rates(LEARNING))?;
        let after = scale(&stepper);
        match (stepped.applied, stepped.overflowed) {
            (true, _) if skipped > 0 => {
                let from = OVERFLOWING.log2();
                let to = after.log2();
                return Ok(Ok(format!("{skipped} steps skipped, from 2^{from} to 2^{to}")));
            }
            (false, true) if after == 0.5 * before => skipped += 1,
            _ => return Ok(Err(format!("{stepped:?} at a scale of {before}, {after} then"))),
        }
    }
    Ok(Err("no scale is small enough".to_owned()))
}
