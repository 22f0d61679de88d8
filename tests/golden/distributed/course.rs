//! Steps that sum the gradients of several batches, against the reference's on one process: in f64 by
//! the evaluator on both graphs of a step, in f32 by the stepper that trains, once in one go and once
//! with its state put down and taken up behind every batch.

use crate::Topic;
use crate::arrays::{case, largest, near, number, read, shaped};
use crate::heads::{contrast_options, float};
use crate::manifest::{Json, array, entries, integers, number as whole, text};
use crate::nudge::nudge;
use crate::queue::rows_of_views;
use crate::reference::Tensor;
use crate::stepped::{LAYOUTS, stepper, widened};
use crate::trajectory::{LOSSES, Named, evaluated, updated};
use qgface_data::graph::lower::Layout;
use qgface_data::nn::{
    Backbone, Block, HeadKind, HeadOptions, JointOptions, QueueKind, QueueOptions,
};
use qgface_data::optim::Sgd;
use qgface_data::seed::Seed;
use qgface_data::train::{
    Batch, Rates, Scales, StepGraph, StepOptions, Tensor as Numbers, TrainState,
};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "distributed", cases, run };

/// In f64, of the largest magnitude, and for what is zero but for rounding.
const EXACT: (f64, f64) = (1e-9, 1e-12);

/// In f32 the oracle allows what a slope on the other side of zero does to later batches: of losses
/// absolutely, of all else of the largest magnitude.
const LOSS_F32: f64 = 1e-1;
const STATE_F32: f64 = 1e-2;

/// The runs of one process, of which there are no ranks.
fn alone(manifest: &Json) -> impl Iterator<Item = (&str, &Json)> {
    entries(&manifest["runs"], "accumulate").filter(|(_, run)| whole(run, "world") == 1)
}

fn cases(manifest: &Json) -> usize {
    2 * alone(manifest).count()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let mut ran = 0;
    for (name, run) in alone(manifest) {
        let course = Course::read(folder, manifest, run);
        let results = folder.join("accumulate").join(name);
        course.in_f64(&results.join("f64"));
        course.in_f32(&results.join("f32"));
        ran += 2;
    }
    println!("distributed: runs of several ranks wait until ranks are built");
    ran
}

/// What a run is made of.
struct Course<'m> {
    graph: StepGraph,
    layout: &'m Json,
    initial: TrainState,
    /// Averages before the first batch.
    start: Vec<(String, f64)>,
    /// Images and labels of each batch.
    batches: Vec<(Tensor, Tensor)>,
    rate: f64,
}

impl<'m> Course<'m> {
    fn read(folder: &Path, manifest: &'m Json, run: &Json) -> Self {
        let train = folder.join("train");
        let [images, labels] =
            ["batches_u8", "labels"].map(|name| read(&train.join(format!("{name}.npy"))));
        let accumulate = whole(run, "micro_batches") as usize;
        let count = accumulate * whole(run, "steps") as usize;
        let of_first_rank = |stack: &Tensor, batch| case(&case(stack, batch), 0);
        let batches = (0..count).map(|batch| {
            let mut rows = rows_of_views(&of_first_rank(&images, batch));
            rows.data.iter_mut().for_each(|byte| *byte = (*byte - 128.0) / 128.0);
            (rows, of_first_rank(&labels, batch))
        });
        let (settings, layout) = (&manifest["settings"], &manifest["layout"]);
        let queue = whole(run, "queue_size") as usize;
        let [views, height] = [3, 5].map(|axis| images.shape[axis]);
        let options = StepOptions {
            backbone: backbone(layout, height),
            batch: labels.shape[2],
            views,
            accumulate,
            ..step_options(settings, queue)
        };
        let graph = StepGraph::new(options).unwrap();
        let start = entries(settings, "start");
        let start: Vec<_> =
            start.map(|(name, value)| (name.to_owned(), value.as_f64().unwrap())).collect();
        let initial = initial(&graph, layout, &start, &read(&train.join("init_parameters.npy")));
        let rate = float(&settings["sgd"], "lr");
        Self { graph, layout, initial, start, batches: batches.collect(), rate }
    }

    /// By the evaluator.
    fn in_f64(&self, results: &Path) {
        let (gradients, update) =
            (&self.graph.gradients, self.graph.update(&self.graph.params.parameters));
        let mut state = widened(&self.initial);
        // In 64 bits the run starts with other averages than rounded ones.
        let start = self.start.iter().map(|(name, own)| (name.clone(), number(*own)));
        state.extend(start);
        let mut reported = Vec::new();
        let mut summed = Named::new();
        for (at, (images, labels)) in self.batches.iter().enumerate() {
            let of_step = at % self.graph.options.accumulate;
            let mut feeds = state.clone();
            feeds.extend([
                ("images".to_owned(), images.clone()),
                ("labels".to_owned(), labels.clone()),
                ("contrast_weight".to_owned(), number(1.0)),
                ("carried".to_owned(), number(if of_step == 0 { 0.0 } else { 1.0 })),
            ]);
            for own in &self.graph.params.parameters {
                // Nothing may be read of what lies there before the first batch.
                let nothing = || {
                    let count = own.shape.iter().product();
                    Tensor { shape: own.shape.clone(), data: vec![f64::NAN; count] }
                };
                let earlier = summed.get(&format!("gradient.{}", own.name));
                let earlier = earlier.filter(|_| of_step > 0).cloned().unwrap_or_else(nothing);
                feeds.insert(format!("accumulated.{}", own.name), earlier);
            }
            let mut made = evaluated(gradients, &feeds);
            summed = made.clone();
            summed.retain(|name, _| name.starts_with("gradient."));
            reported.push(made["scalars"].data[..LOSSES.len()].to_vec());
            if of_step + 1 == self.graph.options.accumulate {
                if at < self.graph.options.accumulate {
                    let flat = self.flat("parameters", |name| &summed[&format!("gradient.{name}")]);
                    compare(&flat, results, "step0_gradient", EXACT);
                }
                updated(&mut state, made, &update, self.rate);
            } else {
                made.retain(|name, _| name.starts_with("next."));
                let next = made.into_iter();
                state.extend(next.map(|(name, own)| (name["next.".len()..].to_owned(), own)));
            }
            reported.last_mut().unwrap().extend(averages(&state));
        }
        compare_reported(&reported, results, EXACT.0, EXACT.0);
        self.compare_end(&state, results, EXACT);
    }

    /// By the stepper.
    fn in_f32(&self, results: &Path) {
        for layout in LAYOUTS {
            let whole = self.steps(layout, false);
            let broken = self.steps(layout, true);
            assert!(whole == broken, "a state that is taken up amid a step is another");
            let (reported, last) = whole;
            compare_reported(&reported, results, LOSS_F32, STATE_F32);
            self.compare_end(&widened(&last), results, (STATE_F32, 0.0));
        }
    }

    /// What all batches report, and the last state. Where it is `broken` another stepper takes the state
    /// up behind every batch.
    fn steps(&self, layout: Layout, broken: bool) -> (Vec<Vec<f64>>, TrainState) {
        let stepper = || stepper(self.graph.clone(), layout);
        let mut initial = self.initial.clone();
        for (name, own) in &mut initial.tensors {
            // Zeros and ones are exact.
            if own.data.iter().any(|x| x.fract() != 0.0) {
                nudge(&mut own.data, name);
            }
        }
        let mut own = stepper();
        own.load(&initial).unwrap();
        let mut reported = Vec::new();
        for (at, (images, labels)) in self.batches.iter().enumerate() {
            let batch = Batch {
                images: images.data.iter().map(|&x| x as f32).collect(),
                labels: labels.data.iter().map(|&x| x as i64).collect(),
                dropout_mask: Vec::new(),
            };
            let rates = Rates {
                learning: self.rate as f32,
                contrast_weight: 1.0,
                head_scale: 0.0,
                contrast_scale: 0.0,
            };
            let stepped = own.step(&batch, &rates).unwrap();
            let accumulate = self.graph.options.accumulate;
            assert!(stepped.applied, "batch {at}: {stepped:?}");
            assert_eq!(stepped.step.is_some(), (at + 1) % accumulate == 0, "batch {at}");
            let state = own.state().unwrap();
            let scalars = stepped.scalars;
            let mut line =
                [scalars.loss, scalars.loss_cla, scalars.loss_con].map(f64::from).to_vec();
            line.extend(averages(&widened(&state)));
            reported.push(line);
            if broken {
                own = stepper();
                own.load(&state).unwrap();
            }
        }
        (reported, own.state().unwrap())
    }

    /// The tensors of a part of the layout, one behind the other.
    fn flat<'s>(&self, part: &str, own: impl Fn(&str) -> &'s Tensor) -> Tensor {
        let names = array(self.layout, part).iter().map(|row| text(row, "name"));
        let data: Vec<f64> = names.flat_map(|name| own(name).data.clone()).collect();
        Tensor { shape: vec![data.len()], data }
    }

    fn compare_end(&self, state: &Named, results: &Path, tolerance: (f64, f64)) {
        for (part, what) in [("parameters", "final_parameters"), ("statistics", "final_statistics")]
        {
            compare(&self.flat(part, |name| &state[name]), results, what, tolerance);
        }
        for part in ["embeddings", "proxies"] {
            compare(&state[&format!("queue.{part}")], results, &format!("queue_{part}"), tolerance);
        }
        compare(&state["queue.labels"], results, "queue_labels", (0.0, 0.0));
    }
}

/// Losses and averages of every batch.
fn compare_reported(reported: &[Vec<f64>], results: &Path, of_losses: f64, of_averages: f64) {
    for (what, columns, bound) in [("losses", 0..3, of_losses), ("averages", 3..6, of_averages)] {
        let data: Vec<f64> =
            reported.iter().flat_map(|line| line[columns.clone()].iter().copied()).collect();
        let own = Tensor { shape: vec![data.len()], data };
        let (path, expected) = stored(results, what, &own);
        near(&own, &expected, bound * largest(&expected).max(1.0), &path);
    }
}

fn compare(own: &Tensor, results: &Path, what: &str, (relative, absolute): (f64, f64)) {
    let (path, expected) = stored(results, what, own);
    near(own, &expected, relative * largest(&expected) + absolute, &path);
}

/// An array of one rank, with the extents of our own.
fn stored(results: &Path, what: &str, like: &Tensor) -> (String, Tensor) {
    let path = results.join(format!("{what}.npy"));
    (path.display().to_string(), shaped(&read(&path), &like.shape))
}

/// Averages in the order of the oracle.
fn averages(state: &Named) -> [f64; 3] {
    ["head.batch_mean", "head.batch_std", "contrast.batch_mean"].map(|name| state[name].data[0])
}

/// The network whose parameters the layout lists: a block of stride 2 for each second convolution.
fn backbone(layout: &Json, image: usize) -> Backbone {
    let shape = |name: &str| {
        let row = array(layout, "parameters").iter().find(|row| text(row, "name") == name);
        row.map(|row| integers(&row["shape"])[0] as usize)
    };
    let second = |at: usize| shape(&format!("backbone.body.{at}.res_layer.4.weight"));
    let blocks = (0..).map_while(second).map(|channels| Block { channels, stride: 2 });
    Backbone {
        image: [image; 2],
        stem: shape("backbone.input_layer.0.weight").unwrap(),
        blocks: blocks.collect(),
        embedding: shape("backbone.output_layer.3.weight").unwrap(),
        dropout: 0.0,
    }
}

/// Options with a network that is no step's.
fn step_options(settings: &Json, queue: usize) -> StepOptions {
    let (head, contrast, sgd) = (&settings["head"], &settings["contrast"], &settings["sgd"]);
    let queue = QueueOptions { kind: QueueKind::Proxy, size: queue };
    let mut head_options = HeadOptions::new(HeadKind::AdaFace);
    (head_options.s, head_options.m) = (float(head, "s"), float(head, "m"));
    (head_options.h, head_options.t_alpha) = (float(head, "h"), float(head, "t_alpha"));
    StepOptions {
        backbone: Backbone { image: [1; 2], stem: 1, blocks: vec![], embedding: 1, dropout: 0.0 },
        joint: JointOptions {
            head: head_options,
            contrast: Some((contrast_options(contrast), queue)),
        },
        classes: whole(settings, "classes") as usize,
        batch: 1,
        accumulate: 1,
        views: 1,
        scales: Scales::Fixed {
            head: float(head, "quality_scale"),
            contrast: float(contrast, "quality_scale"),
        },
        sgd: Sgd { momentum: float(sgd, "momentum"), weight_decay: float(sgd, "weight_decay") },
    }
}

/// The parameters of the oracle, and the averages that a run starts with.
fn initial(graph: &StepGraph, layout: &Json, start: &[(String, f64)], flat: &Tensor) -> TrainState {
    let mut state = TrainState::initial(graph, Seed::new(0));
    for row in array(layout, "parameters") {
        let (name, first) = (text(row, "name"), whole(row, "offset") as usize);
        let shape: Vec<usize> = integers(&row["shape"]).iter().map(|&x| x as usize).collect();
        let count: usize = shape.iter().product();
        let own = Tensor { shape, data: flat.data[first..first + count].to_vec() };
        assert_eq!(state.get(name, &own.shape).unwrap().data.len(), count);
        let data = own.data.iter().map(|&x| x as f32).collect();
        state.tensors[name] = Numbers { shape: own.shape, data };
    }
    for (name, value) in start {
        state.tensors[name].data = vec![*value as f32];
    }
    state
}
