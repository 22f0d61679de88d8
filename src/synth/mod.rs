//! Drawn faces in the layouts of the real data sets, for trying and testing.
//!
//! Identity is geometry alone: some thirty proportions of head, hairline, eyes, brows,
//! nose, mouth and ears (`face.rs`). All else is drawn for each picture, independently of
//! who is on it (`look.rs`): colours of skin, hair, eyes and lips, light, pose, expression,
//! background, glasses, wrinkles, camera, resolution. So the pictures of a person share no
//! pixels to speak of, comparing raw pixels finds few people, and a backbone must learn
//! shapes. The pictures are for exercising the tools: numbers measured on them say nothing
//! about real faces.
//!
//! With N identities of M images (by default 200 and 20) `train` has N × M images; every
//! other set has max(10, N/4) identities of its own (scface at most 130), met nowhere else:
//!
//! | folder | what it holds |
//! |---|---|
//! | `train` | N folders of M aligned pictures |
//! | `tinyface` | 3 gallery images and 3 probes an identity, 10 distractors an identity |
//! | `scface` | a mugshot, 5 cameras × 3 distances; for 5 subjects 3 infra-red cameras |
//! | `ijbb` | 4 templates a subject, of 1 to 3 media of 1 to 4 images |
//! | `hq` | `lfw`, `cfp_fp`, `agedb_30`, `calfw`, `cplfw` `.bin`: 4 pairs an identity |
//!
//! Every picture is drawn from its own stream, named by set, identity and image, with
//! `+ − × ÷ √` and `libm` only: the bytes are the same on every machine and for any number
//! of threads.

mod backdrop;
mod coverage;
mod drawing;
mod error;
mod face;
mod features;
mod geometry;
mod head;
mod hq;
mod ijbb;
mod look;
mod mat_writer;
mod painter;
mod person;
mod pickle_writer;
mod picture;
mod portrait;
mod report;
mod scface;
mod shot;
mod stage;
#[cfg(test)]
mod tests;
mod tinyface;
mod train;

pub use drawing::Options;
pub use error::Error;
pub use report::{SetReport, SynthReport};

use crate::progress::Progress;
use drawing::Drawing;
use stage::Stage;
use std::path::Path;

/// Writes one set's files below a folder.
type WriteSet = fn(&Drawing, &Path, &dyn Progress) -> Result<Vec<SetReport>, Error>;

/// The sets: folder and writer.
static SETS: [(&str, WriteSet); 5] = [
    ("train", train::write),
    ("tinyface", tinyface::write),
    ("scface", scface::write),
    ("ijbb", ijbb::write),
    ("hq", hq::write),
];

/// Draws every set into `options.out`.
///
/// A set's folder gets its name when the set is whole; until then it is hidden.
///
/// # Errors
///
/// Before any work, if a number is out of range or a set's folder is there and not empty;
/// later, if a file cannot be written.
pub fn synth(options: &Options, progress: &dyn Progress) -> Result<SynthReport, Error> {
    let drawing = Drawing::new(options)?;
    for (name, _) in &SETS {
        stage::check_free(&options.out, name)?;
    }
    let mut sets = Vec::new();
    for (name, write) in &SETS {
        let stage = Stage::begin(&options.out, name)?;
        sets.extend(write(&drawing, stage.path(), progress)?);
        stage.commit()?;
    }
    let Options { out, seed, size, .. } = options;
    Ok(SynthReport { out: out.display().to_string(), seed: *seed, size: *size, sets })
}
