//! `train` in several processes: as one with the joined batch, to the bit when it goes on, and to its end
//! when one of them is lost.

use crate::halving::STEEP;
use crate::learning::{lines, small, work};
use crate::models::drawn_path;
use crate::program::{Ran, done, program, run};
use qgface_data::runtime::Mpich;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

/// The launcher of the tests, and the library of its ranks: the MPI that QGFACE_TEST_MPI names by its
/// mpiexec, else the pinned one.
static MPI: LazyLock<(PathBuf, Option<PathBuf>)> =
    LazyLock::new(|| match std::env::var_os("QGFACE_TEST_MPI").filter(|path| !path.is_empty()) {
        Some(mpiexec) => (mpiexec.into(), None),
        None => {
            let mpich = Mpich::install(&|_| ()).unwrap_or_else(|error| panic!("{error}"));
            (mpich.mpiexec(), Some(mpich.library()))
        }
    });

/// All that makes ranks one process with the joined batch.
pub(crate) const AS_ONE: [&str; 3] =
    ["head.shards=ranks", "normalisation=synchronised", "queue.ranks=shared"];

/// The command with that MPI.
fn with_mpi(mut command: Command) -> Command {
    let (mpiexec, library) = &*MPI;
    let path = std::env::var("PATH").unwrap_or_default();
    let folder = mpiexec.parent().unwrap().display();
    command.env("PATH", format!("{folder}:{path}"));
    if let Some(library) = library {
        command.env("MPI_DYLIB_PATH", library);
    }
    command
}

/// The command in so many processes, which a launcher starts.
pub(crate) fn on_ranks(processes: usize, command: &Command) -> Command {
    let mut job = Command::new(&MPI.0);
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => job.env(name, value),
            None => job.env_remove(name),
        };
    }
    job.current_dir(command.get_current_dir().unwrap());
    job.args(["-n", &processes.to_string()]).arg(command.get_program()).args(command.get_args());
    with_mpi(job)
}

/// Trains in so many processes, which the program starts itself.
pub(crate) fn trained(work: &Path, processes: usize, more: &[&str]) -> Ran {
    let processes = format!("processes={processes}");
    let arguments = small(&[&[&*processes, "tune=off"], more].concat());
    Ran::of(with_mpi(program(work, &arguments)))
}

/// Starts ranks that differ in their arguments.
fn unlike(work: &Path, arguments: &[Vec<&str>]) -> Ran {
    let one = program(work, &[]);
    let own = one.get_program().to_owned();
    let mut command = Command::new(&MPI.0);
    command.current_dir(work);
    for (name, value) in one.get_envs() {
        if let Some(value) = value {
            command.env(name, value);
        }
    }
    for (rank, arguments) in arguments.iter().enumerate() {
        if rank > 0 {
            command.arg(":");
        }
        command.args(["-n", "1"]).arg(&own).args(small(arguments));
    }
    Ran::of(with_mpi(command))
}

fn losses(work: &Path, run: &str) -> Vec<f64> {
    lines(work, run).iter().map(|line| line["loss"].as_f64().unwrap()).collect()
}

/// All files of a run's checkpoints.
fn checkpoints(work: &Path, run: &str) -> Vec<(String, Vec<u8>)> {
    let folder = work.join("runs").join(run).join("checkpoints");
    let entries = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<_> = entries
        .map(|path| {
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            (name, fs::read(&path).unwrap())
        })
        .collect();
    all.sort();
    all
}

#[test]
fn processes_train_as_one_with_the_joined_batch() {
    let work = work();
    let work = work.path();
    done(work, &small(&["name=one", "batch=8", "max_steps=2", "tune=off"]));
    for (processes, batch) in [(2, "batch=4"), (4, "batch=2")] {
        let name = format!("name=of{processes}");
        let more = [&[&*name, batch, "max_steps=2", "--format", "json"], &AS_ONE[..]].concat();
        let ran = trained(work, processes, &more);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        // One report: the others are silent.
        let report: Value = serde_json::from_str(&ran.stdout).unwrap();
        assert_eq!(report["steps"], 2);
        assert!(
            ran.stderr.contains(&format!("{processes} processes on 1 machine")),
            "{}",
            ran.stderr
        );
        for (own, one) in losses(work, &name[5..]).iter().zip(losses(work, "one")) {
            assert!((own / one - 1.0).abs() < 1e-5, "{processes} processes: {own} for {one}");
        }
        let parts = checkpoints(work, &name[5..]);
        let parts = parts.iter().filter(|(name, _)| name.contains(".rank-")).count();
        assert_eq!(parts, processes, "a file of each, of the class columns");
    }
}

#[test]
fn a_run_goes_on_to_the_bit_and_on_another_number_of_processes() {
    goes_on(&[]);
}

#[test]
fn a_run_of_sampled_classes_goes_on_to_the_bit_and_on_another_number_of_processes() {
    goes_on(&["head.sample=0.4"]);
}

fn goes_on(more: &[&str]) {
    let work = work();
    let work = work.path();
    let whole = ["batch=4", "checkpoint.every=2", "checkpoint.keep=9"];
    let whole = [&whole[..], &AS_ONE, more].concat();
    let own = [&whole[..], &["name=whole", "max_steps=4"]].concat();
    assert_eq!(trained(work, 2, &own).code, 0);
    let half = [&whole[..], &["name=half", "max_steps=2"]].concat();
    assert_eq!(trained(work, 2, &half).code, 0);
    let resume = |processes: &str, more: &[&str]| {
        let arguments = [&["train", "--resume", "runs/half", processes], more].concat();
        Ran::of(with_mpi(program(work, &arguments)))
    };
    let ran = resume("processes=2", &["max_steps=4"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let bytes = |run: &str| -> Vec<_> {
        let all = checkpoints(work, run).into_iter();
        all.filter(|(name, _)| name.starts_with("step-00000004") && name.ends_with(".safetensors"))
            .collect()
    };
    assert_eq!(bytes("half").len(), 3, "what both share, and the class columns of each");
    assert!(bytes("half") == bytes("whole"), "a run that goes on is another");
    // The joined batch stays, so that the images of a step do.
    for (processes, batch, before) in
        [("1", "batch=8", 2), ("2", "batch=4", 1), ("4", "batch=2", 2)]
    {
        let steps = format!("max_steps={}", lines(work, "half").len() + 1);
        let ran = resume(&format!("processes={processes}"), &[batch, &steps, "epochs=9"]);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        let said = format!("processes: {before} before, {processes} now");
        assert!(ran.stderr.contains(&said), "{}", ran.stderr);
    }
    assert!(losses(work, "half").iter().all(|loss| loss.is_finite()));
    done(work, &["export", "runs/half", "--out", "half.onnx"]);
}

#[test]
fn gradients_are_summed_while_others_are_made_or_after_to_the_same_bits() {
    let work = work();
    let run = |overlap: &str, more: &[&str]| {
        let name = format!("name={overlap}");
        let overlap = format!("overlap={overlap}");
        let arguments = [&[&*name, &overlap, "epochs=20", "max_steps=14"], more].concat();
        let ran = trained(work.path(), 2, &arguments);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        ran.stderr
    };
    let said = run("auto", &["-v"]);
    assert!(said.contains("gradients are summed wh"), "{said}");
    for overlap in ["on", "off"] {
        let said = run(overlap, &["-v"]);
        assert!(!said.contains("gradients are summed"), "{said}");
        assert_eq!(checkpoints(work.path(), overlap), checkpoints(work.path(), "auto"));
    }
}

#[test]
fn ranks_skip_a_step_together_whose_gradients_overflow_and_go_on_to_the_same_bytes() {
    let work = work();
    let work = work.path();
    let float16 = ["batch=2", "precision=float16", "epochs=9", STEEP];
    let run = |more: &[&str]| trained(work, 2, &[&float16[..], more].concat());
    let ran = run(&["name=whole", "max_steps=12", "--format", "json"]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let said = "step 1 skipped: its gradients overflow float16; loss scale 32768";
    assert_eq!(ran.stderr.matches(said).count(), 1, "{}", ran.stderr);
    let skipped = ran.json("train")["skipped_steps"].as_u64().unwrap();
    assert!((1..12).contains(&skipped), "{skipped}");
    assert_eq!(lines(work, "whole").len() as u64, 12 - skipped);
    assert_eq!(run(&["name=part", "max_steps=1"]).code, 0);
    let arguments = ["train", "--resume", "runs/part", "processes=2", "max_steps=12"];
    let ran = Ran::of(with_mpi(program(work, &arguments)));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let last = |run: &str| -> Vec<_> {
        let all = checkpoints(work, run).into_iter();
        all.filter(|(name, _)| name.starts_with("step-00000012") && name.ends_with(".safetensors"))
            .collect()
    };
    assert!(last("part") == last("whole") && last("whole").len() == 2);
}

#[test]
fn ranks_come_to_a_second_view_together() {
    let work = work();
    let work = work.path();
    // Two steps with one view, and two with two.
    let later = ["contrast.phase=later_aug", "contrast.joint_point=1", "epochs=2"];
    done(work, &small(&[&["name=one", "batch=8", "tune=off", "lr=0.001"], &later[..]].concat()));
    let of_two = ["name=two", "batch=4", "lr=0.001"];
    let ran = trained(work, 2, &[&of_two[..], &AS_ONE, &later].concat());
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let (own, one) = (losses(work, "two"), losses(work, "one"));
    assert_eq!(own.len(), 4);
    for (own, one) in own.iter().zip(&one) {
        assert!((own / one - 1.0).abs() < 1e-3, "{own} for {one}");
    }
}

#[test]
fn ranks_begin_with_their_columns_of_a_file() {
    let work = work();
    let work = work.path();
    done(work, &small(&["name=before", "max_steps=2", "tune=off"]));
    let init = ["--init", "runs/before", "max_steps=1", "tune=off"];
    let one = done(work, &small(&[&["name=one", "batch=8"][..], &init].concat()));
    let two = trained(work, 2, &[&["name=two", "batch=4"], &AS_ONE[..], &init[..3]].concat());
    assert_eq!(two.code, 0, "{}", two.stderr);
    let took =
        |ran: &Ran| ran.stderr.lines().find(|line| line.contains("took ")).map(str::to_owned);
    assert!(took(&one).is_some() && took(&one) == took(&two), "{}{}", one.stderr, two.stderr);
    let [one, two] = ["one", "two"].map(|run| losses(work, run)[0]);
    assert!((two / one - 1.0).abs() < 1e-5, "{two} for {one}");
}

#[test]
fn an_image_that_any_rank_leaves_out_is_told() {
    let work = work();
    let work = work.path();
    let rec = work.join("packs/train.rec");
    let mut bytes = fs::read(&rec).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&rec, bytes).unwrap();
    let skip = ["name=a", "batch=4", "max_steps=2", "epochs=2", "train.on_error=skip"];
    let more = [&skip[..], &["--format", "json"]].concat();
    let ran = trained(work, 2, &more);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    // Both steps together show every image once.
    assert_eq!(report["skipped"].as_array().unwrap().len(), 1, "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("skipped, damaged: ").count(), 1, "{}", ran.stderr);
    assert!(report["exchanged"].as_f64().is_some_and(|share| (0.0..=1.0).contains(&share)));
}

#[test]
fn a_rank_that_begins_with_something_else_is_named() {
    let work = work();
    let work = work.path();
    let begin = |seed| vec!["name=a", "batch=4", "max_steps=1", "tune=off", seed];
    let ran = unlike(work, &[begin("seed=0"), begin("seed=1")]);
    assert_ne!(ran.code, 0);
    let said = "rank 1: train.seed: expected 0, as on rank 0, found 1";
    assert!(ran.stderr.contains(said), "{}", ran.stderr);
    let ran = unlike(work, &[begin("overlap=on"), begin("overlap=off")]);
    let said = "rank 1: train.overlap: expected on, as on rank 0, found off";
    assert!(ran.code != 0 && ran.stderr.contains(said), "{}", ran.stderr);
    let others = [vec!["name=b", "processes=3"], vec!["name=b", "processes=3"]];
    let ran = unlike(work, &others);
    let said = "train.processes: expected 2, the processes that the launcher has started, found 3";
    assert!(ran.code != 0 && ran.stderr.contains(said), "{}", ran.stderr);
    assert!(!work.join("runs/b").exists());
    // The launcher says how many processes the machines have, of which the reference's setting counts none.
    let begin = || vec!["name=c", "trainer.num_nodes=1", "batch=4", "max_steps=1", "tune=off"];
    let ran = unlike(work, &[begin(), begin()]);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn more_processes_than_classes_or_images_are_refused() {
    let work = work();
    let ran = trained(work.path(), 4, &["batch=5", "name=a"]);
    assert!(ran.code != 0 && ran.stderr.contains("20"), "{}", ran.stderr);
    let ran = run(work.path(), &small(&["nodes=2", "processes=3"]));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("train.processes: expected as many on each"), "{}", ran.stderr);
    let ran = run(work.path(), &small(&["hosts=a,-b", "processes=2"]));
    assert!(ran.code == 2 && ran.stderr.contains("names of machines"), "{}", ran.stderr);
    let ran = trained(work.path(), 2, &["batch=4", "name=a", "head.sample=0.5"]);
    assert!(ran.code == 2 && ran.stderr.contains("head.shards: expected ranks"), "{}", ran.stderr);
}

#[test]
fn eval_says_the_same_on_any_number_of_ranks() {
    let work = work();
    let work = work.path();
    done(work, &small(&["name=a", "max_steps=1", "tune=off"]));
    let pack = drawn_path("packs/lfw.rec");
    let arguments = ["eval", "runs/a/model.onnx", "--set", "lfw", "--pack", &pack, "--batch", "4"];
    let arguments = [&arguments[..], &["--no-cache", "--format", "json"]].concat();
    let one = done(work, &arguments).stdout;
    for processes in [1, 2, 3] {
        let ran = Ran::of(on_ranks(processes, &program(work, &arguments)));
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        assert!(ran.stdout == one, "{processes} ranks: {}", ran.stdout);
    }
}

#[test]
fn ranks_score_their_checkpoints_together() {
    let work = work();
    let work = work.path();
    let (packs, mine) = (drawn_path("packs"), work.join("packs/train"));
    let (out, mine) = (format!("pack.out={packs}"), format!("packs={}", mine.display()));
    let scored = ["validation.sets=lfw", "checkpoint.every=1", "checkpoint.keep=1", "max_steps=3"];
    let more = [&["name=a", "batch=4", "--format", "json", &out, &mine][..], &scored].concat();
    let ran = trained(work, 2, &more);
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report: Value = serde_json::from_str(&ran.stdout).unwrap();
    let pack = format!("{packs}/lfw.rec");
    let eval = ["eval", "runs/a/model.onnx", "--set", "lfw", "--pack", &pack, "--format", "json"];
    let alone = done(work, &eval).json("eval");
    let accuracy = &alone["results"][0]["metrics"]["accuracy"];
    assert!(accuracy.is_number() && report["scores"]["lfw.accuracy"] == *accuracy, "{report}");
}

/// Starts two ranks of a long run and waits until some steps are made.
fn started(work: &Path, run: &str) -> Child {
    let name = format!("name={run}");
    let more = [&*name, "processes=2", "tune=off", "batch=4", "epochs=5000", "checkpoint.every=5"];
    let mut command = with_mpi(program(work, &small(&more)));
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let begun = Instant::now();
    while lines(work, run).len() < 12 {
        assert!(begun.elapsed() < Duration::from_secs(120), "no step in two minutes");
        assert!(child.try_wait().unwrap().is_none(), "the run ended before its steps");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

/// The processes of this program whose arguments name the run, but for the launcher.
fn ranks(run: &str) -> Vec<i32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap().flatten() {
        let Ok(process) = entry.file_name().to_string_lossy().parse::<i32>() else { continue };
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let arguments = String::from_utf8_lossy(&arguments).into_owned();
        let program = arguments.split('\0').next().unwrap_or_default().to_owned();
        if program.ends_with("qgface-data") && arguments.contains(&format!("name={run}\0")) {
            found.push(process);
        }
    }
    found.sort_unstable();
    found
}

fn signal(process: i32, name: &str) {
    assert!(Command::new("kill").arg(name).arg(process.to_string()).status().unwrap().success());
}

fn ended(mut child: Child) -> (Option<i32>, Duration) {
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(60) {
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code(), begun.elapsed());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    panic!("the job goes on without one of its ranks");
}

#[test]
fn a_rank_that_is_killed_ends_the_job_and_the_last_checkpoint_is_whole() {
    let work = work();
    let work = work.path();
    // Names that no other test's processes have.
    let run = format!("killed{}", std::process::id());
    let child = started(work, &run);
    let ranks = ranks(&run);
    assert_eq!(ranks.len(), 2, "{ranks:?}");
    signal(ranks[1], "-KILL");
    let (code, _) = ended(child);
    assert_ne!(code, Some(0));
    let folder = format!("runs/{run}");
    let steps = format!("max_steps={}", lines(work, &run).len() + 3);
    let arguments = ["train", "--resume", &folder, "processes=2", &steps];
    let ran = Ran::of(with_mpi(program(work, &arguments)));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
}

#[test]
fn a_request_to_end_that_one_rank_hears_ends_all_with_a_checkpoint() {
    let work = work();
    let work = work.path();
    let run = format!("ended{}", std::process::id());
    let child = started(work, &run);
    signal(ranks(&run)[1], "-TERM");
    let (code, _) = ended(child);
    assert_eq!(code, Some(1), "ended early, in order");
    let made = lines(work, &run).len();
    let last = checkpoints(work, &run).into_iter().map(|(name, _)| name).max().unwrap();
    assert!(last.starts_with(&format!("step-{made:08}")), "{last} after {made} steps");
}
