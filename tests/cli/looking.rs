//! `inspect`, `unpack` and `reindex`, on packs made here, elsewhere, and with ill will.

use crate::program::{done, fixture, run};
use std::fs;
use std::path::Path;

#[test]
fn a_pack_made_elsewhere_is_looked_at_without_a_manifest() {
    let work = tempfile::tempdir().unwrap();
    let rec = fixture("golden/recordio/insightface/train.rec");
    let ran = done(work.path(), &["inspect", &rec, "0", "--format", "json"]);
    let report = ran.json("inspect");
    assert!(report["manifest"].is_null());
    let header = &report["records"][0];
    assert_eq!((&header["flag"], &header["label"][0]), (&2.into(), &19.0.into()));
    let ran = done(work.path(), &["unpack", &rec, "--out", "out", "--format", "json"]);
    let report = ran.json("unpack");
    assert_eq!((&report["files"], &report["without_picture"]), (&18.into(), &7.into()));
}

#[test]
fn a_key_that_is_not_there_is_an_error_that_says_so() {
    let work = tempfile::tempdir().unwrap();
    let ran = run(work.path(), &["inspect", &fixture("im2rec_faces/train.rec"), "99"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("key 99: not in the index of 8 records"), "{}", ran.stderr);
}

#[test]
fn reindex_gives_the_index_mxnet_wrote() {
    for pack in
        ["im2rec_faces/train", "golden/recordio/out_of_order", "golden/recordio/magic_packed"]
    {
        let work = tempfile::tempdir().unwrap();
        let rec = work.path().join("x.rec");
        fs::copy(fixture(&format!("{pack}.rec")), &rec).unwrap();
        let ran = run(work.path(), &["reindex", "x.rec", "--format", "json"]);
        let index = fs::read(fixture(&format!("{pack}.idx"))).unwrap();
        if ran.code == 0 {
            ran.json("reindex");
            assert!(fs::read(work.path().join("x.idx")).unwrap() == index, "{pack}");
        } else {
            // Its ids are not its keys: two records share one.
            assert!(ran.stderr.contains("the record has the id"), "{pack}: {}", ran.stderr);
            assert!(!work.path().join("x.idx").exists());
        }
    }
}

#[test]
fn an_index_that_is_there_is_replaced_only_when_told() {
    let work = tempfile::tempdir().unwrap();
    fs::copy(fixture("im2rec_faces/train.rec"), work.path().join("x.rec")).unwrap();
    fs::write(work.path().join("x.idx"), "0\t0\n").unwrap();
    let ran = run(work.path(), &["reindex", "x.rec"]);
    assert_eq!((ran.code, fs::read(work.path().join("x.idx")).unwrap()), (2, b"0\t0\n".to_vec()));
    done(work.path(), &["reindex", "x.rec", "--overwrite"]);
    done(work.path(), &["reindex", "x.rec"]);
}

#[test]
fn unpack_writes_nowhere_but_its_folder_whatever_the_paths_say() {
    for hostile in ["../escaped.jpg", "/tmp/escaped.jpg", "a/../../escaped.jpg", ".."] {
        let work = tempfile::tempdir().unwrap();
        let real = fixture("im2rec_faces");
        done(work.path(), &["make-rec", "--dataset", "folder", "--root", &real, "--name", "x"]);
        let table = work.path().join("packs/x.records.csv");
        let text = fs::read_to_string(&table).unwrap();
        fs::write(&table, text.replacen("man/man_1.jpg", hostile, 1)).unwrap();
        let ran = run(work.path(), &["unpack", "packs/x", "--out", "out/deep"]);
        assert_eq!(ran.code, 2, "{hostile}");
        assert!(ran.stderr.contains("which leads out of the folder"), "{hostile}: {}", ran.stderr);
        assert!(!work.path().join("out/escaped.jpg").exists());
        assert!(!work.path().join("escaped.jpg").exists());
        assert!(!Path::new("/tmp/escaped.jpg").exists());
    }
}

#[test]
fn unpack_refuses_a_table_that_does_not_describe_the_records() {
    let work = tempfile::tempdir().unwrap();
    done(
        work.path(),
        &["make-rec", "--dataset", "folder", "--root", &fixture("im2rec_faces"), "--name", "x"],
    );
    let table = work.path().join("packs/x.records.csv");
    let text = fs::read_to_string(&table).unwrap();
    let cut: String = text.lines().take(3).map(|line| format!("{line}\n")).collect();
    let swapped =
        text.replace("man_1.jpg", "?").replace("man_2.jpg", "man_1.jpg").replace('?', "man_2.jpg");
    let rows: Vec<&str> = text.lines().collect();
    let reordered = [&[rows[0], rows[2], rows[1]], &rows[3..]].concat().join("\n");
    for (what, table_text) in [("cut", cut), ("reordered", reordered)] {
        fs::write(&table, table_text).unwrap();
        let ran = run(work.path(), &["unpack", "packs/x", "--out", what]);
        assert_eq!(ran.code, 2, "{what}");
        assert!(ran.stderr.contains("x.records.csv: line"), "{what}: {}", ran.stderr);
    }
    // Names alone prove nothing to unpack; verify-order holds them against the list.
    fs::write(&table, swapped).unwrap();
    assert_eq!(run(work.path(), &["verify-order", "packs/x"]).code, 1);
}

#[test]
fn a_record_that_no_line_of_the_index_lists_is_not_lost_without_a_word() {
    let work = tempfile::tempdir().unwrap();
    fs::copy(fixture("im2rec_faces/train.rec"), work.path().join("x.rec")).unwrap();
    let index = fs::read_to_string(fixture("im2rec_faces/train.idx")).unwrap();
    let without: String = index
        .lines()
        .enumerate()
        .filter(|(i, _)| *i != 3)
        .map(|(_, line)| format!("{line}\n"))
        .collect();
    fs::write(work.path().join("x.idx"), without).unwrap();
    let ran = run(work.path(), &["unpack", "x.rec", "--out", "out"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("bytes that the index does not list"), "{}", ran.stderr);
}

#[test]
fn a_sheet_shows_the_pictures_with_their_true_colours() {
    let work = tempfile::tempdir().unwrap();
    let rec = fixture("im2rec_faces/train.rec");
    let ran = done(work.path(), &["inspect", &rec, "--sheet", "sheet.png", "--format", "json"]);
    assert_eq!(ran.json("inspect")["sheet"], "sheet.png");
    let sheet =
        qgface_data::image::decode::decode(&fs::read(work.path().join("sheet.png")).unwrap())
            .unwrap();
    assert_eq!((sheet.width, sheet.height), (12 * 96, 96));
    let red: u64 = sheet.data.iter().step_by(3).map(|&value| u64::from(value)).sum();
    let blue: u64 = sheet.data.iter().skip(2).step_by(3).map(|&value| u64::from(value)).sum();
    assert!(red > blue, "faces are redder than they are blue");
}
