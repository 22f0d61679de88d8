//! The same runs in f32, by processes that MPI starts on this machine, each with the stepper that trains.
//!
//! This program starts itself as the ranks. Each writes what it has made to a file, and they are held
//! against the oracle's f32 runs; what led to the first update is also held against the evaluator's, since
//! the oracle allows much of what a slope on the other side of zero does later.

use super::course::{Course, compare, side_by_side, stacked};
use super::ranks::Ranks;
use super::runs::compare_ranks;
use super::setting::Setting;
use crate::arrays::{largest, near, read};
use crate::installed;
use crate::manifest::{self, Json};
use crate::reference::Tensor;
use crate::stepped::LAYOUTS;
use crate::trajectory::Named;
use qgface_data::graph::lower::Layout;
use qgface_data::graph::{Op, World};
use qgface_data::group::{Family, Group, Job, Launcher};
use qgface_data::nn::{HeadShare, Overlap, QueueShare, Sharing};
use qgface_data::optim::SampleUpdate;
use qgface_data::runtime::Mpich;
use qgface_data::train::{
    self, Batch, Making, Rates, Sample, StepGraph, StepOptions, Stepper, TrainState,
};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// In f32 the oracle allows this: of losses absolutely, of all else of the largest magnitude.
const LOSS_F32: f64 = 1e-1;
const STATE_F32: f64 = 1e-2;

/// What led to the first update, of the largest magnitude of a tensor: the logits are 32 times as large as
/// what is rounded.
const FIRST: f64 = 1e-4;

/// Gradients before a normalisation are zero but for rounding.
const ZERO: f64 = 1e-5;

/// The argument that makes this program a rank.
const RANK: &str = "--rank";

/// What a rank has made.
#[derive(PartialEq, Serialize, Deserialize)]
struct Made {
    /// Losses and averages of every batch.
    reported: Vec<[f64; 6]>,
    /// The state behind the first update, and behind the last.
    first: Vec<(String, Vec<usize>, Vec<f32>)>,
    last: Vec<(String, Vec<usize>, Vec<f32>)>,
}

fn listed(state: &TrainState) -> Vec<(String, Vec<usize>, Vec<f32>)> {
    let tensors = state.tensors.iter();
    tensors.map(|(name, own)| (name.clone(), own.shape.clone(), own.data.clone())).collect()
}

fn named(listed: &[(String, Vec<usize>, Vec<f32>)]) -> Named {
    let wide = |data: &[f32]| data.iter().map(|&x| f64::from(x)).collect();
    let tensor =
        |shape: &Vec<usize>, data: &[f32]| Tensor { shape: shape.clone(), data: wide(data) };
    listed.iter().map(|(name, shape, data)| (name.clone(), tensor(shape, data))).collect()
}

/// Works as a rank where the arguments say so; returns whether they do.
pub(crate) fn as_rank(arguments: &[String]) -> bool {
    let [first, golden, folder, name, layout, out] = arguments else { return false };
    if first != RANK {
        return false;
    }
    let group = Arc::new(Group::join(None).unwrap());
    let layout = LAYOUTS[layout.parse::<usize>().unwrap()];
    let work = || rank(Path::new(golden), folder, name, layout, &group);
    let Ok(made) = catch_unwind(AssertUnwindSafe(work)) else { group.abort(3) };
    let file = Path::new(out).join(format!("{}.json", group.rank()));
    std::fs::write(file, serde_json::to_vec(&made).unwrap()).unwrap();
    Arc::into_inner(group).expect("nobody else has it").leave().unwrap();
    true
}

fn rank(golden: &Path, folder: &str, name: &str, layout: Layout, group: &Arc<Group>) -> Made {
    let manifest = manifest::read(golden);
    let course = Course::read(golden, &manifest);
    let Setting { world, parts, options, batches } = Setting::of(&course, &manifest, folder, name);
    assert_eq!(group.size(), world);
    let sharing = Sharing { world: World { ranks: world, rank: group.rank() }, ..options.sharing };
    let options = StepOptions { sharing, ..options };
    let graph = StepGraph::new(options.clone()).unwrap();
    let initial = course.initial(&graph);
    settle(group, &sharing);
    let runtime = installed::runtime().with_group(Arc::clone(group));
    let by = |graph: &StepGraph, broken, overlap| {
        let stepper = || {
            let arrangement = &layout.into();
            let making = Making { overlap, ..Making::new(NonZeroUsize::MIN, arrangement) };
            Stepper::made(&runtime, graph.clone(), &making).unwrap()
        };
        learned(&course, parts, batches, group.rank(), &initial, &stepper, broken)
    };
    let learned = |graph: &StepGraph, broken| by(graph, broken, Overlap::On).0;
    let (made, ahead) = by(&graph, false, Overlap::On);
    // Of each update all sums that there are, and the same as when all gradients are made.
    let announced = graph.gradients.values().filter(|(_, own)| matches!(own.op, Op::Announce(_)));
    assert_eq!(ahead, announced.count() * (batches / graph.options.accumulate));
    let (after, ahead) = by(&graph, false, Overlap::Off);
    assert!(after == made && ahead == 0);
    // A state that is taken up amid a step is no other.
    assert!(graph.options.accumulate == 1 || made == learned(&graph, true));
    if sharing.head == HeadShare::Sharded {
        // A sample of all class columns is all of them.
        let sample = Some(Sample { rate: 1.0, update: SampleUpdate::Sparse, seed: 0 });
        let of = |sample, accumulate| {
            StepGraph::new(StepOptions { sample, accumulate, ..options.clone() }).unwrap()
        };
        let held = |sampled: &Made, expected: &Named, what: &str| {
            let sampled = named(&sampled.first);
            for (tensor, expected) in expected {
                let bound = FIRST * largest(expected) + ZERO;
                near(
                    &sampled[tensor],
                    expected,
                    bound,
                    &format!("{folder}/{name}, {what}: {tensor}"),
                );
            }
        };
        held(&learned(&of(sample, 1), false), &named(&made.first), "a sample of all");
        let few = Some(Sample { rate: 0.3, update: SampleUpdate::Sparse, seed: 0 });
        let of_few = StepOptions { sample: few, ..options.clone() };
        let mut exact = Ranks::new(&course, world, parts, &of_few);
        exact.batch(&course, 0);
        held(&learned(&of(few, 1), false), &exact.states[group.rank()], "a sample of few");
        // A state of samples that is taken up amid a step is no other either.
        assert!(learned(&of(few, 2), false) == learned(&of(few, 2), true));
    }
    made
}

/// Ranks on unlike processors take the first one's numbers where they are apart by rounding, and no others.
fn settle(group: &Group, sharing: &Sharing) {
    if group.size() == 1 {
        return;
    }
    let state = |apart: f32| {
        let apart = if group.rank() == 0 { 0.0 } else { apart };
        let weight = train::Tensor { shape: vec![2], data: vec![1.0 + apart, -2.0] };
        let bias = train::Tensor { shape: vec![1], data: vec![0.5] };
        let tensors = [("weight".to_owned(), weight), ("bias".to_owned(), bias)].into();
        TrainState { tensors }
    };
    let settled = |apart: f32, is_unlike| {
        let mut own = state(apart);
        let changed = train::settled(group, sharing, &mut own, is_unlike);
        let changed = changed.map_err(|error| error.to_string())?;
        Ok::<_, String>((changed, own.tensors["weight"].data.clone()))
    };
    let first = vec![1.0, -2.0];
    assert_eq!(settled(0.0, true).unwrap(), (false, first.clone()));
    assert_eq!(settled(1e-5, true).unwrap(), (true, first));
    for (apart, is_unlike) in [(0.1, true), (f32::NAN, true), (1e-5, false)] {
        let refused = settled(apart, is_unlike).unwrap_err();
        assert!(refused.starts_with("rank 1: weight: expected"), "{apart}: {refused}");
    }
}

/// Learns from all batches; where it is `broken` another stepper takes the state up behind each. Also how many
/// sums of gradients the last stepper has begun ahead.
fn learned(
    course: &Course<'_>,
    parts: usize,
    batches: usize,
    rank: usize,
    initial: &TrainState,
    new: &dyn Fn() -> Stepper,
    broken: bool,
) -> (Made, usize) {
    let mut stepper = new();
    stepper.load(initial).unwrap();
    let (mut reported, mut first) = (Vec::new(), None);
    for batch in 0..batches {
        let [images, labels] = course.batch(batch, rank * parts, parts);
        let fed = Batch {
            number: batch as u64,
            images: images.data.iter().map(|&x| x as f32).collect(),
            labels: labels.data.iter().map(|&x| x as i64).collect(),
            masks: Vec::new(),
        };
        let rates = Rates {
            learning: course.rate as f32,
            contrast_weight: 1.0,
            head_scale: 0.0,
            contrast_scale: 0.0,
        };
        let stepped = stepper.step(&fed, &rates).unwrap();
        assert!(stepped.applied, "batch {batch}: {stepped:?}");
        let state = stepper.state().unwrap();
        let scalars = stepped.scalars;
        let average = |name: &str| f64::from(state.tensors[name].data[0]);
        let [loss, cla, con] = [scalars.loss, scalars.loss_cla, scalars.loss_con].map(f64::from);
        let [mean, std, margin] =
            ["head.batch_mean", "head.batch_std", "contrast.batch_mean"].map(average);
        reported.push([loss, cla, con, mean, std, margin]);
        if stepped.step.is_some() && first.is_none() {
            first = Some(listed(&state));
        }
        if broken {
            stepper = new();
            stepper.load(&state).unwrap();
        }
    }
    let made = Made { reported, first: first.unwrap(), last: listed(&stepper.state().unwrap()) };
    (made, stepper.summed().ahead)
}

/// Runs the ranks of a run with images in a layout; what each has made.
fn started(golden: &Path, folder: &str, name: &str, layout: usize, world: usize) -> Vec<Made> {
    let out = tempfile::tempdir().unwrap();
    let (launcher, library) = launcher();
    let job = Job { processes: world, ..Job::default() };
    let own = std::env::current_exe().unwrap();
    let layout = layout.to_string();
    let arguments =
        [RANK, golden.to_str().unwrap(), folder, name, &layout, out.path().to_str().unwrap()];
    let mut command = launcher.command(&job, &own, &arguments.map(Into::into));
    if let Some(library) = library {
        command.env("MPI_DYLIB_PATH", library);
    }
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{folder}/{name}: {}: {said}", output.status);
    let made = |rank: usize| {
        let bytes = std::fs::read(out.path().join(format!("{rank}.json"))).unwrap();
        serde_json::from_slice(&bytes).unwrap()
    };
    (0..world).map(made).collect()
}

/// The MPI that QGFACE_TEST_MPI names by its mpiexec, else the pinned one.
fn launcher() -> (Launcher, Option<PathBuf>) {
    if let Some(named) = std::env::var_os("QGFACE_TEST_MPI") {
        return (Launcher::find(Some(Path::new(&named))).unwrap(), None);
    }
    let mpich = Mpich::install(&|_| ()).unwrap_or_else(|error| panic!("{error}"));
    let launcher = Launcher::find(Some(&mpich.mpiexec())).unwrap();
    assert_eq!(launcher.family, Family::Mpich);
    (launcher, Some(mpich.library()))
}

/// A run by processes, in both layouts.
pub(super) fn in_f32(
    golden: &Path,
    course: &Course<'_>,
    manifest: &Json,
    folder: &str,
    name: &str,
) {
    let setting = Setting::of(course, manifest, folder, name);
    let mut exact = Ranks::new(course, setting.world, setting.parts, &setting.options);
    for batch in 0..setting.options.accumulate {
        exact.batch(course, batch);
    }
    for layout in 0..LAYOUTS.len() {
        let made = started(golden, folder, name, layout, setting.world);
        for (rank, made) in made.iter().enumerate() {
            let first = named(&made.first);
            for (tensor, expected) in &exact.states[rank] {
                let bound = FIRST * largest(expected) + ZERO;
                let said = format!("{folder}/{name}: rank {rank}, first update: {tensor}");
                near(&first[tensor], expected, bound, &said);
            }
        }
        let states: Vec<Named> = made.iter().map(|made| named(&made.last)).collect();
        let reported: Vec<Vec<[f64; 6]>> = (0..setting.batches)
            .map(|batch| made.iter().map(|made| made.reported[batch]).collect())
            .collect();
        match folder {
            "sharded_training" => {
                compare_sharded(golden, course, &setting, name, &reported, &states)
            }
            "resharding" => compare_resharding(golden, course, &reported, &states),
            _ => compare_replicated(golden, course, folder, name, &reported, &states),
        }
    }
}

/// Runs in which all ranks have all class columns.
fn compare_replicated(
    golden: &Path,
    course: &Course<'_>,
    folder: &str,
    name: &str,
    reported: &[Vec<[f64; 6]>],
    states: &[Named],
) {
    let results = golden.join(folder).join(name).join("f32");
    // A step reports the mean over ranks; the oracle has the losses of each.
    let expected = mean_of_ranks(&read(&results.join("losses.npy")));
    near(&mean_losses(reported), &expected, LOSS_F32, &format!("{}: losses", results.display()));
    let of_ranks =
        |own: &Vec<[f64; 6]>| own.iter().flat_map(|own| own[3..].to_vec()).collect::<Vec<_>>();
    let data: Vec<f64> = reported.iter().flat_map(of_ranks).collect();
    let averages = Tensor { shape: vec![data.len()], data };
    compare(&averages, &results, "averages", (STATE_F32, STATE_F32));
    for state in states {
        let own = course.flat("parameters", |name| state[name].clone());
        assert!(own == course.flat("parameters", |name| states[0][name].clone()), "ranks differ");
        compare(&own, &results, "final_parameters", (STATE_F32, 0.0));
    }
    compare_ranks(course, states, &results, (STATE_F32, 0.0));
}

/// Parameters of which ranks have parts of the class columns.
fn joined(course: &Course<'_>, states: &[Named]) -> Tensor {
    course.flat("parameters", |name| match name {
        "head.kernel" => {
            side_by_side(&states.iter().map(|state| state[name].clone()).collect::<Vec<_>>())
        }
        _ => states[0][name].clone(),
    })
}

/// The mean of `[batch, rank, number]` over ranks, as a row.
fn mean_of_ranks(all: &Tensor) -> Tensor {
    let [batches, ranks, numbers] = all.shape[..] else { panic!("{:?}", all.shape) };
    let of = |batch: usize, number: usize| {
        let own = (0..ranks).map(|rank| all.data[(batch * ranks + rank) * numbers + number]);
        own.sum::<f64>() / ranks as f64
    };
    let data: Vec<f64> =
        (0..batches).flat_map(|batch| (0..numbers).map(move |number| of(batch, number))).collect();
    Tensor { shape: vec![data.len()], data }
}

/// Mean losses of every batch.
fn mean_losses(reported: &[Vec<[f64; 6]>]) -> Tensor {
    let mean = |own: &Vec<[f64; 6]>, at: usize| {
        own.iter().map(|own| own[at]).sum::<f64>() / own.len() as f64
    };
    let data: Vec<f64> =
        reported.iter().flat_map(|own| [0, 1, 2].map(|at| mean(own, at))).collect();
    Tensor { shape: vec![data.len()], data }
}

fn compare_sharded(
    golden: &Path,
    course: &Course<'_>,
    setting: &Setting,
    name: &str,
    reported: &[Vec<[f64; 6]>],
    states: &[Named],
) {
    let results = golden.join("sharded_training").join(name).join("f32");
    compare(&mean_losses(reported), &results, "losses", (0.0, LOSS_F32));
    compare(&joined(course, states), &results, "parameters", (STATE_F32, 0.0));
    assert_eq!(setting.options.sharing.head, HeadShare::Sharded);
    for part in ["embeddings", "proxies"] {
        let all = states.iter().map(|state| &state[&format!("queue.{part}")]);
        let own = match setting.options.sharing.queue {
            QueueShare::Own => stacked(all),
            QueueShare::Shared => states[0][&format!("queue.{part}")].clone(),
        };
        compare(&own, &results, &format!("queue_{part}"), (STATE_F32, 0.0));
    }
}

fn compare_resharding(
    golden: &Path,
    course: &Course<'_>,
    reported: &[Vec<[f64; 6]>],
    states: &[Named],
) {
    let results = golden.join("resharding/f32");
    compare(&mean_losses(reported), &results, "losses", (0.0, LOSS_F32));
    compare(&joined(course, states), &results, "step5_parameters", (STATE_F32, 0.0));
    let statistics = course.flat("statistics", |name| states[0][name].clone());
    compare(&statistics, &results, "step5_statistics", (STATE_F32, 0.0));
}
