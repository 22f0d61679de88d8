//! The queue alone and the whole joint loss, step by step and past overflow, against the
//! reference's.

use crate::Topic;
use crate::arrays::{PRECISIONS, Precision, case, number, read};
use crate::heads::{contrast_options, float};
use crate::looped::{Looped, Named};
use crate::manifest::{Json, text};
use crate::reference::Tensor;
use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph, Value};
use qgface_data::nn::{
    Averages, Columns, HeadKind, HeadOptions, HeadState, JointInput, JointOptions, JointState,
    QualityScale, Queue, QueueKind, QueueOptions, QueueShare, Sharing, joint,
};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "queue", cases, run };

const KINDS: [(&str, QueueKind); 2] = [("proxy", QueueKind::Proxy), ("fifo", QueueKind::Fifo)];

fn joints(manifest: &Json) -> impl Iterator<Item = (&String, &Json)> {
    manifest["joint"].as_object().unwrap().iter()
}

fn cases(manifest: &Json) -> usize {
    (KINDS.len() + joints(manifest).count()) * PRECISIONS.len()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let mut ran = 0;
    for precision in &PRECISIONS {
        for (name, kind) in KINDS {
            queue_only(&folder.join("queue_only"), name, kind, &manifest["queue_only"], precision);
            ran += 1;
        }
        for (name, options) in joints(manifest) {
            joint_case(&folder.join("joint"), name, options, precision);
            ran += 1;
        }
    }
    println!(
        "queue: moco waits until it is built; queue_only/none keeps nothing, and nothing is built for it"
    );
    ran
}

fn size(options: &Json) -> usize {
    options["queue_size"].as_u64().unwrap() as usize
}

/// Declares an empty queue.
fn declare(g: &mut Builder, options: QueueOptions, dimension: usize) -> (Queue, Named) {
    let entries = [options.size, dimension];
    let zeros =
        |shape: &[usize]| Tensor { shape: shape.to_vec(), data: vec![0.0; shape.iter().product()] };
    let mut state = Named::new();
    let mut input = |name: &str, shape: &[usize]| {
        state.insert(name.to_owned(), zeros(shape));
        g.input(name, Element::Float, shape)
    };
    let proxied = options.kind == QueueKind::Proxy;
    let queue = Queue {
        embeddings: input("embeds", &entries),
        labels: input("labels_kept", &entries[..1]),
        proxies: proxied.then(|| input("proxies", &entries)),
        filled: input("filled", &[]),
    };
    (queue, state)
}

fn kept(queue: &Queue) -> Vec<(String, Value)> {
    let mut outputs = vec![
        ("next.embeds".to_owned(), queue.embeddings),
        ("next.labels_kept".to_owned(), queue.labels),
        ("next.filled".to_owned(), queue.filled),
    ];
    outputs.extend(queue.proxies.map(|proxies| ("next.proxies".to_owned(), proxies)));
    outputs
}

/// Compares what is kept and used with the oracle's files of a step.
fn compare(folder: &Path, step: usize, returned: &str, made: &Named, precision: &Precision) {
    let Some(filled) = made.get("next.filled") else { return };
    let filled = filled.data[0] as usize;
    let mut compared = 0;
    for (what, own) in [
        ("queue_embeds", "next.embeds"),
        ("queue_labels", "next.labels_kept"),
        ("queue_proxies", "next.proxies"),
        (returned, "returned"),
    ] {
        let path = folder.join(precision.name).join(format!("step{step}_{what}.npy"));
        let (Some(own), true) = (made.get(own), path.is_file()) else { continue };
        let expected = read(&path);
        assert_eq!(filled, expected.shape[0], "{}", path.display());
        let width = own.data.len() / own.shape[0];
        let mut own = own.clone();
        own.data.truncate(filled * width);
        precision.check(&own, &expected, &path.display().to_string());
        compared += 1;
    }
    // Embeddings, labels and what is used, at the least.
    assert!(compared >= 3, "{}: step {step} has {compared} arrays", folder.display());
}

fn queue_only(folder: &Path, name: &str, kind: QueueKind, options: &Json, precision: &Precision) {
    let [keys, kernels] =
        ["keys", "kernels"].map(|name| precision.input(&folder.join(format!("{name}.npy"))));
    let labels = read(&folder.join("labels.npy"));
    let queue_options = QueueOptions { kind, size: size(options) };
    let mut g = Builder::new();
    let rows = g.input("keys", Element::Float, &keys.shape[1..]);
    let numbers = g.input("labels", Element::Int64, &labels.shape[1..]);
    let kernel = g.input("kernel", Element::Float, &kernels.shape[1..]);
    let (queue, state) = declare(&mut g, queue_options, keys.shape[2]);
    let entered = g.gather_columns(kernel, numbers);
    let entered = g.transpose(entered, &[1, 0]);
    let queue = queue_options.enqueue(&mut g, queue, rows, numbers, Some(entered));
    let now = queue_options.columns_of(&mut g, &queue, Columns::whole(kernel), QueueShare::Own);
    let entries = queue_options.entries(&mut g, &queue, Some(now));
    let mut outputs = kept(&queue);
    // What is used as it is kept would be one value under two names.
    let entries = if kind == QueueKind::Proxy { entries } else { g.offset(entries, 0.0) };
    outputs.push(("returned".to_owned(), entries));
    let graph = g.finish(outputs);
    let mut looped = Looped::new(&graph, precision.name, state);
    for step in 0..options["steps"].as_u64().unwrap() as usize {
        let feeds = [
            ("keys", case(&keys, step)),
            ("labels", case(&labels, step)),
            ("kernel", case(&kernels, step)),
        ];
        let made = looped.step(&feeds);
        compare(&folder.join(name), step, "returned", &made, precision);
    }
}

fn joint_graph(options: &Json, rows: usize, kernel: &[usize]) -> (Graph, Named) {
    let head = &options["head"];
    assert_eq!(text(head, "cls"), "AdaFace");
    let head_options = HeadOptions {
        s: float(head, "s"),
        m: float(head, "m"),
        h: float(head, "h"),
        t_alpha: float(head, "t_alpha"),
        ..HeadOptions::new(HeadKind::AdaFace)
    };
    let kind = options["queue_name"].as_str().map(|name| {
        KINDS.iter().find(|(own, _)| *own == name).unwrap_or_else(|| panic!("{name}")).1
    });
    let contrast = kind.map(|kind| {
        (contrast_options(&options["c_head"]), QueueOptions { kind, size: size(options) })
    });
    let joint_options = JointOptions { head: head_options, contrast };
    let mut g = Builder::new();
    let features = g.input("features", Element::Float, &[rows, kernel[0]]);
    let labels = g.input("labels", Element::Int64, &[rows]);
    let kernel = g.input("kernel", Element::Float, kernel);
    let weight = g.input("weight", Element::Float, &[]);
    let mut state = Named::new();
    let init = options["head_initial_batch_mean_std"].as_array().unwrap();
    let number_input = |g: &mut Builder, state: &mut Named, name: &str, value: f64| {
        state.insert(name.to_owned(), number(value));
        g.input(name, Element::Float, &[])
    };
    let averages = Averages {
        mean: number_input(&mut g, &mut state, "batch_mean", init[0].as_f64().unwrap()),
        std: number_input(&mut g, &mut state, "batch_std", init[1].as_f64().unwrap()),
    };
    let contrast_state = contrast.map(|(_, queue)| {
        let average = number_input(&mut g, &mut state, "average", 0.0);
        let dimension = g.shape(kernel)[0];
        let (queue, own) = declare(&mut g, queue, dimension);
        state.extend(own);
        (queue, average)
    });
    let scale = |part: &Json| QualityScale::Fixed(part["quality_scale"].as_f64().unwrap_or(0.0));
    let (head_scale, contrast_scale) = (scale(head), scale(&options["c_head"]));
    let (columns, sharing) = (Columns::whole(kernel), Sharing::default());
    let input =
        JointInput { features, labels, columns, weight, head_scale, contrast_scale, sharing };
    let joint_state = JointState {
        head: HeadState { averages, t: None, started: None },
        contrast: contrast_state,
    };
    let made = joint(&mut g, &joint_options, input, joint_state);
    let gradients = backward(&mut g, made.loss, &[features, kernel]);
    let mut outputs = vec![
        ("loss".to_owned(), made.loss),
        ("loss_cla".to_owned(), made.loss_cla),
        ("loss_con".to_owned(), made.loss_con),
        ("grad_features".to_owned(), gradients[0].unwrap()),
        ("grad_kernel".to_owned(), gradients[1].unwrap()),
        ("next.batch_mean".to_owned(), made.state.head.averages.mean),
        ("next.batch_std".to_owned(), made.state.head.averages.std),
    ];
    if let Some((queue, average)) = made.state.contrast {
        outputs.extend(kept(&queue));
        outputs.push(("next.average".to_owned(), average));
        let entries = made.entries.unwrap();
        let entries = if queue.proxies.is_some() { entries } else { g.offset(entries, 0.0) };
        outputs.push(("returned".to_owned(), entries));
    }
    (g.finish(outputs), state)
}

/// Rows of a batch: view 1 of all samples, then view 0, from `[sample, view, …]`.
pub(crate) fn rows_of_views(samples: &Tensor) -> Tensor {
    let (count, views) = (samples.shape[0], samples.shape[1]);
    let width: usize = samples.shape[2..].iter().product();
    let mut shape = vec![count * views];
    shape.extend(&samples.shape[2..]);
    let mut data = Vec::with_capacity(samples.data.len());
    for view in (0..views).rev() {
        for sample in 0..count {
            let start = (sample * views + view) * width;
            data.extend(&samples.data[start..start + width]);
        }
    }
    Tensor { shape, data }
}

fn twice(labels: &Tensor) -> Tensor {
    let data = labels.data.iter().chain(&labels.data).copied().collect();
    Tensor { shape: vec![2 * labels.data.len()], data }
}

/// What the manifest calls the numbers that a step makes.
const NUMBERS: [(&str, &str); 6] = [
    ("loss", "loss"),
    ("loss_cla", "loss_cla"),
    ("loss_con", "loss_con"),
    ("head_batch_mean", "next.batch_mean"),
    ("head_batch_std", "next.batch_std"),
    ("c_head_batch_mean", "next.average"),
];

/// Every step is fed the classifier that the reference had there, so that no step starts where the
/// rounding of those before has led; averages and the queue are carried on.
fn joint_case(folder: &Path, name: &str, options: &Json, precision: &Precision) {
    let features = precision.input(&folder.join("features.npy"));
    let labels = read(&folder.join("labels.npy"));
    let own = folder.join(name);
    let file = |what: &str| own.join(precision.name).join(format!("steps_{what}.npy"));
    let kernels = precision.input(&file("kernel_before"));
    let [of_features, of_kernel] = ["grad_features", "grad_kernel"].map(|what| read(&file(what)));
    let rows = features.shape[1] * features.shape[2];
    let (graph, state) = joint_graph(options, rows, &kernels.shape[1..]);
    let mut looped = Looped::new(&graph, precision.name, state);
    let steps = options["steps"][precision.name].as_array().unwrap();
    for (step, stored) in steps.iter().enumerate() {
        let mut feeds = vec![
            ("features", rows_of_views(&case(&features, step))),
            ("labels", twice(&case(&labels, step))),
            ("kernel", case(&kernels, step)),
            ("weight", number(float(options, "contrast_weight"))),
        ];
        let before = looped.state().clone();
        let made = looped.step(&feeds);
        compare(&own, step, "queue_returned", &made, precision);
        feeds.extend(before.iter().map(|(name, tensor)| (name.as_str(), tensor.clone())));
        let in_order = graph.outputs().iter().map(|(name, _)| made[name].clone()).collect();
        let expected = |output: &str, _: &Tensor| match output {
            "grad_features" => Some(rows_of_views(&case(&of_features, step))),
            "grad_kernel" => Some(case(&of_kernel, step)),
            _ => {
                let (key, _) = NUMBERS.iter().find(|(_, own)| *own == output)?;
                Some(number(float(stored, key)))
            }
        };
        let what = format!("{name} step {step}");
        precision.check_made(&graph, &feeds, in_order, expected, &what);
    }
}
