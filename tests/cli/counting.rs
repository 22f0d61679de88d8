//! `stats`.

use crate::pictures::{Record, exchanged, foreign_pack, image, spot_tree};
use crate::program::{done, fixture, root, run};
use qgface_data::image::{Pixels, decode::decode, encode};
use qgface_data::pack::PackFiles;
use qgface_data::pack::stats::{self, Verdict};
use qgface_data::seed::Seed;
use qgface_data::synth::{Options, synth};
use serde_json::Value;
use std::fs;
use std::path::Path;

fn json(folder: &Path, arguments: &[&str]) -> Value {
    done(folder, &[&["stats", "--format", "json"], arguments].concat()).json("stats")
}

#[test]
fn the_numbers_are_those_of_the_definition_and_the_same_for_any_number_of_threads() {
    let work = tempfile::tempdir().unwrap();
    let tree = fixture("golden/make_rec/folder_root");
    done(work.path(), &["make-rec", "--dataset", "folder", "--root", &tree]);
    let texts = ["1", "2", "8"].map(|jobs| {
        done(work.path(), &["stats", "packs/folder", "--format", "json", "--jobs", jobs]).stdout
    });
    assert!(texts[0] == texts[1] && texts[1] == texts[2]);
    let report = &json(work.path(), &["packs/folder"])["packs"][0];
    let files = qgface_data::fs::walk(Path::new(&tree)).unwrap().files;
    let pixels: Vec<[u8; 3]> = files
        .iter()
        .flat_map(|file| {
            let picture = decode(&fs::read(Path::new(&tree).join(file)).unwrap()).unwrap();
            picture.data.as_chunks::<3>().0.to_vec()
        })
        .collect();
    assert_eq!(report["pixels"], pixels.len());
    for channel in 0..3 {
        let count = pixels.len() as f64;
        let values = pixels.iter().map(|pixel| f64::from(pixel[channel]));
        let mean = values.clone().sum::<f64>() / count;
        let squares = values.map(|value| (value - mean).powi(2)).sum::<f64>();
        // Rounding of a sum of 10^5 squares in f64.
        let near = |value: &Value, expected: f64| (value.as_f64().unwrap() - expected).abs() < 1e-7;
        assert!(near(&report["channels"]["mean"][channel], mean), "{report}");
        assert!(near(&report["channels"]["deviation"][channel], (squares / count).sqrt()));
        let reversed = &report["channels_reversed"];
        assert_eq!(reversed["mean"][2 - channel], report["channels"]["mean"][channel]);
        assert_eq!(reversed["order"], "bgr");
    }
    assert_eq!(report["identities"]["histogram"], serde_json::json!([[1, 1], [2, 1], [3, 1]]));
    let bgr = &json(work.path(), &["packs/folder", "--channel-order", "bgr"])["packs"][0];
    assert_eq!(bgr["channels"], report["channels_reversed"]);
}

/// The real faces of the fixtures.
fn real_faces() -> Vec<Vec<u8>> {
    let mut faces = Vec::new();
    for folder in ["im2rec_faces", "cvlface_faces"] {
        let folder = root().join("fixtures").join(folder);
        for file in qgface_data::fs::walk(&folder).unwrap().files {
            faces.push(fs::read(folder.join(file)).unwrap());
        }
    }
    faces
}

/// Encodes changed pixels again, without loss.
fn changed(picture: &[u8], change: fn(Pixels) -> Pixels) -> Vec<u8> {
    encode::png(&change(decode(picture).unwrap())).unwrap()
}

fn grey(mut pixels: Pixels) -> Pixels {
    for pixel in pixels.data.as_chunks_mut::<3>().0 {
        *pixel = [pixel[1]; 3];
    }
    pixels
}

fn pack(stem: &Path, pictures: &[&Vec<u8>]) {
    let record = |(key, picture): (usize, &&Vec<u8>)| image(key as u64, 0.0, picture.to_vec());
    foreign_pack(stem, &pictures.iter().enumerate().map(record).collect::<Vec<Record>>());
}

#[test]
fn the_numbers_of_an_exchanged_twin_are_mirrored_and_against_says_swapped() {
    let work = tempfile::tempdir().unwrap();
    let faces = real_faces();
    let twins: Vec<Vec<u8>> = faces.iter().map(|face| changed(face, exchanged)).collect();
    let greys: Vec<Vec<u8>> = faces.iter().map(|face| changed(face, grey)).collect();
    for (name, pictures) in [("own", &faces), ("twin", &twins), ("grey", &greys)] {
        pack(&work.path().join(name), &pictures.iter().collect::<Vec<_>>());
    }
    let own = json(work.path(), &["own"])["packs"][0].clone();
    let against = ["stats", "twin", "--against", "own", "--format", "json"];
    let ran = run(work.path(), &against);
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    let twin = ran.json("stats")["packs"][0].clone();
    for what in ["mean", "deviation"] {
        assert_eq!(own["channels"][what], twin["channels_reversed"][what]);
        assert_eq!(own["channels_reversed"][what], twin["channels"][what]);
    }
    assert_eq!(
        (&own["skin"]["verdict"], &twin["skin"]["verdict"]),
        (&"as_declared".into(), &"swapped".into())
    );
    assert_eq!(twin["against"]["verdict"], "swapped");
    let text = run(work.path(), &["stats", "twin", "--against", "own"]).stdout;
    assert!(text.contains("SWAPPED against ./own.rec"), "{text}");
    let same = json(work.path(), &["own", "--against", "own"]);
    assert_eq!(same["packs"][0]["against"]["verdict"], "as_declared");
    for reference in ["own", "twin", "grey"] {
        let told = json(work.path(), &["grey", "--against", reference])["packs"][0].clone();
        assert_eq!(told["against"]["verdict"], "unknown", "{reference}");
        assert_eq!(told["skin"]["verdict"], "unknown");
    }
}

/// Verdicts of 200 packs of `size` pictures drawn from `pictures`: right, wrong, abstained.
fn verdicts(pictures: &[Vec<u8>], size: usize, expected: Verdict) -> [usize; 3] {
    let work = tempfile::tempdir().unwrap();
    let mut stream = Seed::new(11).stream("packs");
    let mut counts = [0; 3];
    for number in 0..200 {
        let mut drawn: Vec<&Vec<u8>> = pictures.iter().collect();
        stream.shuffle(&mut drawn);
        drawn.truncate(size);
        let stem = work.path().join(format!("p{number}"));
        pack(&stem, &drawn);
        let options = stats::Options {
            packs: vec![PackFiles::of(&stem).unwrap()],
            order: qgface_data::image::ChannelOrder::Rgb,
            against: None,
        };
        let verdict = stats::stats(&options, &()).unwrap().packs[0].skin.verdict;
        counts[match verdict {
            verdict if verdict == expected => 0,
            Verdict::Unknown => 2,
            _ => 1,
        }] += 1;
    }
    counts
}

#[test]
fn of_400_packs_of_drawn_and_400_of_real_faces_no_verdict_is_wrong_and_grey_ones_have_none() {
    let work = tempfile::tempdir().unwrap();
    let drawn = Options { identities: 40, images: 8, ..Options::new(work.path().join("d")) };
    synth(&drawn, &()).unwrap();
    let tree = work.path().join("d");
    let mut synthetic = Vec::new();
    for set in ["train", "tinyface", "scface/aligned", "ijbb/IJBB/loose_crop"] {
        let files = qgface_data::fs::walk(&tree.join(set)).unwrap().files;
        let step = files.len() / 60;
        let read = |file: &String| fs::read(tree.join(set).join(file)).unwrap();
        synthetic.extend(files.iter().step_by(step.max(1)).map(read));
    }
    for (name, pictures, size) in [("drawn", synthetic, 16), ("real", real_faces(), 12)] {
        let right = verdicts(&pictures, size, Verdict::AsDeclared);
        let twins: Vec<Vec<u8>> = pictures.iter().map(|face| changed(face, exchanged)).collect();
        let swapped = verdicts(&twins, size, Verdict::Swapped);
        let greys: Vec<Vec<u8>> = pictures.iter().map(|face| changed(face, grey)).collect();
        let without = verdicts(&greys, size, Verdict::Unknown);
        println!(
            "{name}: normal {right:?}, swapped {swapped:?}, grey {without:?} (right, wrong, abstained)"
        );
        assert_eq!((right[1], swapped[1], without), (0, 0, [200, 0, 0]), "{name}");
        assert!(right[0] >= 190 && swapped[0] >= 190, "{name}: {right:?} {swapped:?}");
    }
}

#[test]
fn unreadable_records_are_counted_and_named_and_identity_records_are_no_images() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 10);
    done(
        work.path(),
        &["make-rec", "--dataset", "folder", "--root", "tree", "--insightface", "--name", "train"],
    );
    let report = json(work.path(), &["packs/train"])["packs"][0].clone();
    assert_eq!((&report["images"], &report["identities"]["identities"]), (&10.into(), &2.into()));
    let face = fs::read(work.path().join("tree/000/0001.jpg")).unwrap();
    let records =
        vec![image(0, 1.0, face.clone()), image(7, 1.0, face[..200].to_vec()), image(9, 2.0, face)];
    foreign_pack(&work.path().join("p"), &records);
    let report = json(work.path(), &["p"])["packs"][0].clone();
    assert_eq!((&report["images"], &report["unreadable"]), (&3.into(), &1.into()));
    let record = &report["unreadable_records"][0];
    assert_eq!((&record["position"], &record["key"]), (&1.into(), &7.into()));
    assert_eq!(report["stored_channel_order"], Value::Null);
    assert_eq!(
        report["sizes"]["frequent"],
        serde_json::json!([{"width": 32, "height": 32, "count": 2}])
    );
}

#[test]
fn a_plot_is_written_whole_for_each_pack_and_a_wrong_ending_is_refused_before_any_work() {
    let work = tempfile::tempdir().unwrap();
    spot_tree(&work.path().join("tree"), 12);
    for name in ["a", "b"] {
        done(work.path(), &["make-rec", "--dataset", "folder", "--root", "tree", "--name", name]);
    }
    done(work.path(), &["stats", "packs/a", "--plot", "one.svg"]);
    let svg = fs::read_to_string(work.path().join("one.svg")).unwrap();
    assert!(svg.contains("packs/a.rec") && svg.contains("grey level"), "{}", &svg[..300]);
    done(work.path(), &["stats", "packs/a", "packs/b", "--against", "packs/a", "--plot", "x.png"]);
    for name in ["x-a.png", "x-b.png"] {
        let picture = decode(&fs::read(work.path().join(name)).unwrap()).unwrap();
        assert!(picture.width > 1000, "{name}");
    }
    let ran = run(work.path(), &["stats", "packs/missing", "--plot", "x.pdf"]);
    assert!(ran.code == 2 && ran.stderr.contains(".svg"), "{}", ran.stderr);
    assert_eq!(run(work.path(), &["stats", "packs/missing"]).code, 2);
}
