//! `align` and `make-rec --align`.

use crate::pictures::{spot_pixels, spot_tree};
use crate::program::{copy, done, fixture, fixture_json, root, run};
use qgface_data::image::align::align;
use qgface_data::image::{ChannelOrder, Pixels, decode::decode, encode};
use qgface_data::recordio::IndexedReader;
use serde_json::Value;
use std::fs;
use std::path::Path;

/// The aligned face of a picture file, by the reference's recipe that the golden tests hold.
fn aligned(path: &Path, points: &[(f64, f64)]) -> Pixels {
    align(&decode(&fs::read(path).unwrap()).unwrap(), points, 112).unwrap()
}

fn pictures(stem: &Path) -> Vec<Pixels> {
    let pack =
        IndexedReader::open(&stem.with_extension("rec"), &stem.with_extension("idx")).unwrap();
    let picture = |at| decode(pack.get(at).unwrap().image().unwrap().1).unwrap();
    (0..pack.index().len()).map(picture).collect()
}

/// Names and points of a meta file of IJB or of SCface's all.txt.
fn points(text: &str, count: usize) -> Vec<(String, Vec<(f64, f64)>)> {
    let line = |line: &str| {
        let mut words = line.split_ascii_whitespace();
        let name = words.next().unwrap().to_owned();
        let numbers: Vec<f64> = words.take(2 * count).map(|word| word.parse().unwrap()).collect();
        (name, numbers.chunks(2).map(|pair| (pair[0], pair[1])).collect())
    };
    text.lines().map(line).collect()
}

#[test]
fn ijb_faces_are_packed_aligned_by_the_landmarks_of_their_own_lines() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/ijb_root");
    let said =
        done(work.path(), &["make-rec", "--dataset", "ijbb", "--root", &tree, "--align"]).stdout;
    assert!(said.contains("encoding   png") && said.contains("112x112"), "{said}");
    let meta = Path::new(&tree).join("IJBB/meta/ijbb_name_5pts_score.txt");
    let faces = points(&fs::read_to_string(meta).unwrap(), 5);
    let packed = pictures(&work.path().join("packs/ijbb"));
    assert_eq!(packed.len(), faces.len());
    for ((name, points), packed) in faces.iter().zip(&packed) {
        let crop = Path::new(&tree).join("IJBB/loose_crop").join(name);
        assert!(*packed == aligned(&crop, points), "{name}");
    }
    done(work.path(), &["verify-order", "--root", &tree]);
    let manifest: Value = serde_json::from_str(
        &fs::read_to_string(work.path().join("packs/ijbb.manifest.json")).unwrap(),
    )
    .unwrap();
    assert_eq!(manifest["alignment"]["warped"]["size"], 112);
    assert_eq!(manifest["landmarks"]["picture"], "original");
}

/// An SCface tree with its originals: every original is drawn, the points are the oracle's.
fn scface_with_originals(work: &Path) -> Vec<(String, Vec<(f64, f64)>)> {
    let tree = work.join("scface");
    copy(&root().join("fixtures/golden/make_rec/scface_root"), &tree);
    let faces = points(&fs::read_to_string(tree.join("all.txt")).unwrap(), 4);
    for (number, (name, _)) in faces.iter().enumerate() {
        let path = tree.join("original").join(name).with_extension("jpg");
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, encode::jpeg(&spot_pixels(number as u64, 200), 90).unwrap()).unwrap();
    }
    let protocol = |(name, _): &(String, Vec<(f64, f64)>)| {
        !["cam6", "cam7", "cam8"].iter().any(|camera| name.contains(camera))
    };
    faces.into_iter().filter(protocol).collect()
}

#[test]
fn scface_is_aligned_from_its_originals_by_four_points_as_a_pack_and_as_files() {
    let work = tempfile::tempdir().unwrap();
    let faces = scface_with_originals(work.path());
    let set = ["--dataset", "scface", "--root", "scface"];
    done(work.path(), &[&["make-rec"], &set[..], &["--align"]].concat());
    let report = done(
        work.path(),
        &[&["align"], &set[..], &["--out", "scface/mine", "--format", "json"]].concat(),
    )
    .json("align");
    assert_eq!(report["files"], faces.len());
    let packed = pictures(&work.path().join("packs/scface"));
    for ((name, points), packed) in faces.iter().zip(&packed) {
        let original = work.path().join("scface/original").join(name).with_extension("jpg");
        let expected = aligned(&original, points);
        assert!(*packed == expected, "{name} in the pack");
        let file = work.path().join("scface/mine").join(name).with_extension("png");
        assert!(decode(&fs::read(file).unwrap()).unwrap() == expected, "{name} as a file");
    }
    done(work.path(), &["verify-order", "--root", "scface"]);
    // The files are an aligned tree that the set itself can pack.
    let mine = ["--aligned-dir", "mine", "--name", "mine"];
    done(work.path(), &[&["make-rec"], &set[..], &mine].concat());
    assert!(pictures(&work.path().join("packs/mine")) == packed);
}

/// The pictures of the oracle's align topic that are aligned by f32 or f64 landmarks of one source, but those
/// with left and right exchanged.
fn align_cases(kind: &str) -> Vec<Value> {
    let manifest = fixture_json("golden/align/manifest.json");
    let cases = manifest["cases"].as_array().unwrap();
    let mirrored = |case: &Value| {
        let name = case["name"].as_str().unwrap();
        name.ends_with("_mirrored") || name.ends_with("_reflected")
    };
    let wanted = |case: &&Value| {
        case["kind"].as_str().unwrap() == kind && case["size"][0] == 112 && !mirrored(case)
    };
    cases.iter().filter(wanted).cloned().collect()
}

#[test]
fn any_folder_is_aligned_by_a_csv_of_five_or_four_points() {
    for (kind, points) in [("norm_crop points_num=5", 5), ("norm_crop points_num=4", 4)] {
        let work = tempfile::tempdir().unwrap();
        let header: String = (1..=points).map(|n| format!(",x{n},y{n}")).collect();
        let mut csv = format!("path{header}\n");
        let cases = align_cases(kind);
        for (i, case) in cases.iter().enumerate() {
            let source = fixture(&format!("golden/align/{}", case["source"].as_str().unwrap()));
            fs::create_dir_all(work.path().join("tree/a b")).unwrap();
            fs::copy(source, work.path().join(format!("tree/a b/{i:02}.png"))).unwrap();
            let landmarks = case["landmarks"].as_array().unwrap();
            let numbers: String =
                landmarks.iter().map(|point| format!(",{},{}", point[0], point[1])).collect();
            csv += &format!("a b/{i:02}.png{numbers}\n");
        }
        fs::write(work.path().join("points.csv"), csv).unwrap();
        let tree = ["--dataset", "folder", "--root", "tree", "--landmarks", "points.csv"];
        done(work.path(), &[&["align"], &tree[..], &["--out", "out"]].concat());
        done(work.path(), &[&["make-rec"], &tree[..], &["--align"]].concat());
        let packed = pictures(&work.path().join("packs/folder"));
        for (i, case) in cases.iter().enumerate() {
            let expected = fixture(&format!("golden/align/{}", case["warped"].as_str().unwrap()));
            let expected = decode(&fs::read(expected).unwrap()).unwrap();
            let file = fs::read(work.path().join(format!("out/a b/{i:02}.png"))).unwrap();
            for own in [&decode(&file).unwrap(), &packed[i]] {
                // The bound of an own matrix (see the golden topic align).
                let worst = own.data.iter().zip(&expected.data).map(|(a, b)| a.abs_diff(*b)).max();
                assert!(worst.unwrap() <= 8, "{case}");
            }
        }
        done(work.path(), &["verify-order", "--root", "tree", "--landmarks", "points.csv"]);
        // Without the csv the pack's own landmarks stand in for it.
        let ran = done(work.path(), &["verify-order", "--root", "tree"]);
        assert!(ran.stdout.contains("NOT compared: the csv of landmarks"), "{}", ran.stdout);
        let changed = fs::read_to_string(work.path().join("points.csv")).unwrap();
        fs::write(work.path().join("points.csv"), changed.replacen("/00.png,", "/00.png,1", 1))
            .unwrap();
        let again = ["verify-order", "--root", "tree", "--landmarks", "points.csv"];
        assert_eq!(run(work.path(), &again).code, 1);
    }
}

#[test]
fn landmarks_of_no_face_are_an_error_that_names_the_image() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 5);
    let row = |number: u64, points: &str| format!("000/{number:04}.jpg,{points}\n");
    let good = "10,10,25,10,18,18,12,25,24,25";
    let rows = |bad: &str| -> String {
        let rows = (0..5).map(|n| row(n, if n == 3 { bad } else { good }));
        format!("path,x1,y1,x2,y2,x3,y3,x4,y4,x5,y5\n{}", rows.collect::<String>())
    };
    let options = ["--dataset", "folder", "--root", "tree", "--landmarks", "points.csv"];
    for (bad, words) in [
        ("7,7,7,7,7,7,7,7,7,7", "landmarks coincide"),
        ("nan,1,2,3,4,5,6,7,8,9", "line 5"),
        ("1,2,3", "cannot read the landmarks"),
    ] {
        fs::write(work.path().join("points.csv"), rows(bad)).unwrap();
        for command in [&["align", "--out", "out"][..], &["make-rec", "--align"]] {
            let ran = run(work.path(), &[command, &options[..]].concat());
            assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{bad}");
            assert!(ran.stderr.contains(words), "{bad}: {}", ran.stderr);
            assert!(!work.path().join("packs").exists());
        }
    }
    fs::write(work.path().join("points.csv"), rows("7,7,7,7,7,7,7,7,7,7")).unwrap();
    let ran = run(work.path(), &[&["make-rec", "--align"], &options[..]].concat());
    assert!(ran.stderr.contains("000/0003.jpg"), "{}", ran.stderr);
    let skip = [&["make-rec", "--align", "--on-error", "skip", "--format", "json"], &options[..]];
    let report = done(work.path(), &skip.concat()).json("make-rec");
    assert_eq!(
        (&report["count"], &report["skipped"][0]["path"]),
        (&4.into(), &"000/0003.jpg".into())
    );
    done(work.path(), &["verify-order", "--root", "tree", "--landmarks", "points.csv"]);
    fs::write(work.path().join("points.csv"), rows(good).replacen("000/0002", "000/x", 1)).unwrap();
    let ran = run(work.path(), &[&["make-rec", "--align", "--name", "n"], &options[..]].concat());
    assert!(ran.stderr.contains("a row of landmarks for 000/0002.jpg"), "{}", ran.stderr);
}

#[test]
fn what_cannot_be_aligned_is_refused_before_any_work() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 3);
    let tiny = fixture("golden/make_rec/tinyface_root");
    let scface = fixture("golden/make_rec/scface_root");
    let folder = ["make-rec", "--dataset", "folder", "--root", "tree"];
    let align = |more: &[&'static str]| [&folder[..], &["--align"], more].concat();
    for (arguments, words) in [
        (align(&[]), "no landmarks, so it cannot be aligned"),
        (align(&["--origin"]), "store them with --encode png or jpeg:QUALITY"),
        (align(&["--size", "100"]), "an edge divisible by 112 or by 128"),
        ([&folder[..], &["--size", "112"]].concat(), "--align"),
        (
            vec!["make-rec", "--dataset", "scface", "--root", &scface, "--align"],
            "the folder original",
        ),
        (
            vec!["make-rec", "--dataset", "tinyface", "--root", &tiny, "--align"],
            "expected pictures of",
        ),
        (
            vec!["make-rec", "--dataset", "tinyface", "--root", &tiny, "--aligned-dir", "none"],
            "a download separate from TinyFace",
        ),
    ] {
        let ran = run(work.path(), &arguments);
        assert_eq!((ran.code, ran.stdout.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.stderr.contains(words), "{arguments:?}: {}", ran.stderr);
        assert!(!work.path().join("packs").exists());
    }
}

#[test]
fn align_writes_nothing_outside_its_folder_and_over_nothing() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 1);
    let csv = "path,x1,y1,x2,y2,x3,y3,x4,y4\n000/0000.jpg,10,10,25,10,18,18,18,25\n";
    fs::write(work.path().join("points.csv"), csv).unwrap();
    let options = [
        "align",
        "--dataset",
        "folder",
        "--root",
        "tree",
        "--landmarks",
        "points.csv",
        "--out",
        "out",
    ];
    done(work.path(), &options);
    done(work.path(), &options);
    let ran = run(work.path(), &[&options[..], &["--size", "224"]].concat());
    assert!(ran.code == 2 && ran.stderr.contains("--overwrite replaces it"), "{}", ran.stderr);
    done(work.path(), &[&options[..], &["--size", "224", "--overwrite"]].concat());
    let face = decode(&fs::read(work.path().join("out/000/0000.png")).unwrap()).unwrap();
    assert_eq!((face.width, face.order), (224, ChannelOrder::Rgb));
}

#[test]
fn a_pack_that_is_aligned_already_is_not_aligned_again_and_a_loose_one_is() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/ijb_root");
    done(work.path(), &["make-rec", "--dataset", "ijbb", "--root", &tree, "--name", "loose"]);
    done(work.path(), &["make-rec", "--dataset", "ijbb", "--root", &tree, "--align"]);
    let again = |root: &'static str| {
        ["make-rec", "--dataset", "rec", "--align", "--out", "again", "--root", root]
    };
    done(work.path(), &again("packs/loose.rec"));
    let [ours, theirs] =
        ["again/loose", "packs/ijbb"].map(|stem| pictures(&work.path().join(stem)));
    assert!(ours == theirs);
    done(work.path(), &["verify-order", "again", "--root", "packs/loose.rec"]);
    let ran = run(work.path(), &again("packs/ijbb.rec"));
    assert!(ran.code == 2 && ran.stderr.contains("are aligned already"), "{}", ran.stderr);
}

#[test]
fn two_pictures_that_would_become_one_file_are_refused_before_any_work() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 1);
    let [a, b] = ["0000.jpg", "0000.PNG"].map(|name| work.path().join("tree/000").join(name));
    fs::copy(a, b).unwrap();
    let rows = ["jpg", "PNG"].map(|ending| format!("000/0000.{ending},10,10,25,10,18,18,18,25\n"));
    fs::write(
        work.path().join("p.csv"),
        format!("path,x1,y1,x2,y2,x3,y3,x4,y4\n{}", rows.concat()),
    )
    .unwrap();
    let options =
        ["align", "--dataset", "folder", "--root", "tree", "--landmarks", "p.csv", "--out", "out"];
    let ran = run(work.path(), &options);
    assert!(
        ran.code == 2 && ran.stderr.contains("would both become 000/0000.png"),
        "{}",
        ran.stderr
    );
    assert!(!work.path().join("out").exists());
}
