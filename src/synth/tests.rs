//! Laws of a whole run.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use super::*;

fn small(out: &Path) -> Options {
    Options { identities: 3, images: 2, seed: 7, size: 24, ..Options::new(out.to_owned()) }
}

/// Every file below `root`: relative path and bytes.
fn files(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let bytes = fs::read(&path).unwrap();
                found.insert(path.strip_prefix(root).unwrap().to_owned(), bytes);
            }
        }
    }
    found
}

/// The report and the files of a small run on so many threads.
fn drawn_by(threads: usize) -> (SynthReport, BTreeMap<PathBuf, Vec<u8>>) {
    let folder = tempfile::tempdir().unwrap();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
    let report = pool.install(|| synth(&small(folder.path()), &())).unwrap();
    (report, files(folder.path()))
}

/// One run for the tests that only look.
static DRAWN: LazyLock<(SynthReport, BTreeMap<PathBuf, Vec<u8>>)> = LazyLock::new(|| drawn_by(1));

/// Lines of a text file, split into fields.
fn table(path: &str, separator: char) -> Vec<Vec<&'static str>> {
    let text = std::str::from_utf8(&DRAWN.1[Path::new(path)]).unwrap();
    text.lines().map(|line| line.split(separator).collect()).collect()
}

#[test]
fn the_same_seed_draws_the_same_bytes_with_any_number_of_threads() {
    assert!(DRAWN.1 == drawn_by(2).1);
}

#[test]
fn another_seed_draws_other_people() {
    let chin = |seed: u64| {
        let options = Options { seed, ..small(Path::new("unused")) };
        Drawing::new(&options).unwrap().face("train", 0).chin_y
    };
    assert_ne!(chin(7), chin(8));
}

#[test]
fn the_report_counts_the_images_that_were_written() {
    let (report, written) = &*DRAWN;
    let count = |start: &str| {
        let jpegs = written.keys().filter(|path| path.extension().is_some_and(|e| e == "jpg"));
        jpegs.filter(|path| path.starts_with(start)).count() as u64
    };
    let images: BTreeMap<&str, u64> =
        report.sets.iter().map(|set| (set.name.as_str(), set.images)).collect();
    assert_eq!(images["train"], count("train"));
    assert_eq!(images["tinyface"], count("tinyface/tinyface"));
    assert_eq!(images["tinyface"], count("tinyface/aligned_pad_0.1_pad_high"));
    assert_eq!(images["scface"], count("scface/original"));
    assert_eq!(images["scface"], count("scface/aligned"));
    assert_eq!(images["ijbb"], count("ijbb/IJBB/loose_crop"));
    assert!(written.keys().all(|path| !path.starts_with(".train.synth")));
    assert!(written.keys().all(|path| path.file_name().is_some_and(|name| name != ".qgface-data")));
}

#[test]
fn the_lists_name_what_was_written() {
    let written = &DRAWN.1;
    for line in table("scface/all.txt", '\t') {
        assert_eq!(line.len(), 9);
        let path = PathBuf::from(format!("scface/original/{}.jpg", line[0]));
        assert!(written.contains_key(&path), "{path:?}");
    }
    let detections = table("ijbb/IJBB/meta/ijbb_name_5pts_score.txt", ' ');
    for line in &detections {
        assert_eq!(line.len(), 12);
        assert!(written.contains_key(&PathBuf::from("ijbb/IJBB/loose_crop").join(line[0])));
        assert!(line[1..11].iter().all(|number| number.parse::<f64>().unwrap() > 0.0));
        assert!((0.0..=1.0).contains(&line[11].parse::<f64>().unwrap()));
    }
    let templates = table("ijbb/IJBB/meta/ijbb_face_tid_mid.txt", ' ');
    assert!(templates.iter().map(|line| line[0]).eq(detections.iter().map(|line| line[0])));

    let pairs = table("ijbb/IJBB/meta/ijbb_template_pair_label.txt", ' ');
    let genuine = pairs.iter().filter(|pair| pair[2] == "1").count();
    assert_eq!(genuine, 10 * 6);
    assert!(pairs.len() - genuine >= 10 * genuine, "{} pairs", pairs.len());
}

#[test]
fn a_set_that_is_there_is_refused_before_anything_is_drawn() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("hq")).unwrap();
    fs::write(folder.path().join("hq/mine"), b"x").unwrap();
    let refused = synth(&small(folder.path()), &()).unwrap_err();
    assert!(matches!(&refused, Error::Exists { path } if path.ends_with("hq")), "{refused}");
    assert_eq!(files(folder.path()).len(), 1);
}

#[test]
fn a_size_no_aligned_picture_has_is_refused() {
    let options = Options { size: 8, ..small(Path::new("unused")) };
    let refused = synth(&options, &()).unwrap_err();
    assert_eq!(refused.to_string(), "size is 8, expected 16 to 1024");
}
