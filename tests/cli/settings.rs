//! Settings from outside: the file is read once, flags have the settings' ranges and defaults, lists are
//! spelt alike everywhere.

use crate::program::{done, fixture, program, run};
use std::fs;
use std::io::Write;
use std::process::Stdio;

/// A pipe gives its text once: a second reading would find nothing and fall back on the defaults.
#[test]
fn a_command_that_decodes_and_has_settings_reads_the_file_once() {
    let work = tempfile::tempdir().unwrap();
    let out = work.path().join("elsewhere");
    let tree = fixture("golden/make_rec/folder_root");
    let make = ["make-rec", "--dataset", "folder", "--root", &tree, "--config", "/dev/stdin"];
    let mut command = program(work.path(), &make);
    let mut child = command.stdin(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    let text = format!("[pack]\nout = '{}'\n", out.display());
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(out.join("folder.rec").is_file());
}

#[test]
fn a_value_is_refused_alike_by_flag_variable_argument_and_file() {
    let work = tempfile::tempdir().unwrap();
    let expected = "expected a whole number from 1 to 65536";
    let flag = ["eval", "m.onnx", "--set", "lfw", "--batch", "65537"];
    let by_variable = |command: &[&str]| {
        let ran = program(work.path(), command).env("QGFACE_EVAL_BATCH", "0").output().unwrap();
        String::from_utf8(ran.stderr).unwrap()
    };
    let told = [
        run(work.path(), &flag).stderr,
        run(work.path(), &["train", "eval.batch=0"]).stderr,
        by_variable(&flag[..4]),
    ];
    fs::write(work.path().join("qgface.toml"), "[eval]\nbatch = 0\n").unwrap();
    let of_file = run(work.path(), &["train"]).stderr;
    assert!(of_file.contains("qgface.toml: eval.batch: "), "{of_file}");
    for told in told.iter().chain([&of_file]) {
        assert!(told.contains(expected), "{told}");
    }
}

#[test]
fn a_pack_with_a_comma_in_its_path_is_one_pack() {
    let work = tempfile::tempdir().unwrap();
    let by_argument = run(work.path(), &["train", r#"packs=["packs/a,b"]"#]);
    let of_variable = program(work.path(), &["train"])
        .env("QGFACE_TRAIN_PACKS", r#"["packs/a,b"]"#)
        .output()
        .unwrap();
    fs::write(work.path().join("qgface.toml"), "[train]\npacks = [\"packs/a,b\"]\n").unwrap();
    let of_file = run(work.path(), &["train"]);
    let of_variable = String::from_utf8(of_variable.stderr).unwrap();
    for told in [by_argument.stderr, of_variable, of_file.stderr] {
        assert!(told.contains("packs/a,b.rec"), "{told}");
    }
}

#[test]
fn the_help_of_a_flag_names_its_setting_and_the_default() {
    let work = tempfile::tempdir().unwrap();
    for (command, defaults) in [
        (
            "eval",
            &[
                "eval.protocol, adaface",
                "eval.device, cpu",
                "eval.batch, 32",
                "eval.time_limit, 600",
            ][..],
        ),
        ("make-rec", &["pack.out, packs", "pack.on_error, stop"]),
        ("train", &["train.device, cpu"]),
    ] {
        let help = done(work.path(), &[command, "--help"]).stdout;
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        for default in defaults {
            assert!(help.contains(&format!("[default: {default}]")), "{default}: {help}");
        }
    }
}
