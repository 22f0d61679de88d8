//! What is fastest: measured once, kept by the machine and by the run, and never guessed.

use crate::learning::{checkpoint, small, work};
use crate::program::{fits, program};
use crate::support::words;
use serde_json::Value;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

/// A folder for runs beside an empty cache; the libraries are those that are installed.
struct Bench {
    work: tempfile::TempDir,
    libraries: [(&'static str, PathBuf); 2],
}

impl Bench {
    fn new() -> Self {
        let work = work();
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
        self.path().join("cache/tuning.json")
    }

    fn ran(&self, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
        let mut command = program(self.path(), arguments);
        command.env("QGFACE_RUNTIME_CACHE", self.path().join("cache"));
        command.envs(self.libraries.iter().cloned()).envs(variables.iter().copied());
        command.output().unwrap()
    }

    /// What a run said; it must have ended well.
    fn done(&self, arguments: &[&str]) -> String {
        let output = self.ran(arguments, &[]);
        assert!(output.status.success(), "{arguments:?}: {}", words(&output));
        words(&output)
    }

    /// Whether the processor has bfloat16.
    fn rounds(&self) -> bool {
        let info = self.ran(&["runtime", "info", "--format", "json"], &[]);
        let info: Value = serde_json::from_slice(&info.stdout).unwrap();
        info["processor"]["features"].as_array().unwrap().contains(&"avx512bw".into())
    }

    /// Has the table choose a layout, whatever was measured, with every problem solved by the built-in rule:
    /// what was faster in one layout was never timed in the other.
    fn choose(&self, layout: &str) {
        let mut table: Value = serde_json::from_slice(&fs::read(self.table()).unwrap()).unwrap();
        for known in table["machines"].as_array_mut().unwrap() {
            for choice in known["steps"].as_object_mut().unwrap().values_mut() {
                choice["layout"] = layout.into();
                choice["formulations"] = serde_json::json!({});
            }
        }
        fs::write(self.table(), table.to_string()).unwrap();
    }

    fn kept(&self, run: &str) -> Value {
        let file = self.path().join("runs").join(run).join("tuning.json");
        serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
    }
}

const LONG: [&str; 2] = ["epochs=100", "max_steps=120"];

fn long<'a>(more: &[&'a str]) -> Vec<&'a str> {
    small(&[&LONG[..], more].concat())
}

#[test]
fn a_run_is_made_by_what_was_fastest_and_goes_on_by_it() {
    let bench = Bench::new();
    let first = bench.done(&long(&["name=first", "-v"]));
    assert!(first.contains("measuring what is fastest here: 8 rows of 112x112"), "{first}");
    assert!(first.contains("ms a step in pixels") && first.contains("in planes"), "{first}");
    assert!(["planes", "pixels"].contains(&bench.kept("first")["layout"].as_str().unwrap()));
    bench.choose("pixels");
    let whole = bench.done(&long(&["name=whole", "-v"]));
    assert!(!whole.contains("measuring"), "{whole}");
    assert_eq!(bench.kept("whole")["layout"], "pixels");
    // Half of a run goes on to the bytes of a whole one, though the table says something else by then.
    bench.done(&small(&["epochs=100", "name=half", "max_steps=119"]));
    bench.choose("planes");
    bench.done(&["train", "--resume", "runs/half", "max_steps=120"]);
    assert_eq!(checkpoint(bench.path(), "half", 120)[0], checkpoint(bench.path(), "whole", 120)[0]);
    let other = bench.done(&long(&["name=other"]));
    assert_eq!(bench.kept("other")["layout"], "planes", "{other}");
    assert_ne!(
        checkpoint(bench.path(), "other", 120)[0],
        checkpoint(bench.path(), "whole", 120)[0]
    );
}

#[test]
fn a_run_begun_with_onednn_is_not_gone_on_with_without_it_in_silence() {
    let bench = Bench::new();
    bench.done(&["runtime", "tune", "--network", "ir18", "backbone.width=0.05", "batch=4"]);
    bench.choose("pixels");
    bench.done(&long(&["name=a"]));
    let nowhere = [("DNNL_DYLIB_PATH", "/nowhere/libdnnl.so.3")];
    let refused = bench.ran(&["train", "--resume", "runs/a", "max_steps=121"], &nowhere);
    assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
    assert!(words(&refused).contains("/nowhere/libdnnl.so.3"), "{}", words(&refused));
    let told = bench.done(&["train", "--resume", "runs/a", "max_steps=121", "tune=off", "-v"]);
    assert!(told.contains("changed: train.tune: \"auto\" before, \"off\" now"), "{told}");
    fs::write(bench.path().join("runs/a/tuning.json"), "{\"layout\": \"cubes\", \"choice\": null}")
        .unwrap();
    let refused = bench.ran(&["train", "--resume", "runs/a", "max_steps=122", "tune=auto"], &[]);
    assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
    assert!(words(&refused).contains("found the layout \"cubes\""), "{}", words(&refused));
}

#[test]
fn a_run_begun_by_cudnn_goes_on_in_the_operators_of_onnx_on_a_processor() {
    let bench = Bench::new();
    bench.done(&small(&["name=a", "epochs=2", "max_steps=6"]));
    let kept = "{\"layout\": \"vendor planes\", \"choice\": null}";
    fs::write(bench.path().join("runs/a/tuning.json"), kept).unwrap();
    bench.done(&["train", "--resume", "runs/a", "max_steps=8"]);
    bench.done(&small(&["name=whole", "epochs=2", "max_steps=8"]));
    assert_eq!(checkpoint(bench.path(), "a", 8)[0], checkpoint(bench.path(), "whole", 8)[0]);
}

#[test]
fn a_run_that_multiplies_in_bfloat16_says_so_and_goes_on_in_it() {
    let bench = Bench::new();
    let run = small(&["name=a", "epochs=2", "precision=bfloat16", "max_steps=6", "-v"]);
    if !bench.rounds() {
        let refused = bench.ran(&run, &[]);
        assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
        assert!(
            words(&refused)
                .contains("train.precision: expected float32 on a processor without AVX-512")
        );
        assert!(!bench.path().join("runs/a").exists());
        return;
    }
    // Without the library, and without a Python that would fetch it.
    let without = [("DNNL_DYLIB_PATH", ""), ("PATH", "/nowhere")];
    let info = bench.ran(&["runtime", "info", "--format", "json"], &without);
    let info: Value = serde_json::from_slice(&info.stdout).unwrap();
    // The system may have it.
    if info["onednn"]["path"].is_null() {
        let refused = bench.ran(&run, &without);
        assert_eq!(refused.status.code(), Some(2), "{}", words(&refused));
        let told = "train.precision: expected float32, float16 or mixed without oneDNN";
        assert!(words(&refused).contains(told), "{}", words(&refused));
    }
    let said = bench.done(&run);
    assert!(said.contains("convolutions multiply in bfloat16"), "{said}");
    assert_eq!(bench.kept("a")["layout"], "rounded pixels");
    bench.done(&small(&["name=whole", "epochs=2", "precision=bfloat16", "max_steps=8"]));
    let said = bench.done(&["train", "--resume", "runs/a", "max_steps=8", "-v"]);
    assert!(said.contains("convolutions multiply in bfloat16"), "{said}");
    assert_eq!(checkpoint(bench.path(), "a", 8)[0], checkpoint(bench.path(), "whole", 8)[0]);
    bench.done(&small(&["name=wide", "epochs=2", "max_steps=8"]));
    assert_ne!(checkpoint(bench.path(), "wide", 8)[0], checkpoint(bench.path(), "whole", 8)[0]);
}

#[test]
fn mixed_precision_is_what_was_faster_and_stays_that_in_its_run() {
    let bench = Bench::new();
    let mixed = |name| small(&[name, "epochs=2", "precision=mixed", "max_steps=6", "-v"]);
    let first = bench.done(&mixed("name=first"));
    let resume = ["train", "--resume", "runs/a", "max_steps=8", "-v"];
    if !bench.rounds() {
        assert!(!first.contains("measuring"), "{first}");
        assert!(first.contains("train.precision=mixed: float32 in this run"), "{first}");
        return;
    }
    assert!(first.contains("in float32 or bfloat16"), "{first}");
    // So narrow a network may be left out: a rounding is much of a gradient of three channels.
    assert!(first.contains("a step in pixels") && first.contains("rounded pixels"), "{first}");
    bench.choose("rounded pixels");
    let said = bench.done(&mixed("name=a"));
    assert!(said.contains("convolutions multiply in bfloat16"), "{said}");
    bench.choose("pixels");
    let said = bench.done(&resume);
    assert!(said.contains("convolutions multiply in bfloat16"), "{said}");
    let other = bench.done(&mixed("name=b"));
    assert!(other.contains("train.precision=mixed: float32 in this run"), "{other}");
    assert_eq!(bench.kept("b")["layout"], "pixels");
    bench.done(&small(&["name=whole", "epochs=2", "precision=bfloat16", "max_steps=8"]));
    assert_eq!(checkpoint(bench.path(), "a", 8)[0], checkpoint(bench.path(), "whole", 8)[0]);
    let off = bench.done(&[&mixed("name=off")[..], &["tune=off"]].concat());
    assert!(off.contains("train.precision=mixed: float32 in this run"), "{off}");
}

#[test]
fn few_steps_and_tuning_that_is_off_measure_nothing() {
    let bench = Bench::new();
    bench.done(&small(&["name=few", "epochs=2"]));
    // What an attempt left that broke off before its first checkpoint says nothing of the next.
    fs::create_dir_all(bench.path().join("runs/off")).unwrap();
    for (file, text) in [("config.toml", ""), ("tuning.json", "{")] {
        fs::write(bench.path().join("runs/off").join(file), text).unwrap();
    }
    bench.done(&long(&["name=off", "tune=off"]));
    assert!(!bench.table().exists());
    for run in ["few", "off"] {
        assert_eq!(bench.kept(run)["layout"], "planes");
    }
}

#[test]
fn a_network_is_tuned_ahead_once() {
    let bench = Bench::new();
    let tune = ["runtime", "tune", "--network", "ir18", "backbone.width=0.05", "batch=2"];
    let tune = [&tune[..], &["--format", "json"]].concat();
    let report = |more: &[&str]| -> Value {
        let output = bench.ran(&[&tune[..], more].concat(), &[]);
        assert!(output.status.success(), "{}", words(&output));
        let report = serde_json::from_slice(&output.stdout).unwrap();
        fits(&report, "tune");
        report
    };
    let first = report(&[]);
    assert_eq!(
        (&first["measured"], &first["choice"]["left_out"]),
        (&true.into(), &serde_json::json!({}))
    );
    assert!(first["choice"]["difference"].as_f64().unwrap() < 1e-3);
    assert_eq!(report(&[])["measured"], false);
    assert_eq!(report(&["--jobs", "1"])["measured"], true, "another number of threads");
    assert_eq!(report(&["--again"])["measured"], true);
    fs::write(bench.table(), "{").unwrap();
    let again = bench.ran(&tune, &[]);
    assert!(words(&again).contains("measured anew"), "{}", words(&again));
    assert_eq!(report(&[])["measured"], false);
}

#[test]
fn a_plan_takes_layout_and_speed_from_the_table() {
    let bench = Bench::new();
    let plan = || -> Value {
        let output = bench.ran(&long(&["--plan", "--format", "json"]), &[]);
        assert!(output.status.success(), "{}", words(&output));
        let plan = serde_json::from_slice(&output.stdout).unwrap();
        fits(&plan, "plan");
        plan
    };
    let before = plan();
    assert_eq!((&before["speed"], &before["layout"]), (&Value::Null, &"planes".into()));
    assert!(!bench.table().exists(), "a plan measures nothing");
    let command = before["measured_by"].as_str().unwrap().split(' ').skip(1);
    bench.done(&command.collect::<Vec<_>>());
    bench.choose("pixels");
    let after = plan();
    assert_eq!((&after["layout"], &after["measured_by"]), (&"pixels".into(), &Value::Null));
    let [speed, seconds] =
        ["images_per_second", "seconds"].map(|key| after["speed"][key].as_f64().unwrap());
    // 120 steps of 4 images.
    assert!((speed * seconds / 480.0 - 1.0).abs() < 1e-6, "{after}");
    let activations = |plan: &Value| plan["memory"]["activations"].as_u64().unwrap();
    assert!(activations(&after) < activations(&before), "{before} {after}");
}
