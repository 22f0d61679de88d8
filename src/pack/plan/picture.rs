//! One source picture to what is stored of it.

use super::error::ImageError;
use crate::datasets::Landmarks;
use crate::image::{Pixels, align, decode::decode, encode, probe::probe};
use crate::pack::Encoding;
use std::borrow::Cow;

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
