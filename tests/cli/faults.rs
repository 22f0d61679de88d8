//! One clear error for each thing that can go wrong: exit code 2, one line that names the file, and
//! the folder of packs as it was.
#![cfg(target_os = "linux")]

use crate::program::program;
use crate::program::{done, fixture};
use crate::support::{
    PARTS, Tree, assert_same, count, error_of, pictures, put, run_with, tree, words,
};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Output};

const FOLDER: [&str; 7] = ["make-rec", "--dataset", "folder", "--root", "tree", "--name", "p"];
const LIST: [&str; 9] =
    ["make-rec", "--dataset", "list", "--root", "tree", "--name", "p", "--list", "tree/p.lst"];

/// A folder with a `tree` to pack and a pack `p` of other pictures.
fn prepared() -> tempfile::TempDir {
    let work = tempfile::tempdir().unwrap();
    put(&pictures("old", 3, 12), &work.path().join("tree"));
    done(work.path(), &FOLDER);
    put(&pictures("new", 7, 40), &work.path().join("tree"));
    work
}

/// Runs the program over the pack that is there and where none is: both times it must refuse in
/// one line that holds all of `expected`, and leave `packs` as it was.
fn refuses(work: &Path, arguments: &[&str], faults: &[(&str, &str)], expected: &[&str]) {
    let packs = work.join("packs");
    let old = tree(&packs);
    assert_eq!(old.len(), PARTS.len());
    let over = [arguments, &["--overwrite"]].concat();
    leaves_as_it_was(work, &run_with(work, &over, faults), &old, expected);
    put(&Tree::new(), &packs);
    leaves_as_it_was(work, &run_with(work, arguments, faults), &Tree::new(), expected);
    put(&old, &packs);
}

fn leaves_as_it_was(work: &Path, ran: &Output, before: &Tree, expected: &[&str]) {
    let line = error_of(ran);
    expected.iter().for_each(|words| assert!(line.contains(words), "{words:?} not in: {line}"));
    assert_same(&tree(&work.join("packs")), before, &line);
}

/// The first half of a JPEG.
fn truncated() -> Vec<u8> {
    let whole = fs::read(fixture("golden/make_rec/folder_root/imgs/0/0.jpg")).unwrap();
    whole[..whole.len() / 2].to_vec()
}

/// Files that are no pictures, with what is said of each.
fn bad_files() -> [(&'static str, Vec<u8>, &'static str); 3] {
    [
        ("1/text.jpg", b"This is text.\n".to_vec(), "expected a JPEG or PNG picture, found"),
        ("1/zero.jpg", Vec::new(), "the file is empty (0 bytes)"),
        ("1/cut.jpg", truncated(), "the picture is truncated or damaged"),
    ]
}

/// Writes a list of the pictures of `tree` with `bad` as its third line.
fn write_list(work: &Path, bad: &str) {
    let mut paths: Vec<String> = pictures("new", 7, 40).into_keys().collect();
    paths.insert(2, bad.to_owned());
    let lines: String = paths
        .iter()
        .enumerate()
        .map(|(key, path)| format!("{key}\t{}\t{path}\n", key * 2))
        .collect();
    fs::write(work.join("tree/p.lst"), lines).unwrap();
}

#[test]
fn a_full_disk_is_named_wherever_it_fills() {
    let work = prepared();
    put(&pictures("large", 20, 300), &work.path().join("tree"));
    let old = tree(&work.path().join("packs"));
    let bytes = count(work.path(), &[&FOLDER[..], &["--overwrite"]].concat(), &[]).bytes;
    put(&old, &work.path().join("packs"));
    for room in [0, 1, 100, bytes / 2, bytes * 9 / 10, bytes - 3000, bytes - 1000, bytes - 1] {
        let faults = [("QGSHIM_DISK_BYTES", &*room.to_string())];
        let expected = ["cannot write packs/.p.partial/", "No space left on device"];
        refuses(work.path(), &FOLDER, &faults, &expected);
    }
}

#[test]
fn a_full_tmpfs_is_named() {
    let work = prepared();
    put(&pictures("large", 20, 300), &work.path().join("tree"));
    let packs = work.path().join("packs");
    let old = tree(&packs);
    let Some(_mounted) = Mounted::at(&packs) else {
        println!("mount is not permitted here: no true full disk was tried");
        return;
    };
    old.iter().for_each(|(path, bytes)| fs::write(packs.join(path), bytes).unwrap());
    let ran = run_with(work.path(), &[&FOLDER[..], &["--overwrite"]].concat(), &[]);
    leaves_as_it_was(work.path(), &ran, &old, &["packs/.p.partial/rec", "No space left on device"]);
}

/// A file system of a mebibyte, unmounted when dropped.
struct Mounted<'a>(&'a Path);

impl<'a> Mounted<'a> {
    fn at(folder: &'a Path) -> Option<Self> {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(folder);
        mount.output().is_ok_and(|ran| ran.status.success()).then_some(Self(folder))
    }
}

impl Drop for Mounted<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0).status();
    }
}

/// Syncs after the old manifest is gone: from there on the new pack is rolled forward.
const SYNCS_OF_THE_COMMIT: u64 = 3;

#[test]
fn a_refused_fsync_leaves_the_old_pack_or_is_rolled_forward_by_the_next_command() {
    let work = prepared();
    let packs = work.path().join("packs");
    let old = tree(&packs);
    let over = [&FOLDER[..], &["--overwrite"]].concat();
    let syncs = count(work.path(), &over, &[]).fsyncs;
    let new = tree(&packs);
    put(&old, &packs);
    for sync in 1..=syncs {
        let faults = [("QGSHIM_FSYNC_FAILS", &*sync.to_string())];
        let expected = ["cannot make durable", "packs", "Input/output error"];
        if sync <= syncs - SYNCS_OF_THE_COMMIT {
            refuses(work.path(), &FOLDER, &faults, &expected[1..]);
            continue;
        }
        put(&old, &packs);
        let line = error_of(&run_with(work.path(), &over, &faults));
        assert!(expected.iter().all(|words| line.contains(words)), "{line}");
        done(work.path(), &["verify-order"]);
        assert_same(&tree(&packs), &new, &format!("sync {sync} of {syncs}"));
    }
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let work = prepared();
    let faults = [("QGSHIM_UNREADABLE", "1/04.png")];
    refuses(
        work.path(),
        &FOLDER,
        &faults,
        &["1/04.png", "cannot read the file: Permission denied"],
    );
    write_list(work.path(), "0/00.png");
    let faults = [("QGSHIM_UNREADABLE", "p.lst")];
    refuses(work.path(), &LIST, &faults, &["cannot read tree/p.lst: Permission denied"]);
}

#[test]
fn a_file_that_is_no_whole_picture_is_named() {
    for (path, bytes, reason) in bad_files() {
        let work = prepared();
        fs::write(work.path().join("tree").join(path), bytes).unwrap();
        refuses(work.path(), &FOLDER, &[], &[path, reason, "--on-error skip"]);
    }
}

#[test]
fn of_many_bad_files_the_first_of_the_list_is_named() {
    let work = prepared();
    put(&pictures("many", 90, 120), &work.path().join("tree"));
    for i in [35, 36, 80] {
        fs::write(work.path().join(format!("tree/1/{i}.png")), "bad").unwrap();
    }
    let jobs = [&FOLDER[..], &["--jobs", "8"]].concat();
    refuses(work.path(), &jobs, &[], &["1/35.png: cannot pack this image"]);
}

#[test]
fn a_folder_in_place_of_a_picture_is_named() {
    let work = prepared();
    fs::create_dir(work.path().join("tree/1/folder.png")).unwrap();
    write_list(work.path(), "1/folder.png");
    refuses(work.path(), &LIST, &[], &["1/folder.png", "expected a file, found something else"]);
}

#[test]
fn a_folder_in_place_of_a_file_of_the_pack_is_named() {
    for part in PARTS {
        let work = prepared();
        let path = work.path().join("packs").join(part);
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        let before = tree(&work.path().join("packs"));
        let ran = run_with(work.path(), &[&FOLDER[..], &["--overwrite"]].concat(), &[]);
        let expected = [&format!("packs/{part}: expected a file or nothing, found a folder")[..]];
        leaves_as_it_was(work.path(), &ran, &before, &expected);
    }
}

#[test]
fn a_file_in_place_of_the_folder_of_packs_is_named() {
    let work = prepared();
    let elsewhere = [&FOLDER[..], &["--out", "tree/1/04.png"]].concat();
    refuses(work.path(), &elsewhere, &[], &["cannot make the folder tree/1/04.png: File exists"]);
}

#[test]
fn a_link_to_nowhere_is_named() {
    let work = prepared();
    symlink("nowhere.png", work.path().join("tree/1/link.png")).unwrap();
    refuses(work.path(), &FOLDER, &[], &["1/link.png", "No such file"]);
    write_list(work.path(), "1/link.png");
    refuses(work.path(), &LIST, &[], &["1/link.png", "there is no such file"]);
}

#[test]
fn a_root_that_is_not_there_is_named() {
    let work = prepared();
    fs::remove_dir_all(work.path().join("tree")).unwrap();
    refuses(work.path(), &FOLDER, &[], &["tree: expected the root of folder", "--root"]);
}

#[test]
fn a_picture_without_a_row_in_the_csv_of_labels_is_named() {
    let work = prepared();
    let mut paths: Vec<String> = pictures("new", 7, 40).into_keys().collect();
    let left_out = paths.remove(3);
    let rows: String = paths.iter().map(|path| format!("{path},5\n")).collect();
    fs::write(work.path().join("labels.csv"), format!("path,label\n{rows}")).unwrap();
    let labelled = [&FOLDER[..], &["--label", "csv:labels.csv"]].concat();
    refuses(work.path(), &labelled, &[], &[&left_out, "expected a row of labels.csv"]);
}

#[test]
fn a_file_of_someone_else_is_replaced_only_when_told() {
    for part in PARTS {
        let work = prepared();
        let packs = work.path().join("packs");
        put(&[(part.to_owned(), b"foreign".to_vec())].into(), &packs);
        let before = tree(&packs);
        let expected = [&format!("packs/{part} is there already; --overwrite replaces it")[..]];
        leaves_as_it_was(work.path(), &run_with(work.path(), &FOLDER, &[]), &before, &expected);
        done(work.path(), &[&FOLDER[..], &["--overwrite"]].concat());
        done(work.path(), &["verify-order", "packs/p", "--root", "tree"]);
    }
}

/// Packs with `--on-error skip`: the manifest must list `bad`, and the pack must be in order.
fn skips(work: &Path, arguments: &[&str], faults: &[(&str, &str)], bad: &[&str]) {
    let _ = fs::remove_dir_all(work.join("packs"));
    let ran = run_with(work, &[arguments, &["--on-error", "skip"]].concat(), faults);
    assert!(ran.status.success(), "{bad:?}: {}", words(&ran));
    let manifest = fs::read(work.join("packs/p.manifest.json")).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let skipped = manifest["skipped"].as_array().unwrap();
    let paths: Vec<&str> = skipped.iter().map(|entry| entry["path"].as_str().unwrap()).collect();
    assert_eq!(paths, bad);
    assert!(skipped.iter().all(|entry| !entry["reason"].as_str().unwrap().is_empty()));
    assert_eq!(manifest["count"], 7);
    let verified = run_with(work, &["verify-order", "packs/p", "--root", "tree"], faults);
    assert!(verified.status.success(), "{bad:?}: {}", words(&verified));
    assert!(words(&verified).contains("against the source tree"));
}

#[test]
fn bad_pictures_are_skipped_when_told_and_listed_in_the_manifest() {
    let work = prepared();
    for (path, bytes, _) in bad_files() {
        fs::write(work.path().join("tree").join(path), bytes).unwrap();
    }
    fs::copy(work.path().join("tree/1/04.png"), work.path().join("tree/1/closed.png")).unwrap();
    let bad = ["1/closed.png", "1/cut.jpg", "1/text.jpg", "1/zero.jpg"];
    skips(work.path(), &FOLDER, &[("QGSHIM_UNREADABLE", "1/closed.png")], &bad);
}

#[test]
fn listed_pictures_that_are_not_there_are_skipped_when_told() {
    let work = prepared();
    fs::create_dir(work.path().join("tree/1/folder.png")).unwrap();
    symlink("nowhere.png", work.path().join("tree/1/link.png")).unwrap();
    for bad in ["1/folder.png", "1/link.png", "1/missing.png"] {
        write_list(work.path(), bad);
        skips(work.path(), &LIST, &[], &[bad]);
    }
}

#[test]
fn a_link_to_nowhere_in_a_folder_is_skipped_when_told() {
    let work = prepared();
    symlink("nowhere.png", work.path().join("tree/1/link.png")).unwrap();
    skips(work.path(), &FOLDER, &[], &["1/link.png"]);
}

#[test]
fn a_result_that_nobody_can_take_is_an_error_after_the_pack_is_whole() {
    let work = prepared();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let mut command = program(work.path(), &[&FOLDER[..], &["--overwrite"]].concat());
    let line = error_of(&command.stdout(full).output().unwrap());
    assert!(line.contains("cannot write the result: No space left on device"), "{line}");
    done(work.path(), &["verify-order", "packs/p", "--root", "tree"]);
}

/// Puts pictures into the tree whose names no list can hold; returns them as the manifest spells them.
fn unlistable(work: &Path) -> [&'static str; 2] {
    use std::os::unix::ffi::OsStrExt;
    let picture = work.join("tree/1/04.png");
    for name in [&b"tab\there.png"[..], b"latin\xe9.png"] {
        fs::copy(&picture, work.join("tree/1").join(std::ffi::OsStr::from_bytes(name))).unwrap();
    }
    ["1/latin\u{fffd}.png", "1/tab\there.png"]
}

#[test]
fn names_that_no_list_can_hold_are_all_told_at_once_and_skipped_when_told() {
    let work = prepared();
    let bad = unlistable(work.path());
    let expected =
        ["2 files of the set cannot be packed", "1/latin", "here.png", "UTF-8", "--on-error skip"];
    refuses(work.path(), &FOLDER, &[], &expected);
    skips(work.path(), &FOLDER, &[], &bad);
    // One more that the manifest does not mention is a difference.
    fs::copy(work.path().join("tree/1/04.png"), work.path().join("tree/1/new\tone.png")).unwrap();
    let verified = run_with(work.path(), &["verify-order", "packs/p", "--root", "tree"], &[]);
    assert_eq!(verified.status.code(), Some(1), "{}", words(&verified));
    assert!(words(&verified).contains("one.png"), "{}", words(&verified));
}

#[test]
fn pictures_without_a_label_are_all_told_at_once_and_skipped_when_told() {
    let work = prepared();
    for name in ["a.png", "b.png"] {
        fs::copy(work.path().join("tree/1/04.png"), work.path().join("tree/1").join(name)).unwrap();
    }
    let labelled = [&FOLDER[..], &["--label", r"regex:/(\d+)\.png"]].concat();
    let expected = ["2 files of the set cannot be packed", "1/a.png", "1/b.png", "no label in it"];
    refuses(work.path(), &labelled, &[], &expected);
    skips(work.path(), &labelled, &[], &["1/a.png", "1/b.png"]);
}

#[test]
fn a_set_without_any_label_is_refused_also_when_bad_files_are_skipped() {
    let work = prepared();
    let labelled = [&FOLDER[..], &["--label", "regex:id(x)", "--on-error", "skip"]].concat();
    refuses(work.path(), &labelled, &[], &["all 7 images were skipped"]);
}

#[test]
fn a_folder_without_pictures_tells_what_it_holds() {
    let work = prepared();
    put(&Tree::new(), &work.path().join("tree"));
    for name in ["a.pgm", "b.PGM", "notes.txt"] {
        fs::write(work.path().join("tree").join(name), "P5").unwrap();
    }
    let expected = ["found none, but 2 files .pgm, 1 files .txt", "PNG"];
    refuses(work.path(), &FOLDER, &[], &expected);
}

#[test]
fn a_list_of_paths_alone_is_packed_with_positions_for_labels_and_told() {
    let work = prepared();
    fs::write(work.path().join("tree/p.lst"), "1/04.png\n0/00.png\n").unwrap();
    let over = [&LIST[..], &["--overwrite"]].concat();
    let ran = run_with(work.path(), &over, &[]);
    assert!(
        ran.status.success() && words(&ran).contains("says nothing of labels"),
        "{}",
        words(&ran)
    );
    let list = fs::read_to_string(work.path().join("packs/p.lst")).unwrap();
    assert_eq!(list, "0\t0\t1/04.png\n1\t1\t0/00.png\n");
    done(work.path(), &["verify-order", "packs/p", "--root", "tree", "--list", "tree/p.lst"]);
    done(work.path(), &[&over[..], &["--label", "parent"]].concat());
    let list = fs::read_to_string(work.path().join("packs/p.lst")).unwrap();
    assert_eq!(list, "0\t1\t1/04.png\n1\t0\t0/00.png\n");
}

#[test]
fn a_pack_that_is_not_there_is_told_so_and_not_to_be_adopted() {
    let work = prepared();
    let stats = error_of(&run_with(work.path(), &["stats", "packs/absent"], &[]));
    let ran = run_with(work.path(), &["verify-order", "packs/absent"], &[]);
    for said in [stats, words(&ran)] {
        assert!(said.contains("packs/absent.rec: no such file"), "{said}");
        assert!(!said.contains("--adopt"), "{said}");
    }
}

#[test]
fn a_pack_that_is_kept_says_so() {
    let work = prepared();
    put(&pictures("old", 3, 12), &work.path().join("tree"));
    let ran = done(work.path(), &FOLDER);
    let said = ran.stdout;
    assert!(said.starts_with("kept 3 images of folder: the pack is there already"), "{said}");
    let ran = done(work.path(), &[&FOLDER[..], &["--format", "json"]].concat());
    assert_eq!(ran.json("make-rec")["kept"], true);
}
