//! Help, settings, completions, and the documents of `--format json`.

use crate::pages::type_pages;
use crate::program::{done, fits, fixture, program, run};
use crate::support::words;
use qgface_data::datasets::DATASETS;
use serde_json::Value;
use std::path::Path;

#[test]
fn every_command_explains_itself_and_its_options() {
    let work = tempfile::tempdir().unwrap();
    let help = done(work.path(), &["--help"]).stdout;
    let commands: Vec<&str> = help
        .lines()
        .skip_while(|line| *line != "Commands:")
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .map(|line| line.split_whitespace().next().unwrap())
        .collect();
    let expected = [
        "make-rec",
        "verify-order",
        "stats",
        "inspect",
        "unpack",
        "merge",
        "reindex",
        "align",
        "train",
        "export",
        "eval",
        "report",
        "runtime",
        "synth",
        "demo",
        "init",
        "completions",
        "help",
    ];
    assert_eq!(commands, expected);
    for command in commands.iter().filter(|command| **command != "help") {
        let help = done(work.path(), &[command, "--help"]).stdout;
        assert!(help.contains("Usage:"), "{command}");
        // An option without a word of help is followed by nothing on its line or the next.
        let lines: Vec<&str> = help.lines().collect();
        for (i, line) in lines.iter().enumerate() {
            if line.trim_start().starts_with("--") {
                let told = line.trim().split("  ").count() > 1
                    || lines.get(i + 1).is_some_and(|next| !next.trim().is_empty());
                assert!(told, "{command}: {line}");
            }
        }
    }
}

#[test]
fn an_error_says_what_to_do_and_goes_to_stderr_with_code_2() {
    let work = tempfile::tempdir().unwrap();
    let sets: Vec<&str> = DATASETS.iter().map(|set| set.name).collect();
    let one_of_the_sets = format!("expected one of {}", sets.join(", "));
    for (arguments, words) in [
        (&["verify-order"][..], "make one with `qgface-data make-rec`"),
        (&["make-rec", "--dataset", "tinyface"], "give it with --root"),
        (&["make-rec", "--dataset", "lfw"], &one_of_the_sets),
        (&["make-rec", "--dataset", "list"], "give it with --list FILE"),
        (&["make-rec", "--dataset", "folder", "--label", "parents"], "expected a label function"),
        (&["make-rec", "--dataset", "folder", "--encode", "jpeg:0"], "jpeg:QUALITY (1 to 100)"),
        (&["inspect", "nothing.rec"], "nothing.rec"),
        (&["stats", "nothing.rec", "--format", "html"], "are forms of `qgface-data report`"),
    ] {
        let ran = run(work.path(), arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
    }
}

#[test]
fn init_writes_settings_that_are_read_and_keeps_those_that_are_there() {
    let work = tempfile::tempdir().unwrap();
    done(work.path(), &["init", "--format", "json"]).json("init");
    assert_eq!(run(work.path(), &["init"]).code, 2);
    let file = work.path().join("qgface.toml");
    let text = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, text.replace("out = \"packs\"", "out = \"elsewhere\"")).unwrap();
    let tree = fixture("golden/make_rec/folder_root");
    done(work.path(), &["make-rec", "--dataset", "folder", "--root", &tree]);
    assert!(work.path().join("elsewhere/folder.rec").exists());
}

#[test]
fn completions_are_printed_for_every_shell() {
    let work = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        assert!(
            done(work.path(), &["completions", shell]).stdout.contains("verify-order"),
            "{shell}"
        );
    }
}

#[test]
fn quiet_says_nothing_but_the_result() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/tinyface_root");
    let ran = done(work.path(), &["-q", "make-rec", "--dataset", "tinyface", "--root", &tree]);
    assert_eq!(ran.stderr, "");
}

/// Steps of the tour's training here; all of them would take minutes.
const DEMO_STEPS: u64 = 3;

fn demo(folder: &Path) -> Value {
    let mut command = program(folder, &["demo", "--format", "json"]);
    let ran = command.env("QGFACE_TRAIN_MAX_STEPS", DEMO_STEPS.to_string()).output().unwrap();
    assert!(ran.status.success(), "{}", words(&ran));
    let report = serde_json::from_slice(&ran.stdout).unwrap();
    fits(&report, "demo");
    report
}

#[test]
fn demo_packs_and_proves_every_set_and_the_commands_work_in_its_folder() {
    let work = tempfile::tempdir().unwrap();
    let report = demo(work.path());
    assert_eq!(report["train"]["steps"], DEMO_STEPS);
    assert_eq!(report["order"]["in_order"], true);
    assert_eq!(report["packs"].as_array().unwrap().len(), 11);
    for pack in report["stats"]["packs"].as_array().unwrap() {
        assert_eq!(
            (&pack["skin"]["verdict"], &pack["unreadable"]),
            (&"as_declared".into(), &0.into())
        );
    }
    let folder = work.path().join("demo");
    done(&folder, &["verify-order"]);
    done(&folder, &["verify-order", "--quick"]);
    type_pages(&folder);
    assert_eq!(demo(work.path())["train"]["steps"], DEMO_STEPS);
    for set in ["lfw", "cfp_fp", "agedb_30", "calfw", "cplfw"] {
        assert!(folder.join(format!("data/hq/{set}.bin")).is_file());
        assert!(folder.join(format!("packs/{set}.pairs.txt")).is_file());
    }
    assert_eq!(std::fs::read_to_string(folder.join("packs/property")).unwrap(), "200,112,112\n");
}

#[test]
fn synth_says_what_it_drew_and_refuses_to_draw_over_it() {
    let work = tempfile::tempdir().unwrap();
    let small = [
        "synth",
        "--out",
        "d",
        "--identities",
        "4",
        "--images",
        "2",
        "--size",
        "32",
        "--format",
        "json",
    ];
    let report = done(work.path(), &small).json("synth");
    assert_eq!(report["sets"][0]["name"], "train");
    let ran = run(work.path(), &small);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("delete it or choose another"), "{}", ran.stderr);
}
