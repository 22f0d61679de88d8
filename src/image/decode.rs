//! Bytes of a picture file to pixels.

use super::probe::{Probe, png_pixel_chunks, probe_within};
use super::{ChannelOrder, Error, Format, Pixels, jpeg};
use crate::limits::{self, Limits};
use image::{ColorType, ImageDecoder, codecs::png::PngDecoder};
use std::io::Cursor;

/// More pixels no byte of a picture makes: 8 of one bit, by deflate's greatest ratio of 1,032. Bounds
/// what a hostile header can ask for.
const MAX_PIXELS_PER_BYTE: u64 = 8 * 1032;

/// Decodes a JPEG or PNG to 8-bit RGB, as `mx.image.imdecode` does.
///
/// JPEG equals libjpeg-turbo bit for bit. Of PNG, alpha is dropped (not blended), 16 bits are shifted
/// to 8, grey and palettes are expanded. The orientation in EXIF data is not applied.
///
/// ```
/// # use qgface_data::image::decode::decode;
/// assert!(decode(b"no picture").is_err());
/// ```
///
/// # Errors
/// Any [`Error`]; a truncated picture is never filled up, and one beyond the budgets of this process is
/// refused before memory is taken for it.
pub fn decode(bytes: &[u8]) -> Result<Pixels, Error> {
    decode_within(bytes, &limits::current())
}

/// The same within other budgets.
///
/// # Errors
/// As [`decode`].
pub fn decode_within(bytes: &[u8], limits: &Limits) -> Result<Pixels, Error> {
    let Probe { format, width, height, .. } = probe_within(bytes, limits)?;
    let pixels = u64::from(width) * u64::from(height);
    if pixels / MAX_PIXELS_PER_BYTE > bytes.len() as u64 {
        let what = format!("a size of {width}x{height}, more than {} bytes can hold", bytes.len());
        return Err(Error::Damaged { offset: 0, what });
    }
    match format {
        Format::Jpeg => jpeg::decode(bytes, (width, height)),
        Format::Png => png(bytes, width, height),
    }
}

fn png(bytes: &[u8], width: u32, height: u32) -> Result<Pixels, Error> {
    let refused = |error: image::ImageError| Error::Decoder { message: error.to_string() };
    let bytes = png_pixel_chunks(bytes)?;
    let decoder = PngDecoder::new(Cursor::new(bytes)).map_err(refused)?;
    if decoder.dimensions() != (width, height) {
        let (found_width, found_height) = decoder.dimensions();
        let found = format!("found one of {found_width}x{found_height}");
        return Err(Error::Decoder {
            message: format!("expected a picture of {width}x{height}, {found}"),
        });
    }
    let color = decoder.color_type();
    let size = decoder.total_bytes();
    let mut raw = vec![0; usize::try_from(size).map_err(|_| Error::TooLarge { width, height })?];
    decoder.read_image(&mut raw).map_err(refused)?;
    let samples =
        if color.bytes_per_pixel() / color.channel_count() == 2 { high_bytes(raw) } else { raw };
    let data = match color {
        ColorType::L8 | ColorType::L16 => samples.iter().flat_map(|&grey| [grey; 3]).collect(),
        ColorType::La8 | ColorType::La16 => {
            samples.as_chunks::<2>().0.iter().flat_map(|&[grey, _]| [grey; 3]).collect()
        }
        ColorType::Rgb8 | ColorType::Rgb16 => samples,
        ColorType::Rgba8 | ColorType::Rgba16 => {
            samples.as_chunks::<4>().0.iter().flat_map(|&[r, g, b, _]| [r, g, b]).collect()
        }
        other => return Err(Error::Decoder { message: format!("PNG of colour type {other:?}") }),
    };
    Ok(Pixels { width, height, order: ChannelOrder::Rgb, data })
}

/// Keeps the high byte of native-endian 16-bit samples.
fn high_bytes(raw: Vec<u8>) -> Vec<u8> {
    raw.as_chunks::<2>().0.iter().map(|&pair| (u16::from_ne_bytes(pair) >> 8) as u8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::encode;

    fn ramp() -> Pixels {
        let data = (0..16 * 16 * 3).map(|i| (i % 251) as u8).collect();
        Pixels { width: 16, height: 16, order: ChannelOrder::Rgb, data }
    }

    #[test]
    fn png_is_lossless_and_keeps_the_colours() {
        assert_eq!(decode(&encode::png(&ramp()).unwrap()).unwrap(), ramp());
    }

    #[test]
    fn bgr_pixels_are_stored_with_their_true_colours() {
        let bgr = ramp().into_order(ChannelOrder::Bgr);
        assert_eq!(decode(&encode::png(&bgr).unwrap()).unwrap(), ramp());
    }

    #[test]
    fn a_jpeg_cut_anywhere_is_an_error() {
        let whole = encode::jpeg(&ramp(), 90).unwrap();
        decode(&whole).unwrap();
        for length in 0..whole.len() {
            assert!(decode(&whole[..length]).is_err(), "cut to {length} bytes");
        }
    }
}
