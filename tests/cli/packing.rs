//! `make-rec` and `verify-order` as typed.

use crate::program::{copy, done, fits, fixture, root, run};
use std::fs;

#[test]
fn a_list_gives_the_bytes_of_im2rec_and_unpack_gives_the_pictures_back() {
    let work = tempfile::tempdir().unwrap();
    let real = fixture("im2rec_faces");
    let list = fixture("im2rec_faces/train.lst");
    let arguments = [
        "make-rec",
        "--dataset",
        "list",
        "--list",
        &list,
        "--root",
        &real,
        "--origin",
        "--name",
        "train",
    ];
    done(work.path(), &arguments);
    for file in ["train.rec", "train.idx"] {
        let own = fs::read(work.path().join("packs").join(file)).unwrap();
        assert!(
            own == fs::read(root().join("fixtures/im2rec_faces").join(file)).unwrap(),
            "{file}"
        );
    }
    let unpacked =
        done(work.path(), &["unpack", "packs/train.rec", "--out", "faces", "--format", "json"]);
    assert_eq!(unpacked.json("unpack")["files"], 8);
    for face in ["man/man_1.jpg", "man/man_4.jpg", "woman/woman_1.jpg", "woman/woman_4.jpg"] {
        let own = fs::read(work.path().join("faces").join(face)).unwrap();
        assert!(
            own == fs::read(root().join("fixtures/im2rec_faces").join(face)).unwrap(),
            "{face}"
        );
    }
}

#[test]
fn the_walk_finds_the_33_files_of_the_reference_and_the_one_in_capitals() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/tinyface_root");
    let ran = done(
        work.path(),
        &["make-rec", "--dataset", "tinyface", "--origin", "--root", &tree, "--format", "json"],
    );
    assert_eq!(ran.json("make-rec")["count"], 34);
    let list = fs::read_to_string(work.path().join("packs/tinyface.lst")).unwrap();
    assert_eq!(list.lines().filter(|line| line.ends_with("Probe/999_1.JPG")).count(), 1);
    assert!(ran.stderr.contains("published set has 153428"), "{}", ran.stderr);
}

#[test]
fn the_commands_work_as_typed_in_a_folder_with_data() {
    let work = tempfile::tempdir().unwrap();
    done(work.path(), &["init"]);
    copy(
        &root().join("fixtures/golden/make_rec/tinyface_root"),
        &work.path().join("data/tinyface"),
    );
    done(work.path(), &["make-rec", "--dataset", "tinyface", "--origin"]);
    let ran = done(work.path(), &["verify-order", "--format", "json"]);
    let report = ran.json("verify-order");
    assert_eq!((&report["in_order"], &report["packs"][0]["count"]), (&true.into(), &34.into()));
    assert!(ran.stdout.contains("every position and its picture against the source tree"));
}

#[test]
fn a_root_may_be_the_set_or_the_folder_around_it() {
    let work = tempfile::tempdir().unwrap();
    for (set, roots) in [
        ("ijbb", ["ijb_root", "ijb_root/IJBB"]),
        ("tinyface", ["tinyface_root", "tinyface_root/tinyface"]),
    ] {
        let orders = roots.map(|tree| {
            let tree = fixture(&format!("golden/make_rec/{tree}"));
            let arguments =
                ["make-rec", "--dataset", set, "--overwrite", "--root", &tree, "--format", "json"];
            done(work.path(), &arguments).json("make-rec")["order"].clone()
        });
        assert_eq!(orders[0], orders[1], "{set}");
    }
}

#[test]
fn a_pack_that_is_there_is_kept_unless_overwrite_is_said() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/folder_root");
    let pack = ["make-rec", "--dataset", "folder", "--root", &tree];
    let encoded = [&pack[..], &["--encode", "png"]].concat();
    done(work.path(), &pack);
    let ran = run(work.path(), &encoded);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("is there already; --overwrite replaces it"), "{}", ran.stderr);
    done(work.path(), &[&encoded[..], &["--overwrite"]].concat());
}

#[test]
fn the_same_pack_again_is_proved_and_kept_and_another_is_refused() {
    let work = tempfile::tempdir().unwrap();
    copy(&root().join("fixtures/golden/make_rec/folder_root"), &work.path().join("tree"));
    let pack = ["make-rec", "--dataset", "folder", "--root", "tree"];
    done(work.path(), &pack);
    let before = fs::metadata(work.path().join("packs/folder.rec")).unwrap().modified().unwrap();
    assert!(done(work.path(), &pack).stdout.starts_with("kept 6 images"));
    let after = fs::metadata(work.path().join("packs/folder.rec")).unwrap().modified().unwrap();
    assert_eq!(before, after);
    fs::copy(work.path().join("tree/imgs/1/0.jpg"), work.path().join("tree/imgs/0/0.jpg")).unwrap();
    assert_eq!(run(work.path(), &pack).code, 2);
}

#[test]
fn a_pack_of_a_list_that_lies_elsewhere_is_still_compared_with_its_pictures() {
    let work = tempfile::tempdir().unwrap();
    copy(&root().join("fixtures/im2rec_faces"), &work.path().join("data/list"));
    fs::rename(work.path().join("data/list/train.lst"), work.path().join("train.lst")).unwrap();
    done(work.path(), &["make-rec", "--dataset", "list", "--list", "train.lst"]);
    done(work.path(), &["verify-order"]);
    let faces = work.path().join("data/list/woman");
    fs::copy(faces.join("woman_2.jpg"), faces.join("woman_4.jpg")).unwrap();
    let ran = run(work.path(), &["verify-order", "--format", "json"]);
    assert_eq!(ran.code, 1);
    assert_eq!(ran.json("verify-order")["packs"][0]["differences"][0]["position"], 2);
}

#[test]
fn a_source_tree_whose_pictures_are_gone_is_a_difference() {
    let work = tempfile::tempdir().unwrap();
    copy(
        &root().join("fixtures/golden/make_rec/tinyface_root"),
        &work.path().join("data/tinyface"),
    );
    done(work.path(), &["make-rec", "--dataset", "tinyface"]);
    fs::remove_dir_all(work.path().join("data/tinyface/aligned_pad_0.1_pad_high")).unwrap();
    assert_eq!(run(work.path(), &["verify-order"]).code, 1);
    assert_eq!(run(work.path(), &["verify-order", "--root", "data/tinyface"]).code, 1);
}

#[test]
fn another_tree_of_the_same_kind_condemns_no_pack() {
    let work = tempfile::tempdir().unwrap();
    copy(&root().join("fixtures/golden/make_rec/folder_root"), &work.path().join("mine"));
    copy(&root().join("fixtures/im2rec_faces"), &work.path().join("data/folder"));
    done(work.path(), &["make-rec", "--dataset", "folder", "--root", "mine", "--name", "other"]);
    let ran = done(work.path(), &["verify-order"]);
    assert!(ran.stdout.contains("holds none of the pack's pictures"), "{}", ran.stdout);
}

#[test]
fn a_manifest_that_hides_a_protocol_file_is_found_out_from_the_tree() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/scface_root");
    done(work.path(), &["make-rec", "--dataset", "scface", "--root", &tree]);
    let path = work.path().join("packs/scface.manifest.json");
    for (key, value) in [
        ("protocol_files", serde_json::json!([])),
        ("landmarks", serde_json::Value::Null),
        ("stored_channel_order", "bgr".into()),
        ("alignment", "unknown".into()),
    ] {
        let text = fs::read(&path).unwrap();
        let mut manifest: serde_json::Value = serde_json::from_slice(&text).unwrap();
        manifest[key] = value;
        manifest["digest"] = "".into();
        let bytes = |manifest: &serde_json::Value| {
            [&serde_json::to_vec_pretty(manifest).unwrap()[..], b"\n"].concat()
        };
        manifest["digest"] = blake3::hash(&bytes(&manifest)).to_string().into();
        fs::write(&path, bytes(&manifest)).unwrap();
        let ran = run(work.path(), &["verify-order", "--root", &tree]);
        assert_eq!(ran.code, 1, "{key}: {}{}", ran.stdout, ran.stderr);
        fs::write(&path, text).unwrap();
    }
}

#[test]
fn a_failed_run_leaves_no_folder_that_it_made() {
    let work = tempfile::tempdir().unwrap();
    fs::create_dir(work.path().join("bad")).unwrap();
    fs::write(work.path().join("bad/a.jpg"), "text").unwrap();
    let pack =
        ["make-rec", "--dataset", "folder", "--label", "index", "--root", "bad", "--out", "o/p"];
    assert_eq!(run(work.path(), &pack).code, 2);
    assert!(!work.path().join("o").exists());
}

#[test]
fn a_dry_run_writes_nothing() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/scface_root");
    let ran = done(
        work.path(),
        &["make-rec", "--dataset", "scface", "--root", &tree, "--dry-run", "--format", "json"],
    );
    assert_eq!(ran.json("make-rec")["count"], 50);
    assert_eq!(fs::read_dir(work.path()).unwrap().count(), 0);
}

#[test]
fn every_set_is_packed_encoded_and_proved() {
    let work = tempfile::tempdir().unwrap();
    for (set, tree) in [
        ("tinyface", "tinyface_root"),
        ("scface", "scface_root"),
        ("ijbb", "ijb_root"),
        ("folder", "folder_root"),
    ] {
        let tree = fixture(&format!("golden/make_rec/{tree}"));
        for encode in ["jpeg:90", "png"] {
            let name = format!("{set}-{}", &encode[..3]);
            let pack = format!("packs/{name}");
            done(
                work.path(),
                &[
                    "make-rec",
                    "--dataset",
                    set,
                    "--root",
                    &tree,
                    "--encode",
                    encode,
                    "--name",
                    &name,
                ],
            );
            done(work.path(), &["verify-order", &pack, "--root", &tree]);
            let manifest = fs::read(work.path().join(format!("{pack}.manifest.json"))).unwrap();
            fits(&serde_json::from_slice(&manifest).unwrap(), "manifest");
        }
    }
}

#[test]
fn landmarks_and_scores_stand_beside_the_face_they_belong_to() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/ijb_root");
    done(work.path(), &["make-rec", "--dataset", "ijbb", "--root", &tree]);
    let meta = root().join("fixtures/golden/make_rec/ijb_root/IJBB/meta/ijbb_name_5pts_score.txt");
    let meta = fs::read_to_string(meta).unwrap();
    let mut rows = csv::Reader::from_path(work.path().join("packs/ijbb.records.csv")).unwrap();
    for (row, line) in rows.records().zip(meta.lines()) {
        let row = row.unwrap();
        let mut words = line.split(' ');
        assert_eq!(&row[3], format!("IJBB/loose_crop/{}", words.next().unwrap()));
        let stated: Vec<f64> = words.map(|word| word.parse().unwrap()).collect();
        let own: Vec<f64> = row.iter().skip(9).map(|word| word.parse().unwrap()).collect();
        assert_eq!(own, stated);
    }
}

#[test]
fn against_another_manifest_names_the_first_position_that_differs() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/folder_root");
    let pack = |name: &str, label: &str| {
        done(
            work.path(),
            &["make-rec", "--dataset", "folder", "--root", &tree, "--name", name, "--label", label],
        );
    };
    pack("a", "parent");
    pack("b", "parent");
    pack("c", "index");
    done(work.path(), &["verify-order", "packs/a", "--against", "packs/b.manifest.json"]);
    let ran = run(
        work.path(),
        &["verify-order", "packs/a", "--against", "packs/c.manifest.json", "--format", "json"],
    );
    assert_eq!(ran.code, 1);
    let report = ran.json("verify-order");
    // The labels are 0 0 1 12 … and 0 1 2 3 …
    assert_eq!(report["packs"][0]["differences"][0]["position"], 1);
}

#[test]
fn a_label_csv_is_found_again_when_it_lies_in_the_tree_or_is_named() {
    let work = tempfile::tempdir().unwrap();
    copy(&root().join("fixtures/golden/make_rec/folder_root"), &work.path().join("tree"));
    let rows = ["0/0.jpg", "0/1.png", "1/0.jpg", "12/0.jpg", "12/1.png", "12/2.jpg"];
    let text: String =
        rows.iter().enumerate().map(|(i, path)| format!("imgs/{path},{}\n", i * i)).collect();
    fs::write(work.path().join("labels.csv"), format!("path,label\n{text}")).unwrap();
    done(
        work.path(),
        &[
            "make-rec",
            "--dataset",
            "folder",
            "--root",
            "tree",
            "--label",
            "csv:labels.csv",
            "--name",
            "x",
        ],
    );
    let list = fs::read_to_string(work.path().join("packs/x.lst")).unwrap();
    assert!(
        list.starts_with("0\t0\timgs/0/0.jpg\n1\t1\timgs/0/1.png\n2\t4\timgs/1/0.jpg\n"),
        "{list}"
    );
    let ran = done(work.path(), &["verify-order", "packs/x"]);
    assert!(ran.stdout.contains("NOT compared: the source tree"), "{}", ran.stdout);
    let ran = done(work.path(), &["verify-order", "packs/x", "--root", "tree"]);
    assert!(ran.stdout.contains("NOT compared: the csv of labels"), "{}", ran.stdout);
    assert!(ran.stdout.contains("every position and its picture"), "{}", ran.stdout);
    let named = ["verify-order", "packs/x", "--root", "tree", "--labels", "labels.csv"];
    assert!(!done(work.path(), &named).stdout.contains("NOT compared"));
    fs::write(
        work.path().join("labels.csv"),
        format!("path,label\n{text}").replace(",4\n", ",5\n"),
    )
    .unwrap();
    let ran = run(work.path(), &named);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stdout.contains("position 2: imgs/1/0.jpg: expected label 5, found label 4"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_published_manifest_of_any_name_can_be_compared_with() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/folder_root");
    done(work.path(), &["make-rec", "--dataset", "folder", "--root", &tree, "--name", "a"]);
    let (from, to) =
        (work.path().join("packs/a.manifest.json"), work.path().join("published.json"));
    fs::copy(from, to).unwrap();
    done(work.path(), &["verify-order", "packs/a", "--against", "published.json"]);
}

#[test]
fn one_bad_pack_hides_no_other() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/folder_root");
    for name in ["a", "b", "c"] {
        done(work.path(), &["make-rec", "--dataset", "folder", "--root", &tree, "--name", name]);
    }
    fs::write(work.path().join("packs/b.manifest.json"), "{}").unwrap();
    fs::remove_file(work.path().join("packs/c.lst")).unwrap();
    let ran = run(work.path(), &["verify-order", "--format", "json"]);
    assert_eq!(ran.code, 2);
    let report = ran.json("verify-order");
    assert_eq!(report["packs"][0]["in_order"], true);
    assert!(report["packs"][1]["error"].as_str().unwrap().contains("b.manifest.json"));
    assert_eq!(report["packs"][2]["differences"][0]["place"], "packs/c.lst");
}

#[test]
fn paths_in_a_pack_are_the_same_whatever_the_sets_folder_is_called() {
    let work = tempfile::tempdir().unwrap();
    let set = root().join("fixtures/golden/make_rec/ijb_root/IJBB");
    copy(&set, &work.path().join("data/ijbb"));
    copy(&set, &work.path().join("around/IJBB"));
    done(work.path(), &["make-rec", "--dataset", "ijbb"]);
    done(work.path(), &["make-rec", "--dataset", "ijbb", "--root", "around", "--name", "other"]);
    done(work.path(), &["verify-order", "packs/ijbb", "--against", "packs/other.manifest.json"]);
    let list = fs::read_to_string(work.path().join("packs/ijbb.lst")).unwrap();
    assert!(list.starts_with("0\t0\tIJBB/loose_crop/"), "{list}");
}

#[test]
fn resume_does_not_report_a_finished_pack_that_has_lost_a_file() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/folder_root");
    let resume = ["make-rec", "--dataset", "folder", "--root", &tree, "--resume"];
    done(work.path(), &resume);
    let ran = done(work.path(), &resume);
    assert!(ran.stdout.starts_with("kept 6 images"), "{}", ran.stdout);
    fs::remove_file(work.path().join("packs/folder.rec")).unwrap();
    assert_eq!(run(work.path(), &resume).code, 2);
}

#[test]
fn an_aligned_dir_is_a_name_and_no_path() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/scface_root");
    for name in ["../scface_root/aligned", "./aligned", "aligned/", "/aligned"] {
        let ran = run(
            work.path(),
            &["make-rec", "--dataset", "scface", "--root", &tree, "--aligned-dir", name],
        );
        assert_eq!(ran.code, 2, "{name}");
        assert!(ran.stderr.contains("expected the name of a folder"), "{}", ran.stderr);
    }
}
