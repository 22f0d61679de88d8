//! A trajectory's steps with the backbone in float16: each from a state of the reference's, and all of
//! them in a row from the first.
//!
//! What is compared are directions and lengths of all that a step changes, not elements: which pixels a
//! slope reads on the other side where 11 bits are rounded is another matter in every element.

use crate::heads::float;
use crate::installed;
use crate::manifest::Json;
use crate::stepped::{self, narrowed, widened};
use crate::trajectory::{Inputs, LOSSES, Named, Rollout};
use qgface_data::graph::Width;
use qgface_data::graph::lower::Arrangement;
use qgface_data::train::{Making, Scalars, StepGraph, Stepper, Tensor, TrainState};
use std::num::NonZeroUsize;

/// Of a loss from a known state, or of 1 where that is more; 1e-3 in twenty steps of either run.
const LOSS: f64 = 5e-3;

/// The length of what differs in all momenta behind a step, of the length of these, 9e-3 at most in twenty
/// steps; the same of the statistics, of the length of what a step changes in them, 1e-3.
const MOMENTA: f64 = 5e-2;
const STATISTICS: f64 = 1e-2;

/// Of the sum of the losses of all steps in a row: a state that differs by a part in a thousand is soon
/// another one, in 32 bits as well, and what is learned is the same; 2e-2 in twenty steps.
const IN_A_ROW: f64 = 0.2;

/// A scale at which no gradient of this network overflows; at the first one of a run some do.
const SCALE: f32 = 1024.0;

/// Runs the steps of a rollout in f64 in float16.
pub(crate) fn run(graph: &StepGraph, inputs: &Inputs, initial: &TrainState, rollout: &Rollout<'_>) {
    let graph = StepGraph::in_width(graph.options.clone(), Width::Half).unwrap();
    let drops = !graph.masks().is_empty();
    let arrangement = &Arrangement::default();
    let making = Making::new(NonZeroUsize::MIN, arrangement);
    let mut stepper = Stepper::made(&installed::runtime(), graph, &making).unwrap();
    let step = |stepper: &mut Stepper, at: usize, expected: &Json| -> Scalars {
        let rates = stepped::rates(float(expected, "lr"));
        let stepped = stepper.step(&stepped::batch(inputs, at, drops), &rates).unwrap();
        assert!(stepped.applied, "step {at} in float16: {stepped:?}");
        stepped.scalars
    };
    let after = rollout.states.iter().skip(1).chain([&rollout.last]);
    let known = rollout.states.iter().zip(after).zip(rollout.steps);
    for (at, ((before, after), expected)) in known.enumerate() {
        stepper.load(&scaled(narrowed(initial, before, at))).unwrap();
        let scalars = step(&mut stepper, at, expected);
        losses(scalars, expected, &format!("step {at} in float16"));
        let own = widened(&stepper.state().unwrap());
        for Part { what, bound, of, is } in &PARTS {
            let difference = length(&own, after, *is);
            let whole = match of {
                Of::Whole => length(after, &Named::new(), *is),
                Of::Change => length(after, before, *is),
            };
            let told = format!("step {at} in float16: {what}: {difference:.2e} of {whole:.2e}");
            assert!(whole > 0.0 && difference <= bound * whole, "{told}");
        }
    }
    stepper.load(&scaled(initial.clone())).unwrap();
    let expected: f64 = rollout.steps.iter().map(|step| float(step, "loss")).sum();
    let row = rollout.steps.iter().enumerate();
    let own: f64 = row.map(|(at, own)| f64::from(step(&mut stepper, at, own).loss)).sum();
    let told = format!("all losses in float16: {own}, expected {expected}");
    assert!((own - expected).abs() <= IN_A_ROW * expected, "{told}");
}

/// What the length of a difference is told in parts of.
enum Of {
    Whole,
    Change,
}

/// A part of a state.
struct Part {
    what: &'static str,
    /// What a difference may be, of what.
    bound: f64,
    of: Of,
    /// Whether a tensor belongs to it.
    is: fn(&str) -> bool,
}

static PARTS: [Part; 2] = [
    Part {
        what: "momenta",
        bound: MOMENTA,
        of: Of::Whole,
        is: |name| name.starts_with("momentum."),
    },
    Part {
        what: "statistics",
        bound: STATISTICS,
        of: Of::Change,
        is: |name| name.contains(".running_"),
    },
];

/// The length of the difference of all tensors of a kind of two states; what the second lacks is zero.
fn length(a: &Named, b: &Named, is: fn(&str) -> bool) -> f64 {
    let squares = a.iter().filter(|(name, _)| is(name)).flat_map(|(name, a)| {
        let other = b.get(name);
        a.data.iter().enumerate().map(move |(at, x)| {
            let other = other.map_or(0.0, |other| other.data[at]);
            (x - other).powi(2)
        })
    });
    squares.sum::<f64>().sqrt()
}

fn losses(own: Scalars, expected: &Json, when: &str) {
    for (what, own) in LOSSES.into_iter().zip([own.loss, own.loss_cla, own.loss_con]) {
        let expected = float(expected, what);
        let bound = LOSS * expected.abs().max(1.0);
        let difference = (f64::from(own) - expected).abs();
        assert!(difference <= bound, "{when}: {what}: {own}, expected {expected}");
    }
}

/// The state with another loss scale than a run begins with.
fn scaled(mut state: TrainState) -> TrainState {
    for (name, number) in [
        ("loss_scale.scale", SCALE),
        ("loss_scale.good_steps", 0.0),
        ("loss_scale.skipped_steps", 0.0),
    ] {
        let tensor = Tensor { shape: vec![], data: vec![number] };
        state.tensors.insert(name.to_owned(), tensor);
    }
    state
}
