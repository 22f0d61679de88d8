//! `runtime check`: the machine's own acceptance test, and that it fails by name.
#![cfg(target_os = "linux")]

use crate::program::{fits, program};
use crate::support::words;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Checks with the installed libraries, or others, and an empty cache.
fn checked(folder: &Path, more: &[&str], variables: &[(&str, &Path)]) -> Output {
    let info = program(folder, &["runtime", "info", "--format", "json"]).output().unwrap();
    let info: Value = serde_json::from_slice(&info.stdout).unwrap();
    let path = |value: &Value| PathBuf::from(value.as_str().expect("an installed library"));
    let mut command = program(folder, &[&["runtime", "check", "--quick"], more].concat());
    command.env("QGFACE_RUNTIME_CACHE", folder.join("cache"));
    command.env("ORT_DYLIB_PATH", path(&info["cpu"]["library"]["path"]));
    command.env("DNNL_DYLIB_PATH", path(&info["onednn"]["path"]));
    command.envs(variables.iter().copied()).output().unwrap()
}

fn report(output: &Output) -> Value {
    let report = serde_json::from_slice(&output.stdout);
    let report = report.unwrap_or_else(|_| panic!("{}", words(output)));
    fits(&report, "check");
    report
}

/// How each check came out, by what was checked.
fn verdicts(report: &Value) -> BTreeMap<&str, &str> {
    let checks = report["checks"].as_array().unwrap().iter();
    checks.map(|own| (own["what"].as_str().unwrap(), own["verdict"].as_str().unwrap())).collect()
}

#[test]
fn this_machine_is_right_and_the_report_can_be_sent() {
    let work = tempfile::tempdir().unwrap();
    let output = checked(work.path(), &["--save", "check.json", "--format", "json"], &[]);
    assert!(output.status.success(), "{}", words(&output));
    let report = report(&output);
    let saved: Value =
        serde_json::from_slice(&fs::read(work.path().join("check.json")).unwrap()).unwrap();
    assert_eq!(saved, report);
    let verdicts = verdicts(&report);
    assert!(verdicts.values().all(|verdict| *verdict != "failed"), "{verdicts:?}");
    for what in [
        "operator Conv",
        "operator ConvWeightGradient",
        "operator BatchNormTraining",
        "operator GatherColumns",
        "a step of ir18 x 0.125 in pixels",
        "copying of batches",
    ] {
        assert_eq!(verdicts.get(what), Some(&"passed"), "{what}: {verdicts:?}");
    }
    let speeds = report["speeds"].as_array().unwrap();
    assert!(speeds.len() > 3, "{speeds:?}");
    assert!(speeds.iter().all(|own| own["images_per_second"].as_f64().unwrap() > 0.0));
    assert!(report["peak_memory"].as_u64().unwrap() > 100 << 20);
}

#[test]
fn a_library_that_computes_nothing_fails_by_the_names_of_its_operators() {
    let work = tempfile::tempdir().unwrap();
    let info = program(work.path(), &["runtime", "info", "--format", "json"]).output().unwrap();
    let info: Value = serde_json::from_slice(&info.stdout).unwrap();
    let library = PathBuf::from(info["onednn"]["path"].as_str().expect("an installed library"));
    let broken = work.path().join("libdnnl.so.3");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/cli/broken_onednn.c");
    let mut compiler = Command::new("cc");
    compiler.args(["-shared", "-fPIC", "-Wl,--no-as-needed", "-o"]).arg(&broken).arg(source);
    compiler.arg(&library);
    let rpath = format!("-Wl,-rpath,{}", library.parent().unwrap().display());
    assert!(compiler.arg(rpath).status().unwrap().success(), "cc could not make the library");
    let output =
        checked(work.path(), &["--format", "json"], &[("DNNL_DYLIB_PATH", broken.as_path())]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    let report = report(&output);
    let verdicts = verdicts(&report);
    let failed: Vec<&str> = verdicts
        .iter()
        .filter(|(what, verdict)| what.starts_with("operator") && **verdict == "failed")
        .map(|(what, _)| *what)
        .collect();
    assert_eq!(
        failed,
        ["operator Conv", "operator ConvInputGradient", "operator ConvWeightGradient"],
        "{verdicts:?}"
    );
    assert_eq!(verdicts["a step of ir18 x 0.125 in planes"], "passed");
    assert_eq!(verdicts["a step of ir18 x 0.125 in pixels"], "failed");
}

#[test]
fn a_device_that_is_not_there_is_a_check_that_failed() {
    let work = tempfile::tempdir().unwrap();
    let output = checked(work.path(), &["--device", "cuda:63"], &[]);
    assert_eq!(output.status.code(), Some(1), "{}", words(&output));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("WRONG     cuda:63"), "{text}");
    assert!(text.ends_with("is not right on cuda:63: cuda:63\n"), "{text}");
}
