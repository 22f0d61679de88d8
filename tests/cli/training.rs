//! `make-rec --insightface`, `--shuffle`, `--shard` and `merge`.

use crate::pictures::spot_tree;
use crate::program::{done, fixture, run};
use crate::support::{assert_same, count, put, run_with, tree};
use qgface_data::recordio::{Header, IndexedReader};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// Packs the folder `tree` with these options and returns what was said.
fn pack(folder: &Path, options: &[&str]) -> String {
    done(folder, &[&["make-rec", "--dataset", "folder", "--root", "tree"], options].concat()).stdout
}

fn open(stem: &Path) -> IndexedReader {
    IndexedReader::open(&stem.with_extension("rec"), &stem.with_extension("idx")).unwrap()
}

fn header(pack: &IndexedReader, key: u64) -> (Header, usize) {
    let record = pack.get_key(key).unwrap();
    let (header, payload) = record.image().unwrap();
    (header, payload.len())
}

/// Keys and classes of the images, as InsightFace's readers find them: key 0 names the identity records,
/// those name the keys.
fn read_as_insightface(pack: &IndexedReader) -> BTreeMap<u64, f32> {
    let (zero, payload) = header(pack, 0);
    assert_eq!((zero.flag(), zero.id, zero.id2, payload), (2, 0, 0, 0));
    let &[first, end] = zero.label.values() else { panic!("{zero:?}") };
    let mut images = BTreeMap::new();
    for key in first as u64..end as u64 {
        let (identity, payload) = header(pack, key);
        assert_eq!((identity.flag(), identity.id, payload), (2, key, 0));
        let &[from, to] = identity.label.values() else { panic!("{identity:?}") };
        let classes: Vec<f32> =
            (from as u64..to as u64).map(|key| header(pack, key).0.label.class()).collect();
        assert!(classes.windows(2).all(|pair| pair[0] == pair[1]), "identity record {key}");
        images.extend((from as u64..to as u64).zip(classes));
    }
    assert!(images.keys().copied().eq(1..first as u64), "the ranges do not part the keys");
    images
}

#[test]
fn an_insightface_pack_has_keys_from_1_identity_records_key_0_and_property() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 23);
    let said = pack(work.path(), &["--insightface", "--name", "train"]);
    assert!(said.contains("InsightFace, 5 identity records, 5 classes"), "{said}");
    let pack = open(&work.path().join("packs/train"));
    let images = read_as_insightface(&pack);
    let expected: BTreeMap<u64, f32> = (0..23).map(|i| (i + 1, (i / 5) as f32)).collect();
    assert_eq!(images, expected);
    // Key 0 stands last in the file, the identities before it.
    let keys: Vec<u64> =
        (0..pack.index().len()).map(|line| pack.index().key(line).unwrap()).collect();
    assert_eq!(keys, [(1..29).collect::<Vec<u64>>(), vec![0]].concat());
    assert_eq!(fs::read_to_string(work.path().join("packs/property")).unwrap(), "5,40,40\n");
    let verified = done(work.path(), &["verify-order", "--root", "tree"]).stdout;
    assert!(verified.contains("the records of 5 identities and key 0"), "{verified}");
}

#[test]
fn a_changed_identity_record_is_found() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 10);
    pack(work.path(), &["--insightface", "--name", "train"]);
    let rec = work.path().join("packs/train.rec");
    let mut bytes = fs::read(&rec).unwrap();
    let second = open(&rec.with_extension("")).index().offset(11).unwrap() as usize;
    // The first label behind head and header: 6, the first key of the second identity.
    let label = second + 8 + 24;
    assert_eq!(bytes[label..label + 4], 6f32.to_le_bytes());
    bytes[label..label + 4].copy_from_slice(&5f32.to_le_bytes());
    fs::write(&rec, bytes).unwrap();
    let ran = run(work.path(), &["verify-order", "--root", "tree"]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("expected key 12, flag 2, labels 6 11"), "{}", ran.stdout);
}

#[test]
fn images_of_one_identity_that_lie_apart_are_refused_before_any_work() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 15);
    let list = "0\t3\t000/0000.jpg\n1\t4\t001/0005.jpg\n2\t3\t000/0001.jpg\n";
    fs::write(work.path().join("apart.lst"), list).unwrap();
    let ran = run(
        work.path(),
        &[
            "make-rec",
            "--dataset",
            "list",
            "--root",
            "tree",
            "--list",
            "apart.lst",
            "--insightface",
        ],
    );
    assert_eq!((ran.code, work.path().join("packs").exists()), (2, false));
    assert!(
        ran.stderr.contains("000/0001.jpg") && ran.stderr.contains("class 3"),
        "{}",
        ran.stderr
    );
    let tiny = fixture("golden/make_rec/tinyface_root");
    let ran = run(
        work.path(),
        &[
            "make-rec",
            "--dataset",
            "tinyface",
            "--root",
            &tiny,
            "--label",
            "identity",
            "--insightface",
        ],
    );
    assert!(ran.stderr.contains("found -100"), "{}", ran.stderr);
}

#[test]
fn labels_with_gaps_are_told_and_rank_has_none() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 10);
    fs::rename(work.path().join("tree/001"), work.path().join("tree/900")).unwrap();
    let options =
        ["make-rec", "--dataset", "folder", "--root", "tree", "--insightface", "--name", "a"];
    let ran = done(work.path(), &options);
    assert!(ran.stderr.contains("needs 901 classes; --label rank"), "{}", ran.stderr);
    fs::remove_file(work.path().join("packs/property")).unwrap();
    let ran = done(work.path(), &[&options[..7], &["b", "--label", "rank"]].concat());
    assert!(!ran.stderr.contains("classes"), "{}", ran.stderr);
    assert_eq!(fs::read_to_string(work.path().join("packs/property")).unwrap(), "2,40,40\n");
}

#[test]
fn a_folder_holds_one_insightface_pack() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 10);
    pack(work.path(), &["--insightface", "--name", "a"]);
    let again =
        ["make-rec", "--dataset", "folder", "--root", "tree", "--insightface", "--name", "b"];
    let ran = run(work.path(), &again);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("a folder holds one such pack"), "{}", ran.stderr);
    // Its own it may replace, and a plain pack in its place takes the file away.
    pack(work.path(), &["--insightface", "--name", "a", "--overwrite", "--shuffle", "1"]);
    assert!(work.path().join("packs/property").exists());
    pack(work.path(), &["--name", "a", "--overwrite"]);
    assert!(!work.path().join("packs/property").exists());
}

#[test]
fn a_shuffle_is_the_seeds_and_keeps_identities_whole_where_they_must_be() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 40);
    let paths = |name: &str| -> Vec<String> {
        let list = fs::read_to_string(work.path().join(format!("packs/{name}.lst"))).unwrap();
        list.lines().map(|line| line.rsplit('\t').next().unwrap().to_owned()).collect()
    };
    for (name, seed, jobs) in [("a", "7", "1"), ("b", "7", "8"), ("c", "8", "2")] {
        pack(work.path(), &["--shuffle", seed, "--name", name, "--jobs", jobs]);
    }
    pack(work.path(), &["--name", "sorted"]);
    let (a, sorted) = (paths("a"), paths("sorted"));
    assert_eq!(a, paths("b"));
    assert!(a != paths("c") && a != sorted);
    assert_eq!(a.iter().collect::<std::collections::BTreeSet<_>>().len(), 40);
    done(work.path(), &["verify-order", "--root", "tree"]);
    pack(work.path(), &["--shuffle", "7", "--insightface", "--name", "whole"]);
    read_as_insightface(&open(&work.path().join("packs/whole")));
    let whole = paths("whole");
    assert_ne!(whole, sorted);
    for five in whole.chunks(5) {
        let folder = &five[0][..3];
        let numbers: Vec<&str> =
            five.iter().map(|path| path.strip_prefix(folder).unwrap()).collect();
        assert!(numbers.is_sorted(), "{five:?}");
    }
}

/// Packs in `count` shards and merges them, named backwards.
fn sharded(folder: &Path, count: usize, options: &[&str]) {
    for index in 0..count {
        let shard = format!("{index}/{count}");
        pack(folder, &[options, &["--out", "shards", "--shard", &shard]].concat());
    }
    let names: Vec<String> =
        (0..count).rev().map(|i| format!("shards/folder-{i}-of-{count}.rec")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let merge = [&["merge"], &names[..], &["--out", "merged/p", "--format", "json"]].concat();
    done(folder, &merge).json("merge");
}

#[test]
fn seven_shards_merged_are_the_undivided_pack_byte_for_byte() {
    for options in [
        &["--label", "index"][..],
        &["--insightface", "--shuffle", "3"],
        &["--encode", "jpeg:80", "--shuffle", "9"],
        &["--on-error", "skip", "--label", "index"],
        &["--on-error", "skip", "--insightface"],
    ] {
        let work = tempfile::tempdir().unwrap();
        spot_tree(&work.path().join("tree"), 52);
        if options.contains(&"skip") {
            // Bad pictures in the first shard, in the middle and at the end.
            for bad in ["000/0003.jpg", "005/0026.jpg", "010/0051.jpg"] {
                fs::write(work.path().join("tree").join(bad), "no picture").unwrap();
            }
        }
        sharded(work.path(), 7, options);
        pack(work.path(), &[options, &["--out", "undivided", "--name", "p"]].concat());
        let [merged, undivided] = ["merged", "undivided"].map(|name| tree(&work.path().join(name)));
        assert_same(&merged, &undivided, &format!("{options:?}"));
        done(work.path(), &["verify-order", "merged", "shards", "--root", "tree"]);
    }
}

#[test]
fn shards_of_a_list_keep_the_lists_keys() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 6);
    let lines: String = [(70, 0), (3, 1), (500, 2), (8, 3), (2, 4), (9, 5)]
        .map(|(key, i)| format!("{key}\t{}\t{:03}/{i:04}.jpg\n", i % 2, i / 5))
        .concat();
    fs::write(work.path().join("l.lst"), lines).unwrap();
    fs::write(work.path().join("tree/000/0001.jpg"), "no picture").unwrap();
    let list = |more: &[&str]| {
        let options = [
            "make-rec",
            "--dataset",
            "list",
            "--root",
            "tree",
            "--list",
            "l.lst",
            "--on-error",
            "skip",
        ];
        done(work.path(), &[&options[..], more].concat());
    };
    list(&["--shard", "0/2"]);
    list(&["--shard", "1/2"]);
    list(&["--out", "undivided", "--name", "p"]);
    done(work.path(), &["merge", "packs/list-0-of-2", "packs/list-1-of-2", "--out", "merged/p"]);
    let [merged, undivided] = ["merged", "undivided"].map(|name| tree(&work.path().join(name)));
    assert_same(&merged, &undivided, "list");
}

#[test]
fn a_shard_missing_doubled_or_of_another_run_is_refused() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 12);
    for shard in ["0/3", "1/3", "2/3"] {
        pack(work.path(), &["--shard", shard]);
    }
    pack(work.path(), &["--shard", "1/3", "--encode", "png", "--name", "png"]);
    pack(work.path(), &["--shard", "1/3", "--shuffle", "1", "--name", "shuffled"]);
    pack(work.path(), &["--name", "whole"]);
    fs::copy(work.path().join("tree/000/0000.jpg"), work.path().join("tree/000/extra.jpg"))
        .unwrap();
    pack(work.path(), &["--shard", "1/3", "--name", "grown"]);
    let of = |i: usize| format!("packs/folder-{i}-of-3");
    for (shards, words) in [
        (vec![of(0), of(2)], "shard 1 of 3 is missing"),
        (vec![of(0), of(1), of(1), of(2)], "shard 1 of 3 was named already"),
        (vec![of(0), "packs/png".to_owned(), of(2)], "the encoding is Some(Png)"),
        (vec![of(0), "packs/shuffled".to_owned(), of(2)], "the digest of the whole list"),
        (vec![of(0), "packs/grown".to_owned(), of(2)], "the number of images is 13"),
        (vec!["packs/whole".to_owned()], "this pack is no shard"),
    ] {
        let shards: Vec<&str> = shards.iter().map(String::as_str).collect();
        let ran = run(work.path(), &[&["merge"], &shards[..], &["--out", "merged/p"]].concat());
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{words}");
        assert!(ran.stderr.contains(words), "{words}: {}", ran.stderr);
        assert!(!work.path().join("merged").exists(), "{words}");
    }
    // A flipped byte in a shard.
    let rec = work.path().join("packs/folder-2-of-3.rec");
    let mut bytes = fs::read(&rec).unwrap();
    bytes[100] ^= 1;
    fs::write(&rec, bytes).unwrap();
    let [a, b, c] = [of(0), of(1), of(2)];
    let ran = run(work.path(), &["merge", &a, &b, &c, "--out", "merged/p"]);
    assert_eq!((ran.code, work.path().join("merged").exists()), (2, false));
    assert!(ran.stderr.contains("folder-2-of-3.rec"), "{}", ran.stderr);
}

#[test]
fn a_shard_that_would_be_empty_or_is_out_of_range_is_refused() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 2);
    let options = ["make-rec", "--dataset", "folder", "--root", "tree", "--shard"];
    for (shard, words) in [("2/3", "there are 2 images"), ("3/3", "expected I/N"), ("x", "I/N")] {
        let ran = run(work.path(), &[&options[..], &[shard]].concat());
        assert_eq!(ran.code, 2);
        assert!(ran.stderr.contains(words), "{shard}: {}", ran.stderr);
    }
}

/// `property` is there exactly when the manifest names it, and the pack is in order, or there is none.
fn is_whole_or_absent(folder: &Path, when: &str) {
    let ran = run(folder, &["verify-order", "--root", "tree"]);
    let Ok(manifest) = fs::read_to_string(folder.join("packs/p.manifest.json")) else {
        assert!(ran.code == 2 && ran.stderr.contains("found none"), "{when}: {}", ran.stderr);
        return;
    };
    assert_eq!(ran.code, 0, "{when}: {}{}", ran.stdout, ran.stderr);
    let named = !manifest.contains("\"property\": null");
    assert_eq!(folder.join("packs/property").exists(), named, "{when}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_kill_before_any_call_leaves_the_old_pack_with_its_property_or_the_new_one_or_none() {
    let work = tempfile::tempdir().unwrap();
    let folder = work.path();
    spot_tree(&folder.join("tree"), 30);
    let options =
        ["make-rec", "--dataset", "folder", "--root", "tree", "--name", "p", "--overwrite"];
    let insightface = [&options[..], &["--insightface"]].concat();
    for (old, new) in [(&options[..], &insightface[..]), (&insightface, &options)] {
        done(folder, new);
        let expected = tree(&folder.join("packs"));
        done(folder, old);
        let before = tree(&folder.join("packs"));
        let calls = count(folder, new, &[]).calls;
        assert!(calls > 20, "{calls}");
        for call in 1..=calls {
            put(&before, &folder.join("packs"));
            let call = call.to_string();
            run_with(folder, new, &[("QGSHIM_KILL_AT", &call)]);
            is_whole_or_absent(folder, &format!("killed before call {call}"));
            done(folder, &[new, &["--resume"]].concat());
            let found = tree(&folder.join("packs"));
            assert_same(&found, &expected, &format!("resumed after call {call}"));
        }
    }
}

#[test]
fn a_shard_that_lost_all_its_images_is_merged_all_the_same() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 6);
    for bad in ["000/0002.jpg", "000/0003.jpg"] {
        fs::write(work.path().join("tree").join(bad), "no picture").unwrap();
    }
    let options = ["--on-error", "skip", "--label", "index"];
    sharded(work.path(), 3, &options);
    pack(work.path(), &[&options[..], &["--out", "undivided", "--name", "p"]].concat());
    let [merged, undivided] = ["merged", "undivided"].map(|name| tree(&work.path().join(name)));
    assert_same(&merged, &undivided, "an empty shard");
    done(work.path(), &["verify-order", "shards", "--root", "tree"]);
}

#[test]
fn a_finished_pack_that_lacks_images_is_told_as_it_is_and_not_kept_where_none_may_lack() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 11);
    fs::write(work.path().join("tree/002/0010.jpg"), "no picture").unwrap();
    let options =
        ["make-rec", "--dataset", "folder", "--root", "tree", "--insightface", "--format", "json"];
    let skip = [&options[..], &["--on-error", "skip"]].concat();
    let first = done(work.path(), &skip).json("make-rec");
    let second = done(work.path(), &skip).json("make-rec");
    for what in ["count", "identities", "classes", "first_and_last", "order", "skipped"] {
        assert_eq!(first[what], second[what], "{what}");
    }
    assert_eq!((&second["identities"], &second["resumed"]), (&2.into(), &10.into()));
    assert_eq!(run(work.path(), &options).code, 2);
}
