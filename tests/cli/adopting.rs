//! `verify-order --adopt`: packs that other programs made.

use crate::pictures::{Record, exchanged, foreign_pack, image, spot_pixels, spot_tree, spots};
use crate::program::{copy, done, fixture, fixture_json, root, run};
use qgface_data::image::encode;
use qgface_data::recordio::{Header, Label};
use qgface_data::seed::Seed;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// Adopts a pack and returns the report.
fn adopt(folder: &Path, pack: &str, options: &[&str]) -> Value {
    let arguments = [&["verify-order", "--adopt", pack, "--format", "json"], options].concat();
    done(folder, &arguments).json("adopt")
}

/// Key and path of every line of a `.lst`.
fn listed(folder: &Path, stem: &str) -> Vec<(u64, String)> {
    let list = fs::read_to_string(folder.join(format!("{stem}.lst"))).unwrap();
    let line = |line: &str| {
        let columns: Vec<&str> = line.split('\t').collect();
        (columns[0].parse().unwrap(), columns.last().unwrap().to_string())
    };
    list.lines().map(line).collect()
}

#[test]
fn the_references_packs_are_found_in_their_trees_in_the_order_they_have() {
    let manifest = fixture_json("golden/make_rec/manifest.json");
    let trees = [
        ("tinyface", "tinyface_root", "tinyface"),
        ("scface", "scface_root", "scface"),
        ("IJBB", "ijb_root", "ijbb"),
        ("folder", "folder_root", "folder"),
    ];
    for (name, pack) in manifest["records"].as_object().unwrap() {
        let work = tempfile::tempdir().unwrap();
        let (_, tree, set) =
            trees.iter().find(|(start, ..)| name.starts_with(&format!("{start}/"))).unwrap();
        for ending in ["rec", "idx"] {
            let from = fixture(&format!("golden/make_rec/records/{name}.{ending}"));
            fs::copy(from, work.path().join(format!("p.{ending}"))).unwrap();
        }
        let tree = fixture(&format!("golden/make_rec/{tree}"));
        let mut options = vec!["--root", tree.as_str()];
        // The reference's re-encoded packs hold red and blue exchanged, which the tree shows.
        if pack["is_origin"] == false {
            let ran =
                run(work.path(), &[&["verify-order", "--adopt", "p.rec"], &options[..]].concat());
            assert_eq!((ran.code, work.path().join("p.lst").exists()), (2, false), "{name}");
            assert!(ran.stderr.contains("say --stored-order bgr"), "{name}: {}", ran.stderr);
            options.extend(["--stored-order", "bgr"]);
        }
        let report = adopt(work.path(), "p.rec", &options);
        let records = pack["records"].as_array().unwrap();
        assert_eq!((&report["set"], &report["source"]), (&(*set).into(), &"tree".into()), "{name}");
        assert_eq!(report["count"], records.len(), "{name}");
        let expected: Vec<(u64, String)> = records
            .iter()
            .map(|record| {
                let path = record["path"].as_str().unwrap().to_owned();
                (record["key"].as_u64().unwrap(), path)
            })
            .collect();
        assert_eq!(listed(work.path(), "p"), expected, "{name}");
        let verified = done(work.path(), &["verify-order", "p", "--root", &tree]).stdout;
        assert!(verified.contains("every position and its picture"), "{name}: {verified}");
    }
}

#[test]
fn an_im2rec_pack_is_adopted_and_its_list_is_kept() {
    let work = tempfile::tempdir().unwrap();
    copy(&root().join("fixtures/im2rec_faces"), &work.path().join("faces"));
    // im2rec writes six decimals.
    let list = fs::read_to_string(work.path().join("faces/train.lst")).unwrap();
    let list = list.replacen("\t1\t", "\t1.000000\t", 1).into_bytes();
    fs::write(work.path().join("faces/train.lst"), &list).unwrap();
    let rec = fs::read(work.path().join("faces/train.rec")).unwrap();
    let report = adopt(work.path(), "faces/train.rec", &["--root", "faces"]);
    assert_eq!(report["tree"]["same_bytes"], 8);
    assert_eq!(report["tree"]["in_list_order"], false);
    assert_eq!(report["kept"][0], "faces/train.foreign.lst");
    assert_eq!(fs::read(work.path().join("faces/train.foreign.lst")).unwrap(), list);
    assert_eq!(fs::read(work.path().join("faces/train.rec")).unwrap(), rec);
    // im2rec's list names the same pictures in the same order.
    let theirs: Vec<String> = String::from_utf8(list)
        .unwrap()
        .lines()
        .map(|line| line.rsplit('\t').next().unwrap().to_owned())
        .collect();
    let ours: Vec<String> =
        listed(work.path(), "faces/train").into_iter().map(|(_, path)| path).collect();
    assert_eq!(ours, theirs);
    done(work.path(), &["verify-order", "faces/train", "--root", "faces"]);
    // Again, and then from the pack alone.
    adopt(work.path(), "faces/train", &["--root", "faces"]);
    let report = adopt(work.path(), "faces/train", &[]);
    assert_eq!((&report["source"], &report["set"]), (&"pack".into(), &"rec".into()));
    done(work.path(), &["verify-order", "faces/train"]);
}

#[test]
fn an_insightface_pack_is_adopted_with_its_images_in_the_order_of_their_keys() {
    let work = tempfile::tempdir().unwrap();
    copy(&root().join("fixtures/golden/recordio/insightface"), &work.path().join("p"));
    let report = adopt(work.path(), "p/train.rec", &[]);
    assert_eq!(report["layout"], "insightface");
    assert_eq!((&report["count"], &report["identities"]), (&18.into(), &6.into()));
    let keys: Vec<u64> = listed(work.path(), "p/train").into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, (1..19).collect::<Vec<u64>>());
    done(work.path(), &["verify-order", "p/train"]);
    fs::write(work.path().join("p/property"), "7,112,112\n").unwrap();
    let ran = run(work.path(), &["verify-order", "p/train"]);
    assert!(ran.code == 1 && ran.stdout.contains("p/property"), "{}", ran.stdout);
}

#[test]
fn the_order_of_a_thousand_records_written_as_threads_finished_is_the_true_one() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 1000);
    let files = qgface_data::fs::walk(&work.path().join("tree")).unwrap().files;
    let mut order: Vec<usize> = (0..files.len()).collect();
    Seed::new(5).stream("threads").shuffle(&mut order);
    let record = |&at: &usize| {
        image(at as u64, 0.0, fs::read(work.path().join("tree").join(&files[at])).unwrap())
    };
    foreign_pack(&work.path().join("packs/p"), &order.iter().map(record).collect::<Vec<_>>());
    let report = adopt(work.path(), "packs/p.rec", &["--root", "tree"]);
    let truth: Vec<(u64, String)> =
        order.iter().map(|&at| (at as u64, files[at].clone())).collect();
    assert_eq!(listed(work.path(), "packs/p"), truth);
    let displaced = order.iter().enumerate().filter(|(position, at)| position != *at).count();
    let tree = &report["tree"];
    assert_eq!((&tree["displaced"], &tree["in_list_order"]), (&displaced.into(), &false.into()));
    assert_eq!(tree["in_list_order_by_key"], true);
    let first = order.iter().enumerate().find(|(position, at)| position != *at).unwrap();
    assert_eq!(tree["first_displaced"]["position"], first.0);
    assert_eq!(tree["first_displaced"]["path"], files[*first.1]);
    assert_eq!(tree["first_displaced"]["expected"], files[first.0]);
    done(work.path(), &["verify-order", "--root", "tree"]);
    // The same records in list order are another order, and --against says where it begins.
    done(work.path(), &["make-rec", "--dataset", "folder", "--root", "tree", "--name", "sorted"]);
    let against = ["verify-order", "packs/p", "--root", "tree", "--against", "packs/sorted"];
    assert_eq!(run(work.path(), &against).code, 1);
}

/// Records of the pictures of a [`spot_tree`], each changed and encoded anew.
fn reencoded(
    numbers: &[u64],
    quality: u8,
    change: fn(qgface_data::image::Pixels) -> qgface_data::image::Pixels,
) -> Vec<Record> {
    let picture = |number: u64| {
        let edge = if number.is_multiple_of(3) { 40 } else { 32 };
        // The tree holds JPEGs: what is encoded again is what they show.
        let shown = qgface_data::image::decode::decode(&spots(number, edge, 90)).unwrap();
        encode::jpeg(&change(shown), quality).unwrap()
    };
    numbers.iter().map(|&number| image(number, 0.0, picture(number))).collect()
}

#[test]
fn pictures_encoded_anew_are_found_by_what_they_show_and_their_colours_are_held_to_the_declared() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 60);
    let numbers = [41, 7, 58, 0, 13, 22, 31, 5, 59];
    foreign_pack(&work.path().join("rgb"), &reencoded(&numbers, 70, |pixels| pixels));
    foreign_pack(&work.path().join("bgr"), &reencoded(&numbers, 70, exchanged));
    let path = |number: &u64| (*number, format!("{:03}/{number:04}.jpg", number / 5));
    let truth: Vec<(u64, String)> = numbers.iter().map(path).collect();
    for (name, declared, wrong) in [("rgb", "rgb", "bgr"), ("bgr", "bgr", "rgb")] {
        let options = ["--root", "tree", "--stored-order"];
        let refused = [&["verify-order", "--adopt", name], &options[..], &[wrong]].concat();
        let ran = run(work.path(), &refused);
        assert_eq!((ran.code, work.path().join(format!("{name}.lst")).exists()), (2, false));
        assert!(ran.stderr.contains(&format!("say --stored-order {declared}")), "{}", ran.stderr);
        let report = adopt(work.path(), name, &[&options[..], &[declared]].concat());
        assert_eq!(report["tree"]["same_picture"], 9);
        assert_eq!(report["tree"]["not_packed"], 51);
        assert_eq!(listed(work.path(), name), truth, "{name}");
        done(work.path(), &["verify-order", name, "--root", "tree"]);
        let inspected = done(work.path(), &["inspect", name]).stdout;
        assert!(inspected.contains(&format!("{declared} stored")), "{inspected}");
    }
    // A tree whose picture changed is no longer the pack's.
    fs::write(work.path().join("tree/002/0013.jpg"), spots(777, 32, 90)).unwrap();
    let ran = run(work.path(), &["verify-order", "rgb", "--root", "tree"]);
    assert!(ran.code == 1 && ran.stdout.contains("position 4: 002/0013.jpg"), "{}", ran.stdout);
}

#[test]
fn records_the_tree_has_not_are_refused_and_nothing_is_written() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 10);
    let records: Vec<Record> = [3, 700, 4, 701]
        .map(|number| image(number, 0.0, spots(number, if number == 3 { 40 } else { 32 }, 90)))
        .to_vec();
    foreign_pack(&work.path().join("p"), &records);
    let ran = run(work.path(), &["verify-order", "--adopt", "p", "--root", "tree"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (2, ""));
    assert!(ran.stderr.contains("2 records show no picture of tree, the first at position 1"));
    let names: Vec<_> = fs::read_dir(work.path()).unwrap().collect();
    assert_eq!(names.len(), 3, "{names:?}");
}

#[test]
fn copies_in_the_tree_are_told_and_each_is_used_once() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 10);
    fs::copy(work.path().join("tree/000/0001.jpg"), work.path().join("tree/000/copy.jpg")).unwrap();
    let bytes =
        |number: u64| fs::read(work.path().join(format!("tree/000/{number:04}.jpg"))).unwrap();
    let records = [image(5, 0.0, bytes(1)), image(1, 0.0, bytes(1)), image(0, 0.0, bytes(0))];
    foreign_pack(&work.path().join("p"), &records);
    let report = adopt(work.path(), "p", &["--root", "tree"]);
    assert_eq!(report["tree"]["doubles"], 2);
    // Keys are positions of the list, in which copy.jpg stands fifth.
    let paths: Vec<String> = listed(work.path(), "p").into_iter().map(|(_, path)| path).collect();
    assert_eq!(paths, ["000/copy.jpg", "000/0001.jpg", "000/0000.jpg"]);
}

#[test]
fn ids_and_flags_of_other_programs_are_taken_as_they_are() {
    let work = tempfile::tempdir().unwrap();
    let header = |label: &[f32], id, id2| Header { label: Label::Vector(label.to_vec()), id, id2 };
    let records = vec![
        (0, header(&[3.0, 4.0], 0, 1), Vec::new()),
        (2, header(&[7.0, 0.0], 0, 0), spots(2, 32, 90)),
        (1, header(&[7.0, 0.0], 0, 0), spots(1, 32, 90)),
        (3, header(&[1.0, 3.0], 0, 0), Vec::new()),
    ];
    foreign_pack(&work.path().join("p"), &records);
    let report = adopt(work.path(), "p", &[]);
    assert_eq!((&report["count"], &report["layout"]), (&2.into(), &"insightface".into()));
    let keys: Vec<u64> = listed(work.path(), "p").into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, [1, 2]);
    done(work.path(), &["verify-order", "p"]);
    let mut rec = fs::read(work.path().join("p.rec")).unwrap();
    let last = rec.len() - 5;
    rec[last] ^= 1;
    fs::write(work.path().join("p.rec"), rec).unwrap();
    assert_eq!(run(work.path(), &["verify-order", "p"]).code, 1);
}

#[test]
fn a_pack_of_this_program_a_damaged_one_and_one_without_index_are_refused() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 5);
    done(work.path(), &["make-rec", "--dataset", "folder", "--root", "tree", "--name", "own"]);
    let mut cut = spots(1, 32, 90);
    cut.truncate(300);
    foreign_pack(&work.path().join("cut"), &[image(4, 0.0, cut)]);
    foreign_pack(&work.path().join("bare"), &[image(4, 0.0, spots(1, 32, 90))]);
    fs::remove_file(work.path().join("bare.idx")).unwrap();
    for (pack, words) in [
        ("packs/own", "this pack was made by this program"),
        ("cut", "position 0 (key 4): this record is no whole picture"),
        ("bare", "make it with `qgface-data reindex`"),
        ("nothing", "no such file"),
    ] {
        let ran = run(work.path(), &["verify-order", "--adopt", pack]);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{pack}");
        assert!(ran.stderr.contains(words), "{pack}: {}", ran.stderr);
    }
}

#[test]
fn skin_that_is_blue_asks_for_a_declared_order() {
    let work = tempfile::tempdir().unwrap();
    let skin = |number: u64| {
        let mut pixels = spot_pixels(number, 32);
        for pixel in pixels.data.as_chunks_mut::<3>().0 {
            *pixel = [pixel[1] / 4 + 120, pixel[1] / 4 + 90, pixel[1] / 4 + 70];
        }
        pixels
    };
    let records: Vec<Record> = (0..12)
        .map(|number| image(number, 0.0, encode::jpeg(&exchanged(skin(number)), 90).unwrap()))
        .collect();
    foreign_pack(&work.path().join("p"), &records);
    let ran = run(work.path(), &["verify-order", "--adopt", "p"]);
    assert_eq!(ran.code, 2);
    assert!(ran.stderr.contains("12 pictures have more blue than red"), "{}", ran.stderr);
    adopt(work.path(), "p", &["--stored-order", "bgr"]);
    let told = done(work.path(), &["stats", "p"]).stdout;
    assert!(told.contains("red and blue are as declared"), "{told}");
    fs::remove_file(work.path().join("p.manifest.json")).unwrap();
    let ran = done(work.path(), &["verify-order", "--adopt", "p", "--stored-order", "rgb"]);
    assert!(ran.stderr.contains("12 of 12 pictures that vote"), "{}", ran.stderr);
}

#[test]
fn a_pack_that_make_rec_was_about_to_replace_is_not_adopted_and_stays() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 5);
    let bytes = fs::read(work.path().join("tree/000/0001.jpg")).unwrap();
    foreign_pack(&work.path().join("packs/p"), &[image(0, 0.0, bytes)]);
    adopt(work.path(), "packs/p", &[]);
    let rec = fs::read(work.path().join("packs/p.rec")).unwrap();
    // What a killed make-rec leaves.
    fs::create_dir(work.path().join("packs/.p.partial")).unwrap();
    for name in ["lock", "rec", "property", "pairs.txt"] {
        fs::write(work.path().join("packs/.p.partial").join(name), "left over").unwrap();
    }
    let ran = run(work.path(), &["verify-order", "--adopt", "packs/p"]);
    assert!(ran.code == 2 && ran.stderr.contains("unfinished"), "{}", ran.stderr);
    assert!(fs::read(work.path().join("packs/p.rec")).unwrap() == rec);
    // Nor does any of it get into a new pack.
    let pack = ["make-rec", "--dataset", "folder", "--root", "tree", "--name", "p", "--overwrite"];
    done(work.path(), &pack);
    for name in ["property", "p.pairs.txt", ".p.partial"] {
        assert!(!work.path().join("packs").join(name).exists(), "{name}");
    }
}

#[test]
fn copies_in_an_insightface_pack_do_not_make_its_order_another() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 5);
    fs::copy(work.path().join("tree/000/0002.jpg"), work.path().join("tree/000/0003.jpg")).unwrap();
    let pack =
        ["make-rec", "--dataset", "folder", "--root", "tree", "--insightface", "--name", "p"];
    done(work.path(), &pack);
    for ending in ["lst", "records.csv", "manifest.json"] {
        fs::remove_file(work.path().join(format!("packs/p.{ending}"))).unwrap();
    }
    let report = adopt(work.path(), "packs/p", &["--root", "tree"]);
    assert_eq!(
        (&report["tree"]["in_list_order"], &report["tree"]["doubles"]),
        (&true.into(), &2.into())
    );
}

#[test]
fn a_table_that_was_there_is_kept_and_an_index_with_a_line_missing_is_refused() {
    let work = tempfile::tempdir().unwrap();
    let records = [1, 2, 3].map(|n| image(n, 0.0, spots(n, 32, 90)));
    foreign_pack(&work.path().join("p"), &records);
    fs::write(work.path().join("p.records.csv"), "somebody's table").unwrap();
    let report = adopt(work.path(), "p", &[]);
    assert_eq!(report["kept"], serde_json::json!(["./p.foreign.records.csv"]));
    let kept = fs::read_to_string(work.path().join("p.foreign.records.csv")).unwrap();
    assert_eq!(kept, "somebody's table");
    foreign_pack(&work.path().join("q"), &records);
    let index = fs::read_to_string(work.path().join("q.idx")).unwrap();
    let lines: Vec<&str> = index.lines().collect();
    fs::write(work.path().join("q.idx"), format!("{}\n{}\n", lines[0], lines[2])).unwrap();
    let ran = run(work.path(), &["verify-order", "--adopt", "q"]);
    assert!(ran.code == 2 && ran.stderr.contains("reindex"), "{}", ran.stderr);
}

#[test]
fn a_tree_that_shows_the_colours_is_believed_before_the_skin() {
    let work = tempfile::tempdir().unwrap();
    fs::create_dir(work.path().join("tree")).unwrap();
    let bluish = |number: u64| {
        let mut pixels = spot_pixels(number, 32);
        for pixel in pixels.data.as_chunks_mut::<3>().0 {
            *pixel = [pixel[1] / 4 + 60, pixel[1] / 4 + 70, pixel[1] / 4 + 120];
        }
        encode::png(&pixels).unwrap()
    };
    let records: Vec<Record> = (0..12)
        .map(|number| {
            let png = bluish(number);
            fs::write(work.path().join(format!("tree/{number:02}.png")), &png).unwrap();
            let shown = qgface_data::image::decode::decode(&png).unwrap();
            image(number, 0.0, encode::jpeg(&shown, 90).unwrap())
        })
        .collect();
    foreign_pack(&work.path().join("p"), &records);
    assert_eq!(run(work.path(), &["verify-order", "--adopt", "p"]).code, 2);
    let report = adopt(work.path(), "p", &["--root", "tree"]);
    assert_eq!(report["stored_channel_order"], "rgb");
}

#[test]
fn a_header_that_announces_a_million_images_is_an_error_and_takes_no_memory() {
    let work = tempfile::tempdir().unwrap();
    let header = |label: [f32; 2]| Header { label: Label::Vector(label.to_vec()), id: 0, id2: 0 };
    let records = vec![
        (0, header([16_000_000.0, 16_000_001.0]), Vec::new()),
        (1, header([0.0, 0.0]), spots(1, 32, 90)),
        (15_999_999, header([0.0, 0.0]), spots(2, 32, 90)),
        (16_000_000, header([0.0, 0.0]), spots(3, 32, 90)),
    ];
    foreign_pack(&work.path().join("p"), &records);
    for arguments in [
        &["verify-order", "--adopt", "p"][..],
        &["stats", "p"],
        &["unpack", "p", "--out", "out"],
        &["make-rec", "--dataset", "rec", "--root", "p.rec"],
    ] {
        let ran = run(work.path(), arguments);
        assert_eq!(ran.code, 2, "{arguments:?}");
        assert!(ran.stderr.contains("not in the index of 4 records"), "{}", ran.stderr);
    }
}

/// The pack of im2rec in a folder `faces`, with the lines of its list.
fn im2rec_faces(work: &Path) -> Vec<String> {
    copy(&root().join("fixtures/im2rec_faces"), &work.join("faces"));
    let list = fs::read_to_string(work.join("faces/train.lst")).unwrap();
    list.lines().map(str::to_owned).collect()
}

#[test]
fn a_pack_is_held_against_its_own_list_and_keeps_its_paths() {
    let work = tempfile::tempdir().unwrap();
    let lines = im2rec_faces(work.path());
    let report = adopt(work.path(), "faces/train.rec", &[]);
    assert_eq!(report["list"]["file"], "faces/train.lst");
    assert_eq!(report["list"]["in_list_order"], true);
    let theirs: Vec<String> =
        lines.iter().map(|line| line.rsplit('\t').next().unwrap().to_owned()).collect();
    let ours: Vec<String> =
        listed(work.path(), "faces/train").into_iter().map(|(_, path)| path).collect();
    assert_eq!(ours, theirs);
    done(work.path(), &["verify-order", "faces/train"]);
}

#[test]
fn a_given_list_says_which_lines_the_records_are() {
    let work = tempfile::tempdir().unwrap();
    let mut lines = im2rec_faces(work.path());
    lines.swap(1, 4);
    fs::write(work.path().join("other.lst"), lines.join("\n")).unwrap();
    for root in [&[][..], &["--root", "faces"]] {
        let options = [&["--list", "other.lst"], root].concat();
        let list = adopt(work.path(), "faces/train.rec", &options)["list"].clone();
        assert_eq!(list["in_list_order"], false, "{root:?}");
        assert_eq!((&list["displaced"], &list["first_displaced"]), (&2.into(), &1.into()));
    }
}

#[test]
fn a_list_of_another_pack_is_refused_with_the_record() {
    let work = tempfile::tempdir().unwrap();
    let lines = im2rec_faces(work.path());
    let columns: Vec<Vec<&str>> = lines.iter().map(|line| line.split('\t').collect()).collect();
    let (key, path) = (columns[2][0], columns[2][2]);
    let with = |line: String| [&lines[..2], &[line], &lines[3..]].concat();
    let mut exchanged = lines.clone();
    exchanged[0] = format!("{}\t{}\t{path}", columns[0][0], columns[0][1]);
    exchanged[2] = format!("{key}\t{}\t{}", columns[2][1], columns[0][2]);
    let cases = [
        (with(format!("{key}\t77\t{path}")), "position 2", "expected label 77"),
        (with(format!("999\t{}\t{path}", columns[2][1])), "position 2", "key of this record"),
        (lines[1..].to_vec(), "expected 7 images", "found 8 records"),
        (exchanged, "position 0", "expected the picture"),
    ];
    let before = crate::support::tree(&work.path().join("faces"));
    for (list, place, expected) in cases {
        fs::write(work.path().join("other.lst"), list.join("\n")).unwrap();
        let arguments =
            ["verify-order", "--adopt", "faces/train", "--list", "other.lst", "--root", "faces"];
        let ran = run(work.path(), &arguments);
        assert_eq!(ran.code, 2, "{expected}");
        assert!(ran.stderr.contains(place) && ran.stderr.contains(expected), "{}", ran.stderr);
        assert_eq!(crate::support::tree(&work.path().join("faces")), before, "{expected}");
    }
}
