//! Twenty steps of a small network, from forward to optimiser, against the reference's: in f64 by
//! the evaluator on both graphs of a step, and from its states in f32 by the stepper that trains
//! (`stepped`) and by one whose backbone computes in float16 (`halved`).

use crate::Topic;
use crate::arrays::{case, largest, near, number, read};
use crate::halved;
use crate::heads::{contrast_options, float};
use crate::manifest::{Json, array, entries};
use crate::queue::rows_of_views;
use crate::reference::{Tensor, evaluate};
use crate::stepped::{self, widened};
use qgface_data::graph::Graph;
use qgface_data::nn::{
    Backbone, Block, HeadKind, HeadOptions, Ir, JointOptions, QueueKind, QueueOptions, Sharing,
    Trunk,
};
use qgface_data::optim::Sgd;
use qgface_data::seed::Seed;
use qgface_data::train::{Scales, StepGraph, StepOptions, TrainState};
use std::collections::BTreeMap;
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "trajectory", cases, run };

/// Of the largest magnitude, in f64, at the first step and at the last.
const FIRST: f64 = 1e-9;
const LAST: f64 = 1e-7;

/// Gradients before a normalisation are zero but for rounding, which is compared absolutely.
const ZERO: f64 = 1e-12;

fn cases(manifest: &Json) -> usize {
    entries(manifest, "runs").count()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let runs: BTreeMap<&str, &Json> = entries(manifest, "runs").collect();
    let inputs = Inputs::read(folder);
    let mut ran = 0;
    for (name, run) in &runs {
        let Some(kind) = name.strip_suffix("_f64") else { continue };
        let graph = StepGraph::new(step_options(folder, &manifest["settings"], run)).unwrap();
        groups(&graph, run);
        let initial = initial_state(folder, &graph, &manifest["settings"]["head"]);
        let rollout = in_f64(&folder.join(name), &graph, run, &inputs, &initial);
        compare_end(&folder.join(name), run, &rollout.last);
        ran += 1;
        let narrow = format!("{kind}_f32");
        if let Some(run) = runs.get(narrow.as_str()) {
            groups(&graph, run);
            halved::run(&graph, &inputs, &initial, &rollout);
            stepped::run(&folder.join(narrow), graph, run, &inputs, &initial, &rollout);
            ran += 1;
        }
    }
    ran
}

fn step_options(folder: &Path, settings: &Json, run: &Json) -> StepOptions {
    let (head, contrast) = (&settings["head"], &settings["c_head"]);
    let kernel = read(&folder.join("init/head.kernel.npy")).shape;
    let images = read(&folder.join("batches_u8.npy")).shape;
    let block = |channels| Block { channels, stride: 2 };
    let queue = QueueOptions {
        kind: QueueKind::Proxy,
        size: settings["queue"]["size"].as_u64().unwrap() as usize,
    };
    let mut head_options = HeadOptions::new(HeadKind::AdaFace);
    (head_options.s, head_options.m) = (float(head, "s"), float(head, "m"));
    (head_options.h, head_options.t_alpha) = (float(head, "h"), float(head, "t_alpha"));
    let backbone = Backbone {
        image: [images[4], images[5]],
        embedding: kernel[0],
        dropout: float(run, "dropout"),
        trunk: Trunk::Ir(Ir::plain(8, [8, 16, 16, 32].map(block).into())),
    };
    let optimiser = &settings["optimiser"];
    StepOptions {
        backbone,
        joint: JointOptions {
            head: head_options,
            contrast: Some((contrast_options(contrast), queue)),
        },
        classes: kernel[1],
        batch: images[1],
        accumulate: 1,
        views: images[2],
        scales: Scales::Fixed {
            head: float(head, "quality_scale"),
            contrast: float(contrast, "quality_scale"),
        },
        sgd: Sgd {
            momentum: float(optimiser, "momentum"),
            weight_decay: float(optimiser, "weight_decay"),
        },
        sharing: Sharing::default(),
        sample: None,
    }
}

/// The parameters that weight decay pulls at are the oracle's.
fn groups(graph: &StepGraph, run: &Json) {
    for group in array(run, "groups") {
        let decayed = float(group, "weight_decay") != 0.0;
        for name in array(group, "parameters") {
            let name = name.as_str().unwrap();
            let own = graph.params.parameters.iter().find(|p| p.name == name);
            let own = own.unwrap_or_else(|| panic!("no parameter {name}"));
            assert_eq!(own.decay == qgface_data::nn::Decay::Decayed, decayed, "{name}");
        }
    }
    let listed: usize = array(run, "groups").iter().map(|g| array(g, "parameters").len()).sum();
    assert_eq!(listed, graph.params.parameters.len());
}

/// What all steps are fed.
pub(crate) struct Inputs {
    images: Tensor,
    pub(crate) labels: Tensor,
    pub(crate) masks: Tensor,
}

impl Inputs {
    fn read(folder: &Path) -> Self {
        let [images, labels, masks] = ["batches_u8", "labels", "dropout_masks"]
            .map(|name| read(&folder.join(format!("{name}.npy"))));
        Self { images, labels, masks }
    }

    pub(crate) fn images(&self, step: usize) -> Tensor {
        let mut rows = rows_of_views(&case(&self.images, step));
        rows.data.iter_mut().for_each(|byte| *byte = (*byte - 128.0) / 128.0);
        rows
    }

    /// A state with what a step is fed beside it.
    pub(crate) fn feeds(&self, state: Named, step: usize) -> Named {
        let mut feeds = state;
        feeds.insert("images".to_owned(), self.images(step));
        feeds.insert("labels".to_owned(), case(&self.labels, step));
        feeds.insert("dropout_mask".to_owned(), case(&self.masks, step));
        feeds.insert("contrast_weight".to_owned(), number(1.0));
        feeds
    }
}

fn initial_state(folder: &Path, graph: &StepGraph, head: &Json) -> TrainState {
    let mut state = TrainState::initial(graph, Seed::new(0));
    for (name, tensor) in &mut state.tensors {
        let path = folder.join(format!("init/{name}.npy"));
        if path.is_file() {
            let own = read(&path);
            assert_eq!(tensor.shape, own.shape, "{name}");
            tensor.data = own.data.iter().map(|&x| x as f32).collect();
        }
    }
    for (name, key) in
        [("head.batch_mean", "initial_batch_mean"), ("head.batch_std", "initial_batch_std")]
    {
        state.tensors[name].data = vec![float(head, key) as f32];
    }
    state
}

pub(crate) type Named = BTreeMap<String, Tensor>;

/// The averages of a step, by the names of the manifest.
const REPORTED: [(&str, &str); 3] = [
    ("head_batch_mean", "head.batch_mean"),
    ("head_batch_std", "head.batch_std"),
    ("c_head_batch_mean", "contrast.batch_mean"),
];
pub(crate) const LOSSES: [&str; 3] = ["loss", "loss_cla", "loss_con"];

/// A run in f64 by the evaluator on both graphs of a step.
pub(crate) struct Rollout<'m> {
    /// The state before each step.
    pub(crate) states: Vec<Named>,
    /// What the manifest says of each.
    pub(crate) steps: &'m [Json],
    /// The state behind the last.
    pub(crate) last: Named,
}

/// Runs the steps and compares them with the oracle's.
fn in_f64<'m>(
    folder: &Path,
    graph: &StepGraph,
    run: &'m Json,
    inputs: &Inputs,
    initial: &TrainState,
) -> Rollout<'m> {
    let (mut state, mut states) = (widened(initial), Vec::new());
    let steps = array(run, "steps");
    let update = graph.update(&graph.params.parameters);
    for (step, expected) in steps.iter().enumerate() {
        states.push(state.clone());
        let made = evaluated(&graph.gradients, &inputs.feeds(state.clone(), step));
        let tolerance = if step == 0 { FIRST } else { LAST };
        let compare = |own: &Tensor, what: &str| {
            let expected = number(float(expected, what));
            near(own, &expected, tolerance * largest(&expected), &format!("step {step}: {what}"));
        };
        for (what, own) in LOSSES.into_iter().zip(&made["scalars"].data) {
            compare(&number(*own), what);
        }
        if step == 0 {
            let gradient = |name: &str| made[&format!("gradient.{name}")].clone();
            compare_part(folder, "step0_grad", run, gradient, FIRST);
        }
        updated(&mut state, made, &update, float(expected, "lr"));
        REPORTED.iter().for_each(|(what, own)| compare(&state[*own], what));
        if step == 0 {
            compare_part(folder, "after_step0", run, |name| state[name].clone(), FIRST);
        }
    }
    Rollout { states, steps, last: state }
}

/// Compares what a run has led to.
fn compare_end(folder: &Path, run: &Json, state: &Named) {
    compare_part(folder, "final", run, |name| state[name].clone(), LAST);
    let momentum = |name: &str| state[&format!("momentum.{name}")].clone();
    compare_part(folder, "final_momentum", run, momentum, LAST);
    queue(folder, run, state);
}

/// Puts what a step has made into the state: statistics, averages and the queue as they are, and
/// the parameters and momenta that the gradients lead to.
pub(crate) fn updated(state: &mut Named, made: Named, update: &Graph, rate: f64) {
    let mut feeds = Named::from([("rate".to_owned(), number(rate))]);
    for (name, tensor) in made {
        match name.strip_prefix("next.") {
            Some(own) => _ = state.insert(own.to_owned(), tensor),
            None => _ = feeds.insert(name, tensor),
        }
    }
    feeds.extend(state.iter().map(|(name, tensor)| (name.clone(), tensor.clone())));
    for (name, tensor) in evaluated(update, &feeds) {
        state.insert(name.trim_start_matches("next.").to_owned(), tensor);
    }
}

/// Whether a cut of the oracle says that it lacks a part.
fn left_out(run: &Json, part: &str) -> bool {
    run["left_out"].as_array().is_some_and(|parts| parts.iter().any(|own| own == part))
}

/// The outputs of a graph by name, by the evaluator.
pub(crate) fn evaluated(graph: &Graph, feeds: &Named) -> Named {
    let names = graph.outputs().iter().map(|(name, _)| name.clone());
    names.zip(evaluate(graph, &feeds_of(graph, feeds))).collect()
}

/// What a graph reads of all that there is.
pub(crate) fn feeds_of<'g>(graph: &'g Graph, all: &Named) -> Vec<(&'g str, Tensor)> {
    let wanted = graph.inputs().into_iter();
    wanted.map(|(_, node)| (node.name.as_str(), all[&node.name].clone())).collect()
}

/// Compares each array of a part of a run with the tensor of its name.
fn compare_part(
    folder: &Path,
    part: &str,
    run: &Json,
    own: impl Fn(&str) -> Tensor,
    relative: f64,
) {
    if left_out(run, part) {
        return;
    }
    let folder = folder.join(part);
    let mut compared = 0;
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()))
    {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        if name.ends_with("num_batches_tracked") {
            continue;
        }
        let expected = read(&path);
        let bound = relative * largest(&expected) + ZERO;
        near(&own(&name), &expected, bound, &path.display().to_string());
        compared += 1;
    }
    assert!(compared > 0, "{}", folder.display());
}

fn queue(folder: &Path, run: &Json, state: &Named) {
    if left_out(run, "queue") {
        return;
    }
    for (what, own) in [
        ("queue_embeds", "queue.embeddings"),
        ("queue_labels", "queue.labels"),
        ("queue_proxies", "queue.proxies"),
    ] {
        let expected = read(&folder.join(format!("{what}.npy")));
        let bound = LAST * largest(&expected) + ZERO;
        near(&state[own], &expected, bound, &format!("{}: {what}", folder.display()));
    }
}
