//! How fast a machine is: steps, embedding, and copying beside them.

use super::report::{Check, Speed};
use super::steps::{Trained, rates};
use crate::graph::lower::Arrangement;
use crate::loader::Loaded;
use crate::runtime::{Program, Runtime};
use crate::seed::Seed;
use crate::train::feed::{Fed, fed_ahead};
use crate::train::tuning::told;
use crate::train::{Error, Feeding, TrainState, export_backbone};
use std::num::NonZeroUsize;
use std::time::Instant;

/// Runs that are timed, of which the median counts.
const ROUNDS: usize = 5;

/// Images at a time of embedding, beside as many as a step has.
const EMBEDDED: usize = 32;

/// A rate so small that the timed steps are all of the same state but for rounding.
const LEARNING: f32 = 1e-6;

/// Copying is beside the steps where this part of its time, at least, is saved.
const HIDDEN: f64 = 0.5;

/// Times a step in some arrangements.
///
/// # Errors
/// Whatever the runtime refuses with.
pub(super) fn steps(
    device: &Runtime,
    threads: NonZeroUsize,
    trained: &Trained,
    arrangements: &[Arrangement],
) -> Result<Vec<Speed>, Error> {
    let images = trained.graph.rows();
    let timed = |arrangement: &Arrangement| {
        let mut stepper = trained.stepper(device, threads, arrangement)?;
        let seconds = median(|| stepper.step(&trained.batch, &rates(LEARNING)).map(|_| ()))?;
        let what = format!("steps of {} in {}", trained.name, told(arrangement));
        Ok(Speed { what, images, images_per_second: images as f64 / seconds })
    };
    arrangements.iter().map(timed).collect()
}

/// Times embedding.
///
/// # Errors
/// Whatever the runtime refuses with.
pub(super) fn embedding(
    device: &Runtime,
    threads: NonZeroUsize,
    trained: &Trained,
) -> Result<Vec<Speed>, Error> {
    let backbone = &trained.graph.options.backbone;
    let state = TrainState::initial(&trained.graph, Seed::new(0));
    let model = export_backbone(backbone, &state, &Feeding::default())?;
    let [height, width] = backbone.image;
    let timed = |images: usize| {
        let mut program = Program::open(device, &model, threads)?;
        let fed = program.buffer(crate::runtime::Element::Float, &[images, 3, height, width])?;
        let embedding = [images, backbone.embedding];
        let embedding = program.buffer(crate::runtime::Element::Float, &embedding)?;
        let norm = program.buffer(crate::runtime::Element::Float, &[images, 1])?;
        let outputs = [("embedding", &embedding), ("norm", &norm)];
        let mut binding = program.bind(&[("input", &fed)], &outputs)?;
        let seconds = median(|| Ok(program.run(&mut binding)?))?;
        let what = format!("embedding by {}", trained.name);
        Ok(Speed { what, images, images_per_second: images as f64 / seconds })
    };
    [trained.graph.rows(), EMBEDDED].into_iter().map(timed).collect()
}

/// Whether a batch is copied to the device while a step is at work there.
///
/// # Errors
/// Whatever the runtime refuses with.
pub(super) fn copies(
    device: &Runtime,
    threads: NonZeroUsize,
    trained: &Trained,
    arrangement: &Arrangement,
) -> Result<Check, Error> {
    let mut stepper = trained.stepper(device, threads, arrangement)?;
    let feeds = stepper.feeds().to_vec();
    stepper.step(&trained.batch, &rates(LEARNING))?;
    let begun = Instant::now();
    (0..ROUNDS).try_for_each(|_| feeds[0].write(&trained.batch))?;
    let copying = begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    for _ in 0..ROUNDS {
        stepper.step(&trained.batch, &rates(LEARNING))?;
    }
    let in_turn = begun.elapsed().as_secs_f64();
    let load = |_| Ok(Loaded { batch: trained.batch.clone(), skipped: Vec::new() });
    let begun = Instant::now();
    fed_ahead(&feeds, 1, 0..ROUNDS, load, |_, fed| -> Result<(), Error> {
        let Fed { feed, .. } = fed?;
        stepper.learn(feed, &rates(LEARNING)).map(|_| ())
    })?;
    let at_once = begun.elapsed().as_secs_f64();
    let share = 100.0 * copying / in_turn;
    let hides = in_turn - at_once > HIDDEN * copying;
    let told = if hides { "beside the steps" } else { "before them" };
    Ok(Check::passed("copying of batches", format!("{told}; {share:.1} % of a step's time")))
}

/// The median time of a run, in seconds, after one that is not timed.
fn median(mut run: impl FnMut() -> Result<(), Error>) -> Result<f64, Error> {
    run()?;
    let mut seconds = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        run()?;
        seconds.push(begun.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    Ok(seconds[ROUNDS / 2])
}
