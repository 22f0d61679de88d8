//! Ranks that have parts of the class columns: with queues of their own or one of all, and from one
//! number of ranks to another.

use super::Part;
use super::course::{Course, compare, cut, stacked};
use super::processes;
use super::ranks::Ranks;
use super::setting::Setting;
use crate::manifest::{Json, array, number as whole};
use crate::reference::Tensor;
use crate::trajectory::Named;
use qgface_data::graph::World;
use qgface_data::nn::{HeadShare, Normalisation, QueueShare, Sharing};
use std::path::Path;

pub(super) const PART: Part = Part { cases, run };

/// In f64, of the largest magnitude, and for what is zero but for rounding.
const EXACT: (f64, f64) = (1e-9, 1e-12);

/// Numbers of ranks of the topic `resharding`.
const WORLDS: [usize; 3] = [1, 2, 4];

fn cases(manifest: &Json) -> usize {
    2 * array(&manifest["sharded_training"], "runs").len() + 2 * WORLDS.len() + 2
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let course = Course::read(folder, manifest);
    let training = &manifest["sharded_training"];
    let mut ran = 0;
    for name in array(training, "runs") {
        let name = name.as_str().unwrap();
        trained(&course, manifest, name, &folder.join("sharded_training").join(name).join("f64"));
        processes::in_f32(folder, &course, manifest, "sharded_training", name);
        ran += 2;
    }
    let resharding = Resharding { course: &course, manifest, of: &manifest["resharding"], folder };
    for world in WORLDS {
        resharding.whole(world);
        processes::in_f32(folder, &course, manifest, "resharding", &format!("w{world}"));
        ran += 2;
    }
    for world in [1, 2] {
        resharding.switched(4, world);
        ran += 1;
    }
    ran
}

fn sharing(queue: QueueShare, normalisation: Normalisation) -> Sharing {
    Sharing { head: HeadShare::Sharded, queue, normalisation, ..Sharing::default() }
}

/// A run with local normalisation.
pub(super) fn training(course: &Course<'_>, manifest: &Json, name: &str) -> Setting {
    let (world, queue) = name.strip_prefix('w').unwrap().split_once('_').unwrap();
    let world: usize = world.parse().unwrap();
    let share = if queue == "own" { QueueShare::Own } else { QueueShare::Shared };
    let parts = course.parts() / world;
    let size = whole(&manifest["sharded_training"]["queue_size"], queue) as usize;
    let mut options = course.options(size, parts);
    options.sharing = sharing(share, Normalisation::Local);
    Setting { world, parts, options, batches: course.batches() }
}

/// A run of which the number of ranks, the digits behind its name's first, may be any.
pub(super) fn resharding(course: &Course<'_>, manifest: &Json, name: &str) -> Setting {
    let world: usize = name.strip_prefix('w').unwrap().parse().unwrap();
    let (of, parts) = (&manifest["resharding"], course.parts() / world);
    let mut options = course.options(whole(of, "queue_size") as usize, parts);
    options.sharing = sharing(QueueShare::Shared, Normalisation::Synchronised);
    Setting { world, parts, options, batches: whole(of, "steps") as usize }
}

fn trained(course: &Course<'_>, manifest: &Json, name: &str, results: &Path) {
    let Setting { world, parts, options, .. } = training(course, manifest, name);
    let share = options.sharing.queue;
    let mut ranks = Ranks::new(course, world, parts, &options);
    let (mut losses, mut averages) = (Vec::new(), Vec::new());
    for batch in 0..course.batches() {
        let numbers = ranks.batch(course, batch).numbers;
        // What the topic tells is the mean over ranks, who agree on all averages.
        let mean = |at: usize| numbers.iter().map(|own| own[at]).sum::<f64>() / world as f64;
        losses.extend((0..3).map(mean));
        averages.extend((3..6).map(mean));
        for own in &numbers {
            assert!((3..6).all(|at| (own[at] - numbers[0][at]).abs() < 1e-12), "{numbers:?}");
        }
    }
    for (own, what) in [(losses, "losses"), (averages, "averages_by_step")] {
        compare(&Tensor { shape: vec![own.len()], data: own }, results, what, EXACT);
    }
    compare_whole(course, &ranks, results, "");
    let of = |state: &Named| course.flat("statistics", |name| state[name].clone());
    let statistics: Vec<Tensor> = ranks.states.iter().map(of).collect();
    compare(&stacked(&statistics), results, "statistics", EXACT);
    for part in ["embeddings", "proxies", "labels"] {
        let name = format!("queue.{part}");
        let own = match share {
            QueueShare::Own => stacked(ranks.states.iter().map(|state| &state[&name])),
            QueueShare::Shared => ranks.whole(&name, |state| state[&name].clone()),
        };
        compare(&own, results, &format!("queue_{part}"), EXACT);
    }
}

/// Parameters and momenta of all ranks.
fn compare_whole(course: &Course<'_>, ranks: &Ranks, results: &Path, before: &str) {
    for (prefix, what) in [("", "parameters"), ("momentum.", "momentum")] {
        let own = course.flat("parameters", |name| {
            ranks.whole(name, |state| state[&format!("{prefix}{name}")].clone())
        });
        compare(&own, results, &format!("{before}{what}"), EXACT);
    }
}

/// Runs with all that makes ranks one process, so that their number may change.
struct Resharding<'c> {
    course: &'c Course<'c>,
    manifest: &'c Json,
    of: &'c Json,
    folder: &'c Path,
}

impl Resharding<'_> {
    fn results(&self) -> std::path::PathBuf {
        self.folder.join("resharding")
    }

    fn ranks(&self, world: usize) -> Ranks {
        let own = resharding(self.course, self.manifest, &format!("w{world}"));
        Ranks::new(self.course, world, own.parts, &own.options)
    }

    /// All steps on one number of ranks.
    fn whole(&self, world: usize) {
        let mut ranks = self.ranks(world);
        let switch = whole(self.of, "switch_after") as usize;
        let mut losses = Vec::new();
        for step in 0..whole(self.of, "steps") as usize {
            losses.extend(self.step(&mut ranks, step));
            if step + 1 == switch {
                self.compare_state(&ranks, switch);
                self.compare_shards(&ranks, world);
            }
        }
        let losses = Tensor { shape: vec![losses.len()], data: losses };
        compare(&losses, &self.results().join("f64"), "losses", EXACT);
        self.compare_state(&ranks, whole(self.of, "steps") as usize);
    }

    /// Goes on with another number of ranks amid the run.
    fn switched(&self, before: usize, after: usize) {
        let switch = whole(self.of, "switch_after") as usize;
        let steps = whole(self.of, "steps") as usize;
        let mut ranks = self.ranks(before);
        (0..switch).for_each(|step| _ = self.step(&mut ranks, step));
        let mut others = self.ranks(after);
        for (rank, state) in others.states.iter_mut().enumerate() {
            for (name, own) in state.iter_mut() {
                let whole = ranks.whole(name, |state| state[name].clone());
                *own = match ranks.is_part(name) {
                    true => cut(&whole, World { ranks: after, rank }.part(whole.shape[1])),
                    false => whole,
                };
            }
        }
        (switch..steps).for_each(|step| _ = self.step(&mut others, step));
        self.compare_state(&others, steps);
    }

    /// The mean losses of a step.
    fn step(&self, ranks: &mut Ranks, step: usize) -> Vec<f64> {
        let numbers = ranks.batch(self.course, step).numbers;
        let mean =
            |at: usize| numbers.iter().map(|own| own[at]).sum::<f64>() / numbers.len() as f64;
        (0..3).map(mean).collect()
    }

    fn compare_state(&self, ranks: &Ranks, step: usize) {
        let (results, before) = (self.results().join("f64"), format!("step{step}_"));
        compare_whole(self.course, ranks, &results, &before);
        let whole = |name: &str| ranks.whole(name, |state| state[name].clone());
        let statistics = self.course.flat("statistics", whole);
        compare(&statistics, &results, &format!("{before}statistics"), EXACT);
        let averages = ["head.batch_mean", "head.batch_std", "contrast.batch_mean"].map(whole);
        compare(&stacked(&averages), &results, &format!("{before}averages"), EXACT);
        for part in ["embeddings", "proxies", "labels"] {
            let own = whole(&format!("queue.{part}"));
            compare(&own, &results, &format!("{before}queue_{part}"), EXACT);
        }
    }

    fn compare_shards(&self, ranks: &Ranks, world: usize) {
        for (rank, state) in ranks.states.iter().enumerate() {
            for (name, what) in
                [("head.kernel", "kernel"), ("momentum.head.kernel", "kernel_momentum")]
            {
                let file = format!("w{world}_rank{rank}_{what}");
                compare(&state[name], &self.results().join("shards"), &file, EXACT);
            }
        }
    }
}
