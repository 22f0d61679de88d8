//! One source picture to what is stored of it.

use crate::datasets::Landmarks;
use crate::image::{Format, Pixels, align, decode::decode, encode, probe::probe};
use crate::pack::ImageError;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

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

impl Encoding {
    /// The ending of files of this encoding, without the dot; of original bytes JPEG's.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Origin | Self::Jpeg(_) => Format::Jpeg.ending(),
            Self::Png => Format::Png.ending(),
        }
    }

    /// The encoding of pictures that are drawn anew when `drawn`: PNG in place of bytes that do not
    /// exist.
    pub fn for_pictures(self, drawn: bool) -> Self {
        if drawn && self == Self::Origin { Self::Png } else { self }
    }
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
    /// Digest of the bytes that it was made from; of original bytes the same.
    pub(in crate::pack) source: blake3::Hash,
    pub(in crate::pack) width: u32,
    pub(in crate::pack) height: u32,
    pub(in crate::pack) reoriented: bool,
}

/// Makes of the bytes of a picture file what is stored: cut out by the landmarks if `align` says how
/// large, and encoded.
pub(super) fn picture(
    source: Cow<'_, [u8]>,
    encoding: Encoding,
    align: Option<u32>,
    landmarks: Option<&Landmarks>,
) -> Result<Picture, ImageError> {
    let found = probe(&source)?;
    let points = landmarks.map_or(&[][..], |landmarks| &landmarks.points);
    let pixels = |source: &[u8]| -> Result<Pixels, ImageError> {
        let pixels = decode(source)?;
        match align {
            Some(size) => Ok(align::align(&pixels, points, size)?),
            None => Ok(pixels),
        }
    };
    let made = blake3::hash(&source);
    let bytes = match encoding {
        Encoding::Origin => source.into_owned(),
        Encoding::Jpeg(quality) => encode::jpeg(&pixels(&source)?, quality)?,
        Encoding::Png => encode::png(&pixels(&source)?)?,
    };
    let digest = if encoding == Encoding::Origin { made } else { blake3::hash(&bytes) };
    let (width, height) = align.map_or((found.width, found.height), |size| (size, size));
    Ok(Picture { bytes, digest, source: made, width, height, reoriented: found.reoriented })
}
