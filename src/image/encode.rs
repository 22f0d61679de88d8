//! Pixels to the bytes of a picture file. The colours a viewer shows are always the true ones.

use super::{ChannelOrder, Error, Pixels, jpeg};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use std::borrow::Cow;

/// Encodes as baseline JPEG, 4:2:0, `quality` 1 to 100, equal to Pillow's with libjpeg-turbo.
///
/// # Errors
/// [`Error::BadBuffer`] and [`Error::Encoder`].
pub fn jpeg(pixels: &Pixels, quality: u8) -> Result<Vec<u8>, Error> {
    jpeg::encode(&*checked_rgb(pixels)?, quality)
}

/// Encodes as 8-bit RGB PNG.
///
/// ```
/// # use qgface_data::image::{ChannelOrder, Pixels, decode::decode, encode};
/// let data = vec![255, 0, 0];
/// let red = Pixels { width: 1, height: 1, order: ChannelOrder::Rgb, data };
/// // The same picture in the other order in memory makes the same file.
/// let same = red.clone().into_order(ChannelOrder::Bgr);
/// assert_eq!(same.data, [0, 0, 255]);
/// assert_eq!(encode::png(&red)?, encode::png(&same)?);
/// assert_eq!(decode(&encode::png(&same)?)?, red);
/// # Ok::<(), qgface_data::image::Error>(())
/// ```
///
/// # Errors
/// As [`jpeg`].
pub fn png(pixels: &Pixels) -> Result<Vec<u8>, Error> {
    let rgb = checked_rgb(pixels)?;
    let mut out = Vec::new();
    PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Adaptive)
        .write_image(&rgb.data, rgb.width, rgb.height, ExtendedColorType::Rgb8)
        .map_err(|error| Error::Encoder { message: error.to_string() })?;
    Ok(out)
}

fn checked_rgb(pixels: &Pixels) -> Result<Cow<'_, Pixels>, Error> {
    pixels.check()?;
    Ok(match pixels.order {
        ChannelOrder::Rgb => Cow::Borrowed(pixels),
        ChannelOrder::Bgr => Cow::Owned(pixels.clone().into_order(ChannelOrder::Rgb)),
    })
}
