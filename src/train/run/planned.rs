//! What a run will take, told without making a step.

use super::course::Course;
use super::material::{batches, classes, open_packs};
use super::start::Start;
use super::weighed::{Scales, Weighed, at_hand, verdict};
use crate::runtime::{Device, Precision};
use crate::settings::keys;
use crate::train::checkpoint;
use crate::train::plan::{Exchanged, Links, PlanReport, Speed, Transit, Verdict};
use crate::train::tuning::{self, Site};
use crate::train::{Config, Error};
use std::fmt::Write;

/// What a table of speeds does not know of a run.
const UNTIMED: &str = "the head, the contrast and waiting for images are not in the speed";

/// Tells what a run will take; `jobs` threads would load and make steps. Nothing is written or fetched, and
/// no step is made.
///
/// # Errors
/// As [`super::train`] where the run could not begin.
pub fn plan(config: &Config, start: &Start, jobs: usize) -> Result<PlanReport, Error> {
    let (classes, of_epoch) = scope(config)?;
    let course = Course::new(config, of_epoch)?;
    let (made, run) = match start {
        Start::New => ((0, 0), None),
        Start::Resume(run) => (checkpoint::place(run)?, Some(run.clone())),
    };
    let is_elsewhere = config.settings.get(&keys::PLAN_IMAGES).is_some();
    let scales = Scales {
        config,
        classes,
        views: course.most_views(made.0),
        steps: course.steps,
        precision: config.precision_here()?,
        run,
        jobs,
        is_elsewhere,
        // What is fastest here says nothing of another machine.
        runtime: at_hand(config).filter(|_| !is_elsewhere),
    };
    let weighed = scales.weigh()?;
    let fits = verdict(&weighed.needs) <= Verdict::Tight;
    let changes = if fits { Vec::new() } else { scales.changes()? };
    let left = course.batches(made, course.steps.max(made.0));
    let speed = speed(&weighed, left.end.saturating_sub(left.start), scales.precision);
    let exchanged = Exchanged::of(&weighed.graph);
    let images = (config.batch * config.accumulate) as f64;
    let computing = speed.map(|speed| images / speed.images_per_second);
    let transit = exchanged.map(|exchanged| {
        let shape = [config.sharing.world.ranks, config.local_ranks];
        Transit::of(&exchanged, config.device, shape, links(config)).beside(computing)
    });
    let architecture = config.settings.get(&keys::BACKBONE_ARCHITECTURE);
    let width = config.settings.get(&keys::BACKBONE_WIDTH);
    let parameters = weighed.graph.parameters().map(|own| own.count() as u64);
    let mut command = format!(
        "qgface-data runtime tune --network {architecture} {}={width} {}={} {}={}",
        keys::BACKBONE_WIDTH.name(),
        keys::TRAIN_BATCH.name(),
        config.batch,
        keys::TRAIN_PRESET.name(),
        config.preset.name,
    );
    if config.precision != Precision::default() {
        _ = write!(command, " {}={}", keys::TRAIN_PRECISION.name(), config.precision);
    }
    if config.device != Device::Cpu {
        _ = write!(command, " {}={}", keys::TRAIN_DEVICE.name(), config.device);
    }
    Ok(PlanReport {
        network: format!("{architecture} of width {width}"),
        device: config.device.to_string(),
        classes: classes as u64,
        parameters: parameters.sum(),
        batch: config.batch as u64,
        accumulate: config.accumulate as u64,
        views: weighed.graph.options.views as u64,
        processes: config.sharing.world.ranks as u64,
        exchanged,
        transit,
        layout: tuning::name(weighed.expected.made.arrangement.layout).to_owned(),
        layout_since: weighed.expected.since.to_owned(),
        memory: weighed.memory,
        needs: weighed.needs.clone(),
        fits,
        changes,
        steps: course.steps.saturating_sub(made.0),
        of_steps: course.steps,
        measured_by: speed.is_none().then_some(command),
        speed,
        left_out: left_out(config, &weighed),
    })
}

/// The number of classes, and of the batches of an epoch: by the settings alone where they say of how many
/// images.
fn scope(config: &Config) -> Result<(usize, u64), Error> {
    let Some(images) = config.settings.get(&keys::PLAN_IMAGES) else {
        let packs = open_packs(config)?;
        let classes = classes(config, &packs)?;
        return Ok((classes, batches(config, &packs, &config.views)?.batches_per_epoch()));
    };
    let refused = |key: &'static str, expected: String, found: String| {
        Err(Error::Option { option: key, expected, found })
    };
    let Some(classes) = config.classes else {
        let expected = format!("a number of people beside {}", keys::PLAN_IMAGES.name());
        return refused(keys::TRAIN_CLASSES.name(), expected, "none".to_owned());
    };
    let of_step = config.batch as u64 * config.sharing.world.ranks as u64;
    match images / of_step {
        0 => {
            let expected = format!("at least {of_step}, the images of a batch of all processes");
            refused(keys::PLAN_IMAGES.name(), expected, images.to_string())
        }
        batches => Ok((classes, batches)),
    }
}

/// The links that the settings state.
fn links(config: &Config) -> Links {
    let get = |key| config.settings.get(key);
    Links {
        within: get(&keys::PLAN_WITHIN),
        between: get(&keys::PLAN_BETWEEN),
        latency: get(&keys::PLAN_LATENCY),
    }
}

/// How fast so many batches are, where the table knows.
fn speed(weighed: &Weighed, batches: u64, precision: Precision) -> Option<Speed> {
    let options = &weighed.graph.options;
    let site = Site::of(options).in_precision(precision);
    let choice = weighed.expected.choice.as_ref()?;
    let step = choice.seconds(&weighed.expected.made.arrangement)?;
    // Of more rows than were tried each takes as long.
    let batch = step * weighed.graph.rows() as f64 / site.rows() as f64;
    Some(Speed { images_per_second: options.batch as f64 / batch, seconds: batch * batches as f64 })
}

fn left_out(config: &Config, weighed: &Weighed) -> Vec<String> {
    let mut all = Vec::new();
    if !weighed.is_whole {
        all.push("activations: the rest alone does not fit".to_owned());
    }
    if !config.settings.get(&keys::VALIDATION_SETS).concat().is_empty() {
        all.push("validation".to_owned());
    }
    if weighed.expected.choice.is_some() {
        all.push(UNTIMED.to_owned());
    }
    if config.sharing.world.ranks > 1 {
        all.push("waiting for processes that are slower".to_owned());
    }
    all.push("time of checkpoints, and what measuring the fastest way takes".to_owned());
    if config.device != Device::Cpu {
        all.push("what CUDA and its libraries take on the device".to_owned());
    }
    all
}
