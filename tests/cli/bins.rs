//! `make-rec --dataset bin` and `--dataset rec`.

use crate::pictures::{foreign_pack, image, spot_tree, spots};
use crate::program::{copy, done, fixture, fixture_json, root, run};
use qgface_data::recordio::IndexedReader;
use serde_json::Value;
use std::fs;
use std::path::Path;

fn payloads(stem: &Path) -> Vec<Vec<u8>> {
    let pack =
        IndexedReader::open(&stem.with_extension("rec"), &stem.with_extension("idx")).unwrap();
    let payload = |at| pack.get(at).unwrap().image().unwrap().1.to_vec();
    (0..pack.index().len()).map(payload).collect()
}

fn manifest(stem: &Path) -> Value {
    let text = fs::read_to_string(stem.with_extension("manifest.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A pickle of protocol 3: a list of bytes and a list of bool.
fn pickle(images: &[Vec<u8>], same: &[bool]) -> Vec<u8> {
    let bytes = |image: &Vec<u8>| [b"B", &(image.len() as u32).to_le_bytes()[..], image].concat();
    let images: Vec<u8> = images.iter().flat_map(bytes).collect();
    let same: Vec<u8> = same.iter().map(|same| if *same { 0x88 } else { 0x89 }).collect();
    [b"\x80\x03](", &images[..], b"e](", &same, b"e\x86."].concat()
}

#[test]
fn a_bin_set_is_packed_with_its_pairs() {
    let work = tempfile::tempdir().unwrap();
    let bins = &fixture_json("golden/verification10/manifest.json")["bins"];
    fs::create_dir_all(work.path().join("data/hq")).unwrap();
    fs::copy(
        fixture("golden/verification10/bin/uint8_p4.bin"),
        work.path().join("data/hq/lfw.bin"),
    )
    .unwrap();
    let said = done(work.path(), &["make-rec", "--dataset", "bin", "--name", "lfw"]).stdout;
    assert!(said.contains("pair_000000_1.jpg") && said.contains("label      index"), "{said}");
    let pairs = fs::read_to_string(work.path().join("packs/lfw.pairs.txt")).unwrap();
    let same = bins["issame"].as_array().unwrap().iter().enumerate();
    let line = |(i, same): (usize, &Value)| {
        format!("{} {} {}\n", 2 * i, 2 * i + 1, u8::from(same.as_bool().unwrap()))
    };
    assert_eq!(pairs, same.map(line).collect::<String>());
    let manifest = manifest(&work.path().join("packs/lfw"));
    assert_eq!(manifest["protocol_files"][0]["path"], "pairs.txt");
    assert_eq!(manifest["protocol_files"][0]["blake3"], manifest["files"]["pairs"]["blake3"]);
    assert_eq!(manifest["inputs"][0]["role"], "pictures");
    let verified = done(work.path(), &["verify-order"]).stdout;
    assert!(verified.contains("against the source tree data/hq/lfw.bin"), "{verified}");
    // The file alone names the pack too, and the same pack again is kept.
    let again = ["make-rec", "--dataset", "bin", "--root", "data/hq/lfw.bin"];
    assert!(done(work.path(), &again).stdout.starts_with("kept "));
    let text = pairs.replacen(" 1\n", " 0\n", 1);
    fs::write(work.path().join("packs/lfw.pairs.txt"), text).unwrap();
    let ran = run(work.path(), &["verify-order"]);
    assert!(ran.code == 1 && ran.stdout.contains("lfw.pairs.txt"), "{}", ran.stdout);
}

#[test]
fn every_spelling_of_a_bin_set_gives_the_same_records() {
    let work = tempfile::tempdir().unwrap();
    let bins = fixture_json("golden/verification10/manifest.json");
    let mut first = None;
    for name in bins["bins"]["files"].as_object().unwrap().keys() {
        let file = fixture(&format!("golden/verification10/bin/{name}"));
        done(
            work.path(),
            &["make-rec", "--dataset", "bin", "--root", &file, "--name", "p", "--overwrite"],
        );
        let rec = fs::read(work.path().join("packs/p.rec")).unwrap();
        assert!(*first.get_or_insert(rec.clone()) == rec, "{name}");
    }
}

#[test]
fn a_pickle_that_calls_something_is_refused_by_name_and_nothing_is_run() {
    let work = tempfile::tempdir().unwrap();
    // pickle.dumps of an object whose __reduce__ is (os.system, ("touch pwned",)), protocols 0 and 4.
    let calls: [(&[u8], &str); 3] = [
        (b"cposix\nsystem\np0\n(Vtouch pwned\np1\ntp2\nRp3\n.", "posix.system"),
        (
            b"\x80\x04\x95&\0\0\0\0\0\0\0\x8c\x05posix\x94\x8c\x06system\x94\x93\x94\x8c\x0btouch pwned\x94\x85\x94R\x94.",
            "posix.system",
        ),
        (b"cos\nsystem\n(S'touch pwned'\ntR.", "os.system"),
    ];
    for (bytes, name) in calls {
        fs::write(work.path().join("evil.bin"), bytes).unwrap();
        let ran = run(work.path(), &["make-rec", "--dataset", "bin", "--root", "evil.bin"]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
        assert!(ran.stderr.contains(name) && ran.stderr.contains("evil.bin"), "{}", ran.stderr);
        assert!(!work.path().join("pwned").exists() && !work.path().join("packs").exists());
    }
}

#[test]
fn a_bin_set_keeps_its_order_and_every_picture() {
    let work = tempfile::tempdir().unwrap();
    let file = fixture("golden/verification10/bin/bytes_p4.bin");
    let options = ["make-rec", "--dataset", "bin", "--root", &file];
    for option in
        [&["--shuffle", "1"][..], &["--shard", "0/2"], &["--on-error", "skip"], &["--insightface"]]
    {
        let ran = run(work.path(), &[&options[..], option].concat());
        assert!(ran.code == 2 && ran.stderr.contains(option[0]), "{option:?}: {}", ran.stderr);
    }
    let bad = pickle(&[spots(1, 32, 90), b"no picture".to_vec()], &[true]);
    fs::write(work.path().join("bad.bin"), bad).unwrap();
    let ran = run(work.path(), &["make-rec", "--dataset", "bin", "--root", "bad.bin"]);
    assert!(ran.code == 2 && ran.stderr.contains("pair_000000_2.jpg"), "{}", ran.stderr);
    let whole = pickle(&[spots(1, 32, 90), spots(2, 32, 90)], &[false]);
    for cut in [0, 3, 40, whole.len() - 1] {
        fs::write(work.path().join("cut.bin"), &whole[..cut]).unwrap();
        let ran = run(work.path(), &["make-rec", "--dataset", "bin", "--root", "cut.bin"]);
        assert!(ran.code == 2 && ran.stderr.contains("cut.bin"), "{cut}: {}", ran.stderr);
    }
    for (root, words) in [("missing.bin", "found nothing"), (".", "found a folder")] {
        let ran = run(work.path(), &["make-rec", "--dataset", "bin", "--root", root]);
        assert!(ran.code == 2 && ran.stderr.contains(words), "{}", ran.stderr);
    }
    assert!(!work.path().join("packs").exists());
}

#[test]
fn a_pack_is_packed_again_with_the_paths_labels_and_landmarks_of_its_manifest() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/ijb_root");
    done(work.path(), &["make-rec", "--dataset", "ijbb", "--root", &tree]);
    done(
        work.path(),
        &["make-rec", "--dataset", "rec", "--root", "packs/ijbb.rec", "--out", "again"],
    );
    let [old, new] = ["packs/ijbb", "again/ijbb"].map(|stem| work.path().join(stem));
    assert!(payloads(&old) == payloads(&new));
    for ending in ["rec", "idx", "lst", "records.csv"] {
        let read = |stem: &Path| fs::read(stem.with_extension(ending)).unwrap();
        assert!(read(&old) == read(&new), "{ending}");
    }
    assert_eq!(manifest(&new)["alignment"], "landmarks");
    assert_eq!(manifest(&new)["label"], "records");
    done(work.path(), &["verify-order", "again", "--root", "packs/ijbb.rec"]);
    // A source pack that is not as its manifest says is not packed again.
    let rec = old.with_extension("rec");
    let mut bytes = fs::read(&rec).unwrap();
    bytes[1000] ^= 1;
    fs::write(&rec, bytes).unwrap();
    let ran = run(
        work.path(),
        &["make-rec", "--dataset", "rec", "--root", "packs/ijbb.rec", "--out", "third"],
    );
    assert!(
        ran.code == 2 && ran.stderr.contains("not the file that the pack's manifest describes")
    );
    let onto =
        ["make-rec", "--dataset", "rec", "--root", "again/ijbb", "--out", "again", "--overwrite"];
    let ran = run(work.path(), &onto);
    assert!(ran.code == 2 && ran.stderr.contains("is the pack whose pictures are read"));
}

#[test]
fn a_foreign_insightface_pack_is_packed_again_as_one_and_as_a_plain_one() {
    let work = tempfile::tempdir().unwrap();
    copy(&root().join("fixtures/golden/recordio/insightface"), &work.path().join("in"));
    let options = ["make-rec", "--dataset", "rec", "--root", "in/train.rec"];
    let ran = done(work.path(), &[&options[..], &["--insightface", "--out", "a"]].concat());
    assert!(ran.stderr.contains("has no manifest"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(work.path().join("a/property")).unwrap(), "6,112,112\n");
    let open = |stem: &str| {
        let stem = work.path().join(stem);
        IndexedReader::open(&stem.with_extension("rec"), &stem.with_extension("idx")).unwrap()
    };
    let (theirs, ours) = (open("in/train"), open("a/train"));
    // Record by record as the oracle's, key 0 and the identity records among them.
    for key in 0..25 {
        let [own, reference] = [&ours, &theirs].map(|pack| pack.get_key(key).unwrap());
        assert!(own.bytes == reference.bytes, "key {key}");
    }
    assert_eq!(ours.index().len(), theirs.index().len());
    done(work.path(), &[&options[..], &["--out", "b", "--label", "index"]].concat());
    let plain = open("b/train");
    assert_eq!((plain.index().len(), plain.index().key(0)), (18, Some(0)));
    done(work.path(), &["verify-order", "a", "b", "--root", "in/train.rec"]);
}

#[test]
fn colours_that_a_source_pack_declares_are_declared_by_the_new_one() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 3);
    let records = [1, 2].map(|n| image(n, 0.0, spots(n, 32, 90)));
    foreign_pack(&work.path().join("p"), &records);
    done(work.path(), &["verify-order", "--adopt", "p", "--stored-order", "bgr"]);
    let pack =
        ["make-rec", "--dataset", "rec", "--root", "p.rec", "--shuffle", "4", "--encode", "png"];
    done(work.path(), &pack);
    assert_eq!(manifest(&work.path().join("packs/p"))["stored_channel_order"], "bgr");
    done(work.path(), &["verify-order", "packs/p", "--root", "p.rec"]);
}

#[test]
fn a_packed_bin_set_keeps_its_pairs_when_it_is_packed_again_and_nobodys_pairs_are_lost() {
    let work = tempfile::tempdir().unwrap();
    let file = fixture("golden/verification10/bin/bytes_p4.bin");
    let pack = ["make-rec", "--dataset", "bin", "--root", &file, "--name", "lfw"];
    fs::create_dir(work.path().join("packs")).unwrap();
    fs::write(work.path().join("packs/lfw.pairs.txt"), "mine").unwrap();
    let ran = run(work.path(), &pack);
    assert!(
        ran.code == 2 && ran.stderr.contains("lfw.pairs.txt is there already"),
        "{}",
        ran.stderr
    );
    fs::remove_file(work.path().join("packs/lfw.pairs.txt")).unwrap();
    done(work.path(), &pack);
    let again = ["make-rec", "--dataset", "rec", "--root", "packs/lfw.rec", "--out", "again"];
    done(work.path(), &again);
    let read = |folder: &str| fs::read(work.path().join(folder).join("lfw.pairs.txt")).unwrap();
    assert_eq!(read("packs"), read("again"));
    done(work.path(), &["verify-order", "again", "--root", "packs/lfw.rec"]);
    let ran = run(work.path(), &[&again[..], &["--shuffle", "1", "--name", "s"]].concat());
    assert!(ran.code == 2 && ran.stderr.contains("--shuffle would part them"), "{}", ran.stderr);
}

#[test]
fn a_damaged_record_of_a_foreign_pack_is_counted_named_or_skipped() {
    let work = tempfile::tempdir().unwrap();
    let records = [1, 2, 3].map(|n| image(n, 0.0, spots(n, 32, 90)));
    foreign_pack(&work.path().join("p"), &records);
    let mut rec = fs::read(work.path().join("p.rec")).unwrap();
    let index = fs::read_to_string(work.path().join("p.idx")).unwrap();
    let second: usize = index.lines().nth(1).unwrap().split('\t').nth(1).unwrap().parse().unwrap();
    rec[second] ^= 1;
    fs::write(work.path().join("p.rec"), rec).unwrap();
    let report = done(work.path(), &["stats", "p", "--format", "json"]).json("stats");
    assert_eq!(report["packs"][0]["unreadable"], 1);
    let pack = ["make-rec", "--dataset", "rec", "--root", "p.rec"];
    let ran = run(work.path(), &pack);
    assert!(ran.code == 2 && ran.stderr.contains("2.jpg"), "{}", ran.stderr);
    let skip = [&pack[..], &["--on-error", "skip", "--format", "json"]].concat();
    let report = done(work.path(), &skip).json("make-rec");
    assert_eq!((&report["count"], &report["skipped"][0]["path"]), (&2.into(), &"2.jpg".into()));
}
