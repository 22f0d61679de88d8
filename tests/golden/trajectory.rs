//! Twenty steps of a small network, from forward to optimiser, against the reference's: in f64 by
//! the evaluator on both graphs of a step, in f32 by the stepper that trains.

use crate::Topic;
use crate::arrays::{case, largest, near, number, read};
use crate::installed;
use crate::heads::{contrast_options, float};
use crate::manifest::{Json, array, entries};
use crate::queue::rows_of_views;
use crate::reference::{Tensor, evaluate};
use qgface_data::nn::{
    Backbone, Block, HeadKind, HeadOptions, JointOptions, QueueKind, QueueOptions,
};
use qgface_data::optim::Sgd;
use qgface_data::seed::Seed;
use qgface_data::train::{
    Batch, Rates, Scales, StepGraph, StepOptions, Stepper, Tensor as Numbers, TrainState,
};
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "trajectory", cases, run };

/// Of the largest magnitude, in f64, at the first step and at the last.
const FIRST: f64 = 1e-9;
const LAST: f64 = 1e-7;

/// In f32: losses absolutely, states of the largest magnitude. A slope that reads a pixel of zero
/// on the other side than in f64 moves all later steps by so much; from the same state a step's
/// losses are far nearer.
const LOSS_F32: f64 = 1e-2;
const STATE_F32: f64 = 1e-2;
const SAME_STATE_F32: f64 = 1e-5;

/// Gradients before a normalisation are zero but for rounding, which is compared absolutely.
const ZERO_F64: f64 = 1e-12;
const ZERO_F32: f64 = 1e-5;

fn cases(manifest: &Json) -> usize {
    entries(manifest, "runs").count()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let mut ran = 0;
    for (name, run) in entries(manifest, "runs") {
        let graph = StepGraph::new(step_options(folder, &manifest["settings"], run)).unwrap();
        groups(&graph, run);
        let inputs = Inputs::read(folder);
        let initial = initial_state(folder, &graph, &manifest["settings"]["head"]);
        let own = folder.join(name);
        match name.rsplit('_').next() {
            Some("f64") => in_f64(&own, &graph, run, &inputs, initial),
            Some("f32") => in_f32(&own, graph, run, &inputs, initial),
            _ => panic!("{name}"),
        }
        ran += 1;
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
        stem: 8,
        blocks: [8, 16, 16, 32].map(block).into(),
        embedding: kernel[0],
        dropout: float(run, "dropout"),
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
        views: images[2],
        scales: Scales::Fixed {
            head: float(head, "quality_scale"),
            contrast: float(contrast, "quality_scale"),
        },
        sgd: Sgd {
            momentum: float(optimiser, "momentum"),
            weight_decay: float(optimiser, "weight_decay"),
        },
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
struct Inputs {
    images: Tensor,
    labels: Tensor,
    masks: Tensor,
}

impl Inputs {
    fn read(folder: &Path) -> Self {
        let [images, labels, masks] = ["batches_u8", "labels", "dropout_masks"]
            .map(|name| read(&folder.join(format!("{name}.npy"))));
        Self { images, labels, masks }
    }

    fn images(&self, step: usize) -> Tensor {
        let mut rows = rows_of_views(&case(&self.images, step));
        rows.data.iter_mut().for_each(|byte| *byte = (*byte - 128.0) / 128.0);
        rows
    }

    /// A state with what a step is fed beside it.
    fn feeds(&self, state: Named, step: usize) -> Named {
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

type Named = BTreeMap<String, Tensor>;

fn widened(state: &TrainState) -> Named {
    let wide = |tensor: &Numbers| Tensor {
        shape: tensor.shape.clone(),
        data: tensor.data.iter().map(|&x| f64::from(x)).collect(),
    };
    state.tensors.iter().map(|(name, tensor)| (name.clone(), wide(tensor))).collect()
}

/// The losses and averages of a step, by the names of the manifest.
const REPORTED: [(&str, &str); 3] = [
    ("head_batch_mean", "head.batch_mean"),
    ("head_batch_std", "head.batch_std"),
    ("c_head_batch_mean", "contrast.batch_mean"),
];
const LOSSES: [&str; 3] = ["loss", "loss_cla", "loss_con"];

fn in_f64(folder: &Path, graph: &StepGraph, run: &Json, inputs: &Inputs, initial: TrainState) {
    let mut state = widened(&initial);
    let steps = array(run, "steps");
    let update = graph.update(&graph.params.parameters);
    for (step, expected) in steps.iter().enumerate() {
        let made = evaluated(&graph.gradients, &inputs.feeds(state.clone(), step));
        let tolerance = if step == 0 { FIRST } else { LAST };
        let scalars = made["scalars"].data.clone();
        for (what, own) in LOSSES.into_iter().zip(scalars) {
            let expected = number(float(expected, what));
            let bound = tolerance * largest(&expected);
            near(&number(own), &expected, bound, &format!("step {step}: {what}"));
        }
        for (name, tensor) in &made {
            if let Some(own) = name.strip_prefix("next.") {
                state.insert(own.to_owned(), tensor.clone());
            }
        }
        for (what, own) in REPORTED {
            let expected = number(float(expected, what));
            let bound = tolerance * largest(&expected);
            near(&state[own], &expected, bound, &format!("step {step}: {what}"));
        }
        let mut feeds = state.clone();
        feeds.insert("rate".to_owned(), number(float(expected, "lr")));
        feeds.extend(made.into_iter().filter(|(name, _)| name.starts_with("gradient.")));
        for (name, tensor) in evaluated(&update, &feeds) {
            state.insert(name.trim_start_matches("next.").to_owned(), tensor);
        }
        let tensor = |name: &str| state[name].clone();
        if step == 0 {
            let gradient = |name: &str| feeds[&format!("gradient.{name}")].clone();
            compare(folder, "step0_grad", run, gradient, FIRST, ZERO_F64);
            compare(folder, "after_step0", run, tensor, FIRST, ZERO_F64);
        }
    }
    compare(folder, "final", run, |name| state[name].clone(), LAST, ZERO_F64);
    let momentum = |name: &str| state[&format!("momentum.{name}")].clone();
    compare(folder, "final_momentum", run, momentum, LAST, ZERO_F64);
    queue(folder, run, &state, LAST, ZERO_F64);
}

/// Whether a cut of the oracle says that it lacks a part.
fn left_out(run: &Json, part: &str) -> bool {
    run["left_out"].as_array().is_some_and(|parts| parts.iter().any(|own| own == part))
}

fn evaluated(graph: &qgface_data::graph::Graph, feeds: &Named) -> Named {
    let wanted = graph.inputs();
    let feeds: Vec<(&str, Tensor)> =
        wanted.iter().map(|(_, node)| (node.name.as_str(), feeds[&node.name].clone())).collect();
    let names = graph.outputs().iter().map(|(name, _)| name.clone());
    names.zip(evaluate(graph, &feeds)).collect()
}

fn in_f32(folder: &Path, graph: StepGraph, run: &Json, inputs: &Inputs, initial: TrainState) {
    let runtime = installed::runtime();
    let drops = graph.mask_shape().is_some();
    let exact = graph.gradients.clone();
    let mut stepper = Stepper::new(&runtime, graph, NonZeroUsize::MIN).unwrap();
    stepper.load(&initial).unwrap();
    for (step, expected) in array(run, "steps").iter().enumerate() {
        let images: Vec<f32> = inputs.images(step).data.iter().map(|&x| x as f32).collect();
        let labels: Vec<i64> = case(&inputs.labels, step).data.iter().map(|&x| x as i64).collect();
        let mask = if drops { case(&inputs.masks, step).data } else { Vec::new() };
        let mask: Vec<bool> = mask.iter().map(|&kept| kept != 0.0).collect();
        let batch = Batch { images: &images, labels: &labels, dropout_mask: &mask };
        let rates = Rates {
            learning: float(expected, "lr") as f32,
            contrast_weight: 1.0,
            head_scale: 0.0,
            contrast_scale: 0.0,
        };
        let from_here = evaluated(&exact, &inputs.feeds(widened(&stepper.state().unwrap()), step));
        let stepped = stepper.step(&batch, &rates).unwrap();
        assert!(stepped.applied, "step {step}: {stepped:?}");
        let scalars = stepped.scalars;
        let own = [scalars.loss, scalars.loss_cla, scalars.loss_con];
        for (what, own) in LOSSES.into_iter().zip(own) {
            let expected = number(float(expected, what));
            near(&number(own.into()), &expected, LOSS_F32, &format!("step {step}: {what}"));
        }
        for ((what, own), exact) in LOSSES.into_iter().zip(own).zip(&from_here["scalars"].data) {
            let bound = SAME_STATE_F32 * exact.abs().max(1.0);
            let what = format!("step {step} from the same state: {what}");
            near(&number(own.into()), &number(*exact), bound, &what);
        }
    }
    let state = widened(&stepper.state().unwrap());
    compare(folder, "final", run, |name| state[name].clone(), STATE_F32, ZERO_F32);
    queue(folder, run, &state, STATE_F32, ZERO_F32);
}

/// Compares each array of a part of a run with the tensor of its name.
fn compare(
    folder: &Path,
    part: &str,
    run: &Json,
    own: impl Fn(&str) -> Tensor,
    relative: f64,
    absolute: f64,
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
        let bound = relative * largest(&expected) + absolute;
        near(&own(&name), &expected, bound, &path.display().to_string());
        compared += 1;
    }
    assert!(compared > 0, "{}", folder.display());
}

fn queue(folder: &Path, run: &Json, state: &Named, relative: f64, absolute: f64) {
    if left_out(run, "queue") {
        return;
    }
    for (what, own) in [
        ("queue_embeds", "queue.embeddings"),
        ("queue_labels", "queue.labels"),
        ("queue_proxies", "queue.proxies"),
    ] {
        let expected = read(&folder.join(format!("{what}.npy")));
        let bound = relative * largest(&expected) + absolute;
        near(&state[own], &expected, bound, &format!("{}: {what}", folder.display()));
    }
}
