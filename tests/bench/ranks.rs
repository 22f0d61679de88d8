//! Training in as many processes as there are cores, of one thread each, beside one process with all of them: the
//! same joined batch, in turn.
//!
//! `cargo bench --bench ranks`; what follows `--` are settings of `train`, as `head.shards=ranks`. Told are the
//! medians of [`ROUNDS`] rounds, and what share of the processes' time the exchanges take: hiding all of them
//! behind the computing would gain no more. Absolute times mean little, the ratio is what counts.

mod median;

use median::median;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::available_parallelism;
use std::time::Duration;

const ROUNDS: usize = 5;

/// Steps of a run, of which the first are not counted.
const STEPS: usize = 12;
const WARM: usize = 3;

/// Images of all processes' batches together.
const JOINED: usize = 16;

fn main() {
    // `cargo test --all-targets` must not run a benchmark.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let settings: Vec<String> =
        std::env::args().skip(1).filter(|argument| argument.contains('=')).collect();
    let work = tempfile::tempdir().expect("a folder for the benchmark");
    done(work.path(), &["synth", "--out", "data", "--identities", "40", "--images", "8"]);
    done(work.path(), &["make-rec", "--dataset", "folder", "--root", "data/train"]);
    let cores = available_parallelism().map_or(1, usize::from);
    if cores == 1 {
        println!("one core, on which several processes gain nothing");
        return;
    }
    let processes = (1..=cores).rev().find(|own| JOINED.is_multiple_of(*own)).unwrap_or(1);
    // Both make their steps as is fastest with their threads.
    let sides = [(cores, 1), (1, processes)];
    for (threads, processes) in sides {
        let (jobs, batch) = (threads.to_string(), format!("train.batch={}", JOINED / processes));
        done(work.path(), &["runtime", "tune", "--network", "ir18", "--jobs", &jobs, &batch]);
    }
    let mut speeds = [const { Vec::new() }; 2];
    let mut shares = Vec::new();
    for round in 0..ROUNDS {
        // Each is the first in every other round.
        for side in [round % 2, 1 - round % 2] {
            let (speed, share) = trained(work.path(), sides[side], &settings);
            speeds[side].push(speed);
            shares.extend(share.filter(|_| side == 1));
        }
    }
    let mut ratios: Vec<f64> =
        speeds[1].iter().zip(&speeds[0]).map(|(own, one)| own / one).collect();
    ratios.sort_by(f64::total_cmp);
    let [one, several] = speeds.map(median);
    println!("one process of {cores} threads       {one:8.2} images/s");
    println!("{processes} processes of one thread     {several:8.2} images/s");
    println!(
        "efficiency                    {:8.3} ({:.3} to {:.3} in {ROUNDS} rounds)",
        median(ratios.clone()),
        ratios[0],
        ratios[ROUNDS - 1]
    );
    if !shares.is_empty() {
        println!("share of time in exchanges    {:8.3}", median(shares));
    }
}

/// The median images a second of a run's steps, and its share of time in exchanges, where it tells one.
///
/// The run is long, as those are whose steps are made as is fastest, and is ended early.
fn trained(
    work: &Path,
    (threads, processes): (usize, usize),
    settings: &[String],
) -> (f64, Option<f64>) {
    let jobs = threads.to_string();
    let batch = format!("batch={}", JOINED / processes);
    let processes = format!("processes={processes}");
    let mut arguments = vec![
        "train",
        "--jobs",
        &jobs,
        "--format",
        "json",
        "name=run",
        "backbone.architecture=ir18",
        "packs=packs/folder",
        "contrast.queue_size=512",
        "epochs=1000",
        &batch,
        &processes,
    ];
    arguments.extend(settings.iter().map(String::as_str));
    let mut child = command(work, &arguments).stdout(Stdio::piped()).spawn().expect("the program");
    let path = work.join("runs/run/metrics.jsonl");
    let lines = || fs::read_to_string(&path).unwrap_or_default().lines().count();
    while lines() < STEPS {
        let ended = child.try_wait().expect("the program");
        assert!(ended.is_none(), "{arguments:?}: {ended:?}");
        std::thread::sleep(Duration::from_millis(50));
    }
    let ended = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(ended.is_ok_and(|status| status.success()), "kill");
    let told = child.wait_with_output().expect("the program");
    // Open MPI's launcher may end the processes before they have told theirs.
    let report = serde_json::from_slice::<Value>(&told.stdout).unwrap_or_default();
    let metrics = fs::read_to_string(&path).expect("metrics");
    let speed =
        |line: &str| serde_json::from_str::<Value>(line).ok()?["images_per_second"].as_f64();
    let speeds: Vec<f64> = metrics.lines().skip(WARM).filter_map(speed).collect();
    fs::remove_dir_all(work.join("runs")).expect("the run's folder");
    (median(speeds), report["exchanged"].as_f64())
}

fn command(work: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qgface-data"));
    command.arg("-q").args(arguments).current_dir(work);
    command
}

fn done(work: &Path, arguments: &[&str]) {
    let status = command(work, arguments).stdout(Stdio::null()).status().expect("the program");
    assert!(status.success(), "{arguments:?}: {status}");
}
