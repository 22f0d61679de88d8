//! Resizing: exactly as Pillow does it, for protocols and views, and fast for drawn faces and sheets.

use super::{Error, Pixels};
use fast_image_resize as fir;

/// A filter of Pillow's; all are widened when shrinking (antialiased).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// The mean of the pixels below.
    Box,
    /// A triangle.
    Bilinear,
    /// Cubic with a = −0.5.
    Bicubic,
    /// A sinc in a window of three lobes.
    Lanczos,
}

impl Filter {
    /// How far it reaches, in pixels of the larger picture (Pillow, `Resample.c`).
    fn support(self) -> f64 {
        match self {
            Self::Box => 0.5,
            Self::Bilinear => 1.0,
            Self::Bicubic => 2.0,
            Self::Lanczos => 3.0,
        }
    }

    fn weight(self, x: f64) -> f64 {
        let distance = x.abs();
        match self {
            // Of two neighbours at equal distance the left one counts.
            Self::Box => f64::from(x > -0.5 && x <= 0.5),
            Self::Bilinear => (1.0 - distance).max(0.0),
            Self::Bicubic => {
                const A: f64 = -0.5;
                if distance < 1.0 {
                    ((A + 2.0) * distance - (A + 3.0)) * distance * distance + 1.0
                } else if distance < 2.0 {
                    (((distance - 5.0) * distance + 8.0) * distance - 4.0) * A
                } else {
                    0.0
                }
            }
            Self::Lanczos if (-3.0..3.0).contains(&x) => sinc(x) * sinc(x / 3.0),
            Self::Lanczos => 0.0,
        }
    }
}

fn sinc(x: f64) -> f64 {
    if x == 0.0 { 1.0 } else { libm::sin(x * std::f64::consts::PI) / (x * std::f64::consts::PI) }
}

/// Bits behind the point of a weight.
const PRECISION: u32 = 22;

/// The pixels one pixel of the result is made of, and their weights.
struct Taps {
    first: usize,
    weights: Vec<i32>,
}

/// The taps of every pixel along an edge (Pillow, `precompute_coeffs`).
fn taps(from: u32, to: u32, filter: Filter) -> Vec<Taps> {
    let scale = f64::from(from) / f64::from(to);
    let widening = scale.max(1.0);
    let support = filter.support() * widening;
    let taps = (0..to).map(|i| {
        let centre = (f64::from(i) + 0.5) * scale;
        let first = (centre - support + 0.5).max(0.0) as usize;
        let end = ((centre + support + 0.5) as usize).min(from as usize);
        let weight = |x: usize| filter.weight((x as f64 - centre + 0.5) / widening);
        let weights: Vec<f64> = (first..end).map(weight).collect();
        let sum: f64 = weights.iter().sum();
        let fixed = |weight: &f64| {
            let weight = weight / sum * f64::from(1 << PRECISION);
            (weight + 0.5f64.copysign(weight)) as i32
        };
        Taps { first, weights: weights.iter().map(fixed).collect() }
    });
    taps.collect()
}

/// Resizes as Pillow's `Image.resize` does, bit for bit: horizontally, then vertically, each rounded to
/// 8 bits; a pass that changes nothing is left out.
///
/// # Errors
/// [`Error::BadBuffer`] when an edge is zero or the buffer does not fit the edges.
pub fn pillow(pixels: &Pixels, width: u32, height: u32, filter: Filter) -> Result<Pixels, Error> {
    check(pixels, width, height)?;
    let row = 3 * pixels.width as usize;
    let wide = match width == pixels.width {
        true => pixels.data.clone(),
        false => {
            let taps = taps(pixels.width, width, filter);
            let rows = pixels.data.chunks_exact(row);
            rows.flat_map(|row| taps.iter().flat_map(|taps| sum(row, 0, 3, taps))).collect()
        }
    };
    let row = 3 * width as usize;
    let data = match height == pixels.height {
        true => wide,
        false => {
            let taps = taps(pixels.height, height, filter);
            let columns = (0..row).step_by(3);
            let row_of = |taps: &Taps| {
                let pixel = |column: usize| sum(&wide, column, row, taps);
                columns.clone().flat_map(pixel).collect::<Vec<u8>>()
            };
            taps.iter().flat_map(row_of).collect()
        }
    };
    Ok(Pixels { width, height, order: pixels.order, data })
}

/// The weighted sum of the pixels from `start` on, `step` bytes apart.
fn sum(data: &[u8], start: usize, step: usize, taps: &Taps) -> [u8; 3] {
    let mut sums = [1i64 << (PRECISION - 1); 3];
    let pixels = data[start + taps.first * step..].chunks(step);
    for (pixel, weight) in pixels.zip(&taps.weights) {
        let channels = sums.iter_mut().zip(pixel);
        channels.for_each(|(sum, value)| *sum += i64::from(*value) * i64::from(*weight));
    }
    sums.map(|sum| (sum >> PRECISION).clamp(0, 255) as u8)
}

fn check(pixels: &Pixels, width: u32, height: u32) -> Result<(), Error> {
    let edges = [width, height, pixels.width, pixels.height];
    let fits = pixels.data.len() as u64 == bytes_of(pixels);
    if fits && edges.iter().all(|edge| *edge > 0) { Ok(()) } else { Err(bad_buffer(pixels)) }
}

/// Bytes that the pixels of a picture of these edges take.
fn bytes_of(pixels: &Pixels) -> u64 {
    u64::from(pixels.width) * u64::from(pixels.height) * 3
}

fn bad_buffer(pixels: &Pixels) -> Error {
    let Pixels { width, height, .. } = *pixels;
    let (expected, found) = (bytes_of(pixels), pixels.data.len() as u64);
    Error::BadBuffer { width, height, expected, found }
}

/// Resizes with a bilinear filter that is widened when shrinking (antialiased).
///
/// # Errors
/// [`Error::BadBuffer`] when an edge is zero or the buffer does not fit the edges.
pub fn fast(pixels: &Pixels, width: u32, height: u32) -> Result<Pixels, Error> {
    check(pixels, width, height)?;
    let wrong = || bad_buffer(pixels);
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
