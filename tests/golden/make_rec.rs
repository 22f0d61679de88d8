//! The reference's packs, made again from the same lists: original bytes exactly, re-encoded ones by
//! their pixels after exchanging the red and blue that the reference swapped.

use super::Topic;
use super::manifest::{Json, array, bytes_of_npy, entries, number, sha256, text};
use qgface_data::datasets::{Request, find};
use qgface_data::image::{ChannelOrder, Pixels, decode::decode, encode};
use qgface_data::pack::{self, Encoding, OnError, PackFiles, Part, Recipe, make_rec};
use qgface_data::recordio::IndexedReader;
use std::path::{Path, PathBuf};

pub(crate) const TOPIC: Topic = Topic { name: "make_rec", cases, run };

fn cases(manifest: &Json) -> usize {
    let listed: usize =
        entries(manifest, "lists").map(|(_, list)| list.as_array().unwrap().len()).sum();
    let records: usize =
        entries(manifest, "records").map(|(_, set)| array(set, "records").len()).sum();
    let variants = entries(&manifest["tinyface"], "mat_variants").count();
    listed + records + variants + ["origin", "reencoded"].len()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let mut ran = 0;
    for (tree, list) in entries(manifest, "lists") {
        let expected: Vec<&str> =
            list.as_array().unwrap().iter().map(|path| path.as_str().unwrap()).collect();
        listing(folder, tree, &expected);
        ran += expected.len();
    }
    for (name, set) in entries(manifest, "records") {
        ran += if set["is_origin"] == true {
            origin(folder, name, set)
        } else {
            reencoded(folder, name, set)
        };
    }
    for (variant, _) in entries(&manifest["tinyface"], "mat_variants") {
        mat_variant(folder, variant);
        ran += 1;
    }
    ran + unreadable(folder, &manifest["unreadable"])
}

/// Folder and data set of a tree of the oracle.
fn tree(name: &str) -> (&'static str, &'static str) {
    match name.split('/').next().unwrap() {
        "tinyface" => ("tinyface_root", "tinyface"),
        "scface" => ("scface_root", "scface"),
        "IJBB" => ("ijb_root", "ijbb"),
        "folder" => ("folder_root", "folder"),
        "unreadable" => ("unreadable_root", "folder"),
        other => panic!("no tree {other}"),
    }
}

/// The set's own walk gives the reference's list, and beside it only pictures whose ending in capitals
/// the reference passed over.
fn listing(folder: &Path, name: &str, expected: &[&str]) {
    let (root, set) = tree(name);
    let root = folder.join(root);
    let request = Request::new(&root);
    let list = find(set).unwrap().list(&request).unwrap();
    let own = list.images.iter().map(|image| &*image.path);
    let in_capitals =
        |path: &&str| path.rsplit('.').next().unwrap().chars().any(char::is_uppercase);
    let own: Vec<&str> = own.filter(|path| !in_capitals(path) || expected.contains(path)).collect();
    assert_eq!(own, expected, "{name}");
    assert!(list.missing.is_empty(), "{name}");
}

/// Packs the files of `set` in its order, by a list of the form im2rec writes.
fn pack_list(folder: &Path, name: &str, set: &Json, encoding: Encoding, out: &Path) -> PackFiles {
    let lines = array(set, "records").iter().map(|record| {
        let label = record["label"].as_f64().unwrap();
        format!("{}\t{label:.6}\t{}\n", number(record, "key"), text(record, "path"))
    });
    let list = out.join("given.lst");
    std::fs::write(&list, lines.collect::<String>()).unwrap();
    let recipe = recipe("list", folder.join(tree(name).0), Some(list), encoding);
    let options = pack::Options::new(PackFiles::new(out, "own").unwrap());
    let report =
        make_rec(recipe, &options, &()).unwrap_or_else(|error| panic!("{name}: {error:?}"));
    assert_eq!(report.count as usize, array(set, "records").len());
    options.files
}

fn recipe(set: &str, root: PathBuf, list: Option<PathBuf>, encoding: Encoding) -> Recipe {
    Recipe { list, encoding, ..Recipe::new(find(set).unwrap(), root) }
}

fn origin(folder: &Path, name: &str, set: &Json) -> usize {
    let out = tempfile::tempdir().unwrap();
    let files = pack_list(folder, name, set, Encoding::Origin, out.path());
    for (part, ending) in [(Part::Rec, "rec"), (Part::Idx, "idx")] {
        let own = std::fs::read(files.path(part)).unwrap();
        let theirs = std::fs::read(folder.join(format!("records/{name}.{ending}"))).unwrap();
        assert!(own == theirs, "{name}.{ending}: other bytes than the reference's");
        assert_eq!(sha256(&own), text(set, &format!("{ending}_sha256")), "{name}.{ending}");
    }
    array(set, "records").len()
}

/// Two encodings of one picture may differ in what JPEG loses by this much (the oracle's advice).
const PSNR_TOLERANCE_DB: f64 = 1.0;

fn reencoded(folder: &Path, name: &str, set: &Json) -> usize {
    let out = tempfile::tempdir().unwrap();
    // The reference encodes with quality 100.
    let files = pack_list(folder, name, set, Encoding::Jpeg(100), out.path());
    let own = IndexedReader::open(&files.path(Part::Rec), &files.path(Part::Idx)).unwrap();
    let stem = folder.join(format!("records/{name}"));
    let theirs =
        IndexedReader::open(&stem.with_extension("rec"), &stem.with_extension("idx")).unwrap();
    for (position, expected) in array(set, "records").iter().enumerate() {
        let (record, reference) = (own.get(position).unwrap(), theirs.get(position).unwrap());
        let (header, payload) = record.image().unwrap();
        let (their_header, their_payload) = reference.image().unwrap();
        assert_eq!(header, their_header, "{name} {position}");
        assert_eq!(sha256(their_payload), text(expected, "payload_sha256"));
        let stored = decode(their_payload).unwrap();
        check_decoded(folder, name, expected, &stored);
        let source = folder.join(tree(name).0).join(text(expected, "path"));
        let source = decode(&std::fs::read(source).unwrap()).unwrap();
        let unswapped = psnr(&exchanged(stored.clone()), &source);
        let ours = psnr(&decode(payload).unwrap(), &source);
        assert!(
            ours > unswapped - PSNR_TOLERANCE_DB && ours > psnr(&stored, &source),
            "{name} {position}: {ours:.2} dB, the reference after exchanging colours {unswapped:.2} dB"
        );
        // The reference's own fault, repeated on purpose, gives its own pixels.
        let faulty = encode::jpeg(&exchanged(source), 100).unwrap();
        assert!(
            decode(&faulty).unwrap() == stored,
            "{name} {position}: other pixels than OpenCV's encoder"
        );
    }
    array(set, "records").len()
}

/// The stored record as OpenCV decoded it.
fn check_decoded(folder: &Path, name: &str, expected: &Json, stored: &Pixels) {
    let tree = name.split('/').next().unwrap();
    let array = format!("decoded/{tree}/{:03}.npy", number(expected, "decoded_cv2_bgr"));
    let path = folder.join(array);
    // One tree's arrays belong to one of its packs.
    if !path.exists() {
        return;
    }
    let (shape, bgr) = bytes_of_npy(&path);
    let size = [stored.height, stored.width, 3].map(u64::from);
    assert_eq!(shape, size, "{name}");
    assert!(
        stored.clone().into_order(ChannelOrder::Bgr).data == bgr,
        "{name}: other pixels than OpenCV"
    );
}

/// The picture with its red and blue exchanged, still called RGB.
fn exchanged(pixels: Pixels) -> Pixels {
    Pixels { order: ChannelOrder::Rgb, ..pixels.into_order(ChannelOrder::Bgr) }
}

/// Peak signal-to-noise ratio of 8-bit pictures, in decibels: 10·log10(255² / mean squared error).
fn psnr(a: &Pixels, b: &Pixels) -> f64 {
    assert_eq!((a.width, a.height), (b.width, b.height));
    let squares = a.data.iter().zip(&b.data).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2));
    let mean = squares.sum::<f64>() / a.data.len() as f64;
    10.0 * (255.0 * 255.0 / mean.max(1e-9)).log10()
}

/// Each variant of the protocol files, put in the official place, agrees with the tree.
fn mat_variant(folder: &Path, variant: &str) {
    let root = tempfile::tempdir().unwrap();
    let source = folder.join("tinyface_root");
    let aligned = "aligned_pad_0.1_pad_high";
    for file in qgface_data::fs::walk(&source.join(aligned)).unwrap().files {
        let target = root.path().join(aligned).join(&file);
        std::fs::create_dir_all(target.parent().unwrap()).unwrap();
        std::fs::write(target, "").unwrap();
    }
    let place = root.path().join("tinyface/Testing_Set");
    std::fs::create_dir_all(&place).unwrap();
    for file in ["gallery_match_img_ID_pairs.mat", "probe_img_ID_pairs.mat"] {
        let bytes = std::fs::read(source.join(variant).join(file)).unwrap();
        std::fs::write(place.join(file), bytes).unwrap();
    }
    let warnings = || {
        let request = Request::new(root.path());
        let list = find("tinyface").unwrap().list(&request).unwrap();
        assert_eq!(list.protocol_files.len(), 2, "{variant}");
        list.warnings
    };
    // Beside counts: pictures the tree has and the protocol has not.
    let differs = |warning: &&String| !warning.contains("the published set has");
    let all = warnings();
    let told: Vec<&String> = all.iter().filter(differs).collect();
    assert!(
        told.iter().all(|warning| warning.contains("are not in probe_img")),
        "{variant}: {told:?}"
    );
    // A picture taken away is missed, so the names were truly read.
    let probes = root.path().join(aligned).join("Probe");
    let named = qgface_data::fs::walk(&probes).unwrap().files;
    let first = named.iter().find(|name| name.ends_with(".jpg")).unwrap();
    std::fs::remove_file(probes.join(first)).unwrap();
    let missed =
        format!("images of probe_img_ID_pairs.mat are not in {aligned}/Probe/, the first {first}");
    assert!(warnings().iter().any(|warning| warning.ends_with(&missed)), "{variant}");
}

/// The reference drops unreadable images without a word; here the first one stops the run by name, and
/// when told to skip, the rest has the reference's keys.
fn unreadable(folder: &Path, expected: &Json) -> usize {
    let root = folder.join("unreadable_root");
    let out = tempfile::tempdir().unwrap();
    let kept = array(&expected["reencoded"], "keys_written");
    let mut paths: Vec<String> =
        entries(expected, "files").map(|(path, _)| path.to_owned()).collect();
    paths.extend(qgface_data::fs::walk(&root).unwrap().files);
    paths.sort();
    paths.dedup();
    let lines = paths.iter().enumerate().map(|(key, path)| format!("{key}\t{key}\t{path}\n"));
    let list = out.path().join("given.lst");
    std::fs::write(&list, lines.collect::<String>()).unwrap();
    for (name, encoding) in [("origin", Encoding::Origin), ("reencoded", Encoding::Jpeg(100))] {
        let own = out.path().join(name);
        let recipe = recipe("list", root.clone(), Some(list.clone()), encoding);
        let stop = pack::Options::new(PackFiles::new(&own, "own").unwrap());
        let error = make_rec(recipe.clone(), &stop, &()).unwrap_err().to_string();
        assert!(
            entries(expected, "files").any(|(path, _)| error.contains(path)),
            "{name}: {error}"
        );
        assert!(!stop.files.path(Part::Rec).exists(), "{name}: something was left");
        let skip = pack::Options { on_error: OnError::Skip, ..stop };
        let report = make_rec(recipe, &skip, &()).unwrap();
        let skipped: Vec<&str> =
            report.skipped.iter().map(|skipped| skipped.path.as_str()).collect();
        let bad: Vec<&str> = entries(expected, "files").map(|(path, _)| path).collect();
        assert_eq!(skipped, bad, "{name}");
        let pack =
            IndexedReader::open(&skip.files.path(Part::Rec), &skip.files.path(Part::Idx)).unwrap();
        let keys: Vec<Json> =
            (0..pack.index().len()).map(|at| pack.index().key(at).into()).collect();
        assert_eq!(keys, kept, "{name}");
    }
    2
}
