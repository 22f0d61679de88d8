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
mod face;
mod features;
mod geometry;
mod head;
mod hq;
mod ijbb;
mod look;
mod mat_writer;
mod painter;
mod pickle_writer;
mod picture;
mod portrait;
mod scface;
mod shot;
mod stage;
#[cfg(test)]
mod tests;
mod tinyface;
mod train;

use std::io;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use self::face::Face;
use self::stage::Stage;
use crate::image::{self, Pixels, encode};
use crate::progress::Progress;
use crate::seed::{Seed, Stream};

/// What to draw.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder the sets are put in; made if it is not there.
    pub out: PathBuf,
    /// Training identities, 1 to 100,000.
    pub identities: u32,
    /// Images of each training identity, 1 to 10,000.
    pub images: u32,
    /// Another seed, other faces.
    pub seed: u64,
    /// Edge of the aligned pictures in pixels, 16 to 1024. The `.bin` sets always have 112.
    pub size: u32,
}

impl Options {
    /// 200 identities of 20 images, seed 0, aligned pictures of 112 pixels.
    pub fn new(out: PathBuf) -> Options {
        Options { out, identities: 200, images: 20, seed: 0, size: 112 }
    }
}

/// What was drawn.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SynthReport {
    /// The folder the sets are in.
    pub out: String,
    /// The seed they were drawn from.
    pub seed: u64,
    /// Edge of the aligned pictures in pixels.
    pub size: u32,
    /// The sets, in the order they were written.
    pub sets: Vec<SetReport>,
}

/// One set that was drawn.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SetReport {
    /// The set's name.
    pub name: String,
    /// Where it is, relative to `out`.
    pub path: String,
    /// How many identities it has, distractors not counted.
    pub identities: u32,
    /// How many images, aligned copies not counted.
    pub images: u64,
}

impl SetReport {
    fn new(name: &str, path: &str, identities: u32, images: u64) -> SetReport {
        SetReport { name: name.to_owned(), path: path.to_owned(), identities, images }
    }
}

/// Why nothing, or not everything, was drawn.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A number is outside its range.
    #[error("{name} is {found}, expected {low} to {high}")]
    OutOfRange {
        /// Which number.
        name: &'static str,
        /// Its value.
        found: u32,
        /// The least it may be.
        low: u32,
        /// The most it may be.
        high: u32,
    },
    /// There is something where a set should go.
    #[error("{path} exists and is not empty; delete it or choose another output folder")]
    Exists {
        /// The set's folder.
        path: PathBuf,
    },
    /// Another process draws the set.
    #[error("{path}: another process is drawing this set; wait for it to end")]
    Busy {
        /// The hidden folder it writes in.
        path: PathBuf,
    },
    /// A file or folder refused.
    #[error(transparent)]
    Files(#[from] crate::fs::Error),
    /// A file or folder cannot be written.
    #[error("cannot write {path}")]
    Io {
        /// Which.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A picture cannot be encoded.
    #[error("cannot encode {path}")]
    Encode {
        /// The file it was for.
        path: PathBuf,
        /// What the encoder says.
        source: image::Error,
    },
}

/// Writes one set's files below a folder.
type WriteSet = fn(&Plan, &Path, &dyn Progress) -> Result<Vec<SetReport>, Error>;

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
    let plan = Plan::new(options)?;
    for (name, _) in &SETS {
        stage::check_free(&options.out, name)?;
    }
    let mut sets = Vec::new();
    for (name, write) in &SETS {
        let stage = Stage::begin(&options.out, name)?;
        sets.extend(write(&plan, stage.path(), progress)?);
        stage.commit()?;
    }
    let Options { out, seed, size, .. } = options;
    Ok(SynthReport { out: out.display().to_string(), seed: *seed, size: *size, sets })
}

/// What the sets need to know, checked.
struct Plan {
    seed: Seed,
    identities: u32,
    images: u32,
    test_identities: u32,
    size: u32,
}

impl Plan {
    fn new(options: &Options) -> Result<Plan, Error> {
        let within = |name, found, low, high| match (low..=high).contains(&found) {
            true => Ok(found),
            false => Err(Error::OutOfRange { name, found, low, high }),
        };
        let identities = within("identities", options.identities, 1, 100_000)?;
        Ok(Plan {
            seed: Seed::new(options.seed),
            identities,
            images: within("images", options.images, 1, 10_000)?,
            test_identities: (identities / 4).max(10),
            size: within("size", options.size, 16, 1024)?,
        })
    }

    /// The stream named by `what` and `numbers`.
    fn stream(&self, what: &str, numbers: &[u64]) -> Stream {
        let numbers: String = numbers.iter().map(|number| format!("/{number}")).collect();
        self.seed.stream(&format!("synth/{what}{numbers}"))
    }

    /// Identity `number` of `set`.
    fn face(&self, set: &str, number: u64) -> Face {
        Face::draw(&mut self.stream(&format!("{set}/identity"), &[number]))
    }

    /// Writes `pixels` to `path` as JPEG.
    fn jpeg(&self, path: &Path, pixels: &Pixels, quality: u8) -> Result<(), Error> {
        let bytes = encode::jpeg(pixels, quality)
            .map_err(|source| Error::Encode { path: path.to_owned(), source })?;
        stage::file(path, bytes)
    }
}
