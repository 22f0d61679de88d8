//! `eval`: what it says of drawn sets, from packs, lists and features, and what it refuses.

use crate::models::{Looks, Outputs, drawn, drawn_path, mobile_face_net, write_model};
use crate::program::{Ran, copy, done, fixture, run};
use qgface_data::eval::Subject;
use qgface_data::metrics::of;
use qgface_data::nn::{Architecture, Backbone, HeadKind, HeadOptions, JointOptions, Sharing};
use qgface_data::optim::Sgd;
use qgface_data::seed::Seed;
use qgface_data::train::{Feeding, Scales, StepGraph, StepOptions, TrainState, export_backbone};
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Evaluates below [`drawn`] with a cache of its own.
fn eval(arguments: &[&str]) -> Value {
    let cache = tempfile::tempdir().unwrap();
    let mut command = crate::program::program(drawn(), &["eval", "--format", "json", "-q"]);
    command.args(arguments).env("QGFACE_EVAL_CACHE", cache.path());
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(0), "{arguments:?}: {stderr}");
    let ran = Ran { code: 0, stdout: String::from_utf8(output.stdout).unwrap(), stderr };
    ran.json("eval")
}

/// The error of an evaluation that must not begin: one line, exit code 2, nothing on stdout.
fn refused(folder: &Path, arguments: &[&str]) -> String {
    let ran = run(folder, &[&["eval", "--no-cache"], arguments].concat());
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}: {}", ran.stderr);
    ran.stderr.lines().last().unwrap().to_owned()
}

fn metrics(document: &Value) -> Vec<&Value> {
    document["results"].as_array().unwrap().iter().map(|result| &result["metrics"]).collect()
}

/// Holds the metrics of a result against the table's, in their order.
fn has_all_of_its_experiment(result: &Value) {
    let subject: Subject = result["set"].as_str().unwrap().parse().unwrap();
    let table: Vec<String> = of(subject.experiment()).map(|own| own.to_string()).collect();
    let found: Vec<&String> = result["metrics"].as_object().unwrap().keys().collect();
    assert_eq!(found, table.iter().collect::<Vec<_>>(), "{subject}");
}

/// A model of the test's own below a new folder.
fn model(looks: &Looks) -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("own.onnx");
    write_model(&path, looks);
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

#[test]
fn every_set_gives_its_metrics_by_their_names() {
    let document = eval(&["model.onnx", "--set", "all,crlfw"]);
    let names = |at: usize| -> Vec<&str> {
        metrics(&document)[at].as_object().unwrap().keys().map(String::as_str).collect()
    };
    assert_eq!(names(0), ["d1", "d2", "d3", "ties"]);
    assert_eq!(names(1), ["rank_1", "rank_5", "rank_20", "map", "ties"]);
    let tar = ["tar@1e-06", "tar@1e-05", "tar@1e-04", "tar@1e-03", "tar@1e-02", "tar@1e-01"];
    let search = ["1n_rank_1", "1n_rank_5", "1n_rank_10", "1n_tpir@1e-02", "1n_tpir@1e-01"];
    let merged = [
        "1n_merged_rank_1",
        "1n_merged_rank_5",
        "1n_merged_rank_10",
        "1n_merged_recall@1e-02",
        "1n_merged_recall@1e-01",
        "1n_ties",
    ];
    assert_eq!(names(2), [&tar[..], &search, &merged].concat());
    assert_eq!(names(3), ["accuracy", "std", "threshold"]);
    assert_eq!(names(8), ["8x8", "12x12", "16x16", "20x20"]);
    for result in document["results"].as_array().unwrap() {
        has_all_of_its_experiment(result);
    }
    let average = |name: &str| document["averages"][name].as_f64().unwrap();
    let accuracies = (3..8).map(|at| metrics(&document)[at]["accuracy"].as_f64().unwrap());
    assert!((average("hq_avg") - accuracies.sum::<f64>() / 5.0).abs() < 1e-12);
    assert!(average("all_avg") > 0.0);
    let settings = &document["results"][2]["settings"];
    assert_eq!(settings["fusion"], "pre_norm_vector_add");
    assert_eq!(settings["channel_order"], "rgb");
    assert_eq!(settings["mean"], serde_json::json!([127.5, 127.5, 127.5]));
}

#[test]
fn a_preset_sets_the_switches_and_each_can_be_set_alone() {
    let switches = |arguments: &[&str]| {
        let document = eval(&[&["model.onnx", "--set", "ijbb"], arguments].concat());
        let result = &document["results"][0];
        let of = |name: &str| result["settings"][name].as_bool().unwrap();
        (of("norm"), of("detector_score"), of("flipud"), metrics(&document)[0].clone())
    };
    let presets = [
        ("qgface", (false, false, false)),
        ("adaface", (true, false, true)),
        ("insightface", (true, true, true)),
        ("cvlface", (false, true, true)),
    ];
    let mut numbers = Vec::new();
    for (preset, expected) in presets {
        let (norm, score, flipud, metrics) = switches(&["--protocol", preset]);
        assert_eq!((norm, score, flipud), expected, "{preset}");
        numbers.push(metrics);
    }
    // The same switches under another preset give the same numbers.
    let own = ["--protocol", "qgface", "--norm", "--detector-score", "--flipud"];
    assert_eq!(switches(&own).3, numbers[2]);
    let own = ["--protocol", "insightface", "--no-norm", "--no-detector-score", "--no-flipud"];
    assert_eq!(switches(&own).3, numbers[0]);
    assert_ne!(switches(&["--no-flip"]).3, numbers[1]);
    assert_ne!(switches(&["--fusion", "average", "--no-norm"]).3, numbers[1]);
}

#[test]
fn numbers_do_not_depend_on_threads_batches_or_where_the_images_lie() {
    let sets = [("tinyface", "data/tinyface"), ("scface", "data/scface"), ("ijbb", "data/ijbb")];
    for (set, root) in sets {
        let expected = eval(&["model.onnx", "--set", set, "--jobs", "1", "--batch", "1"]);
        for (jobs, batch) in [("2", "1"), ("1", "32"), ("2", "32")] {
            let own = eval(&["model.onnx", "--set", set, "--jobs", jobs, "--batch", batch]);
            assert_eq!(metrics(&own), metrics(&expected), "{set} --jobs {jobs} --batch {batch}");
        }
        let list = format!("packs/{set}.lst");
        let listed = eval(&["model.onnx", "--set", set, "--list", &list, "--root", root]);
        assert_eq!(metrics(&listed), metrics(&expected), "{set} from a list of files");
        let empty = tempfile::tempdir().unwrap();
        let (model, root) = (drawn_path("model.onnx"), drawn_path(root));
        let tree =
            ["eval", &model, "--set", set, "--root", &root, "--format", "json", "--no-cache"];
        let tree = done(empty.path(), &tree).json("eval");
        assert_eq!(metrics(&tree), metrics(&expected), "{set} from its tree");
    }
}

#[test]
fn ijbb_is_evaluated_where_the_source_tree_is_not_with_the_protocol_files_alone() {
    let expected = eval(&["model.onnx", "--set", "ijbb"]);
    let elsewhere = tempfile::tempdir().unwrap();
    let packs = elsewhere.path().join("packs");
    fs::create_dir(&packs).unwrap();
    for ending in ["rec", "idx", "lst", "records.csv", "manifest.json"] {
        let name = format!("ijbb.{ending}");
        fs::copy(drawn().join("packs").join(&name), packs.join(&name)).unwrap();
    }
    let model = drawn_path("model.onnx");
    let arguments = ["eval", &model, "--set", "ijbb", "--format", "json", "--root", "files"];
    assert_eq!(run(elsewhere.path(), &arguments).code, 2);
    // In the folder itself, not below IJBB/meta.
    copy(&drawn().join("data/ijbb/IJBB/meta"), &elsewhere.path().join("files"));
    let own = done(elsewhere.path(), &arguments).json("eval");
    assert_eq!(metrics(&own), metrics(&expected));
    // Another pair file than the one the pack was made beside.
    let pairs = elsewhere.path().join("files/ijbb_template_pair_label.txt");
    let text = fs::read_to_string(&pairs).unwrap();
    fs::write(&pairs, text.lines().skip(1).map(|line| format!("{line}\n")).collect::<String>())
        .unwrap();
    let said = refused(elsewhere.path(), &arguments[1..]);
    assert!(said.contains("expected the file the pack was made beside"), "{said}");
}

#[test]
fn features_are_kept_and_a_damaged_entry_is_made_anew() {
    let work = tempfile::tempdir().unwrap();
    let (model, pack) = (drawn_path("model.onnx"), drawn_path("packs/lfw.rec"));
    let arguments = ["eval", &model, "--set", "lfw", "--pack", &pack, "--format", "json"];
    let first = done(work.path(), &arguments).json("eval");
    let again = || done(work.path(), &arguments).json("eval");
    let cached = |document: &Value| document["results"][0]["features"]["cached"].as_bool();
    assert_eq!((cached(&first), cached(&again())), (Some(false), Some(true)));
    assert_eq!(metrics(&again()), metrics(&first));
    for name in ["features.npy", "norms.npy", "entry.json"] {
        let entry = fs::read_dir(work.path().join("cache")).unwrap().next().unwrap().unwrap();
        let file = entry.path().join(name);
        let mut bytes = fs::read(&file).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 0x80;
        fs::write(&file, bytes).unwrap();
        let mended = again();
        assert_eq!((cached(&mended), metrics(&mended)), (Some(false), metrics(&first)), "{name}");
    }
    // Other colours are other features.
    let exchanged = [&arguments[..], &["--channel-order", "bgr"]].concat();
    assert_eq!(cached(&done(work.path(), &exchanged).json("eval")), Some(false));
    let all: Vec<_> = fs::read_dir(work.path().join("cache")).unwrap().collect();
    assert_eq!(all.len(), 4, "two views of two orders, and nothing left over");
    // What a killed run left is cleared away by the next.
    let entry = fs::read_dir(work.path().join("cache")).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(entry.join("entry.json")).unwrap();
    fs::write(entry.join(".qgface-00000000000000aa.partial"), "half").unwrap();
    again();
    done(work.path(), &exchanged);
    let names = |entry: &Path| -> Vec<String> {
        let names = fs::read_dir(entry).unwrap();
        let mut names: Vec<String> =
            names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    };
    assert_eq!(names(&entry), ["entry.json", "features.npy", "lock", "norms.npy"]);
}

#[test]
fn saved_features_give_the_numbers_again() {
    let work = tempfile::tempdir().unwrap();
    let saved = work.path().to_str().unwrap();
    for set in ["tinyface", "ijbb", "lfw"] {
        for preset in ["adaface", "cvlface"] {
            let arguments = ["--set", set, "--protocol", preset];
            let save = ["model.onnx", "--save-embeddings", saved];
            let expected = eval(&[&save[..], &arguments].concat());
            let [features, norms] =
                ["embeddings", "norms"].map(|what| format!("{saved}/{set}_{what}.npy"));
            let files = ["--embeddings", &features, "--norms", &norms];
            let own = eval(&[&files[..], &arguments].concat());
            assert_eq!(metrics(&own), metrics(&expected), "{set} {preset}");
            assert!(own["results"][0]["settings"]["flip"].is_null() && own["model"].is_null());
        }
    }
    // Unit features without norms cannot be weighed by them.
    let features = format!("{saved}/ijbb_embeddings.npy");
    let said = refused(drawn(), &["--embeddings", &features, "--set", "ijbb"]);
    assert!(said.contains("give the norms with --norms"), "{said}");
    eval(&["--embeddings", &features, "--set", "ijbb", "--protocol", "qgface"]);
}

#[test]
fn packs_of_ones_own_are_searched_by_labels_and_compared_by_pairs() {
    let gallery = ["model.onnx", "--gallery", "packs/scface", "--probe", "packs/scface"];
    // Every image is its own mate.
    let own = eval(&gallery);
    assert_eq!(own["results"][0]["set"], "identification");
    assert_eq!(own["results"][0]["metrics"]["rank_1"], 1.0);
    let with = eval(&[&gallery[..], &["--distractor", "packs/tinyface"]].concat());
    assert_eq!(with["results"][0]["counts"]["distractors"], 160);
    let pairs = eval(&["model.onnx", "--pack", "packs/lfw", "--pairs", "packs/lfw.pairs.txt"]);
    for document in [&own, &with, &pairs] {
        has_all_of_its_experiment(&document["results"][0]);
    }
    let expected = eval(&["model.onnx", "--set", "lfw"]);
    let metric = |document: &Value, name: &str| document["results"][0]["metrics"][name].clone();
    assert_eq!(metric(&pairs, "accuracy"), metric(&expected, "accuracy"));
    assert!(metric(&pairs, "tar@1e-01").as_f64().unwrap() > 0.0);
    let bare = tempfile::tempdir().unwrap();
    let folder = bare.path().to_str().unwrap();
    let none = eval(&["model.onnx", "--pack", "packs/tinyface", "--save-embeddings", folder]);
    assert!(none["results"].as_array().unwrap().is_empty());
    let bytes = fs::metadata(bare.path().join("tinyface_embeddings.npy")).unwrap().len();
    assert_eq!(bytes, 128 + 160 * 147 * 4);
}

/// The cosines of Python's onnxruntime 1.32.0 with this model, on the same aligned pictures; see
/// `fixtures/README.md`.
#[test]
fn a_third_partys_model_runs_through_flags_alone_and_returns_pythons_features() {
    let work = tempfile::tempdir().unwrap();
    let list = ["make-rec", "--dataset", "list", "--list"];
    let root = fixture("im2rec_faces");
    let file = fixture("im2rec_faces/train.lst");
    done(work.path(), &[&list[..], &[&file, "--root", &root]].concat());
    let model = mobile_face_net();
    let mut arguments: Vec<&str> = vec!["eval"];
    arguments.extend(model.iter().map(String::as_str));
    arguments.extend(["--no-flip", "--pack", "packs/list", "--save-embeddings", "out"]);
    done(work.path(), &arguments);
    let read = |path: &str| -> Vec<f32> {
        let bytes = fs::read(path).unwrap();
        npyz::NpyFile::new(&bytes[..]).unwrap().into_vec().unwrap()
    };
    let own = read(work.path().join("out/list_embeddings.npy").to_str().unwrap());
    let expected = read(&fixture("onnx/im2rec_faces.features.npy"));
    assert_eq!(own.len(), expected.len());
    for (own, expected) in own.chunks(128).zip(expected.chunks(128)) {
        let dot = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(x, y)| f64::from(*x) * f64::from(*y)).sum()
        };
        let cosine = dot(own, expected) / (dot(own, own) * dot(expected, expected)).sqrt();
        assert!(1.0 - cosine < 1e-6, "{cosine}");
    }
}

#[test]
fn a_fixed_batch_and_two_outputs_give_the_numbers_of_any_batch_and_one() {
    let expected = eval(&["model.onnx", "--set", "scface"]);
    for (batch, outputs) in [
        (Some(1), Outputs::Raw),
        (Some(3), Outputs::Raw),
        (None, Outputs::UnitAndNorm),
        (Some(7), Outputs::UnitAndNorm),
    ] {
        let (_folder, path) = model(&Looks { batch, ..Looks::usual(outputs) });
        let own = eval(&[&path, "--set", "scface"]);
        assert_eq!(metrics(&own), metrics(&expected), "{batch:?}");
        let form = if outputs == Outputs::Raw { "raw" } else { "unit_and_norm" };
        assert_eq!(own["model"]["output"], form);
    }
}

#[test]
fn models_that_are_none_of_faces_are_refused_in_one_line() {
    let of = |edge: i64, outputs: Outputs| Looks { edge, ..Looks::usual(outputs) };
    for (looks, words) in [
        (of(112, Outputs::Three), "expected one output (features) or two"),
        (of(224, Outputs::Raw), "expected an input [N, 3, 112, 112], found [N, 3, 224, 224]"),
        (of(112, Outputs::NotANumber), "the feature is NaN"),
    ] {
        let (_folder, path) = model(&looks);
        let said = refused(drawn(), &[&path, "--set", "lfw"]);
        assert!(said.contains(words) && said.contains("own.onnx"), "{said}");
    }
    let (folder, path) = model(&Looks::usual(Outputs::Raw));
    let bytes = fs::read(&path).unwrap();
    for (cut, words) in [(bytes.len() / 2, "cut short"), (0, "found an empty file")] {
        fs::write(&path, &bytes[..cut]).unwrap();
        let said = refused(drawn(), &[&path, "--set", "lfw"]);
        assert!(said.contains(words), "{said}");
    }
    fs::write(&path, "not a model").unwrap();
    assert!(refused(drawn(), &[&path, "--set", "lfw"]).contains("is it an ONNX model?"));
    drop(folder);
}

#[test]
fn the_order_of_channels_is_declared_or_nothing_is_evaluated() {
    let (_folder, silent) = model(&Looks { metadata: &[], ..Looks::usual(Outputs::Raw) });
    let said = refused(drawn(), &[&silent, "--set", "lfw"]);
    assert!(said.contains("say --channel-order bgr (AdaFace, QGFace) or rgb"), "{said}");
    // A pack that declares exchanged colours, and a model that says rgb.
    let work = tempfile::tempdir().unwrap();
    for ending in ["rec", "idx"] {
        let name = format!("lfw.{ending}");
        fs::copy(drawn().join("packs").join(&name), work.path().join(&name)).unwrap();
    }
    done(work.path(), &["verify-order", "--adopt", "lfw.rec", "--stored-order", "bgr"]);
    fs::copy(drawn().join("packs/lfw.pairs.txt"), work.path().join("pairs.txt")).unwrap();
    let model = drawn_path("model.onnx");
    let own = [&model, "--pack", "lfw.rec", "--pairs", "pairs.txt"];
    let said = refused(work.path(), &own);
    assert!(said.contains("say --channel-order rgb if the network takes rgb"), "{said}");
    let numbers = |arguments: &[&str]| {
        let all = [&["eval", "--no-cache", "--format", "json"], arguments].concat();
        done(work.path(), &all).json("eval")["results"][0]["metrics"].clone()
    };
    // The pictures are true, the declaration exchanges them: what is fed as rgb is bgr.
    let exchanged = numbers(&[&own[..], &["--channel-order", "rgb"]].concat());
    let pack = drawn_path("packs/lfw");
    let bgr = numbers(&[&model, "--pack", &pack, "--pairs", "pairs.txt", "--channel-order", "bgr"]);
    assert_eq!(exchanged, bgr);
}

#[test]
fn features_that_do_not_fit_are_refused_with_their_row() {
    let work = tempfile::tempdir().unwrap();
    let save = work.path().to_str().unwrap();
    eval(&["model.onnx", "--set", "tinyface", "--save-embeddings", save]);
    let path = work.path().join("tinyface_embeddings.npy");
    let bytes = fs::read(&path).unwrap();
    let short = work.path().join("short.npy");
    let mut shorter = bytes[..bytes.len() - 147 * 4].to_vec();
    let shape = shorter.windows(5).position(|text| text == b"(160,").unwrap();
    shorter[shape..shape + 5].copy_from_slice(b"(159,");
    fs::write(&short, shorter).unwrap();
    let eval = |path: &Path| {
        refused(drawn(), &["--set", "tinyface", "--embeddings", path.to_str().unwrap()])
    };
    let said = eval(&short);
    assert!(said.contains("160 images") && said.contains("found 159 rows"), "{said}");
    let mut bad = bytes.clone();
    bad[128 + (5 * 147 + 3) * 4..][..4].copy_from_slice(&f32::NAN.to_le_bytes());
    fs::write(&short, &bad).unwrap();
    let said = eval(&short);
    assert!(said.contains("row 5, ") && said.contains("NaN"), "{said}");
    for (bytes, words) in [
        (&bytes[..bytes.len() - 1], "bytes of them"),
        (b"no array", "a .npy array"),
        (&b""[..], "a .npy array"),
    ] {
        fs::write(&short, bytes).unwrap();
        let said = eval(&short);
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_disturbed_order_and_another_alignment_are_refused_before_the_first_batch() {
    let work = tempfile::tempdir().unwrap();
    let (_folder, broken) = model(&Looks::usual(Outputs::NotANumber));
    let packs = work.path().join("packs");
    copy(&drawn().join("packs"), &packs);
    // Two pictures change places; every length stays.
    let rows = fs::read_to_string(packs.join("lfw.records.csv")).unwrap();
    let row: Vec<&str> = rows.lines().nth(4).unwrap().split(',').collect();
    let (offset, length): (usize, usize) = (row[4].parse().unwrap(), row[5].parse().unwrap());
    let mut rec = fs::read(packs.join("lfw.rec")).unwrap();
    rec[offset + 8 + 24 + length / 2] ^= 1;
    fs::write(packs.join("lfw.rec"), rec).unwrap();
    let said = refused(work.path(), &[&broken, "--set", "lfw"]);
    assert!(said.contains("not in order") && said.contains("position 3"), "{said}");
    // An index whose lines have changed places.
    let idx = fs::read_to_string(packs.join("cplfw.idx")).unwrap();
    let mut lines: Vec<&str> = idx.lines().collect();
    lines.swap(1, 2);
    fs::write(packs.join("cplfw.idx"), lines.join("\n") + "\n").unwrap();
    let said = refused(work.path(), &[&broken, "--set", "cplfw"]);
    assert!(said.contains("not in order"), "{said}");
    // TinyFace aligned by somebody else.
    copy(&drawn().join("data/tinyface"), &work.path().join("data/tinyface"));
    let aligned = work.path().join("data/tinyface");
    fs::rename(aligned.join("aligned_pad_0.1_pad_high"), aligned.join("my_faces")).unwrap();
    let other =
        ["make-rec", "--dataset", "tinyface", "--aligned-dir", "my_faces", "--name", "other"];
    done(work.path(), &other);
    let arguments = [&broken, "--set", "tinyface", "--pack", "packs/other"];
    let said = refused(work.path(), &arguments);
    assert!(said.contains("folder my_faces") && said.contains("--accept-alignment"), "{said}");
    // With the flag the first batch is reached, and this model fails on it.
    let said = refused(work.path(), &[&arguments[..], &["--accept-alignment"]].concat());
    assert!(said.contains("NaN"), "{said}");
}

#[test]
fn what_cannot_run_on_cuda_says_what_is_missing_and_does_not_fall_back() {
    if Path::new("/dev/nvidiactl").exists() {
        return;
    }
    let said = refused(drawn(), &["model.onnx", "--set", "lfw", "--device", "cuda:0"]);
    assert!(said.contains("cuda:0") && said.contains("libcuda.so.1"), "{said}");
    let ran =
        crate::program::program(drawn(), &["eval", "model.onnx", "--set", "lfw", "--no-cache"])
            .env("ORT_DYLIB_PATH", "/nowhere/libonnxruntime.so")
            .output()
            .unwrap();
    assert_eq!(ran.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&ran.stderr).contains("/nowhere/libonnxruntime.so"));
}

#[test]
fn a_part_of_a_set_and_made_up_names_are_not_scored_as_the_set() {
    let work = tempfile::tempdir().unwrap();
    let (model, root) = (drawn_path("model.onnx"), drawn_path("data/tinyface"));
    let shard = ["make-rec", "--dataset", "tinyface", "--root", &root, "--shard", "0/2"];
    done(work.path(), &[&shard[..], &["--name", "half"]].concat());
    let said = refused(work.path(), &[&model, "--set", "tinyface", "--pack", "packs/half"]);
    assert!(said.contains("shard 0 of 2") && said.contains("qgface-data merge"), "{said}");
    for ending in ["rec", "idx"] {
        let name = format!("ijbb.{ending}");
        fs::copy(drawn().join("packs").join(&name), work.path().join(&name)).unwrap();
    }
    done(work.path(), &["verify-order", "--adopt", "ijbb.rec"]);
    let arguments = [&model, "--set", "ijbb", "--pack", "ijbb.rec", "--accept-alignment"];
    let said = refused(work.path(), &arguments);
    assert!(said.contains("made-up names") && said.contains("--root"), "{said}");
    // A set of pairs is scored by position, and what it was made from is told.
    let other = drawn_path("packs/cfp_fp");
    let ran = done(work.path(), &["eval", &model, "--set", "lfw", "--pack", &other, "--no-cache"]);
    assert!(ran.stderr.contains("made from cfp_fp.bin, scored as lfw"), "{}", ran.stderr);
}

#[test]
fn what_can_be_known_before_is_refused_before_the_first_batch() {
    let work = tempfile::tempdir().unwrap();
    // This model fails on its first batch.
    let (_folder, broken) = model(&Looks::usual(Outputs::NotANumber));
    let pairs = work.path().join("pairs.txt");
    fs::write(&pairs, "0 1 1\n2 3 0\n").unwrap();
    let pairs = pairs.to_str().unwrap();
    for (arguments, words) in [
        (&["--set", "ijbb", "--fusion", "concat", "--no-flip"][..], "concat joins two views"),
        (&["--set", "lfw", "--fusion", "faceness_score"], "there is none for this image"),
        (&["--set", "ijbb", "--fusion", "faceness_score"], "weigh them again"),
        (&["--pack", "packs/lfw", "--pairs", pairs], "at least 10 pairs"),
        (&["--set", "lfw", "--pack", "data/hq/lfw.bin"], "found a .bin"),
    ] {
        let said = refused(drawn(), &[&[broken.as_str()], arguments].concat());
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let features = work.path().join("none.npy");
    let header =
        b"{'descr': '<f4', 'fortran_order': False, 'shape': (18446744073709551615, 9), }\n";
    let bytes = [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header].concat();
    fs::write(&features, bytes).unwrap();
    let said = refused(drawn(), &["--set", "lfw", "--embeddings", features.to_str().unwrap()]);
    assert!(said.contains("a shape that no file can hold"), "{said}");
    let said = refused(drawn(), &["--set", "crlfw", "--embeddings", features.to_str().unwrap()]);
    assert!(said.contains("crlfw reduces the pictures"), "{said}");
    let said = refused(drawn(), &["--set", "lfw", "--embeddings", "data"]);
    assert!(said.contains("expected a file, found something else"), "{said}");
}

#[test]
fn protocol_files_name_each_face_once_and_only_faces_and_templates_that_are_there() {
    let work = tempfile::tempdir().unwrap();
    let (_folder, broken) = model(&Looks::usual(Outputs::NotANumber));
    let meta = work.path().join("meta");
    let tree = drawn_path("data/ijbb");
    copy(&drawn().join("data/ijbb/IJBB/loose_crop"), &work.path().join("loose_crop"));
    let changed = |name: &str, change: &dyn Fn(String) -> String, words: &str| {
        let _ = fs::remove_dir_all(&meta);
        copy(&Path::new(&tree).join("IJBB/meta"), &meta);
        let path = meta.join(name);
        fs::write(&path, change(fs::read_to_string(&path).unwrap())).unwrap();
        let said = refused(work.path(), &[&broken, "--set", "ijbb", "--root", "."]);
        assert!(said.contains(words), "{name}: {said}");
    };
    let twice = |text: String| format!("{text}1.jpg 1 1\n");
    changed("ijbb_face_tid_mid.txt", &twice, "expected each face once, found 1.jpg again");
    let more = |text: String| format!("{text}none.jpg 1 1\n");
    changed("ijbb_face_tid_mid.txt", &more, "1 faces of");
    let pair = |text: String| format!("{text}1 9999 0\n");
    changed("ijbb_template_pair_label.txt", &pair, "9999");
    let word = |text: String| text.replacen(" 0\n", " x\n", 1);
    changed("ijbb_template_pair_label.txt", &word, "line 4");
    let probe = |text: String| format!("{text}9999,1,img/1.jpg,1\n");
    changed("ijbb_1N_probe_mixed.csv", &probe, "9999");
}

#[test]
fn a_cache_that_cannot_be_written_is_told_and_done_without() {
    let work = tempfile::tempdir().unwrap();
    fs::write(work.path().join("cache"), "a file").unwrap();
    let (model, pack) = (drawn_path("model.onnx"), drawn_path("packs/lfw"));
    let ran = done(work.path(), &["eval", &model, "--set", "lfw", "--pack", &pack]);
    assert!(ran.stderr.contains("the features are not kept"), "{}", ran.stderr);
}

/// What training exports says itself what it is to be fed.
#[test]
fn an_exported_backbone_is_evaluated_without_a_flag() {
    let backbone = Backbone::new(Architecture::Ir18, 0.125);
    let options = StepOptions {
        backbone: backbone.clone(),
        joint: JointOptions { head: HeadOptions::new(HeadKind::AdaFace), contrast: None },
        classes: 2,
        batch: 2,
        accumulate: 1,
        views: 1,
        scales: Scales::Fixed { head: 0.0, contrast: 0.0 },
        sgd: Sgd::default(),
        sharing: Sharing::default(),
        sample: None,
    };
    let state = TrainState::initial(&StepGraph::new(options).unwrap(), Seed::new(1));
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    export_backbone(&backbone, &state, &Feeding::default()).unwrap().save(&path).unwrap();
    let document = eval(&[path.to_str().unwrap(), "--set", "tinyface"]);
    let result = &document["results"][0];
    assert_eq!(result["settings"]["channel_order"], "bgr", "{result}");
    assert_eq!(result["settings"]["mean"], serde_json::json!([127.5, 127.5, 127.5]), "{result}");
    assert!(result["metrics"]["rank_1"].as_f64().is_some_and(|rate| rate > 0.0), "{result}");
}
