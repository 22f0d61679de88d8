//! A trajectory's steps by the stepper that trains, in 32 bits, each from a state that is known.
//!
//! Twenty steps in 32 bits cannot be compared with the oracle's: where one slope reads a pixel of
//! zero on the other side, all later steps move, and which pixel is zero the width of a machine's
//! vectors decides. So the oracle's own losses, queue embeddings and weights of its f32 runs are
//! compared at the first step alone; that our f64 rollout is the oracle's, to 1e-7 at the last step,
//! `trajectory` shows, and here each step starts from its states. What carries the state from step
//! to step is held to the evaluator from the stepper's own states.

use crate::arrays::{case, largest, near, number, read};
use crate::heads::float;
use crate::installed;
use crate::kinks::{Compared, Hands, UNIT_F32, say};
use crate::manifest::{Json, array};
use crate::nudge::nudge;
use crate::reference::{Tensor, evaluate_through};
use crate::trajectory::{Inputs, LOSSES, Named, Rollout, feeds_of, updated};
use qgface_data::graph::Graph;
use qgface_data::graph::lower::Layout;
use qgface_data::train::{Batch, Making, Rates, StepGraph, Stepper, Tensor as Numbers, TrainState};
use std::num::NonZeroUsize;
use std::path::Path;

/// From the same state, of the largest magnitude of an array, and of a loss, or 1 where that is less:
/// a hundred and sixty roundings to 24 bits, of some three hundred operators in a row.
const SAME_STATE: f64 = 1e-5;

/// Of losses from the oracle's state, whose numbers are rounded to 32 bits first: the logits are 32
/// times as large as what is rounded.
const ROUNDED_STATE: f64 = 1e-4;

/// Gradients before a normalisation are zero but for rounding, which is compared absolutely.
const ZERO: f64 = 1e-5;

/// Runs the steps from the states of a rollout in f64, then from their own, with images in every
/// layout.
pub(crate) fn run(
    folder: &Path,
    graph: StepGraph,
    run: &Json,
    inputs: &Inputs,
    initial: &TrainState,
    rollout: &Rollout<'_>,
) {
    for layout in LAYOUTS {
        run_in(layout, folder, graph.clone(), run, inputs, initial, rollout);
    }
}

pub(crate) const LAYOUTS: [Layout; 2] = [Layout::Planes, Layout::Pixels];

/// A stepper of one thread.
pub(crate) fn stepper(graph: StepGraph, layout: Layout) -> Stepper {
    let arrangement = layout.into();
    let making = Making::new(NonZeroUsize::MIN, &arrangement);
    Stepper::made(&installed::runtime(), graph, &making).unwrap()
}

fn run_in(
    layout: Layout,
    folder: &Path,
    graph: StepGraph,
    run: &Json,
    inputs: &Inputs,
    initial: &TrainState,
    rollout: &Rollout<'_>,
) {
    let exact = (graph.gradients.clone(), graph.update(&graph.params.parameters));
    let drops = !graph.masks().is_empty();
    let stepper = stepper(graph, layout);
    let mut steps = Steps { stepper, exact, drops, inputs };
    let own = array(run, "steps");
    for (step, (before, expected)) in rollout.states.iter().zip(rollout.steps).enumerate() {
        steps.stepper.load(&narrowed(initial, before, step)).unwrap();
        let losses = steps.step(step, float(expected, "lr"), "the oracle's state");
        for (what, loss) in LOSSES.into_iter().zip(losses) {
            let stored = float(expected, what);
            let bound = ROUNDED_STATE * stored.abs().max(1.0);
            near(&number(loss), &number(stored), bound, &format!("step {step}: {what}"));
            if step == 0 {
                let stored = float(&own[0], what);
                near(&number(loss), &number(stored), bound, &format!("step 0 in f32: {what}"));
            }
        }
    }
    steps.stepper.load(initial).unwrap();
    for (step, expected) in own.iter().enumerate() {
        steps.step(step, float(expected, "lr"), "its own state");
    }
    let labels = folder.join("queue_labels.npy");
    if labels.is_file() {
        let state = widened(&steps.stepper.state().unwrap());
        near(&state["queue.labels"], &read(&labels), 0.0, &labels.display().to_string());
    }
}

struct Steps<'i> {
    stepper: Stepper,
    /// The gradients and the update, for the evaluator.
    exact: (Graph, Graph),
    drops: bool,
    inputs: &'i Inputs,
}

impl Steps<'_> {
    /// Takes a step and compares losses and the state behind it with the evaluator's from the same
    /// state; returns the losses.
    fn step(&mut self, step: usize, rate: f64, from: &str) -> [f64; 3] {
        let before = widened(&self.stepper.state().unwrap());
        let batch = batch(self.inputs, step, self.drops);
        let stepped = self.stepper.step(&batch, &rates(rate)).unwrap();
        assert!(stepped.applied, "step {step}: {stepped:?}");
        let scalars = stepped.scalars;
        let losses = [scalars.loss, scalars.loss_cla, scalars.loss_con].map(f64::from);
        self.compare(step, rate, before, losses, from);
        losses
    }

    fn compare(&self, step: usize, rate: f64, before: Named, losses: [f64; 3], from: &str) {
        let after = widened(&self.stepper.state().unwrap());
        let feeds = self.inputs.feeds(before, step);
        let (gradients, update) = &self.exact;
        let compute = |hands: &mut Hands<'_>| {
            let values = evaluate_through(gradients, &feeds_of(gradients, &feeds), hands);
            let names = gradients.outputs().iter().map(|(name, _)| name.clone());
            let made: Named = names.zip(values).collect();
            let scalars = made["scalars"].data[..LOSSES.len()].iter().map(|&loss| number(loss));
            let mut all: Vec<Tensor> = scalars.collect();
            let mut state = feeds.clone();
            updated(&mut state, made, update, rate);
            all.extend(after.keys().map(|name| state[name].clone()));
            all
        };
        let expected = compute(&mut |_, _| ());
        let own = losses.into_iter().map(number).chain(after.values().cloned()).collect();
        let names = LOSSES.into_iter().map(str::to_owned).chain(after.keys().cloned()).collect();
        let tolerance = |(at, expected): (usize, &Tensor)| match at < LOSSES.len() {
            true => SAME_STATE * largest(expected).max(1.0),
            false => SAME_STATE * largest(expected) + ZERO,
        };
        let tolerances = expected.iter().enumerate().map(tolerance).collect();
        let expected = expected.into_iter().map(Some).collect();
        let (compute, unit) = (&compute, UNIT_F32);
        let compared =
            Compared { names, own, expected, tolerances, graph: gradients, compute, unit };
        say(&format!("step {step} from {from}:"), compared.verdict());
    }
}

/// What a step is fed.
pub(crate) fn batch(inputs: &Inputs, step: usize, drops: bool) -> Batch {
    let images = inputs.images(step).data.iter().map(|&x| x as f32).collect();
    let labels = case(&inputs.labels, step).data.iter().map(|&x| x as i64).collect();
    let mask = if drops { case(&inputs.masks, step).data } else { Vec::new() };
    let masks = if drops { vec![mask.iter().map(|&kept| kept != 0.0).collect()] } else { vec![] };
    Batch { number: 0, images, labels, masks }
}

/// The numbers of a step at a learning rate.
pub(crate) fn rates(learning: f64) -> Rates {
    Rates { learning: learning as f32, contrast_weight: 1.0, head_scale: 0.0, contrast_scale: 0.0 }
}

/// A state in 32 bits.
pub(crate) fn narrowed(like: &TrainState, state: &Named, step: usize) -> TrainState {
    let mut narrow = like.clone();
    for (name, tensor) in &mut narrow.tensors {
        tensor.data = state[name].data.iter().map(|&x| x as f32).collect();
        // Counts, labels and what still is as it began are no results of arithmetic.
        if tensor.data.iter().any(|x| x.fract() != 0.0) {
            nudge(&mut tensor.data, &format!("step {step} {name}"));
        }
    }
    narrow
}

/// A state as the evaluator reads it.
pub(crate) fn widened(state: &TrainState) -> Named {
    let wide = |tensor: &Numbers| Tensor {
        shape: tensor.shape.clone(),
        data: tensor.data.iter().map(|&x| f64::from(x)).collect(),
    };
    state.tensors.iter().map(|(name, tensor)| (name.clone(), wide(tensor))).collect()
}
