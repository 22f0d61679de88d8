//! Rotation about the middle, bit for bit as Pillow's `Image.rotate` with the nearest neighbour.

use super::Pixels;

/// Decimals to which Pillow rounds a cosine or sine (`Image.py`).
const DECIMALS: usize = 15;
/// Bits behind the point of a position (Pillow, `Geometry.c`, `affine_fixed`).
const FRACTION_BITS: u32 = 16;

/// Turns a picture counter-clockwise by `degrees` about its middle; it keeps its size, and what
/// comes from outside is black. A quarter turn of a square and half a turn of any picture lose
/// nothing.
///
/// # Panics
/// When the angle is not finite.
pub fn rotate(pixels: &Pixels, degrees: f64) -> Pixels {
    assert!(degrees.is_finite(), "no picture is turned by {degrees} degrees");
    let degrees = degrees.rem_euclid(360.0);
    let last = pixels.width.wrapping_sub(1) as usize;
    let square = pixels.width == pixels.height;
    if degrees == 0.0 {
        pixels.clone()
    } else if degrees == 180.0 {
        let data = pixels.data.as_chunks::<3>().0.iter().rev().flatten().copied().collect();
        Pixels { data, ..*pixels }
    } else if degrees == 90.0 && square {
        gathered(pixels, |x, y| (last - y, x))
    } else if degrees == 270.0 && square {
        gathered(pixels, |x, y| (y, last - x))
    } else {
        turned(pixels, degrees)
    }
}

/// Takes pixel `(x, y)` of the result from where `source` says.
fn gathered(pixels: &Pixels, source: impl Fn(usize, usize) -> (usize, usize)) -> Pixels {
    let (width, height) = (pixels.width as usize, pixels.height as usize);
    let all = pixels.data.as_chunks::<3>().0;
    let mut data = Vec::with_capacity(pixels.data.len());
    for y in 0..height {
        for x in 0..width {
            let (x, y) = source(x, y);
            data.extend_from_slice(&all[y * width + x]);
        }
    }
    Pixels { data, ..*pixels }
}

/// Any angle: positions in 2⁻¹⁶ of a pixel, summed up along rows and columns.
fn turned(pixels: &Pixels, degrees: f64) -> Pixels {
    let (width, height) = (i64::from(pixels.width), i64::from(pixels.height));
    let angle = -degrees.to_radians();
    let (cos, sin) = (rounded(libm::cos(angle)), rounded(libm::sin(angle)));
    let minus_sin = rounded(-libm::sin(angle));
    let (middle_x, middle_y) = (f64::from(pixels.width) / 2.0, f64::from(pixels.height) / 2.0);
    let offset_x = cos * -middle_x + sin * -middle_y + middle_x;
    let offset_y = minus_sin * -middle_x + cos * -middle_y + middle_y;
    let fixed = |value: f64| (value * f64::from(1 << FRACTION_BITS) + 0.5).floor() as i64;
    // Half a pixel on: the middle of a pixel is what is turned.
    let mut row_x = fixed(offset_x + cos * 0.5 + sin * 0.5);
    let mut row_y = fixed(offset_y + minus_sin * 0.5 + cos * 0.5);
    let (right, down) = ((fixed(cos), fixed(minus_sin)), (fixed(sin), fixed(cos)));
    let all = pixels.data.as_chunks::<3>().0;
    let mut data = vec![0; pixels.data.len()];
    let rows = data.as_chunks_mut::<3>().0.chunks_exact_mut(pixels.width.max(1) as usize);
    for row in rows {
        let (mut at_x, mut at_y) = (row_x, row_y);
        for target in row {
            let (x, y) = (at_x >> FRACTION_BITS, at_y >> FRACTION_BITS);
            if (0..width).contains(&x) && (0..height).contains(&y) {
                *target = all[(y * width + x) as usize];
            }
            at_x += right.0;
            at_y += right.1;
        }
        row_x += down.0;
        row_y += down.1;
    }
    Pixels { data, ..*pixels }
}

/// The nearest number of so many decimals, as Python's `round` finds it.
fn rounded(value: f64) -> f64 {
    format!("{value:.DECIMALS$}").parse().unwrap_or(value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ChannelOrder;

    fn grid(width: u32, height: u32) -> Pixels {
        let pixel = |at: u32| [(at % width) as u8 + 1, (at / width) as u8 + 1, 7];
        let data = (0..width * height).flat_map(pixel).collect();
        Pixels { width, height, order: ChannelOrder::Rgb, data }
    }

    #[test]
    fn a_quarter_turn_is_counter_clockwise_and_four_give_the_picture() {
        let picture = grid(3, 3);
        let turned = rotate(&picture, 90.0);
        // The upper right corner comes to the upper left.
        assert_eq!(turned.data[..3], [3, 1, 7]);
        assert_eq!(rotate(&rotate(&turned, -270.0), 180.0), picture);
        assert_eq!(rotate(&turned, 270.0), picture);
    }

    #[test]
    fn half_a_turn_reverses_a_picture_that_is_not_square() {
        let turned = rotate(&grid(3, 2), -180.0);
        assert_eq!(turned.data[..6], [3, 2, 7, 2, 2, 7]);
    }

    #[test]
    fn corners_of_a_picture_turned_by_45_degrees_are_black() {
        let turned = rotate(&grid(20, 20), 45.0);
        assert_eq!(turned.data[..3], [0; 3]);
        // The middle stays where it is, to a pixel.
        let middle = &turned.data[3 * (10 * 20 + 10)..][..2];
        assert!(middle.iter().all(|&at| (10..=12).contains(&at)), "{middle:?}");
    }

    #[test]
    fn a_picture_of_no_pixels_stays_one() {
        let none = Pixels { width: 0, height: 0, order: ChannelOrder::Rgb, data: vec![] };
        for degrees in [0.0, 12.0, 90.0, 180.0] {
            assert_eq!(rotate(&none, degrees), none);
        }
    }
}
