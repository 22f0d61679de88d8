//! Fast resizing for drawn faces and picture sheets; not the Pillow-exact kind of the protocols.

use super::{Error, Pixels};
use fast_image_resize as fir;

/// Resizes with a bilinear filter that is widened when shrinking (antialiased).
///
/// # Errors
/// [`Error::BadBuffer`] when an edge is zero or the buffer does not fit the edges.
pub fn fast(pixels: &Pixels, width: u32, height: u32) -> Result<Pixels, Error> {
    let wrong = || Error::BadBuffer {
        width: pixels.width,
        height: pixels.height,
        expected: u64::from(pixels.width) * u64::from(pixels.height) * 3,
        found: pixels.data.len() as u64,
    };
    if width == 0 || height == 0 || pixels.width == 0 || pixels.height == 0 {
        return Err(wrong());
    }
    let kind = fir::PixelType::U8x3;
    let source = fir::images::ImageRef::new(pixels.width, pixels.height, &pixels.data, kind)
        .map_err(|_| wrong())?;
    let mut target = fir::images::Image::new(width, height, kind);
    let filter = fir::ResizeAlg::Convolution(fir::FilterType::Bilinear);
    let mut resizer = fir::Resizer::new();
    // The portable code, so that a picture does not depend on the processor's instructions.
    #[allow(unsafe_code)]
    // SAFETY: the portable code path needs no instruction set extension.
    unsafe {
        resizer.set_cpu_extensions(fir::CpuExtensions::None)
    };
    resizer
        .resize(&source, &mut target, &fir::ResizeOptions::new().resize_alg(filter))
        .map_err(|_| wrong())?;
    Ok(Pixels { width, height, order: pixels.order, data: target.into_vec() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ChannelOrder;

    #[test]
    fn an_even_picture_stays_even() {
        let pixels =
            Pixels { width: 40, height: 20, order: ChannelOrder::Rgb, data: vec![77; 2400] };
        let small = fast(&pixels, 13, 9).unwrap();
        assert_eq!((small.width, small.height, small.data), (13, 9, vec![77; 13 * 9 * 3]));
    }

    #[test]
    fn a_buffer_that_does_not_fit_is_refused() {
        let pixels = Pixels { width: 4, height: 4, order: ChannelOrder::Rgb, data: vec![0; 5] };
        assert!(matches!(fast(&pixels, 2, 2), Err(Error::BadBuffer { found: 5, .. })));
    }
}
