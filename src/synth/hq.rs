//! `hq/`: five verification sets of good pictures, as InsightFace pickles them.
//!
//! Each has its emphasis: `lfw` is plain, `cfp_fp` sets a frontal view against a turned
//! one, `agedb_30` and `calfw` set smooth skin against wrinkles (`calfw` under harder
//! light), and `cplfw` turns both heads.

use std::path::Path;

use rayon::prelude::*;

use super::drawing::Drawing;
use super::look::{Conditions, Look};
use super::pickle_writer::pickle;
use super::shot::{Camera, Shot};
use super::stage::file;
use super::{Error, SetReport};
use crate::image::encode;
use crate::progress::Progress;

/// Edge of the pictures in pixels; InsightFace's sets have no other.
const EDGE: u32 = 112;
/// Pairs are scored in this many folds, each half genuine.
const FOLDS: u32 = 10;

/// One set: how the first and the second picture of a pair are taken.
struct BinSet {
    name: &'static str,
    first: Conditions,
    second: Conditions,
}

const PLAIN: Conditions =
    Conditions { yaw: (0.0, 0.2), pitch: 0.08, side_light: 0.4, ..Conditions::STUDIO };
const TURNED: Conditions = Conditions { yaw: (0.2, 0.5), ..PLAIN };
const YOUNG: Conditions = Conditions { age: (0.0, 0.1), ..PLAIN };
const OLD: Conditions = Conditions { age: (0.7, 1.0), ..PLAIN };

const BIN_SETS: [BinSet; 5] = [
    BinSet { name: "lfw", first: PLAIN, second: PLAIN },
    BinSet {
        name: "cfp_fp",
        first: Conditions { yaw: (0.0, 0.05), ..PLAIN },
        second: Conditions { yaw: (0.45, 0.65), ..PLAIN },
    },
    BinSet { name: "agedb_30", first: YOUNG, second: OLD },
    BinSet {
        name: "calfw",
        first: Conditions { side_light: 0.6, ..YOUNG },
        second: Conditions { side_light: 0.6, glasses: 0.15, ..OLD },
    },
    BinSet { name: "cplfw", first: TURNED, second: TURNED },
];

/// Writes the sets.
pub(super) fn write(
    drawing: &Drawing,
    root: &Path,
    progress: &dyn Progress,
) -> Result<Vec<SetReport>, Error> {
    let images = u64::from(pairs(drawing)) * 2;
    progress.start("drawing hq", images * BIN_SETS.len() as u64);
    let mut reports = Vec::new();
    for set in &BIN_SETS {
        write_set(drawing, root, set, progress)?;
        let path = format!("hq/{}.bin", set.name);
        reports.push(SetReport::new(set.name, &path, drawing.test_identities, images));
    }
    progress.finish();
    Ok(reports)
}

/// Four pairs an identity, rounded up to a whole number a half fold.
fn pairs(drawing: &Drawing) -> u32 {
    (drawing.test_identities * 4).next_multiple_of(2 * FOLDS)
}

fn write_set(
    drawing: &Drawing,
    root: &Path,
    set: &BinSet,
    progress: &dyn Progress,
) -> Result<(), Error> {
    let path = root.join(format!("{}.bin", set.name));
    let half_fold = pairs(drawing) / (2 * FOLDS);
    let same: Vec<bool> =
        (0..pairs(drawing)).map(|pair| (pair / half_fold).is_multiple_of(2)).collect();
    let jobs: Vec<(u64, &Conditions)> = people(drawing, set, &same)
        .into_iter()
        .flat_map(|[first, second]| [(first, &set.first), (second, &set.second)])
        .collect();
    let images = jobs.par_iter().enumerate().map(|(position, (identity, conditions))| {
        let mut stream = drawing.stream("hq/image", &[number(set), position as u64]);
        let face = drawing.face(set.name, *identity);
        let look = Look::draw(&mut stream, conditions);
        let camera = Camera::draw(&mut stream, 0.1);
        let shot = Shot { face: &face, look: &look, camera: &camera };
        let pixels = shot.aligned(&mut stream, EDGE, EDGE, 1.0).to_pixels();
        progress.advance(1);
        encode::jpeg(&pixels, 95).map_err(|source| Error::Encode { path: path.clone(), source })
    });
    let images: Vec<Vec<u8>> = images.collect::<Result<_, Error>>()?;
    file(&path, pickle(&images, &same))
}

/// Where the set stands in [`BIN_SETS`].
fn number(set: &BinSet) -> u64 {
    BIN_SETS.iter().take_while(|other| other.name != set.name).count() as u64
}

/// The two identities of each pair.
fn people(drawing: &Drawing, set: &BinSet, same: &[bool]) -> Vec<[u64; 2]> {
    let mut stream = drawing.stream("hq/pairs", &[number(set)]);
    let count = u64::from(drawing.test_identities);
    let draw = |same: &bool| {
        let first = stream.below(count);
        let other = (first + 1 + stream.below(count - 1)) % count;
        if *same { [first, first] } else { [first, other] }
    };
    same.iter().map(draw).collect()
}
