//! Brightness, contrast and saturation, bit for bit as Pillow's `ImageEnhance` changes them.
//!
//! Channels count as they lie in memory: the first has the weight of red, whatever
//! [`Pixels::order`] says. The reference swaps every record to BGR and then augments it as if it
//! were RGB (`record_dataset.py`), so BGR pixels come out as the reference's do.
//!
//! Every change is `a + f·(b − a)` in 32-bit floats, cut to whole numbers and to 0..=255, from a
//! degenerate picture `a` and the picture `b` (Pillow, `Blend.c`): factor 0 gives `a`, 1 changes
//! nothing, more exaggerates.

use super::Pixels;

/// Weights of the first, second and third channel in a grey value, in 2⁻¹⁶ (ITU-R 601; Pillow,
/// `Convert.c`, `L24`).
const GREY_WEIGHTS: [u32; 3] = [19595, 38470, 7471];

/// The grey value of a pixel: its weighted mean, rounded.
fn grey_of([r, g, b]: [u8; 3]) -> u8 {
    let [wr, wg, wb] = GREY_WEIGHTS;
    ((u32::from(r) * wr + u32::from(g) * wg + u32::from(b) * wb + (1 << 15)) >> 16) as u8
}

fn blend(a: f32, b: f32, factor: f32) -> u8 {
    // The cast cuts towards zero and ends at 0 and 255.
    (a + factor * (b - a)) as u8
}

/// Blends every byte with one value.
fn blend_with(pixels: &mut Pixels, a: u8, factor: f32) {
    let table: [u8; 256] =
        std::array::from_fn(|byte| blend(f32::from(a), f32::from(byte as u8), factor));
    pixels.data.iter_mut().for_each(|byte| *byte = table[usize::from(*byte)]);
}

/// The grey values of a picture, a byte a pixel (Pillow, `convert("L")`).
pub fn grayscale(pixels: &Pixels) -> Vec<u8> {
    pixels.data.as_chunks::<3>().0.iter().map(|&pixel| grey_of(pixel)).collect()
}

/// The mean grey value, rounded: what a picture without contrast is (Pillow, `ImageEnhance.py`); 0
/// of a picture without pixels.
pub fn mean_grey(pixels: &Pixels) -> u8 {
    let greys = pixels.data.as_chunks::<3>().0;
    let sum: u64 = greys.iter().map(|&pixel| u64::from(grey_of(pixel))).sum();
    (sum as f64 / greys.len().max(1) as f64 + 0.5) as u8
}

/// Changes the brightness: the degenerate picture is black.
pub fn brightness(pixels: &mut Pixels, factor: f64) {
    blend_with(pixels, 0, factor as f32);
}

/// Changes the contrast: the degenerate picture is everywhere [`mean_grey`].
pub fn contrast(pixels: &mut Pixels, factor: f64) {
    blend_with(pixels, mean_grey(pixels), factor as f32);
}

/// Changes the saturation: the degenerate picture is the [`grayscale`] one.
pub fn saturation(pixels: &mut Pixels, factor: f64) {
    let factor = factor as f32;
    for pixel in pixels.data.as_chunks_mut::<3>().0 {
        let grey = f32::from(grey_of(*pixel));
        *pixel = pixel.map(|byte| blend(grey, f32::from(byte), factor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ChannelOrder;

    fn pixels(data: &[u8]) -> Pixels {
        let width = data.len() as u32 / 3;
        Pixels { width, height: 1, order: ChannelOrder::Bgr, data: data.to_vec() }
    }

    fn changed(data: &[u8], change: fn(&mut Pixels, f64), factor: f64) -> Vec<u8> {
        let mut pixels = pixels(data);
        change(&mut pixels, factor);
        pixels.data
    }

    #[test]
    fn the_first_channel_has_the_weight_of_red_whatever_the_order_says() {
        // 0.299, 0.587 and 0.114 of 255, rounded.
        assert_eq!(grayscale(&pixels(&[255, 0, 0, 0, 255, 0, 0, 0, 255])), [76, 150, 29]);
    }

    #[test]
    fn a_factor_of_one_changes_nothing_and_of_zero_gives_the_degenerate_picture() {
        let data = [10, 200, 30, 255, 0, 128];
        for change in [brightness, contrast, saturation] {
            assert_eq!(changed(&data, change, 1.0), data);
        }
        assert_eq!(changed(&data, brightness, 0.0), [0; 6]);
        // Greys 124 and 91 by ITU-R 601, whose mean is 107.5.
        assert_eq!(changed(&data, saturation, 0.0), [124, 124, 124, 91, 91, 91]);
        assert_eq!(changed(&data, contrast, 0.0), [108; 6]);
    }

    #[test]
    fn values_are_cut_not_rounded_and_end_at_0_and_255() {
        assert_eq!(changed(&[3, 5, 200], brightness, 1.5), [4, 7, 255]);
        // The mean is 100: 100 + 2·(0 − 100) lies below 0.
        assert_eq!(changed(&[0, 0, 0, 200, 200, 200], contrast, 2.0), [0, 0, 0, 255, 255, 255]);
    }
}
