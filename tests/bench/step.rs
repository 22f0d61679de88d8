//! Training steps beside PyTorch's, in turn, as ratios; the time by operator.
//!
//! `QGFACE_PEERS=DIR cargo bench --bench step`: DIR holds `step.py`, and `QGFACE_PYTHON` is a
//! Python with PyTorch. `-- ir18 ir50 8` chooses networks (`ir18`) and images a step (8 and 16; 64),
//! `-- profile` lists operators instead, and `QGFACE_DEVICE=cuda:0` runs steps and step.py there. Each
//! measurement is a process of its own, so that its peak memory is its own. Times are medians of [`ROUNDS`]
//! rounds (`QGFACE_ROUNDS`) of [`STEPS`] steps, and ratios medians of the rounds' own: what slows a machine
//! for minutes slows both sides of a round.

mod median;
mod watch;

use median::median;
use qgface_data::graph::Width;
use qgface_data::graph::lower::Layout;
use qgface_data::nn::{
    Backbone, ContrastOptions, HeadKind, HeadOptions, JointOptions, QueueKind, QueueOptions,
    Sharing,
};
use qgface_data::optim::Sgd;
use qgface_data::runtime::{Device, OnMissing, Precision, Processor, Runtime, use_huge_pages};
use qgface_data::seed::Seed;
use qgface_data::train::tuning::{has, with_library};
use qgface_data::train::{
    Batch, Making, Rates, Scales, StepGraph, StepOptions, Stepper, TrainState,
};
use std::collections::HashMap;
use std::fs::File;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};
use watch::run_watched;

/// Enough that a median is steady to some percent on a machine that others use too.
const ROUNDS: usize = 9;
const STEPS: usize = 3;
/// Steps before the timed ones, as in step.py.
const WARM_UP: usize = 2;

/// Images through the backbone a step, and how many of them are meant unless some are chosen.
const BATCHES: [usize; 3] = [8, 16, 64];
const USUAL: usize = 2;
/// Identities of CASIA-WebFace, as in step.py.
const CLASSES: usize = 10_572;

/// A kind of step.
struct Kind {
    name: &'static str,
    layout: Layout,
    width: Width,
    /// The whole QG step of as many images, in two views and with a queue; else that of step.py.
    joint: bool,
}

impl Kind {
    /// Each device has own operators of the program's, a processor has few of half width, and not every one
    /// multiplies bfloat16.
    fn runs_on(&self, device: &str) -> bool {
        let device = device.parse().expect("cpu or cuda:0");
        let processor = Processor::here();
        let has_factors = self.layout != Layout::RoundedPixels
            || Precision::Bfloat16.on(device, &processor).is_ok();
        let has_width = self.width == Width::Whole || device != Device::Cpu;
        has(device, self.layout) && has_width && has_factors
    }

    /// What step.py is asked for to multiply in as many bits.
    fn precision(&self) -> &'static str {
        match (self.width, self.layout) {
            (Width::Half, _) => "fp16",
            (_, Layout::RoundedPixels) => "bf16",
            _ => "fp32",
        }
    }
}

/// Steps in ONNX's operators alone, and in the program's own: with channels last on the processor, by
/// cuDNN on CUDA.
static KINDS: [Kind; 7] = [
    kind("planes", Layout::Planes),
    kind("pixels", Layout::Pixels),
    kind("vendor", Layout::VendorPlanes),
    kind("bfloat16", Layout::RoundedPixels),
    Kind { width: Width::Half, ..kind("half planes", Layout::Planes) },
    Kind { width: Width::Half, ..kind("half vendor", Layout::VendorPlanes) },
    Kind { joint: true, ..kind("joint", Layout::Pixels) },
];

const fn kind(name: &'static str, layout: Layout) -> Kind {
    Kind { name, layout, width: Width::Whole, joint: false }
}

/// What step.py is asked for: a name, precision and variant.
static PEERS: [(&str, &str, &str); 6] = [
    ("eager", "fp32", "eager"),
    ("best", "fp32", "best"),
    ("eager bf16", "bf16", "eager"),
    ("best bf16", "bf16", "best"),
    ("eager fp16", "fp16", "eager"),
    ("best fp16", "fp16", "best"),
];

/// Peers of the kinds that a device has; on CUDA without those that are compiled, which takes minutes.
fn peers(device: &str) -> Vec<(&'static str, &'static str, &'static str)> {
    let kinds = KINDS.iter().filter(|kind| kind.runs_on(device));
    let asked: Vec<&str> = kinds.map(Kind::precision).collect();
    let compiles = device == "cpu";
    let peers = PEERS.into_iter().filter(|(_, precision, _)| asked.contains(precision));
    peers.filter(|(.., variant)| compiles || *variant != "best").collect()
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["child", network, batch, kind] => {
            let batch = batch.parse().expect("a batch size");
            let kind = KINDS.iter().find(|own| own.name == kind).expect("a kind");
            let times = Trial::new(network, batch, kind, None).times(WARM_UP, STEPS);
            println!("median {} s/step", median(times).as_secs_f64());
        }
        // `cargo test --all-targets` must not run a benchmark.
        _ if !arguments.iter().any(|argument| argument == "--bench") => {}
        _ => measure(&arguments),
    }
}

fn measure(arguments: &[String]) {
    let named = |name: &&str| arguments.iter().any(|own| own == name);
    let networks: Vec<&str> = ["ir18", "ir34", "ir50", "ir100"].into_iter().filter(named).collect();
    let networks = if networks.is_empty() { vec!["ir18"] } else { networks };
    if named(&"profile") {
        for (network, kind) in networks.iter().flat_map(|own| {
            KINDS.iter().filter(|kind| kind.runs_on(&device())).map(move |kind| (own, kind))
        }) {
            profile(network, BATCHES[1], kind);
        }
        return;
    }
    let work = tempfile::tempdir().expect("a folder for the benchmark");
    let chosen = BATCHES.into_iter().filter(|batch| named(&batch.to_string().as_str()));
    let chosen: Vec<usize> = chosen.collect();
    let batches = if chosen.is_empty() { BATCHES[..USUAL].to_vec() } else { chosen };
    for network in networks {
        for &batch in &batches {
            compare(network, batch, work.path());
        }
    }
}

fn device() -> String {
    std::env::var("QGFACE_DEVICE").unwrap_or_else(|_| "cpu".to_owned())
}

fn compare(network: &str, batch: usize, work: &Path) {
    let mut measured: HashMap<&str, (Vec<Duration>, u64)> = HashMap::new();
    let rounds = std::env::var("QGFACE_ROUNDS").map_or(ROUNDS, |own| own.parse().expect("rounds"));
    for _ in 0..rounds {
        for kind in KINDS.iter().filter(|kind| kind.runs_on(&device())) {
            let mut command = Command::new(std::env::current_exe().expect("this program"));
            command.args(["child", network, &batch.to_string(), kind.name]);
            use_huge_pages(&mut command);
            note(&mut measured, kind.name, timed(&mut command, work));
        }
        let folder = std::env::var_os("QGFACE_PEERS");
        let peers = peers(&device());
        for (folder, peer) in
            folder.iter().flat_map(|own| peers.iter().map(move |peer| (own, peer)))
        {
            let &(name, precision, variant) = peer;
            let python = std::env::var_os("QGFACE_PYTHON").unwrap_or_else(|| "python3".into());
            let mut command = Command::new(python);
            let device = device().split(':').next().unwrap_or_default().to_owned();
            command.arg(Path::new(folder).join("step.py")).args([network, &batch.to_string()]);
            let steps = STEPS.to_string();
            command.args([&CLASSES.to_string(), &device, precision, &steps, variant]);
            note(&mut measured, name, timed(&mut command, work));
        }
    }
    println!("{network} batch {batch}");
    let reference = &measured[KINDS[0].name].0;
    for name in KINDS.iter().map(|kind| kind.name).chain(PEERS.map(|(name, ..)| name)) {
        let Some((times, peak)) = measured.get(name) else { continue };
        let taken = median(times.clone()).as_secs_f64();
        let [least, middle, most] = ratios(reference, times);
        println!(
            "  {name:<8} {taken:.3} s in {} MiB, {middle:.2} × ({least:.2} to {most:.2}) as fast as {}",
            peak >> 10,
            KINDS[0].name,
        );
    }
    for ((peer, precision, _), own) in
        PEERS.iter().flat_map(|peer| KINDS.iter().map(move |own| (peer, own)))
    {
        let like = own.precision() == *precision;
        let both = measured.get(peer).zip(measured.get(own.name));
        if let Some(((times, _), (own_times, _))) = both.filter(|_| like && !own.joint) {
            let [least, middle, most] = ratios(times, own_times);
            println!("  {} is {middle:.2} × ({least:.2} to {most:.2}) as fast as {peer}", own.name);
        }
    }
    if PEERS.iter().all(|(name, ..)| !measured.contains_key(name)) {
        println!("  QGFACE_PEERS names the folder of step.py");
    }
}

/// The least, the middle and the largest ratio of a round.
fn ratios(above: &[Duration], below: &[Duration]) -> [f64; 3] {
    let rounds = above.iter().zip(below);
    let mut ratios: Vec<f64> =
        rounds.map(|(above, below)| above.as_secs_f64() / below.as_secs_f64()).collect();
    ratios.sort_by(f64::total_cmp);
    [ratios[0], ratios[ratios.len() / 2], ratios[ratios.len() - 1]]
}

fn note<'k>(
    measured: &mut HashMap<&'k str, (Vec<Duration>, u64)>,
    kind: &'k str,
    one: (Duration, u64),
) {
    let (times, peak) = measured.entry(kind).or_default();
    times.push(one.0);
    *peak = one.1.max(*peak);
}

/// Runs a process that says `median T s/step`; T and its peak memory in KiB.
fn timed(command: &mut Command, work: &Path) -> (Duration, u64) {
    let said = work.join("said");
    let (_, peak) = run_watched(command.stdout(File::create(&said).expect("a file")));
    let said = std::fs::read_to_string(said).expect("what was said");
    let time = said.split("median ").nth(1).and_then(|rest| rest.split(' ').next()?.parse().ok());
    (Duration::from_secs_f64(time.unwrap_or_else(|| panic!("{command:?}: {said}"))), peak)
}

/// A stepper and one batch.
struct Trial {
    stepper: Stepper,
    images: Vec<f32>,
    labels: Vec<i64>,
    masks: Vec<Vec<bool>>,
}

const RATES: Rates =
    Rates { learning: 0.1, contrast_weight: 1.0, head_scale: 0.0, contrast_scale: 0.0 };

impl Trial {
    fn new(network: &str, rows: usize, kind: &Kind, profile: Option<&Path>) -> Self {
        let queue = QueueOptions { kind: QueueKind::Proxy, size: CLASSES };
        let contrast = kind.joint.then(|| (ContrastOptions::default(), queue));
        let views = if contrast.is_some() { 2 } else { 1 };
        let options = StepOptions {
            backbone: Backbone::new(network.parse().expect("a network"), 1.0),
            joint: JointOptions { head: HeadOptions::new(HeadKind::AdaFace), contrast },
            classes: CLASSES,
            batch: rows / views,
            accumulate: 1,
            views,
            scales: Scales::Fixed {
                head: if contrast.is_some() { 0.2 } else { 0.0 },
                contrast: 0.2,
            },
            sgd: Sgd::default(),
            sharing: Sharing::default(),
            sample: None,
        };
        let graph = StepGraph::in_width(options, kind.width).expect("a step");
        let state = TrainState::initial(&graph, Seed::new(1));
        let mut draws = Seed::new(2).stream("batch");
        let count: usize = graph.image_shape().iter().product();
        let masks = graph.masks();
        let images = (0..count).map(|_| draws.normal() as f32).collect();
        let labels = (0..rows / views).map(|_| draws.below(CLASSES as u64) as i64).collect();
        let drawn = |(_, shape): (&str, Vec<usize>)| {
            (0..shape.iter().product()).map(|_: usize| draws.uniform(0.0, 1.0) >= 0.4).collect()
        };
        let masks = masks.into_iter().map(drawn).collect();
        let device: Device = device().parse().expect("a device");
        let runtime = Runtime::start(device, OnMissing::Install, &|said| eprintln!("{said}"));
        let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
        let runtime = with_library(runtime, &|said| eprintln!("{said}"));
        let runtime = runtime.unwrap_or_else(|error| panic!("{error}"));
        let threads = std::thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
        let stepper = Stepper::made(
            &runtime,
            graph,
            &Making { profile, ..Making::new(threads, &kind.layout.into()) },
        );
        let mut stepper = stepper.unwrap_or_else(|error| panic!("{error}"));
        stepper.load(&state).expect("its own state");
        Self { stepper, images, labels, masks }
    }

    fn times(&mut self, warm_up: usize, steps: usize) -> Vec<Duration> {
        let (images, labels, masks) =
            (self.images.clone(), self.labels.clone(), self.masks.clone());
        let batch = Batch { number: 0, images, labels, masks };
        for _ in 0..warm_up {
            assert!(self.stepper.step_in_scale(&batch, &RATES).expect("a step").applied);
        }
        let mut step = || {
            let start = Instant::now();
            assert!(self.stepper.step(&batch, &RATES).expect("a step").applied);
            start.elapsed()
        };
        (0..steps).map(|_| step()).collect()
    }
}

/// Prints what share of a step each operator and the slowest nodes take.
fn profile(network: &str, batch: usize, kind: &Kind) {
    const SHOWN: usize = 16;
    let work = tempfile::tempdir().expect("a folder for the profile");
    let mut trial = Trial::new(network, batch, kind, Some(&work.path().join("step")));
    trial.times(WARM_UP, STEPS);
    let file = trial.stepper.end_profiling().expect("a profile");
    let events: Vec<serde_json::Value> =
        serde_json::from_reader(File::open(file).expect("a profile")).expect("a profile");
    let (mut by_operator, mut by_node) = (HashMap::new(), HashMap::new());
    for event in &events {
        let name = event["name"].as_str().unwrap_or_default();
        let Some(node) = name.strip_suffix("_kernel_time") else { continue };
        let taken = event["dur"].as_f64().unwrap_or_default() / 1e6;
        let operator = event["args"]["op_name"].as_str().unwrap_or_default();
        *by_operator.entry(operator).or_insert(0.0) += taken;
        *by_node.entry(node).or_insert(0.0) += taken;
    }
    let total: f64 = by_operator.values().sum();
    let runs = events.iter().filter(|event| event["name"] == "model_run").count();
    let each = total / runs as f64;
    println!(
        "{network} batch {batch}, {}, share of the {each:.3} s of a step's gradients",
        kind.name
    );
    for table in [by_operator, by_node] {
        let mut rows: Vec<(&str, f64)> = table.into_iter().collect();
        rows.sort_by(|a, b| b.1.total_cmp(&a.1));
        for (name, taken) in rows.iter().take(SHOWN) {
            println!("{:5.1} %  {name}", 100.0 * taken / total);
        }
        println!();
    }
}
