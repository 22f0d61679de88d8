//! Scoring at full size and embedding beside what a user would otherwise run, in turn, as ratios.
//!
//! `QGFACE_PEERS=DIR cargo bench --bench eval` (`-- scoring` or `-- embedding` for a part): DIR holds `score.py` and `embed.py`, and `QGFACE_PYTHON` is a
//! Python that has what they need (NumPy, scikit-learn, PyTorch with its ONNX export). Times are medians of
//! [`ROUNDS`] rounds with a warm file cache; absolute times mean little, so each line says the ratio.

mod median;
mod watch;

use median::median;
use qgface_data::runtime::{Device, OnMissing, Runtime, Session};
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

/// An IR-18 of PyTorch, exported and run here, beside PyTorch itself.
fn embedding(work: &Path, peers: &Peers) {
    let model = work.join("ir18.onnx");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/bench/export_ir18.py");
    let mut export = Command::new(&peers.python);
    export.arg(script).arg(&peers.folder).arg(&model);
    export.stdout(Stdio::null()).stderr(Stdio::null());
    assert!(export.status().unwrap().success(), "PyTorch could not export the model");
    make_packs(work);
    for batch in BATCHES {
        let mut rates = [Vec::new(), Vec::new(), Vec::new()];
        for _ in 0..ROUNDS {
            rates[0].push(rate_of_packs(work, &model, batch));
            rates[1].push(rate_of_sessions(&model, batch));
            rates[2].push(rate_of_peer(peers, batch));
        }
        let [packs, sessions, peer] = rates.map(|mut rates| {
            rates.sort_by(f64::total_cmp);
            rates[rates.len() / 2]
        });
        println!(
            "IR-18, batch {batch}: {:.2} × PyTorch's images a second from packs, {:.2} × without decoding",
            packs / peer,
            sessions / peer
        );
    }
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

fn rate_of_packs(work: &Path, model: &Path, batch: usize) -> f64 {
    let time = |name: &str| {
        let mut eval = program(work);
        eval.args(["eval", text(model), "--channel-order", "bgr", "--no-flip", "--no-cache"]);
        eval.args(["--save-embeddings", "out", "--batch", &batch.to_string(), "--pack"]);
        run_watched(eval.arg(format!("packs/{name}"))).0.as_secs_f64()
    };
    (IMAGES[1] - IMAGES[0]) as f64 / (time("many") - time("few"))
}

/// One session of one thread a core, as `eval` has them, on faces that are there already.
fn rate_of_sessions(model: &Path, batch: usize) -> f64 {
    let runtime = Runtime::start(Device::Cpu, OnMissing::Install, &|_| ()).unwrap();
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(4);
    let open = |_| runtime.open(model, NonZeroUsize::MIN).unwrap();
    let sessions: Vec<Session> = (0..cores).map(open).collect();
    let faces = vec![0.5f32; batch * 3 * 112 * 112];
    let batches = TIMED_IMAGES.div_ceil(batch * cores);
    let start = Instant::now();
    std::thread::scope(|scope| {
        for mut session in sessions {
            let faces = &faces;
            scope.spawn(move || {
                for _ in 0..batches {
                    session.run(faces, &[batch, 3, 112, 112]).unwrap();
                }
            });
        }
    });
    (batches * batch * cores) as f64 / start.elapsed().as_secs_f64()
}

fn rate_of_peer(peers: &Peers, batch: usize) -> f64 {
    let batches = TIMED_IMAGES.div_ceil(batch).to_string();
    let mut script = peers.script("embed.py");
    script.args(["ir18", &batch.to_string(), "cpu", "fp32", &batches]);
    let output = script.output().expect("the script starts");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let rate = said.split_whitespace().rev().nth(1).and_then(|word| word.parse().ok());
    rate.unwrap_or_else(|| panic!("embed.py said {said:?}"))
}
