//! InsightFace's verification sets: `pickle((bins, issame))`, protocols 0 to 5, read without Python.
//!
//! A pickle is a program that may call anything. Of its 68 opcodes those that build lists, tuples,
//! bytes, numbers and names are read (`machine.rs`); of names those with which Python and NumPy
//! spell bytes and arrays (`numpy.rs`), and what they would do is done here. Anything else is an
//! error that names it. Images stay where they are in the file: a parse holds their places only.
//!
//! Format: Python's `Lib/pickletools.py`, which describes every opcode.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod cursor;
mod error;
mod machine;
mod names;
mod numpy;
mod payload;
#[cfg(test)]
mod spellings;
#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests;
mod value;

pub use error::Error;
pub(super) use payload::Payload;

use names::Array;
use value::{Objects, Value};

/// Images and verdicts of a verification set.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Pairs {
    /// Two a pair: images 2i and 2i + 1 are pair i.
    pub(super) images: Vec<Payload>,
    /// One a pair: whether both images show one person.
    pub(super) same: Vec<bool>,
}

/// Reads the pickle that is the whole of `file`.
///
/// # Errors
/// [`Error`], with the byte of what is damaged, refused or of another form, or with the position of
/// the image or verdict.
pub(super) fn parse(file: &[u8]) -> Result<Pairs, Error> {
    let (top, objects) = machine::run(file)?;
    let pair = match objects.items(top) {
        Some(&[bins, issame]) => Some((bins, issame)),
        _ => None,
    };
    let (bins, issame) = pair.ok_or_else(|| Error::Form {
        expected: "a pair (images, verdicts)",
        found: objects.describe(file, top),
    })?;
    let images = images(file, &objects, bins)?;
    let same = verdicts(file, &objects, issame)?;
    if same.is_empty() || same.len().checked_mul(2) != Some(images.len()) {
        return Err(Error::Counts { images: images.len() as u64, verdicts: same.len() as u64 });
    }
    Ok(Pairs { images, same })
}

fn images(file: &[u8], objects: &Objects, bins: Value) -> Result<Vec<Payload>, Error> {
    let items = objects.items(bins).ok_or_else(|| Error::Form {
        expected: "a list of images",
        found: objects.describe(file, bins),
    })?;
    let image = |(position, &item): (usize, &Value)| {
        objects.image(item).filter(|image| image.size() > 0).ok_or_else(|| Error::Item {
            what: "image",
            position: position as u64,
            expected: "one or more bytes, or an array u1 of them",
            found: objects.describe(file, item),
        })
    };
    items.iter().enumerate().map(image).collect()
}

fn verdicts(file: &[u8], objects: &Objects, issame: Value) -> Result<Vec<bool>, Error> {
    let wrong = |position: usize, found: String| Error::Item {
        what: "verdict",
        position: position as u64,
        expected: "a bool, 0 or 1",
        found,
    };
    if let Some(Array::Bools(payload)) = objects.array(issame) {
        let bytes = payload.bytes(file)?;
        let verdict = |(position, &byte): (usize, &u8)| match byte {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(wrong(position, format!("the byte {byte} in an array b1"))),
        };
        return bytes.iter().enumerate().map(verdict).collect();
    }
    let items = objects.items(issame).ok_or_else(|| Error::Form {
        expected: "a list of verdicts or an array b1 of them",
        found: objects.describe(file, issame),
    })?;
    let verdict = |(position, item): (usize, &Value)| {
        item.flag().ok_or_else(|| wrong(position, objects.describe(file, *item)))
    };
    items.iter().enumerate().map(verdict).collect()
}
