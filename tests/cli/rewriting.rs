//! Models rewritten before they are run: where that was measured to be faster, with the same features.

use crate::program::{Ran, done, fixture, program};
use crate::ranks::on_ranks;
use crate::support::words;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A folder with a pack of faces and pairs of them, beside an empty cache; the libraries are those that are
/// installed.
struct Bench {
    work: tempfile::TempDir,
    libraries: [(&'static str, PathBuf); 2],
}

/// Faces of the pack: with their mirrored ones enough to measure what is fastest.
const FACES: usize = 252;

impl Bench {
    fn new() -> Self {
        let work = tempfile::tempdir().unwrap();
        done(work.path(), &["synth", "--out", "data", "--identities", "6", "--images", "42"]);
        let pack = ["make-rec", "--dataset", "folder", "--root", "data/train", "--name", "faces"];
        done(work.path(), &pack);
        let pairs: String = (0..20).map(|at| format!("{at} {} {}\n", 41 + at, at % 2)).collect();
        fs::write(work.path().join("pairs.txt"), pairs).unwrap();
        let info = program(work.path(), &["runtime", "info", "--format", "json"]).output().unwrap();
        let info: Value = serde_json::from_slice(&info.stdout).unwrap();
        let path = |value: &Value| PathBuf::from(value.as_str().expect("an installed library"));
        let libraries = [
            ("ORT_DYLIB_PATH", path(&info["cpu"]["library"]["path"])),
            ("DNNL_DYLIB_PATH", path(&info["onednn"]["path"])),
        ];
        Self { work, libraries }
    }

    fn path(&self) -> &Path {
        self.work.path()
    }

    fn table(&self) -> PathBuf {
        self.path().join("cache/embedding.json")
    }

    /// What scores the pairs and writes the features to a folder.
    fn scoring(&self, features: &str, more: &[&str]) -> Command {
        let model = fixture("onnx/MobileFaceNet.onnx");
        let fixed = ["eval", &model, "--channel-order", "rgb", "--pack", "packs/faces"];
        let scored = ["--pairs", "pairs.txt", "--save-embeddings", features, "--format", "json"];
        let mut command = program(self.path(), &[&fixed[..], &scored, more].concat());
        command.env("QGFACE_RUNTIME_CACHE", self.path().join("cache"));
        command.envs(self.libraries.iter().cloned());
        command
    }

    /// Scores the pairs; the results, and what was said.
    fn eval(&self, features: &str, more: &[&str]) -> (Value, String) {
        let output = self.scoring(features, more).output().unwrap();
        assert!(output.status.success(), "{more:?}: {}", words(&output));
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        (serde_json::from_slice(&output.stdout).unwrap(), said)
    }

    /// Has the table choose, whatever was measured.
    fn choose(&self, rewriting: Value) {
        let mut table: Value = serde_json::from_slice(&fs::read(self.table()).unwrap()).unwrap();
        for known in table["machines"].as_array_mut().unwrap() {
            for choice in known["models"].as_object_mut().unwrap().values_mut() {
                choice["rewriting"] = rewriting.clone();
            }
        }
        fs::write(self.table(), table.to_string()).unwrap();
    }

    /// The features of a folder, a row a face.
    fn features(&self, folder: &str) -> Vec<Vec<f32>> {
        let bytes = fs::read(self.path().join(folder).join("faces_embeddings.npy")).unwrap();
        // The header of a small array of the first version says its own length.
        let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
        let numbers: Vec<f32> =
            bytes[header..].as_chunks().0.iter().map(|&own| f32::from_le_bytes(own)).collect();
        numbers.chunks(numbers.len() / FACES).map(<[f32]>::to_vec).collect()
    }
}

const MEASURING: &str = "measuring what is fastest here";

fn rewriting(results: &Value) -> &Value {
    &results["results"][0]["features"]["rewriting"]
}

#[test]
fn a_model_is_measured_once_and_rewritten_features_are_the_same_but_for_rounding() {
    let bench = Bench::new();
    let (_, said) = bench.eval("measured", &["--no-cache"]);
    assert!(said.contains(MEASURING) && said.contains("images a second as it is"), "{said}");
    bench.choose("pixels".into());
    let (results, said) = bench.eval("rewritten", &[]);
    assert!(!said.contains(MEASURING), "{said}");
    assert_eq!(rewriting(&results), "pixels");
    let (plain, said) = bench.eval("plain", &["--no-rewrite"]);
    assert!(!said.contains(MEASURING), "{said}");
    // What was kept of the rewritten model is not what the model itself makes.
    let source = &plain["results"][0]["features"];
    assert_eq!((&source["cached"], &source["rewriting"]), (&false.into(), &Value::Null));
    let (own, expected) = (bench.features("rewritten"), bench.features("plain"));
    assert!(own != expected && own.len() == FACES);
    for (a, b) in own.iter().zip(&expected) {
        let product = |a: &[f32], b: &[f32]| -> f64 {
            a.iter().zip(b).map(|(&a, &b)| f64::from(a) * f64::from(b)).sum()
        };
        let cosine = product(a, b) / (product(a, a) * product(b, b)).sqrt();
        assert!(1.0 - cosine < 1e-6, "{cosine}");
    }
    // Both are in the cache now, and the model's own come first.
    let (again, _) = bench.eval("again", &[]);
    assert_eq!(
        (&again["results"][0]["features"]["cached"], rewriting(&again)),
        (&true.into(), &Value::Null)
    );
    assert_eq!(bench.features("again"), expected);
    assert_eq!(plain["results"][0]["metrics"], again["results"][0]["metrics"]);
}

#[test]
fn a_damaged_table_is_made_anew_and_without_rewriting_none_is_read() {
    let bench = Bench::new();
    fs::create_dir_all(bench.path().join("cache")).unwrap();
    fs::write(bench.table(), "{").unwrap();
    let (_, said) = bench.eval("plain", &["--no-cache", "--no-rewrite"]);
    assert!(!said.contains("embedding.json"), "{said}");
    assert_eq!(fs::read_to_string(bench.table()).unwrap(), "{");
    let (_, said) = bench.eval("measured", &["--no-cache"]);
    assert!(said.contains("embedding.json") && said.contains("measured anew"), "{said}");
    bench.choose(Value::Null);
    let (results, said) = bench.eval("as_it_is", &["--no-cache"]);
    assert!(!said.contains(MEASURING), "{said}");
    assert_eq!(rewriting(&results), &Value::Null);
    assert_eq!(bench.features("as_it_is"), bench.features("plain"));
}

#[test]
fn ranks_run_a_model_as_one_process_does() {
    let bench = Bench::new();
    // What the ranks have measured together is what one process finds in the table.
    let score =
        |ranks: usize| Ran::of(on_ranks(ranks, &bench.scoring("of_ranks", &["--no-cache"])));
    let measured = score(2);
    assert!(measured.code == 0 && measured.stderr.contains(MEASURING), "{}", measured.stderr);
    for chosen in [Value::Null, "pixels".into()] {
        bench.choose(chosen.clone());
        let (alone, said) = bench.eval("alone", &["--no-cache"]);
        assert!(!said.contains(MEASURING) && rewriting(&alone) == &chosen, "{said}");
        for ranks in [2, 3] {
            let ran = score(ranks);
            assert!(ran.code == 0 && !ran.stderr.contains(MEASURING), "{}", ran.stderr);
            let results: Value = serde_json::from_str(&ran.stdout).unwrap();
            assert_eq!(results["results"], alone["results"], "{ranks} ranks");
            assert!(bench.features("of_ranks") == bench.features("alone"), "{ranks} ranks");
        }
    }
}
