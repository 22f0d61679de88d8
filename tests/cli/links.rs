//! Links that lie where the program writes, and files that change under it: nothing outside of its own is
//! touched.
#![cfg(target_os = "linux")]

use crate::program::done;
use crate::support::{PARTS, error_of, pictures, put, run_with, tree};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

const MAKE_REC: [&str; 7] = ["make-rec", "--dataset", "folder", "--root", "tree", "--name", "p"];

/// A folder with a `tree` to pack, a folder `packs`, and a folder `precious` with a file in it.
fn prepared() -> tempfile::TempDir {
    let work = tempfile::tempdir().unwrap();
    put(&pictures("links", 3, 12), &work.path().join("tree"));
    fs::create_dir(work.path().join("packs")).unwrap();
    fs::create_dir(work.path().join("precious")).unwrap();
    fs::write(work.path().join("precious/lock"), "kept").unwrap();
    work
}

fn assert_untouched(work: &Path) {
    let precious = tree(&work.join("precious"));
    assert_eq!(precious.len(), 1, "{:?}", precious.keys());
    assert_eq!(precious["lock"], b"kept");
}

#[test]
fn a_link_in_the_place_of_the_hidden_folder_is_refused() {
    let work = prepared();
    symlink("../precious", work.path().join("packs/.p.partial")).unwrap();
    let line = error_of(&run_with(work.path(), &MAKE_REC, &[]));
    assert!(line.contains("packs/.p.partial") && line.contains("found a link"), "{line}");
    assert_untouched(work.path());
}

#[test]
fn a_link_in_the_place_of_the_lock_is_refused() {
    let work = prepared();
    fs::create_dir(work.path().join("packs/.p.partial")).unwrap();
    symlink("../../precious/lock", work.path().join("packs/.p.partial/lock")).unwrap();
    let line = error_of(&run_with(work.path(), &MAKE_REC, &[]));
    assert!(line.contains(".p.partial/lock") && line.contains("found a link"), "{line}");
    assert_untouched(work.path());
}

#[test]
fn links_in_the_places_of_parts_are_replaced_and_not_written_through() {
    let work = prepared();
    let staging = work.path().join("packs/.p.partial");
    fs::create_dir(&staging).unwrap();
    for part in ["rec", "idx", "lst", "records.csv", "manifest.unsealed", "settings.json"] {
        symlink(format!("../../precious/{part}"), staging.join(part)).unwrap();
    }
    symlink("../../precious/lock", staging.join("records.kept")).unwrap();
    done(work.path(), &MAKE_REC);
    assert_untouched(work.path());
    assert!(PARTS.iter().all(|part| !work.path().join("packs").join(part).is_symlink()));
    done(work.path(), &["verify-order", "packs/p", "--root", "tree"]);
}

#[test]
fn what_a_killed_process_left_beside_a_pack_is_removed_and_others_files_are_not() {
    let work = prepared();
    let packs = work.path().join("packs");
    fs::write(packs.join(".qgface-00000000000000aa.partial"), "half").unwrap();
    fs::write(packs.join(".qgface-mine.partial"), "kept").unwrap();
    done(work.path(), &MAKE_REC);
    assert!(!packs.join(".qgface-00000000000000aa.partial").exists());
    assert!(packs.join(".qgface-mine.partial").exists());
}

#[test]
fn a_pack_that_is_shortened_while_it_is_read_is_named() {
    let work = prepared();
    done(work.path(), &MAKE_REC);
    for command in [&["verify-order", "packs/p"][..], &["stats", "packs/p"]] {
        let whole = fs::read(work.path().join("packs/p.rec")).unwrap();
        let line = error_of(&run_with(work.path(), command, &[("QGSHIM_SHORTEN", "packs/p.rec")]));
        assert!(line.contains("packs/p.rec: this file was shortened while it was read"), "{line}");
        fs::write(work.path().join("packs/p.rec"), whole).unwrap();
    }
}
