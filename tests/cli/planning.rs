//! `train --plan`, and runs for which there is not enough memory.

use crate::learning::{small, work};
use crate::program::{done, fits, program, run};
use crate::support::words;
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

/// A run that no machine has the memory for: its state alone takes a thousand gigabytes.
const HUGE: [&str; 4] = [
    "backbone.architecture=ir100",
    "backbone.width=16",
    "classes=16777216",
    "contrast.queue_size=16777216",
];

/// Address space that a refusal may take, in KiB; the libraries are loaded in it.
const SMALL_SPACE: &str = "6000000";

fn planned<'a>(more: &[&'a str]) -> Vec<&'a str> {
    [&small(more)[..], &["--plan"]].concat()
}

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_plan_tells_a_run_and_leaves_nothing_behind() {
    let work = work();
    let before = names(work.path());
    let plan = done(work.path(), &planned(&["epochs=3", "max_steps=10", "--format", "json"]));
    let plan = plan.json("plan");
    assert_eq!(names(work.path()), before);
    let told = ["batch", "classes", "steps", "of_steps", "views", "accumulate"]
        .map(|key| plan[key].as_u64().unwrap_or_else(|| panic!("{key} in {plan}")));
    assert_eq!(told, [4, 8, 10, 10, 2, 1]);
    let parts = plan["memory"].as_object().unwrap().values().map(|part| part.as_u64().unwrap());
    assert_eq!(parts.sum::<u64>(), plan["needs"][0]["needed"].as_u64().unwrap());
    assert_eq!(plan["memory"]["weights"], 4 * plan["parameters"].as_u64().unwrap());
    let text = done(work.path(), &planned(&["validation.sets=lfw"])).stdout;
    assert!(text.contains("steps       48 of 48 on cpu") && text.contains("validation"), "{text}");
}

#[test]
fn a_plan_grows_with_batch_width_and_queue_and_not_with_what_is_summed() {
    let work = work();
    let needed = |more: &[&str]| {
        let plan = done(work.path(), &planned(&[more, &["--format", "json"]].concat()));
        plan.json("plan")["needs"][0]["needed"].as_u64().unwrap()
    };
    let own = needed(&[]);
    assert!(needed(&["batch=8"]) > own);
    assert!(needed(&["backbone.width=0.2"]) > own);
    assert!(needed(&["contrast.queue_size=200000"]) > own + 4 * 4 * 512 * 190_000);
    assert!(needed(&["preset=A"]) < own);
    // Only the graph that sums is a little larger.
    assert!(needed(&["accumulate=2"]) < own + (8 << 20));
}

#[test]
fn the_rest_of_a_run_is_planned_by_its_folder() {
    let work = work();
    done(work.path(), &small(&["name=a", "epochs=2", "max_steps=3"]));
    let before = names(&work.path().join("runs/a"));
    let arguments = ["train", "--resume", "runs/a", "max_steps=8", "--plan", "--format", "json"];
    let plan = done(work.path(), &arguments).json("plan");
    assert_eq!((&plan["steps"], &plan["of_steps"]), (&5.into(), &8.into()));
    assert_eq!(names(&work.path().join("runs/a")), before);
}

/// A command in so much address space that no large network has room in it.
fn in_small_space(work: &Path, arguments: &[&str]) -> Command {
    let own = program(work, arguments);
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("ulimit -v {SMALL_SPACE}; exec \"$0\" \"$@\"")]);
    shell.arg(own.get_program()).args(own.get_args()).current_dir(work);
    shell
}

#[test]
fn a_run_that_cannot_fit_is_refused_before_its_memory_is_taken() {
    let work = work();
    let before = names(work.path());
    let arguments = planned(&[&HUGE[..], &["--format", "json"]].concat());
    let plan = in_small_space(work.path(), &arguments).output().unwrap();
    assert_eq!(plan.status.code(), Some(1), "{plan:?}");
    let plan: Value = serde_json::from_slice(&plan.stdout).unwrap();
    fits(&plan, "plan");
    assert_eq!(plan["fits"], false);
    let refused = in_small_space(work.path(), &small(&HUGE)).output().unwrap();
    let said = words(&refused);
    assert_eq!(refused.status.code(), Some(2), "{said}");
    for told in ["MiB that are left", "train.memory=warn"] {
        assert!(said.contains(told), "{told} in {said}");
    }
    assert_eq!(names(work.path()), before);
}

#[test]
fn what_would_fit_is_told_and_fits() {
    let work = work();
    let plan = |more: &[&str]| {
        let ran = run(work.path(), &planned(&[more, &["--format", "json"]].concat()));
        (ran.code, ran.json("plan"))
    };
    let (code, wide) = plan(&["backbone.width=16"]);
    // A machine may have the memory for that: then there is nothing to tell.
    let changes = wide["changes"].as_array().unwrap();
    assert_eq!(
        (code, changes.is_empty()),
        if wide["fits"] == true { (0, true) } else { (1, false) }
    );
    for change in changes {
        let settings = change["settings"].as_array().unwrap();
        let settings: Vec<&str> = settings.iter().map(|own| own.as_str().unwrap()).collect();
        let (code, plan) = plan(&[&["backbone.width=16"], &settings[..]].concat());
        assert_eq!((code, &plan["fits"]), (0, &true.into()), "{settings:?}: {plan}");
    }
}

#[test]
fn a_run_that_is_insisted_on_is_warned_of_and_begun() {
    let work = work();
    // The head alone takes more than there is room for, so the memory runs out at once, as it was told.
    let insisted = small(&[&HUGE[2..], &["memory=warn"]].concat());
    let ended = in_small_space(work.path(), &insisted).output().unwrap();
    let said = words(&ended);
    assert!(said.contains("memory is short: the run takes more than"), "{said}");
    assert!(!ended.status.success() && !said.contains("MiB that are left"), "{said}");
}

/// The most memory that a command held, in bytes.
fn held(mut command: Command) -> u64 {
    let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut most = 0;
    loop {
        let told = fs::read_to_string(&status).unwrap_or_default();
        let line = told.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kibibytes = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse::<u64>().ok());
        most = most.max(1024 * kibibytes.unwrap_or(0));
        if let Some(ended) = child.try_wait().unwrap() {
            assert!(ended.success());
            return most;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// What the page says of larger networks, with room for other systems and libraries.
const NEAR: f64 = 0.25;

#[test]
fn a_run_holds_about_what_its_plan_tells() {
    let work = work();
    for more in [&["backbone.width=0.2", "batch=8"][..], &["preset=A", "backbone.width=0.3"]] {
        let more = [more, &["max_steps=2", "--jobs", "2"]].concat();
        let plan = done(work.path(), &planned(&[&more[..], &["--format", "json"]].concat()));
        let told = plan.json("plan")["needs"][0]["needed"].as_u64().unwrap() as f64;
        let found = held(program(work.path(), &small(&more))) as f64;
        assert!((told / found - 1.0).abs() < NEAR, "{more:?}: told {told}, found {found}");
    }
}

#[test]
fn a_plan_without_packs_is_an_error() {
    let work = tempfile::tempdir().unwrap();
    assert_eq!(run(work.path(), &["train", "--plan"]).code, 2);
}

#[test]
fn a_plan_of_processes_tells_what_their_links_carry_and_how_long_that_takes() {
    let work = work();
    let planned = |more: &[&str]| {
        let plan = done(work.path(), &planned(&[more, &["--format", "json"]].concat()));
        plan.json("plan")
    };
    let number = |plan: &Value, key: &str| plan["transit"][key].as_f64().unwrap();
    assert!(planned(&[]).get("transit").is_none());
    let slow = ["processes=4", "batch=2", "plan.within=1", "plan.between=0.5", "plan.latency=0"];
    let one = planned(&slow);
    let exchanged = one["exchanged"].as_object().unwrap();
    let bytes = exchanged.iter().filter(|(name, _)| *name != "collectives");
    let bytes: f64 = bytes.map(|(_, bytes)| bytes.as_f64().unwrap()).sum();
    assert_eq!((number(&one, "machines"), number(&one, "between_machines")), (1.0, 0.0));
    assert!((number(&one, "seconds") / (bytes / 1e9) - 1.0).abs() < 1e-6, "{one}");
    // Two of four processes: of what each sends two thirds go to the other machine.
    let two = planned(&[&slow[..], &["nodes=2"]].concat());
    let between = number(&two, "between_machines");
    assert!((between / (bytes * 4.0 / 3.0) - 1.0).abs() < 1e-6, "{two}");
    assert!((number(&two, "seconds") / (between / 0.5e9) - 1.0).abs() < 1e-6, "{two}");
    let late = planned(&[&slow[..], &["plan.latency=1000"]].concat());
    let hops = 2.0 * one["exchanged"]["collectives"].as_f64().unwrap();
    assert!((number(&late, "seconds") - number(&one, "seconds") - 1e-3 * hops).abs() < 1e-9);
    let text = done(work.path(), &super::planning::planned(&slow)).stdout;
    assert!(text.contains("exchanges   ") && text.contains("plan.within"), "{text}");
}

#[test]
fn another_machine_is_planned_for_without_a_pack() {
    let work = tempfile::tempdir().unwrap();
    let big = [
        "train",
        "--plan",
        "plan.images=100000000",
        "processes=64",
        "nodes=8",
        "head.shards=ranks",
        "head.sample=0.1",
        "backbone.width=0.1",
        "contrast.queue_size=8192",
        "batch=128",
    ];
    let plan = done(work.path(), &[&big[..], &["classes=29000000", "--format", "json"]].concat());
    let plan = plan.json("plan");
    assert_eq!(plan["classes"], 29_000_000);
    assert!(plan["needs"][0]["available"].is_null() && plan["memory"]["activations"] != 0);
    assert!(plan.get("speed").is_none_or(Value::is_null), "that of this machine says nothing");
    // Columns and momenta of 453,125 classes, and 25 bytes each while a sample is drawn.
    let columns = plan["memory"]["columns"].as_u64().unwrap();
    let dimension = (columns / 453_125 - 25) / 8;
    assert!((16..=512).contains(&dimension) && columns == 453_125 * (8 * dimension + 25));
    let refused = |more: &[&str], said: &str| {
        let ran = run(work.path(), &[&big[..], more].concat());
        assert!(ran.code == 2 && ran.stderr.contains(said), "{}", ran.stderr);
    };
    refused(&[], "train.classes: expected a number of people beside plan.images");
    refused(&["classes=9", "plan.images=100"], "plan.images: expected at least 8192");
}

#[test]
fn more_classes_than_labels_are_exact_for_are_not_learned() {
    let work = work();
    let ran = run(work.path(), &small(&["classes=16777217", "name=a"]));
    assert!(ran.code == 2 && ran.stderr.contains("16777217"), "{}", ran.stderr);
    assert!(!work.path().join("runs").exists());
}
