//! Resizing: exactly as Pillow does it, for protocols and views, and fast for drawn faces and
//! sheets.

mod filter;
mod passes;

pub use filter::Filter;

use super::{Error, Pixels};
use fast_image_resize as fir;

/// Resizes as Pillow's `Image.resize` does, bit for bit: horizontally, then vertically, each
/// rounded to 8 bits; a pass that changes nothing is left out (Pillow, `Resample.c`). The nearest
/// neighbour is picked, not computed (`Geometry.c`).
///
/// # Errors
/// [`Error::BadBuffer`] when an edge is zero or the buffer does not fit the edges.
pub fn pillow(pixels: &Pixels, width: u32, height: u32, filter: Filter) -> Result<Pixels, Error> {
    check(pixels, width, height)?;
    let from = (pixels.width, pixels.height);
    let data = match passes::kernel(filter) {
        _ if from == (width, height) => pixels.data.clone(),
        None => passes::pick(&pixels.data, from, (width, height)),
        Some(kernel) => passes::convolve(&pixels.data, from, (width, height), &kernel),
    };
    Ok(Pixels { width, height, order: pixels.order, data })
}

fn check(pixels: &Pixels, width: u32, height: u32) -> Result<(), Error> {
    pixels.check()?;
    if width > 0 && height > 0 { Ok(()) } else { Err(pixels.bad_buffer()) }
}

/// Resizes with a bilinear filter that is widened when shrinking (antialiased).
///
/// # Errors
/// [`Error::BadBuffer`] when an edge is zero or the buffer does not fit the edges.
pub fn fast(pixels: &Pixels, width: u32, height: u32) -> Result<Pixels, Error> {
    fast_with(pixels, width, height, Filter::Bilinear)
}

/// Resizes with `fast_image_resize`'s filter of the same name, in 16-bit weights: nearly what
/// [`pillow`] gives, but for the nearest neighbour, which may be the next pixel.
///
/// # Errors
/// [`Error::BadBuffer`] when an edge is zero or the buffer does not fit the edges.
pub fn fast_with(
    pixels: &Pixels,
    width: u32,
    height: u32,
    filter: Filter,
) -> Result<Pixels, Error> {
    check(pixels, width, height)?;
    let wrong = || pixels.bad_buffer();
    let kind = fir::PixelType::U8x3;
    let source = fir::images::ImageRef::new(pixels.width, pixels.height, &pixels.data, kind)
        .map_err(|_| wrong())?;
    let mut target = fir::images::Image::new(width, height, kind);
    let algorithm = match filter {
        Filter::Nearest => fir::ResizeAlg::Nearest,
        Filter::Box => fir::ResizeAlg::Convolution(fir::FilterType::Box),
        Filter::Bilinear => fir::ResizeAlg::Convolution(fir::FilterType::Bilinear),
        // The cubic with a = −0.5 is Catmull's and Rom's.
        Filter::Bicubic => fir::ResizeAlg::Convolution(fir::FilterType::CatmullRom),
        Filter::Lanczos => fir::ResizeAlg::Convolution(fir::FilterType::Lanczos3),
    };
    let mut resizer = fir::Resizer::new();
    // The portable code, so that a picture does not depend on the processor's instructions.
    #[allow(unsafe_code)]
    // SAFETY: the portable code path needs no instruction set extension.
    unsafe {
        resizer.set_cpu_extensions(fir::CpuExtensions::None)
    };
    resizer
        .resize(&source, &mut target, &fir::ResizeOptions::new().resize_alg(algorithm))
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
        let own = pillow(&pixels, 2, 2, Filter::Nearest);
        assert!(matches!(own, Err(Error::BadBuffer { found: 5, .. })));
    }

    #[test]
    fn every_filter_keeps_an_even_picture_even_at_any_size() {
        // Extents below, at and above the width of a block of the passes, and of one pixel.
        let pixels =
            Pixels { width: 7, height: 31, order: ChannelOrder::Bgr, data: vec![201; 651] };
        for filter in Filter::ALL {
            for (width, height) in [(1, 1), (7, 9), (9, 31), (11, 2), (40, 33)] {
                for resized in [pillow, fast_with].map(|f| f(&pixels, width, height, filter)) {
                    let Pixels { data, order, .. } = resized.unwrap();
                    assert_eq!(order, ChannelOrder::Bgr);
                    assert_eq!(data, vec![201; (width * height * 3) as usize], "{filter:?}");
                }
            }
        }
    }

    #[test]
    fn the_nearest_pixel_of_an_even_reduction_is_the_one_right_of_the_middle() {
        // Four pixels to two: the middles of the halves lie at 1 and 3 (Pillow, `Geometry.c`).
        let data = (0..12).collect();
        let pixels = Pixels { width: 4, height: 1, order: ChannelOrder::Rgb, data };
        let half = pillow(&pixels, 2, 1, Filter::Nearest).unwrap();
        assert_eq!(half.data, [3, 4, 5, 9, 10, 11]);
    }
}
