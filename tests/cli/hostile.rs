//! Models, caches and folders that somebody else prepared: none of them hangs, ends or misleads the
//! program, or has it touch what is not its own.

use crate::learning;
use crate::models::{Looks, Outputs, drawn, drawn_path, outside, write_model};
use crate::program::{done, program, run};
use crate::support::{Tree, assert_same, error_of, run_with, tree, words};
use qgface_data::onnx::{Graph, Model, Tensor};
use serde_json::Value;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A folder with `m.onnx`.
fn with_model(looks: &Looks) -> tempfile::TempDir {
    let work = tempfile::tempdir().unwrap();
    write_model(&work.path().join("m.onnx"), looks);
    work
}

fn lfw<'a>(pack: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["eval", "m.onnx", "--set", "lfw", "--pack", pack][..], more].concat()
}

/// The one line with which a model is refused on the drawn LFW.
fn refused(work: &Path, more: &[&str]) -> String {
    let pack = drawn_path("packs/lfw");
    let begun = Instant::now();
    let said = error_of(
        &program(work, &lfw(&pack, &[&["-q", "--no-cache"], more].concat())).output().unwrap(),
    );
    assert!(begun.elapsed() < Duration::from_secs(60), "{said}");
    said
}

#[test]
fn a_model_opens_no_device_no_pipe_and_no_file_elsewhere() {
    let work = with_model(&Looks::usual(Outputs::Scaled));
    let path = work.path().join("m.onnx");
    fs::create_dir(work.path().join("below")).unwrap();
    symlink("/etc/passwd", work.path().join("link")).unwrap();
    let fifo = work.path().join("fifo");
    assert!(std::process::Command::new("mkfifo").arg(fifo).status().unwrap().success());
    for file in ["/dev/zero", "fifo", "../secret", "link", "below", "*/_ORT_MEM_ADDR_/*"] {
        let mut model = Model::open(&path).unwrap();
        let graph = model.graph.as_mut().unwrap();
        let constant = graph.node.iter_mut().find(|node| node.op_type == "Constant").unwrap();
        constant.attribute[0].t = Some(Box::new(outside(file)));
        fs::write(&path, model.to_bytes(&path).unwrap()).unwrap();
        let said = refused(work.path(), &[]);
        assert!(said.contains("m.onnx: numbers outside the model, in"), "{file}: {said}");
    }
}

#[test]
fn a_constant_that_changed_beside_the_model_is_another_model() {
    let work = with_model(&Looks::usual(Outputs::Scaled));
    let factors = |odd: f32| {
        let numbers = (0..147).map(|at| if at % 2 == 0 { 1.0 } else { odd });
        let bytes: Vec<u8> = numbers.flat_map(f32::to_le_bytes).collect();
        fs::write(work.path().join("factors.bin"), bytes).unwrap();
    };
    let pack = drawn_path("packs/lfw");
    let scored = || {
        let document = done(work.path(), &lfw(&pack, &["--format", "json"])).json("eval");
        let cached = document["results"][0]["features"]["cached"].as_bool().unwrap();
        (cached, document["model"]["blake3"].clone(), document["results"][0]["metrics"].clone())
    };
    factors(1.0);
    let first = scored();
    assert!(!first.0 && scored() == (true, first.1.clone(), first.2.clone()));
    factors(-30.0);
    let second = scored();
    assert!(!second.0 && second.1 != first.1 && second.2 != first.2, "{second:?}");
}

#[test]
fn models_that_would_end_the_process_or_never_end_are_refused_in_a_line() {
    for (looks, more, told) in [
        (
            Looks { batch: Some(1_000_000), ..Looks::usual(Outputs::Raw) },
            &[][..],
            "batches of 1000000",
        ),
        (Looks { batch: Some(1 << 40), ..Looks::usual(Outputs::Raw) }, &[], "at most 7133 faces"),
        (Looks::usual(Outputs::BelowZero), &[], "m.onnx: "),
        (Looks::usual(Outputs::Never), &["--time-limit", "1"], "within 1 s"),
    ] {
        let work = with_model(&looks);
        let said = refused(work.path(), more);
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn rows_and_norms_that_no_network_of_faces_makes_are_refused() {
    for (batch, outputs, told) in [
        (None, Outputs::Twice, "for 32 images, found an output twice of shape [64, 147]"),
        (Some(4), Outputs::Twice, "for 4 images, found an output twice of shape [8, 147]"),
        (None, Outputs::NegativeNorm, "expected norms above 0, found -"),
    ] {
        let work = with_model(&Looks { batch, ..Looks::usual(outputs) });
        let said = refused(work.path(), &[]);
        assert!(said.contains(told), "{said}");
    }
}

#[test]
fn unit_features_without_norms_are_not_weighed_by_norms_unless_told_so() {
    let work = with_model(&Looks::usual(Outputs::Unit));
    let model = work.path().join("m.onnx");
    let ijbb = ["eval", model.to_str().unwrap(), "--set", "ijbb", "--format", "json"];
    let eval = |more: &[&str]| {
        program(drawn(), &[&ijbb[..], more].concat())
            .env("QGFACE_EVAL_CACHE", work.path().join("cache"))
            .output()
            .unwrap()
    };
    let told = "adaface weighs a face by its norm, and the one output is unit vectors";
    let ran = eval(&["-q"]);
    assert!(error_of(&ran).contains(told), "{}", words(&ran));
    let document: Value = serde_json::from_slice(&eval(&["--no-norm"]).stdout).unwrap();
    assert_eq!(document["results"][0]["settings"]["norm"], false);
    assert_eq!(document["model"]["output"], "unit");
    // Nor are they when they come out of the cache.
    let ran = eval(&["-q"]);
    assert!(error_of(&ran).contains(told), "{}", words(&ran));
    // Where nothing is weighed, nothing is missing.
    let pack = drawn_path("packs/lfw");
    done(work.path(), &lfw(&pack, &["--no-cache"]));
}

#[test]
fn fewer_pairs_than_the_published_set_has_are_said() {
    let document = {
        let ran = run(
            drawn(),
            &["eval", "model.onnx", "--set", "hq,crlfw", "--no-cache", "--format", "json"],
        );
        ran.json("eval")
    };
    for result in document["results"].as_array().unwrap() {
        let published = if result["set"] == "cfp_fp" { 7000 } else { 6000 };
        let told = format!("pairs, the published set has {published}");
        let warnings = result["warnings"].as_array().unwrap();
        let is_it = |warning: &Value| {
            warning["kind"] == "other_count" && warning["text"].as_str().unwrap().ends_with(&told)
        };
        let has = warnings.iter().any(is_it);
        assert!(has, "{}: {warnings:?}", result["set"]);
    }
}

/// A folder in which the drawn LFW was evaluated, and its entries of the cache.
fn cached() -> (tempfile::TempDir, Vec<PathBuf>) {
    let work = with_model(&Looks::usual(Outputs::Raw));
    done(work.path(), &lfw(&drawn_path("packs/lfw"), &[]));
    let entries = fs::read_dir(work.path().join("cache")).unwrap();
    let entries: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    assert_eq!(entries.len(), 2);
    (work, entries)
}

#[test]
fn a_cache_is_entered_through_no_link_and_only_its_own_files_are_removed() {
    let (work, entries) = cached();
    let victim = work.path().join("victim");
    fs::create_dir(&victim).unwrap();
    for name in ["precious", "entry.json", "features.npy", "lock"] {
        fs::write(victim.join(name), "kept").unwrap();
    }
    let before = tree(&victim);
    // An entry that is a link, and one whose lock is.
    fs::remove_dir_all(&entries[0]).unwrap();
    symlink(&victim, &entries[0]).unwrap();
    fs::remove_file(entries[1].join("entry.json")).unwrap();
    fs::remove_file(entries[1].join("lock")).unwrap();
    symlink(victim.join("precious"), entries[1].join("lock")).unwrap();
    let pack = drawn_path("packs/lfw");
    let ran = done(work.path(), &lfw(&pack, &[]));
    assert_eq!(ran.stderr.matches("the features are not kept").count(), 1, "{}", ran.stderr);
    assert!(ran.stderr.contains("found a link"), "{}", ran.stderr);
    assert_same(&tree(&victim), &before, "the linked folder");
    // Somebody's own file in an entry stays.
    fs::remove_file(entries[1].join("lock")).unwrap();
    fs::write(entries[1].join("notes.txt"), "mine").unwrap();
    done(work.path(), &lfw(&pack, &[]));
    assert_eq!(fs::read(entries[1].join("notes.txt")).unwrap(), b"mine");
    assert!(entries[1].join("entry.json").is_file());
}

#[test]
fn a_disk_of_the_cache_that_fills_changes_no_number() {
    let (work, _) = cached();
    let pack = drawn_path("packs/lfw");
    let whole: u64 =
        tree(&work.path().join("cache")).values().map(|bytes| bytes.len() as u64).sum();
    let numbers = |ran: &std::process::Output| -> Value {
        let document: Value = serde_json::from_slice(&ran.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}", words(ran)));
        document["results"][0]["metrics"].clone()
    };
    let json = lfw(&pack, &["--format", "json"]);
    let expected = numbers(&program(work.path(), &json).output().unwrap());
    for room in [0, 100, 200, whole / 4, whole / 2, whole * 3 / 4, whole - 1000, whole - 10] {
        fs::remove_dir_all(work.path().join("cache")).unwrap();
        let ran = run_with(work.path(), &json, &[("QGSHIM_DISK_BYTES", &room.to_string())]);
        let said = String::from_utf8_lossy(&ran.stderr).into_owned();
        assert_eq!(ran.status.code(), Some(0), "{room}: {said}");
        assert_eq!(numbers(&ran), expected, "{room}");
        assert_eq!(said.matches("the features are not kept").count(), 1, "{room}: {said}");
        assert!(said.contains("No space left on device"), "{room}: {said}");
    }
    // What the full disk left is no entry.
    let ran = program(work.path(), &json).output().unwrap();
    assert_eq!(numbers(&ran), expected);
    let names: Vec<String> = tree(&work.path().join("cache")).into_keys().collect();
    assert_eq!(names.iter().filter(|name| name.ends_with("entry.json")).count(), 2, "{names:?}");
    assert!(names.iter().all(|name| !name.ends_with(".partial")), "{names:?}");
}

const SMALL: [&str; 6] = [
    "train",
    "backbone.architecture=ir18",
    "backbone.width=0.05",
    "batch=4",
    "max_steps=1",
    "head.ema_start=first_batch",
];

#[test]
fn a_run_is_begun_in_no_folder_that_leads_elsewhere() {
    let work = learning::work();
    let victim = work.path().join("victim");
    fs::create_dir_all(&victim).unwrap();
    fs::create_dir(work.path().join("runs")).unwrap();
    symlink("../victim", work.path().join("runs/a")).unwrap();
    let ran = run(work.path(), &[&SMALL[..], &["name=a"]].concat());
    assert!(ran.code == 2 && ran.stderr.contains("runs/a is there already"), "{}", ran.stderr);
    for part in ["checkpoints", "samples", "plots", "eval"] {
        let folder = work.path().join("runs").join(format!("of_{part}"));
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("config.toml"), "").unwrap();
        symlink("../../victim", folder.join(part)).unwrap();
        let name = format!("name=of_{part}");
        let ran = run(work.path(), &[&SMALL[..], &[&name]].concat());
        assert!(ran.code == 2 && ran.stderr.contains("found a link"), "{part}: {}", ran.stderr);
    }
    assert_same(&tree(&victim), &Tree::new(), "the linked folder");
}

#[test]
fn weights_to_begin_with_that_are_none_say_what_they_are() {
    let work = learning::work();
    let write = |name: &str, bytes: &[u8]| fs::write(work.path().join(name), bytes).unwrap();
    write("zip.ckpt", b"PK\x03\x04\0\0\0\0archive/data.pkl");
    write("old.pt", b"\x80\x02\x8a\x0al\xfc\x9cF\xf9 j\xa8P\x19.");
    write_model(&work.path().join("foreign.onnx"), &Looks::usual(Outputs::Raw));
    let huge = |dims: &[i64]| {
        let name = "input_layer.0.weight".to_owned();
        let weight = Tensor { name, dims: dims.to_vec(), data_type: 1, ..Tensor::default() };
        let graph = Graph { name: "g".to_owned(), initializer: vec![weight], ..Graph::default() };
        Model { ir_version: 8, graph: Some(graph), ..Model::default() }
    };
    huge(&[i64::MAX, 1 << 40]).save(&work.path().join("huge.onnx")).unwrap();
    let dims = "{\"input_layer.0.weight\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296,2],\"data_offsets\":[0,0]}}";
    let bytes = [&(dims.len() as u64).to_le_bytes()[..], dims.as_bytes()].concat();
    write("huge.safetensors", &bytes);
    for (init, told) in [
        (
            "zip.ckpt",
            "found one of PyTorch's, which holds a program and is never run here; convert it",
        ),
        ("old.pt", "safetensors.torch.save_file"),
        ("foreign.onnx", "expected the tensors of the network by their names in PyTorch"),
        ("huge.onnx", "expected the tensors of the network"),
        ("huge.safetensors", "no safetensors file"),
    ] {
        let ran = run(work.path(), &[&SMALL[..], &["--init", init]].concat());
        assert_eq!(ran.code, 2, "{init}: {}", ran.stderr);
        assert!(ran.stderr.contains(told) && ran.stderr.contains(init), "{init}: {}", ran.stderr);
        assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    }
}

#[test]
fn a_value_that_was_found_is_said_once() {
    let work = learning::work();
    let ran = run(work.path(), &["train", "backbone.architecture=resnet50"]);
    assert!(ran.code == 2 && ran.stderr.contains("ir18, ir34, ir50, ir100"), "{}", ran.stderr);
    assert_eq!(ran.stderr.matches("found").count(), 1, "{}", ran.stderr);
}

#[test]
fn a_runs_folder_is_its_model_or_a_word_on_how_to_get_one() {
    let work = with_model(&Looks::usual(Outputs::Raw));
    let pack = drawn_path("packs/lfw");
    let run_folder = work.path().join("runs/a");
    fs::create_dir_all(&run_folder).unwrap();
    let eval = ["eval", "runs/a", "--set", "lfw", "--pack", &pack, "--no-cache"];
    let said = run(work.path(), &eval).stderr;
    assert!(said.contains("found a folder without model.onnx and config.toml"), "{said}");
    fs::write(run_folder.join("config.toml"), "").unwrap();
    let said = run(work.path(), &eval).stderr;
    assert!(said.contains("`qgface-data train --resume runs/a`"), "{said}");
    assert!(said.contains("`qgface-data export runs/a --out MODEL.onnx`"), "{said}");
    fs::rename(work.path().join("m.onnx"), run_folder.join("model.onnx")).unwrap();
    let told = done(work.path(), &eval).stdout;
    assert!(told.contains("runs/a/model.onnx (cpu"), "{told}");
}

#[test]
fn names_never_command_a_terminal() {
    let name = "m\u{1b}[2J\u{9b}1m.onnx";
    let work = tempfile::tempdir().unwrap();
    let pack = drawn_path("packs/lfw");
    let eval = ["eval", name, "--set", "lfw", "--pack", &pack, "--no-cache"];
    let shown = |ran: &crate::program::Ran| {
        let all = format!("{}{}", ran.stdout, ran.stderr);
        assert!(!all.contains(['\u{1b}', '\u{9b}']), "{all:?}");
        all
    };
    let said = shown(&run(work.path(), &eval));
    assert!(said.contains("m\\u{1b}[2J\\u{9b}1m.onnx"), "{said}");
    write_model(&work.path().join(name), &Looks::usual(Outputs::Raw));
    let said = shown(&done(work.path(), &eval));
    assert!(said.contains("m\\u{1b}[2J\\u{9b}1m.onnx (cpu"), "{said}");
    let json = done(work.path(), &[&eval[..], &["--format", "json"]].concat());
    shown(&json);
    assert_eq!(json.json("eval")["model"]["path"], name);
}

#[test]
fn a_command_tells_the_settings_that_it_reads_and_no_others() {
    let work = tempfile::tempdir().unwrap();
    let root = drawn_path("data/train");
    let said =
        done(work.path(), &["make-rec", "-v", "--dataset", "folder", "--root", &root]).stderr;
    assert!(said.contains("pack.out = ") && said.contains("data.root = "), "{said}");
    assert!(!said.contains("train.lr") && !said.contains("eval.batch"), "{said}");
}
