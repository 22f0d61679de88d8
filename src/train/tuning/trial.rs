//! A step in several arrangements: each held against the reference, then timed in turn with the others.

use super::apart::bounds;
use super::layouts::told;
use super::site::Site;
use crate::graph::lower::Arrangement;
use crate::runtime::Runtime;
use crate::seed::Seed;
use crate::train::{Batch, Error, LossScale, Making, Rates, StepGraph, Stepper, TrainState};
use std::num::NonZeroUsize;
use std::time::Instant;

/// Steps that are timed in each arrangement.
const ROUNDS: usize = 3;

/// How an arrangement did.
#[derive(Debug, Clone, PartialEq)]
pub struct Measured {
    /// The arrangement.
    pub arrangement: Arrangement,
    /// The median of a step in seconds; or why there is none.
    pub seconds: Result<f64, String>,
    /// The largest difference of a gradient from the reference's, as root mean squares.
    pub difference: f64,
}

/// An arrangement at work.
struct Contender<'a> {
    arrangement: &'a Arrangement,
    /// Or why it is left out.
    stepper: Result<Stepper, String>,
    difference: f64,
    seconds: Vec<f64>,
}

/// Tries a step in several arrangements, the reference first.
///
/// Memory: that of a step of at most sixteen rows for each.
///
/// # Errors
/// Whatever refuses the reference.
pub fn measure(
    runtime: &Runtime,
    threads: NonZeroUsize,
    site: &Site,
    arrangements: &[Arrangement],
) -> Result<Vec<Measured>, Error> {
    let graph = site.step()?;
    let state = TrainState::initial(&graph, Seed::new(0));
    let batch = batch(&graph);
    // The state after a step, where one could be made.
    let ready = |arrangement| -> Result<(Stepper, Option<TrainState>), Error> {
        let making = Making::new(threads, arrangement);
        let mut stepper = Stepper::made(runtime, graph.clone(), &making)?;
        stepper.load(&state)?;
        let stepped = stepper.step_in_scale(&batch, &RATES)?;
        let mut after = stepper.state()?;
        // The scale is no gradient, and of another size.
        after.tensors.retain(|name, _| !name.starts_with(LossScale::TENSORS));
        Ok((stepper, stepped.applied.then_some(after)))
    };
    let mut reference: Option<(&Arrangement, Option<TrainState>)> = None;
    let mut contenders = Vec::new();
    for arrangement in arrangements {
        let (stepper, difference) = match (ready(arrangement), &reference) {
            (Ok((stepper, after)), None) => {
                reference = Some((arrangement, after));
                (Ok(stepper), 0.0)
            }
            (Ok((stepper, after)), Some((first, reference))) => {
                let both = reference.as_ref().zip(after.as_ref());
                let difference = both.map_or(f64::NAN, |(own, other)| own.difference(other));
                let wrong = || {
                    format!("gradients differ by {difference:.1e} from those of {}", told(first))
                };
                // What is no number is no small one.
                let right =
                    difference <= bounds(runtime.device(), arrangement.layout, graph.width).step;
                (if right { Ok(stepper) } else { Err(wrong()) }, difference)
            }
            (Err(error), None) => return Err(error),
            (Err(error), Some(_)) => (Err(crate::causes::chain(&error)), f64::NAN),
        };
        contenders.push(Contender { arrangement, stepper, difference, seconds: Vec::new() });
    }
    for _ in 0..ROUNDS {
        for Contender { stepper, seconds, .. } in &mut contenders {
            if let Ok(stepper) = stepper {
                let begun = Instant::now();
                stepper.step(&batch, &RATES)?;
                seconds.push(begun.elapsed().as_secs_f64());
            }
        }
    }
    Ok(contenders.into_iter().map(Contender::measured).collect())
}

impl Contender<'_> {
    fn measured(mut self) -> Measured {
        self.seconds.sort_by(f64::total_cmp);
        Measured {
            arrangement: self.arrangement.clone(),
            seconds: self.stepper.map(|_| self.seconds[ROUNDS / 2]),
            difference: self.difference,
        }
    }
}

/// A rate so small that the timed steps are all of the same state but for rounding.
const RATES: Rates =
    Rates { learning: 1e-6, contrast_weight: 0.0, head_scale: 0.0, contrast_scale: 0.0 };

/// Drawn pixels, as a batch has them.
fn batch(graph: &StepGraph) -> Batch {
    let mut draws = Seed::new(0).stream("tuning");
    let count: usize = graph.image_shape().iter().product();
    let images = (0..count).map(|_| draws.uniform(-1.0, 1.0) as f32).collect();
    let classes = graph.options.classes as u64;
    let labels = (0..graph.options.batch).map(|_| draws.below(classes) as i64).collect();
    let masks = graph.masks().into_iter().map(|(_, shape)| {
        (0..shape.iter().product()).map(|_: usize| draws.uniform(0.0, 1.0) >= 0.4).collect()
    });
    let masks = masks.collect();
    Batch { number: 0, images, labels, masks }
}
