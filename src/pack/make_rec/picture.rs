//! One source file to what is stored of it.

use crate::image::{decode::decode, encode, probe::probe};
use crate::pack::ImageError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// What is done to the pictures' bytes. Colours are never exchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// The file's bytes, untouched.
    Origin,
    /// Decoded, and encoded as JPEG of this quality at 4:2:0.
    Jpeg(u8),
    /// Decoded, and encoded as PNG.
    Png,
}

impl std::fmt::Display for Encoding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Origin => f.write_str("origin"),
            Self::Jpeg(quality) => write!(f, "jpeg:{quality}"),
            Self::Png => f.write_str("png"),
        }
    }
}

/// Quality of `jpeg` without a number.
const DEFAULT_QUALITY: u8 = 95;

impl std::str::FromStr for Encoding {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let quality = |text: &str| text.parse().ok().filter(|quality| (1..=100).contains(quality));
        match text.split_once(':') {
            None if text == "origin" => Some(Self::Origin),
            None if text == "jpeg" => Some(Self::Jpeg(DEFAULT_QUALITY)),
            None if text == "png" => Some(Self::Png),
            Some(("jpeg", text)) => quality(text).map(Self::Jpeg),
            _ => None,
        }
        .ok_or_else(|| "expected origin, jpeg, jpeg:QUALITY (1 to 100) or png".to_owned())
    }
}

/// One image, ready to be a record.
#[derive(Debug)]
pub(in crate::pack) struct Picture {
    pub(in crate::pack) bytes: Vec<u8>,
    pub(in crate::pack) digest: blake3::Hash,
    pub(in crate::pack) width: u32,
    pub(in crate::pack) height: u32,
    pub(in crate::pack) reoriented: bool,
}

/// Reads a file and makes of it what is stored.
pub(in crate::pack) fn read_picture(
    path: &Path,
    encoding: Encoding,
) -> Result<Picture, ImageError> {
    let source = read_file(path)?;
    let found = probe(&source)?;
    let bytes = match encoding {
        Encoding::Origin => source,
        Encoding::Jpeg(quality) => encode::jpeg(&decode(&source)?, quality)?,
        Encoding::Png => encode::png(&decode(&source)?)?,
    };
    let digest = blake3::hash(&bytes);
    let (width, height, reoriented) = (found.width, found.height, found.reoriented);
    Ok(Picture { bytes, digest, width, height, reoriented })
}

/// Reads a file whole, and nothing but a file: opening a pipe would wait for its other end.
fn read_file(path: &Path) -> Result<Vec<u8>, ImageError> {
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        return Err(ImageError::NotAFile);
    }
    // One byte more, so that the end is seen without growing.
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0).saturating_add(1));
    // `take` keeps `read_to_end` from asking for the length a second time.
    File::open(path)?.take(u64::MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}
