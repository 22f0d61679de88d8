//! Scoring at full size and embedding beside what a user would otherwise run, in turn, as ratios.
//!
//! `QGFACE_PEERS=DIR cargo bench --bench eval` (`-- scoring` or `-- embedding` for a part): DIR holds `score.py`
//! and `embed.py`, and `QGFACE_PYTHON` is a Python that has what they need (NumPy, scikit-learn, PyTorch with
//! its ONNX export). Times are medians of [`ROUNDS`] rounds with a warm file cache; absolute times mean little,
//! so each line says the ratio.

mod median;
mod watch;

use median::median;
use qgface_data::runtime::{Device, OnMissing, Runtime, Session};
use qgface_data::{onnx, rewrite};
use std::ffi::OsString;
use std::fs;
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;
use watch::run_watched;

const ROUNDS: usize = 3;

/// Images of the two packs: what one takes more than the other is embedding alone.
const IMAGES: [usize; 2] = [200, 600];
/// Images in each measurement without decoding, and of the peer.
const TIMED_IMAGES: usize = 240;
const BATCHES: [usize; 3] = [1, 8, 32];

fn main() {
    // `cargo test --all-targets` must not run a benchmark.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let Some(peers) = std::env::var_os("QGFACE_PEERS") else {
        println!("QGFACE_PEERS names the folder of score.py and embed.py");
        return;
    };
    let peers = Peers {
        folder: peers,
        python: std::env::var_os("QGFACE_PYTHON").unwrap_or_else(|| "python3".into()),
    };
    let work = tempfile::tempdir().expect("a folder for the benchmark");
    let arguments: Vec<String> = std::env::args().collect();
    let wanted = |part: &str| {
        let other = ["scoring", "embedding"]
            .into_iter()
            .any(|name| arguments.iter().any(|own| own == name));
        !other || arguments.iter().any(|own| own == part)
    };
    if wanted("scoring") {
        scoring(work.path(), &peers);
    }
    if wanted("embedding") {
        embedding(work.path(), &peers);
    }
}

/// The scripts of the peers and the Python that runs them.
struct Peers {
    folder: OsString,
    python: OsString,
}

impl Peers {
    fn script(&self, name: &str) -> Command {
        let mut command = Command::new(&self.python);
        command.arg(Path::new(&self.folder).join(name));
        command
    }
}

fn program(work: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qgface-data"));
    command.arg("-q").current_dir(work).stdout(Stdio::null());
    command
}

fn text(path: &Path) -> &str {
    path.to_str().expect("a path in UTF-8")
}

/// IJB-B and TinyFace in the published sizes, from features on disk to rates.
fn scoring(work: &Path, peers: &Peers) {
    let data = work.join("D");
    fs::create_dir_all(&data).unwrap();
    assert!(peers.script("score.py").arg("make").arg(&data).status().unwrap().success());
    for (set, files) in [
        ("ijbb", vec!["--protocol", "qgface", "--root", text(&data)]),
        ("tinyface", vec!["--list", text(&data.join("tinyface.lst"))]),
    ] {
        let features = data.join(format!("{set}_embeddings.npy"));
        let mut times = [Vec::new(), Vec::new()];
        let mut most = 0;
        for round in 0..=ROUNDS {
            let mut ours = program(work);
            ours.args(["eval", "--set", set, "--embeddings", text(&features)]).args(&files);
            let (taken, peak) = run_watched(&mut ours);
            most = most.max(peak);
            let mut peer = peers.script("score.py");
            let (peer_taken, _) = run_watched(peer.arg(set).arg(&data).stdout(Stdio::null()));
            // The first round warms the file cache.
            if round > 0 {
                times[0].push(taken);
                times[1].push(peer_taken);
            }
        }
        let [ours, peer] = times.map(median);
        let ratio = peer.as_secs_f64() / ours.as_secs_f64();
        println!("eval --set {set}: {ratio:.1} × as fast as score.py, peak {} MiB", most >> 10);
    }
}

/// A network that is embedded with.
struct Network {
    name: &'static str,
    /// Images at a time, of which the peer is asked for the same.
    batches: &'static [usize],
    /// Whether the peer has it: else it is the file of a fixture, beside no peer.
    has_peer: bool,
}

const NETWORKS: [Network; 3] = [
    Network { name: "ir18", batches: &BATCHES, has_peer: true },
    Network { name: "ir50", batches: &BATCHES, has_peer: true },
    Network { name: "mobilefacenet", batches: &[1], has_peer: false },
];

/// A way of doing something, and what measures images a second at each call.
type Way<'a> = (&'a str, Box<dyn FnMut() -> f64 + 'a>);

/// What the peer is asked for.
const PEERS: [&str; 2] = ["eager", "best"];

/// Networks rewritten and as they are, beside PyTorch's.
fn embedding(work: &Path, peers: &Peers) {
    for network in NETWORKS {
        let model = work.join(format!("{}.onnx", network.name));
        if network.has_peer {
            let script =
                Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/export_backbone.py");
            let mut export = Command::new(&peers.python);
            export.arg(script).arg(&peers.folder).arg(network.name).arg(&model);
            export.stdout(Stdio::null()).stderr(Stdio::null());
            assert!(export.status().unwrap().success(), "PyTorch could not export the model");
        } else {
            let fixture = "fixtures/onnx/MobileFaceNet.onnx";
            fs::copy(Path::new(env!("CARGO_MANIFEST_DIR")).join(fixture), &model).unwrap();
        }
        for &batch in network.batches {
            let mut ways: Vec<Way<'_>> = vec![
                ("rewritten", Box::new(Group::new(&model, batch, Form::Rewritten).rate())),
                ("as it is", Box::new(Group::new(&model, batch, Form::AsItIs).rate())),
            ];
            for variant in PEERS.into_iter().filter(|_| network.has_peer) {
                let rate = move || rate_of_peer(peers, network.name, batch, variant);
                ways.push((variant, Box::new(rate)));
            }
            compare(&format!("{}, batch {batch}", network.name), ways);
        }
    }
    let model = work.join("ir18.onnx");
    make_packs(work);
    for batch in BATCHES {
        let packs = |flags: &'static [&'static str]| {
            let (work, model) = (work.to_path_buf(), model.clone());
            move || rate_of_packs(&work, &model, batch, flags)
        };
        let ways: Vec<Way<'_>> = vec![
            ("eval", Box::new(packs(&[]))),
            ("eval --no-rewrite", Box::new(packs(&["--no-rewrite"]))),
            ("eager", Box::new(move || rate_of_peer(peers, "ir18", batch, "eager"))),
        ];
        compare(&format!("ir18 from packs, batch {batch}"), ways);
    }
}

/// Measures ways of doing the same in turn and prints the medians, each in proportion to the first.
fn compare(what: &str, mut ways: Vec<Way<'_>>) {
    let mut rates = vec![Vec::new(); ways.len()];
    for _ in 0..ROUNDS {
        for ((_, rate), rates) in ways.iter_mut().zip(&mut rates) {
            rates.push(rate());
        }
    }
    let medians: Vec<f64> = rates
        .into_iter()
        .map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[rates.len() / 2]
        })
        .collect();
    let told = ways
        .iter()
        .zip(&medians)
        .map(|((name, _), own)| format!("{name} {own:.1} ({:.2} ×)", medians[0] / own));
    println!("{what}, images a second: {}", told.collect::<Vec<_>>().join(", "));
}

/// Drawn faces in a pack of each size.
fn make_packs(work: &Path) {
    let mut synth = program(work);
    synth.args(["synth", "--out", "data", "--identities", "30", "--images", "20"]);
    assert!(synth.status().unwrap().success());
    for (name, shard) in [("few", Some("0/3")), ("many", None)] {
        let mut pack = program(work);
        pack.args(["make-rec", "--dataset", "folder", "--root", "data/train", "--name", name]);
        pack.args(shard.iter().flat_map(|shard| ["--shard", shard]));
        assert!(pack.status().unwrap().success());
    }
}

fn rate_of_packs(work: &Path, model: &Path, batch: usize, flags: &[&str]) -> f64 {
    let time = |name: &str| {
        let mut eval = program(work);
        eval.args(["eval", text(model), "--channel-order", "bgr", "--no-flip", "--no-cache"]);
        eval.args(["--save-embeddings", "out", "--batch", &batch.to_string()]).args(flags);
        run_watched(eval.arg("--pack").arg(format!("packs/{name}"))).0.as_secs_f64()
    };
    (IMAGES[1] - IMAGES[0]) as f64 / (time("many") - time("few"))
}

/// How a model is run.
#[derive(Clone, Copy)]
enum Form {
    AsItIs,
    Rewritten,
}

/// Sessions of one thread, one a core, as `eval` has them, on faces that are there already.
struct Group {
    sessions: Vec<Session>,
    batch: usize,
}

impl Group {
    fn new(path: &Path, batch: usize, form: Form) -> Self {
        let runtime = Runtime::start(Device::Cpu, OnMissing::Install, &|_| ()).unwrap();
        let runtime = runtime.with_any_onednn(&|_| ()).unwrap();
        let model = onnx::Model::open(path).unwrap();
        let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(4);
        let open = |_| match form {
            Form::AsItIs => runtime.open(path, NonZeroUsize::MIN).unwrap(),
            Form::Rewritten => {
                let new = rewrite::pixels(&model, [3, 112, 112]).unwrap();
                Session::open_rewritten(&runtime, path, &new, NonZeroUsize::MIN).unwrap()
            }
        };
        Self { sessions: (0..cores).map(open).collect(), batch }
    }

    /// Measures images a second at each call; the first call warms up before.
    fn rate(mut self) -> impl FnMut() -> f64 {
        let faces = vec![0.5f32; self.batch * 3 * 112 * 112];
        let mut warm = false;
        move || {
            if !std::mem::replace(&mut warm, true) {
                self.run(&faces, 1);
            }
            let batches = TIMED_IMAGES.div_ceil(self.batch * self.sessions.len());
            let start = Instant::now();
            self.run(&faces, batches);
            (batches * self.batch * self.sessions.len()) as f64 / start.elapsed().as_secs_f64()
        }
    }

    fn run(&mut self, faces: &[f32], batches: usize) {
        let batch = self.batch;
        std::thread::scope(|scope| {
            for session in &mut self.sessions {
                scope.spawn(move || {
                    for _ in 0..batches {
                        session.run(faces, &[batch, 3, 112, 112]).unwrap();
                    }
                });
            }
        });
    }
}

fn rate_of_peer(peers: &Peers, network: &str, batch: usize, variant: &str) -> f64 {
    let batches = TIMED_IMAGES.div_ceil(batch).to_string();
    let mut script = peers.script("embed.py");
    script.args([network, &batch.to_string(), "cpu", "fp32", &batches, variant]);
    let output = script.output().expect("the script starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = said.split_whitespace().rev().nth(1).and_then(|word| word.parse().ok());
    rate.unwrap_or_else(|| panic!("embed.py said {said:?}"))
}
