//! `train` and `export`: what a run leaves, how it ends early and goes on, and what it refuses.

use crate::models::drawn_path;
use crate::pictures::{exchanged, foreign_pack, image, spot_pixels, spot_tree};
use crate::program::{done, fits, program, root, run};
use crate::support::{count, run_with, words};
use qgface_data::image::encode;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

/// A network that learns in a moment: 16 images of 8 people in 4 steps an epoch.
const SMALL: [&str; 7] = [
    "train",
    "backbone.architecture=ir18",
    "backbone.width=0.05",
    "batch=4",
    "lr=0.05",
    "head.ema_start=first_batch",
    "contrast.quality_scale=0.5",
];

/// A folder with a pack of drawn people to learn from.
pub(crate) fn work() -> tempfile::TempDir {
    let work = tempfile::tempdir().unwrap();
    let root = drawn_path("data/train");
    let pack = ["make-rec", "--dataset", "folder", "--root", &root, "--name", "train"];
    done(work.path(), &[&pack[..], &["--label", "rank"]].concat());
    work
}

pub(crate) fn small<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&SMALL[..], more].concat()
}

/// The bytes of a checkpoint's two files.
pub(crate) fn checkpoint(work: &Path, run: &str, step: u64) -> [Vec<u8>; 2] {
    let folder = work.join("runs").join(run).join("checkpoints");
    ["safetensors", "json"].map(|ending| {
        let path = folder.join(format!("step-{step:08}.{ending}"));
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    })
}

/// The whole lines of a run's metrics.
pub(crate) fn lines(work: &Path, run: &str) -> Vec<Value> {
    let text = fs::read_to_string(work.join("runs").join(run).join("metrics.jsonl"));
    let text = text.unwrap_or_default();
    text.lines().map_while(|line| serde_json::from_str(line).ok()).collect()
}

#[test]
fn a_run_leaves_its_files_and_a_model_that_eval_runs() {
    let work = work();
    let ran = done(work.path(), &small(&["name=a", "epochs=2", "--format", "json"]));
    let report = ran.json("train");
    assert_eq!((&report["finished"], &report["steps"]), (&true.into(), &8.into()));
    assert_eq!((&report["classes"], &report["images"]), (&8.into(), &16.into()));
    assert_eq!(report["channel_order"], "bgr");
    let run = work.path().join("runs/a");
    for file in ["config.toml", "samples/views.png", "plots/curves.svg", "plots/curves.png"] {
        assert!(run.join(file).is_file(), "{file}");
    }
    let lines = lines(work.path(), "a");
    lines.iter().for_each(|line| fits(line, "metrics"));
    assert!(lines.iter().map(|line| line["step"].as_u64().unwrap()).eq(1..=8));
    assert!(lines.iter().map(|line| line["epoch"].as_u64().unwrap()).eq([0, 0, 0, 0, 1, 1, 1, 1]));
    let [_, facts] = checkpoint(work.path(), "a", 8);
    fits(&serde_json::from_slice(&facts).unwrap(), "checkpoint");
    done(work.path(), &["export", "runs/a", "--out", "b.onnx", "--format", "json"]).json("export");
    assert_eq!(
        fs::read(run.join("model.onnx")).unwrap(),
        fs::read(work.path().join("b.onnx")).unwrap()
    );
    let pack = drawn_path("packs/lfw.rec");
    let told = done(work.path(), &["eval", "runs/a/model.onnx", "--set", "lfw", "--pack", &pack]);
    assert!(told.stdout.contains("channels bgr"), "{}", told.stdout);
    let again = run_by_its_settings(work.path());
    assert_eq!(again, checkpoint(work.path(), "a", 8));
}

/// A run by the stored settings of the run `a`, under another name.
fn run_by_its_settings(work: &Path) -> [Vec<u8>; 2] {
    done(work, &["train", "--config", "runs/a/config.toml", "name=b"]);
    checkpoint(work, "b", 8)
}

/// Starts a run and waits until it has made `steps` steps.
fn started(work: &Path, arguments: &[&str], run: &str, steps: usize) -> Child {
    let mut command = program(work, arguments);
    let child = command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null());
    let mut child = child.spawn().unwrap();
    let begun = Instant::now();
    while lines(work, run).len() < steps {
        assert!(begun.elapsed() < Duration::from_secs(120), "no step in two minutes");
        assert!(child.try_wait().unwrap().is_none(), "the run ended before step {steps}");
        std::thread::sleep(Duration::from_millis(2));
    }
    child
}

#[test]
fn a_run_that_is_killed_goes_on_to_the_same_bytes() {
    let work = work();
    let whole = ["epochs=10", "checkpoint.every=10", "max_steps=30"];
    done(work.path(), &small(&[&["name=whole"][..], &whole].concat()));
    let killed = small(&[&["name=killed"][..], &whole].concat());
    let mut child = started(work.path(), &killed, "killed", 13);
    child.kill().unwrap();
    child.wait().unwrap();
    // What another kill, within a write, would have left.
    let left = ["", "checkpoints", "samples", "eval"].map(|folder| {
        let folder = work.path().join("runs/killed").join(folder);
        fs::create_dir_all(&folder).unwrap();
        folder.join(".qgface-00000000000000aa.partial")
    });
    left.iter().for_each(|path| fs::write(path, "half").unwrap());
    let ran = done(work.path(), &["train", "--resume", "runs/killed", "--format", "json"]);
    left.iter().for_each(|path| assert!(!path.exists(), "{}", path.display()));
    assert_eq!(ran.json("train")["steps"], 30);
    assert_eq!(checkpoint(work.path(), "killed", 30), checkpoint(work.path(), "whole", 30));
    let steps =
        |run| lines(work.path(), run).iter().map(|line| line["loss"].clone()).collect::<Vec<_>>();
    assert_eq!(steps("killed"), steps("whole"));
}

#[test]
fn sigterm_ends_a_run_with_a_checkpoint_from_which_it_goes_on() {
    let work = work();
    done(work.path(), &small(&["name=whole", "epochs=100", "max_steps=200", "tune=off"]));
    let stopped = small(&["name=stopped", "epochs=100", "max_steps=200", "tune=off"]);
    let mut child = started(work.path(), &stopped, "stopped", 2);
    let killed =
        std::process::Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
    assert!(killed.unwrap().success());
    assert_eq!(child.wait().unwrap().code(), Some(1));
    let made = lines(work.path(), "stopped").len();
    assert!((2..200).contains(&made), "{made}");
    assert!(!work.path().join("runs/stopped/model.onnx").exists());
    checkpoint(work.path(), "stopped", made as u64);
    let told = done(work.path(), &["train", "--resume", "runs/stopped"]);
    assert!(told.stdout.contains("200 of 200 steps"), "{}", told.stdout);
    assert_eq!(checkpoint(work.path(), "stopped", 200), checkpoint(work.path(), "whole", 200));
}

/// Sixteen batches a step: of a few runs that are stopped somewhere, one is stopped amid a step.
#[test]
fn a_run_that_ends_amid_a_step_of_several_batches_goes_on_to_the_same_bytes() {
    let work = work();
    let summed = ["batch=1", "accumulate=16", "epochs=100", "max_steps=12"];
    let ran = done(work.path(), &small(&[&["name=whole", "-v"][..], &summed].concat()));
    assert!(ran.stderr.contains("12 steps of 16 images"), "{}", ran.stderr);
    assert!(ran.stderr.contains("sums the gradients of 16 batches of 1 images"), "{}", ran.stderr);
    let amid = (0..10).find_map(|attempt| {
        let name = format!("stopped-{attempt}");
        let set = format!("name={name}");
        let mut child =
            started(work.path(), &small(&[&[&set[..]][..], &summed].concat()), &name, 2);
        let pid = child.id().to_string();
        assert!(
            std::process::Command::new("kill").args(["-TERM", &pid]).status().unwrap().success()
        );
        assert_eq!(child.wait().unwrap().code(), Some(1));
        let folder = work.path().join("runs").join(&name).join("checkpoints");
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.into_iter().any(|name| name.to_str().unwrap().contains('+')).then_some(name)
    });
    let amid = amid.expect("a run that was stopped amid a step");
    let run = format!("runs/{amid}");
    let refused = crate::program::run(work.path(), &["train", "--resume", &run, "accumulate=8"]);
    assert_eq!(refused.code, 2);
    assert!(refused.stderr.contains("steps of an epoch"), "{}", refused.stderr);
    let lines_of =
        |run| lines(work.path(), run).iter().map(|line| line["loss"].clone()).collect::<Vec<_>>();
    done(work.path(), &["train", "--resume", &run]);
    assert_eq!(checkpoint(work.path(), &amid, 12), checkpoint(work.path(), "whole", 12));
    assert_eq!(lines_of(&amid), lines_of("whole"));
}

#[test]
fn what_cannot_be_learned_from_is_told_in_a_line_before_a_step() {
    let work = work();
    let foreign = root().join("fixtures/golden/recordio/insightface/train.rec");
    let foreign = format!("packs={}", foreign.display());
    for (more, told) in [
        (&["batsch=4"][..], "the nearest is train.batch"),
        (&["batch=0"], "train.batch: expected a whole number from 1"),
        (&["preset=E"], "expected one of baseline, A, B, C, D"),
        (&["preset=A", "contrast.queue=proxy"], "views.low"),
        (&["batch=17"], "16 images, fewer than the 17 of a batch"),
        (&["accumulate=5"], "train.accumulate: expected at most 4, the batches of an epoch"),
        (&["classes=3"], "train.classes: expected at least 8"),
        (&["packs=packs/none"], "packs/none.rec: no such file"),
        (&[&foreign], "--adopt"),
        (&["validation.sets=tinyfaces"], "validation.sets: expected sets of"),
        (&["init=packs/train.lst"], "no safetensors file"),
        (&["name=a/b"], "expected a plain folder name"),
        (&["device=gpu"], "train.device"),
    ] {
        let ran = run(work.path(), &small(more));
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{more:?}: {}", ran.stderr);
        assert!(ran.stderr.contains(told), "{more:?}: {}", ran.stderr);
        assert!(!work.path().join("runs").exists(), "{more:?}");
    }
}

/// Changes one byte of a file.
fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

#[test]
fn a_damaged_record_ends_the_run_by_its_name_or_is_skipped_and_counted() {
    let work = work();
    let pack = work.path().join("packs/train.rec");
    let middle = fs::metadata(&pack).unwrap().len() as usize / 2;
    flip(&pack, middle);
    let ran = run(work.path(), &small(&["name=a", "epochs=1"]));
    assert_eq!(ran.code, 2, "{}", ran.stderr);
    assert!(ran.stderr.contains("train.rec: not in order: image 000"), "{}", ran.stderr);
    let ran =
        done(work.path(), &small(&["name=b", "epochs=2", "on_error=skip", "--format", "json"]));
    let report = ran.json("train");
    assert_eq!(report["skipped"].as_array().unwrap().len(), 1, "{report}");
    assert_eq!(report["steps"], 8);
}

#[test]
fn a_changed_manifest_or_table_is_refused() {
    let work = work();
    for part in ["train.manifest.json", "train.records.csv"] {
        let path = work.path().join("packs").join(part);
        let before = fs::read(&path).unwrap();
        flip(&path, before.len() / 2);
        let ran = run(work.path(), &small(&["epochs=1"]));
        assert_eq!(ran.code, 2, "{part}: {}", ran.stderr);
        assert!(ran.stderr.contains(part), "{part}: {}", ran.stderr);
        fs::write(path, before).unwrap();
    }
}

#[test]
fn numbers_that_are_not_finite_end_the_run_and_leave_the_last_checkpoint() {
    let work = work();
    let ran =
        run(work.path(), &small(&["name=a", "epochs=50", "lr=1000000", "checkpoint.every=1"]));
    assert_eq!(ran.code, 2, "{}{}", ran.stdout, ran.stderr);
    assert!(ran.stderr.contains("expected finite numbers"), "{}", ran.stderr);
    let made = lines(work.path(), "a").len() as u64;
    assert!(made > 0);
    checkpoint(work.path(), "a", made);
    done(work.path(), &["export", "runs/a", "--out", "last.onnx"]);
}

#[test]
fn a_disk_that_fills_leaves_the_checkpoint_before() {
    let work = work();
    let one = small(&["name=one", "max_steps=1", "checkpoint.every=1"]);
    let written = count(work.path(), &one, &[]).bytes;
    let size = checkpoint(work.path(), "one", 1)[0].len() as u64;
    let room = (written + size / 2).to_string();
    let more = small(&["name=more", "max_steps=3", "checkpoint.every=1"]);
    let ran = run_with(work.path(), &more, &[("QGSHIM_DISK_BYTES", &room)]);
    let told = words(&ran);
    assert_eq!(ran.status.code(), Some(2), "{told}");
    assert!(told.contains("No space left on device"), "{told}");
    let left = fs::read_dir(work.path().join("runs/more/checkpoints")).unwrap().count();
    assert_eq!(left, 2);
    done(work.path(), &["train", "--resume", "runs/more"]);
    checkpoint(work.path(), "more", 3);
}

#[test]
fn a_run_begins_with_weights_of_a_model_or_of_pytorchs_names() {
    let work = work();
    done(work.path(), &small(&["name=a", "epochs=1"]));
    let by_model = |name: &str, init: &str| {
        let name = format!("name={name}");
        done(work.path(), &small(&[&name, "epochs=1", "--init", init, "--format", "json"]))
    };
    let [model, own] =
        ["runs/a/model.onnx", "runs/a"].map(|init| by_model(&init.replace('/', "_"), init));
    // A model has the backbone alone, a checkpoint the class columns too.
    let taken = |ran: &crate::program::Ran| ran.json("train")["init"]["taken"].as_u64().unwrap();
    assert_eq!(taken(&model) + 1, taken(&own));
    let ran = run(work.path(), &small(&["backbone.width=0.1", "--init", "runs/a/model.onnx"]));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("must be of the same backbone"), "{}", ran.stderr);
}

#[test]
fn a_run_goes_on_only_with_its_own_packs_and_says_what_else_changed() {
    let work = work();
    let ran = done(work.path(), &small(&["name=a", "epochs=2", "max_steps=3"]));
    let told = "train.max_steps ends the run after 3 of its epochs' ";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    let ran = done(work.path(), &["train", "--resume", "runs/a", "lr=0.01", "max_steps=8"]);
    assert!(
        ran.stderr.contains("changed: train.lr: \"0.05\" before, \"0.01\" now"),
        "{}",
        ran.stderr
    );
    let ran = run(work.path(), &["train", "--resume", "runs/a", "seed=9"]);
    assert!(ran.code == 2 && ran.stderr.contains("train.seed"), "{}", ran.stderr);
    let ran = run(work.path(), &small(&["name=a"]));
    assert!(ran.code == 2 && ran.stderr.contains("--resume runs/a"), "{}", ran.stderr);
}

#[test]
fn checkpoints_are_scored_and_the_best_is_kept() {
    let work = work();
    let packs = drawn_path("packs");
    let (out, data) = (format!("pack.out={packs}"), format!("data.root={}", drawn_path("data")));
    let mine: PathBuf = work.path().join("packs/train");
    let mine = format!("packs={}", mine.display());
    let scored =
        ["validation.sets=lfw,scface", "validation.best=lfw.accuracy", "checkpoint.keep=1"];
    let more =
        [&["name=a", "epochs=3", "--format", "json", &out, &data, &mine][..], &scored].concat();
    let ran = run(work.path(), &small(&more));
    assert_eq!(ran.code, 0, "{}", ran.stderr);
    let report = ran.json("train");
    let accuracy = report["scores"]["lfw.accuracy"].as_f64().unwrap();
    let pack = format!("{packs}/lfw.rec");
    let eval = ["eval", "runs/a/model.onnx", "--set", "lfw", "--pack", &pack, "--format", "json"];
    let alone = done(work.path(), &eval).json("eval");
    assert_eq!(alone["results"][0]["metrics"]["accuracy"].as_f64().unwrap(), accuracy);
    let best = report["best_step"].as_u64().unwrap();
    checkpoint(work.path(), "a", best);
    checkpoint(work.path(), "a", 12);
    let left = fs::read_dir(work.path().join("runs/a/checkpoints")).unwrap().count();
    assert_eq!(left, if best == 12 { 2 } else { 4 });
}

#[test]
fn every_preset_learns() {
    let work = work();
    for preset in ["baseline", "A", "B", "C", "D"] {
        let preset = format!("preset={preset}");
        let ran = done(work.path(), &small(&[&preset, "max_steps=3", "--format", "json"]));
        let report = ran.json("train");
        assert!(report["last"]["loss"].as_f64().unwrap().is_finite(), "{report}");
    }
    assert!(work.path().join("runs/D-1/model.onnx").is_file());
    let ran = program(work.path(), &small(&["max_steps=1"])).output().unwrap();
    assert!(words(&ran).contains("runs/D-2"), "{}", words(&ran));
}

/// Packs of the same pictures: as they are, with red and blue exchanged and said so, and exchanged and
/// not said.
#[test]
fn a_pack_of_another_colour_order_is_learned_as_the_same_pictures() {
    let work = tempfile::tempdir().unwrap();
    let learned = [("red", false, "rgb"), ("blue", true, "bgr"), ("wrong", true, "rgb")].map(
        |(name, is_exchanged, declared)| {
            let record = |number: u64| {
                let pixels = spot_pixels(number, 112);
                let pixels = if is_exchanged { exchanged(pixels) } else { pixels };
                image(number, (number % 8) as f32, encode::png(&pixels).unwrap())
            };
            let records: Vec<_> = (0..16).map(record).collect();
            foreign_pack(&work.path().join(name), &records);
            let pack = format!("{name}.rec");
            done(work.path(), &["verify-order", "--adopt", &pack, "--stored-order", declared]);
            let (run, packs) = (format!("name={name}"), format!("packs={name}"));
            done(work.path(), &small(&[&run, &packs, "epochs=1"]));
            let [tensors, _] = checkpoint(work.path(), name, 4);
            tensors
        },
    );
    assert!(learned[0] == learned[1], "the declared order was not turned");
    assert!(learned[0] != learned[2], "the order made no difference");
}

#[test]
fn a_run_that_broke_off_before_a_checkpoint_begins_again_and_one_at_work_is_left_alone() {
    let work = work();
    let arguments = small(&["name=a", "epochs=10", "checkpoint.every=1000"]);
    let mut child = started(work.path(), &arguments, "a", 2);
    let ran = run(work.path(), &arguments);
    assert!(ran.code == 2 && ran.stderr.contains("another process"), "{}", ran.stderr);
    child.kill().unwrap();
    child.wait().unwrap();
    done(work.path(), &small(&["name=a", "epochs=1"]));
    assert_eq!(lines(work.path(), "a").len(), 4);
}

#[test]
fn pictures_of_another_size_are_refused_before_there_is_a_run() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("faces"), 10);
    let pack = ["make-rec", "--dataset", "folder", "--root", "faces", "--name", "train"];
    done(work.path(), &pack);
    let ran = run(work.path(), &small(&[]));
    assert!(ran.code == 2 && ran.stderr.contains("expected 112x112 pixels"), "{}", ran.stderr);
    assert!(!work.path().join("runs").exists());
    done(work.path(), &small(&["other_size=resize", "max_steps=1"]));
}
