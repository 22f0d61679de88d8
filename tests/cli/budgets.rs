//! Budgets of a file, and landmarks that no face has: told with the setting, or the order, that mends it.

use crate::program::{Ran, done, program, run};
use crate::support::{pictures, put};
use qgface_data::pack::{Manifest, PackFiles, Part, Store};
use std::fs;
use std::path::Path;

/// A tree of eight pictures of 12 pixels an edge or, every fourth, of 20, and a pack of it.
fn tree() -> tempfile::TempDir {
    let work = tempfile::tempdir().unwrap();
    put(&pictures("budgets", 8, 20), &work.path().join("tree"));
    done(work.path(), &["make-rec", "--dataset", "folder", "--root", "tree", "--name", "p"]);
    work
}

/// A run in which a budget is another.
fn within(work: &Path, arguments: &[&str], budget: (&str, &str)) -> Ran {
    let output = program(work, arguments).env(budget.0, budget.1).output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

#[test]
fn a_picture_beyond_the_budget_of_pixels_is_told_by_every_command_that_decodes() {
    let work = tree();
    let make = ["make-rec", "--dataset", "folder", "--root", "tree", "--name", "q"];
    for arguments in [
        &make[..],
        &[&make[..], &["--encode", "png"]].concat(),
        &["verify-order", "packs/p", "--root", "tree"],
        &["inspect", "packs/p", "1"],
        &["stats", "packs/p"],
    ] {
        let ran = within(work.path(), arguments, ("QGFACE_LIMITS_PIXELS", "399"));
        let said = ran.stdout + &ran.stderr;
        assert!(said.contains("limits.pixels"), "{arguments:?}: {said}");
    }
    // What copies bytes decodes nothing.
    fs::remove_file(work.path().join("packs/p.records.csv")).unwrap();
    let unpack = ["unpack", "packs/p", "--out", "out"];
    let ran = within(work.path(), &unpack, ("QGFACE_LIMITS_PIXELS", "399"));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
    assert!(work.path().join("out/1.png").is_file());
    let ran = within(work.path(), &make, ("QGFACE_LIMITS_PIXELS", "400"));
    assert_eq!(ran.code, 0, "{}{}", ran.stdout, ran.stderr);
}

#[test]
fn a_budget_that_is_no_number_is_refused_before_any_work() {
    let work = tree();
    let ran = within(work.path(), &["stats", "packs/p"], ("QGFACE_LIMITS_SCANS", "many"));
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("limits.scans: expected a whole number"), "{}", ran.stderr);
}

#[test]
fn landmarks_with_left_and_right_exchanged_are_refused_with_the_picture_and_the_order() {
    let work = tree();
    let csv = "path,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\n";
    let row = |path: &str, points: &str| format!("{path},{points}\n");
    let (sound, exchanged) = ("4,5,8,5,6,7,4,9,8,9", "8,5,4,5,6,7,8,9,4,9");
    let names = pictures("budgets", 8, 20);
    let rows = |which: &str| -> String {
        names.keys().map(|name| row(name, if name == which { exchanged } else { sound })).collect()
    };
    let third = names.keys().nth(2).unwrap();
    fs::write(work.path().join("good.csv"), csv.to_owned() + &rows("none")).unwrap();
    fs::write(work.path().join("bad.csv"), csv.to_owned() + &rows(third)).unwrap();
    let set = ["--dataset", "folder", "--root", "tree"];
    let pack = |landmarks| {
        [&["make-rec"], &set[..], &["--name", "a", "--align", "--landmarks", landmarks]].concat()
    };
    let files =
        |landmarks| [&["align"], &set[..], &["--out", "o", "--landmarks", landmarks]].concat();
    for arguments in [pack("bad.csv"), files("bad.csv")] {
        let ran = run(work.path(), &arguments);
        assert_eq!(ran.code, 2, "{}", ran.stdout);
        assert!(ran.stderr.contains(third.as_str()), "{}", ran.stderr);
        assert!(ran.stderr.contains("expected left eye, right eye, nose"), "{}", ran.stderr);
    }
    done(work.path(), &pack("good.csv"));
    for command in ["make-rec", "align"] {
        let help = done(work.path(), &[command, "--help"]).stdout;
        let help: Vec<&str> = help.split_whitespace().collect();
        let help = help.join(" ");
        assert!(help.contains("left eye, right eye, nose"), "{help}");
    }
}

#[test]
fn a_manifest_that_states_more_records_than_its_table_holds_takes_no_memory_for_them() {
    let work = tree();
    let files = PackFiles::of(&work.path().join("packs/p")).unwrap();
    let path = files.path(Part::Manifest);
    let mut manifest = Manifest::read(&path).unwrap();
    (manifest.count, manifest.digest) = (1 << 60, String::new());
    manifest.digest = blake3::hash(&manifest.to_bytes()).to_string();
    fs::write(&path, manifest.to_bytes()).unwrap();
    let _opened = Store::open(&files).map(|store| assert_eq!(store.len(), 8));
    assert_eq!(run(work.path(), &["verify-order", "packs/p"]).code, 1);
}
