//! Ranks that all have all class columns, with queues of their own or shared ones, with buffers of
//! their own or of the first rank's, and with one or several batches a step.

use super::Part;
use super::course::{Course, compare, stacked};
use super::processes;
use super::ranks::{Ranks, Reported};
use super::setting::Setting;
use crate::arrays::number;
use crate::manifest::{Json, entries, number as whole};
use crate::reference::Tensor;
use crate::trajectory::Named;
use qgface_data::nn::{BuffersShare, QueueShare, Sharing};
use qgface_data::train::StepOptions;
use std::path::Path;

pub(super) const PART: Part = Part { cases, run };

const FOLDERS: [&str; 3] = ["ddp", "ddp_shared_queue", "accumulate"];

/// In f64, of the largest magnitude, and for what is zero but for rounding.
const EXACT: (f64, f64) = (1e-9, 1e-12);

fn all(manifest: &Json) -> impl Iterator<Item = (&str, &str, &Json)> {
    FOLDERS.iter().flat_map(|folder| {
        entries(&manifest["runs"], folder).map(|(name, run)| (*folder, name, run))
    })
}

fn cases(manifest: &Json) -> usize {
    2 * all(manifest).count()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let course = Course::read(folder, manifest);
    let runs = all(manifest);
    let both = |(part, name, run): (&str, &str, &Json)| {
        in_f64(&course, run, &folder.join(part).join(name));
        processes::in_f32(folder, &course, manifest, part, name);
    };
    2 * runs.map(both).count()
}

/// What a run is.
pub(super) fn setting(course: &Course<'_>, run: &Json) -> Setting {
    let shared = run["sync_GPU"].as_bool().unwrap_or(false);
    let queue = if shared { QueueShare::Shared } else { QueueShare::Own };
    let broadcast = run["broadcast_buffers"].as_bool().unwrap_or(false);
    let buffers = if broadcast { BuffersShare::Broadcast } else { BuffersShare::Local };
    let accumulate = run["micro_batches"].as_u64().unwrap_or(1) as usize;
    let options = StepOptions {
        accumulate,
        sharing: Sharing { queue, buffers, ..Sharing::default() },
        ..course.options(whole(run, "queue_size") as usize, 1)
    };
    let batches = run["steps"].as_u64().map_or(course.batches(), |own| own as usize * accumulate);
    Setting { world: whole(run, "world") as usize, parts: 1, options, batches }
}

fn in_f64(course: &Course<'_>, run: &Json, results: &Path) {
    let results = results.join("f64");
    let Setting { world, options, batches, .. } = setting(course, run);
    let accumulate = options.accumulate;
    let broadcast = options.sharing.buffers == BuffersShare::Broadcast;
    let mut ranks = Ranks::new(course, world, 1, &options);
    let (mut numbers, mut labels) = (Vec::new(), Vec::new());
    let mut first = None;
    for batch in 0..batches {
        // What is not the first batch of a step keeps the buffers of its rank.
        if broadcast && batch % accumulate == 0 {
            ranks.broadcast_buffers();
        }
        let Reported { numbers: own, gradients } = ranks.batch(course, batch);
        numbers.push(own);
        first = first.or(gradients);
        labels.extend(ranks.states.iter().map(labels_of));
    }
    compare_reported(&numbers, &results);
    compare(&stacked(&labels), &results, "queue_labels_by_step", (0.0, 0.0));
    let of_rank = |gradients: &Named| {
        course.flat("parameters", |name| gradients[&format!("gradient.{name}")].clone())
    };
    let gradients: Vec<Tensor> = first.unwrap().iter().map(of_rank).collect();
    let sum = gradients.iter().skip(1).fold(gradients[0].clone(), |mut sum, own| {
        sum.data.iter_mut().zip(&own.data).for_each(|(sum, x)| *sum += x);
        sum
    });
    compare(&sum, &results, "step0_gradient", EXACT);
    if results.join("step0_local_gradients.npy").is_file() {
        // The oracle's are of losses that nobody has divided by the number of ranks.
        let mut local = stacked(&gradients);
        local.data.iter_mut().for_each(|x| *x *= world as f64);
        compare(&local, &results, "step0_local_gradients", EXACT);
    }
    let last = course.flat("parameters", |name| ranks.whole(name, |state| state[name].clone()));
    compare(&last, &results, "final_parameters", EXACT);
    compare_ranks(course, &ranks.states, &results, EXACT);
}

/// Losses and averages of every batch and rank.
fn compare_reported(numbers: &[Vec<[f64; 6]>], results: &Path) {
    for (what, columns) in [("losses", 0..3), ("averages", 3..6)] {
        let of = |own: &[f64; 6]| own[columns.clone()].to_vec();
        let data: Vec<f64> = numbers.iter().flatten().flat_map(of).collect();
        let own = Tensor { shape: vec![data.len()], data };
        compare(&own, results, what, (EXACT.0, EXACT.0));
    }
}

/// Statistics and queues of all ranks.
pub(super) fn compare_ranks(
    course: &Course<'_>,
    states: &[Named],
    results: &Path,
    tolerance: (f64, f64),
) {
    let of = |state: &Named| course.flat("statistics", |name| state[name].clone());
    let statistics: Vec<Tensor> = states.iter().map(of).collect();
    compare(&stacked(&statistics), results, "final_statistics", tolerance);
    for part in ["embeddings", "proxies", "labels"] {
        let own = stacked(states.iter().map(|state| &state[&format!("queue.{part}")]));
        let tolerance = if part == "labels" { (0.0, 0.0) } else { tolerance };
        compare(&own, results, &format!("queue_{part}"), tolerance);
    }
}

/// The labels of a queue, −1 where nothing has entered yet.
fn labels_of(state: &Named) -> Tensor {
    let filled = state["queue.filled"].data[0] as usize;
    let mut labels = state["queue.labels"].clone();
    labels.data[filled..].fill(number(-1.0).data[0]);
    labels
}
