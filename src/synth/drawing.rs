//! How much is drawn, from which streams.

use super::Error;
use super::face::Face;
use super::stage;
use crate::image::{Pixels, encode};
use crate::seed::{Seed, Stream};
use std::path::{Path, PathBuf};

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

/// What the sets need to know, checked.
pub(super) struct Drawing {
    pub(super) seed: Seed,
    pub(super) identities: u32,
    pub(super) images: u32,
    pub(super) test_identities: u32,
    pub(super) size: u32,
}

impl Drawing {
    pub(super) fn new(options: &Options) -> Result<Drawing, Error> {
        let within = |name, found, low, high| match (low..=high).contains(&found) {
            true => Ok(found),
            false => Err(Error::OutOfRange { name, found, low, high }),
        };
        let identities = within("identities", options.identities, 1, 100_000)?;
        Ok(Drawing {
            seed: Seed::new(options.seed),
            identities,
            images: within("images", options.images, 1, 10_000)?,
            test_identities: (identities / 4).max(10),
            size: within("size", options.size, 16, 1024)?,
        })
    }

    /// The stream named by `what` and `numbers`.
    pub(super) fn stream(&self, what: &str, numbers: &[u64]) -> Stream {
        let numbers: String = numbers.iter().map(|number| format!("/{number}")).collect();
        self.seed.stream(&format!("synth/{what}{numbers}"))
    }

    /// Identity `number` of `set`.
    pub(super) fn face(&self, set: &str, number: u64) -> Face {
        Face::draw(&mut self.stream(&format!("{set}/identity"), &[number]))
    }

    /// Writes `pixels` to `path` as JPEG.
    pub(super) fn jpeg(&self, path: &Path, pixels: &Pixels, quality: u8) -> Result<(), Error> {
        let bytes = encode::jpeg(pixels, quality)
            .map_err(|source| Error::Encode { path: path.to_owned(), source })?;
        stage::file(path, bytes)
    }
}
