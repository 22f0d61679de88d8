//! OpenCV's warps and scikit-image's similarities: exactly with the stored matrix, within the stated
//! bound from the landmarks.

use super::Topic;
use super::manifest::{Json, array, number_array, text};
use qgface_data::image::align::{Affine, Error, align, similarity, warp};
use qgface_data::image::{Pixels, decode::decode};
use std::path::Path;

pub(crate) const TOPIC: Topic = Topic { name: "align", cases, run };

/// Of a matrix, absolute (the oracle's advice): f32 landmarks, and f64 landmarks with f32 templates.
const MATRIX_TOLERANCE_F32: f64 = 1e-4;
const MATRIX_TOLERANCE_F64: f64 = 1e-5;

/// With a matrix of one's own in f64 a position may fall on the other side of a 32nd of a pixel: at most
/// this much a value, and in at most this share of all values.
const VALUE_TOLERANCE: u8 = 8;
const DIFFERING_SHARE: f64 = 1e-3;

/// Ends of the names of cases in which left and right are exchanged: the reference makes of them, without a
/// word, faces of a tenth of their size in black, and this program refuses them.
const MIRRORED: [&str; 2] = ["_mirrored", "_reflected"];

fn cases(manifest: &Json) -> usize {
    array(manifest, "cases").len() + array(manifest, "degenerate").len()
}

fn run(folder: &Path, manifest: &Json) -> usize {
    let (mut values, mut differing) = (0, 0);
    for case in array(manifest, "cases") {
        let (all, other) = check(folder, case);
        values += all;
        differing += other;
    }
    let share = differing as f64 / values as f64;
    assert!(share < DIFFERING_SHARE, "{differing} of {values} values differ with our own matrices");
    array(manifest, "degenerate").iter().for_each(degenerate);
    cases(manifest)
}

/// Checks one face; how many values it has, and how many differ with our own matrix.
fn check(folder: &Path, case: &Json) -> (usize, usize) {
    let name = text(case, "name");
    let picture = |key: &str| {
        decode(&std::fs::read(folder.join(text(case, key))).unwrap())
            .unwrap_or_else(|error| panic!("{name}: {error}"))
    };
    let (source, warped) = (picture("source"), picture("warped"));
    let size = number_array(case, "size");
    assert_eq!(size[0], size[1], "{name}");
    let size = size[0] as u32;
    let stored = matrix(&case["matrix"]).unwrap();
    let inverse = matrix(&case["inverse_matrix"]).unwrap();
    assert_eq!(stored.inverse(), inverse, "{name}: another inverse than OpenCV's");
    assert!(warp(&source, &inverse, size).unwrap() == warped, "{name}: other pixels than OpenCV");
    let landmarks = points(&case["landmarks"]);
    let tolerance = match text(case, "landmark_dtype") {
        "float32" => MATRIX_TOLERANCE_F32,
        _ => MATRIX_TOLERANCE_F64,
    };
    if MIRRORED.iter().any(|kind| name.ends_with(kind)) {
        assert_eq!(similarity(&landmarks, size), Err(Error::Mirrored), "{name}");
        return (warped.data.len(), 0);
    }
    let own = similarity(&landmarks, size).unwrap();
    for (own, expected) in own.0.iter().flatten().zip(stored.0.iter().flatten()) {
        assert!((own - expected).abs() <= tolerance, "{name}: {own} for {expected}");
    }
    let aligned = align(&source, &landmarks, size).unwrap();
    (warped.data.len(), count_differing(name, &aligned, &warped))
}

fn count_differing(name: &str, own: &Pixels, expected: &Pixels) -> usize {
    assert_eq!((own.width, own.height), (expected.width, expected.height), "{name}");
    let pairs = own.data.iter().zip(&expected.data);
    let worst = pairs.clone().map(|(a, b)| a.abs_diff(*b)).max().unwrap();
    assert!(worst <= VALUE_TOLERANCE, "{name}: a value differs by {worst}");
    pairs.filter(|(a, b)| a != b).count()
}

/// What gives no finite matrix is refused; other odd points give the reference's matrix.
fn degenerate(case: &Json) {
    let own = similarity(&points(&case["landmarks"]), 112);
    match case.get("matrix").and_then(matrix) {
        Some(expected) => {
            for (own, expected) in own.unwrap().0.iter().flatten().zip(expected.0.iter().flatten())
            {
                assert!((own - expected).abs() <= MATRIX_TOLERANCE_F32, "{case}");
            }
        }
        None => assert!(own.is_err(), "{case}"),
    }
}

/// The matrix, or nothing where it is not finite.
fn matrix(value: &Json) -> Option<Affine> {
    let row = |at: usize| -> Option<[f64; 3]> {
        let row: Vec<f64> =
            value[at].as_array()?.iter().map(Json::as_f64).collect::<Option<_>>()?;
        row.try_into().ok()
    };
    Some(Affine([row(0)?, row(1)?]))
}

fn points(value: &Json) -> Vec<(f64, f64)> {
    let number = |value: &Json| value.as_f64().unwrap_or(f64::NAN);
    let points = value.as_array().unwrap().iter();
    points.map(|point| (number(&point[0]), number(&point[1]))).collect()
}
