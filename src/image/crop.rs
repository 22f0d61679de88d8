//! Cutting a rectangle out of a picture, and mirroring one.

use super::{Error, Pixels};

/// A rectangle of pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Region {
    /// Pixels left of it.
    pub left: u32,
    /// Rows above it.
    pub top: u32,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

/// Cuts a rectangle out.
///
/// # Errors
/// [`Error::BadBuffer`] when the rectangle is empty or not within the picture, or the buffer does
/// not fit the edges; its edges are then those that a picture would need.
pub fn crop(pixels: &Pixels, region: Region) -> Result<Pixels, Error> {
    let Region { left, top, width, height } = region;
    let right = u64::from(left) + u64::from(width);
    let bottom = u64::from(top) + u64::from(height);
    let inside = right <= u64::from(pixels.width) && bottom <= u64::from(pixels.height);
    if !inside || width == 0 || height == 0 || pixels.check().is_err() {
        let found = pixels.data.len() as u64;
        let edge = |end: u64| u32::try_from(end).unwrap_or(u32::MAX);
        let (width, height) = (edge(right), edge(bottom));
        let expected = right.saturating_mul(bottom).saturating_mul(3);
        return Err(Error::BadBuffer { width, height, expected, found });
    }
    let rows = pixels.data.chunks_exact(3 * pixels.width as usize);
    let (start, length) = (3 * left as usize, 3 * width as usize);
    let mut data = Vec::with_capacity(length * height as usize);
    for row in rows.skip(top as usize).take(height as usize) {
        data.extend_from_slice(&row[start..start + length]);
    }
    Ok(Pixels { width, height, order: pixels.order, data })
}

/// Mirrors a picture left to right, in place.
///
/// ```
/// # use qgface_data::image::{ChannelOrder, Pixels, crop::mirror};
/// let data = vec![1, 2, 3, 4, 5, 6];
/// let mut pixels = Pixels { width: 2, height: 1, order: ChannelOrder::Rgb, data };
/// mirror(&mut pixels);
/// assert_eq!(pixels.data, [4, 5, 6, 1, 2, 3]);
/// ```
pub fn mirror(pixels: &mut Pixels) {
    let row = (pixels.width as usize).max(1);
    pixels.data.as_chunks_mut::<3>().0.chunks_exact_mut(row).for_each(<[_]>::reverse);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ChannelOrder;

    /// A picture whose pixel `(x, y)` is `[x, y, 7]`.
    fn grid(width: u32, height: u32) -> Pixels {
        let pixel = |at: u32| [(at % width) as u8, (at / width) as u8, 7];
        let data = (0..width * height).flat_map(pixel).collect();
        Pixels { width, height, order: ChannelOrder::Rgb, data }
    }

    #[test]
    fn a_crop_has_the_pixels_of_its_rectangle() {
        let part = crop(&grid(5, 4), Region { left: 3, top: 1, width: 2, height: 2 }).unwrap();
        assert_eq!(part.data, [3, 1, 7, 4, 1, 7, 3, 2, 7, 4, 2, 7]);
    }

    #[test]
    fn a_rectangle_that_is_empty_or_leaves_the_picture_is_refused() {
        for (left, top, width, height) in
            [(4, 0, 2, 1), (0, 3, 1, 2), (0, 0, 0, 1), (u32::MAX, 0, u32::MAX, 1)]
        {
            let region = Region { left, top, width, height };
            assert!(matches!(crop(&grid(5, 4), region), Err(Error::BadBuffer { .. })));
        }
    }

    #[test]
    fn mirroring_reverses_rows_and_not_channels() {
        let mut pixels = grid(3, 2);
        mirror(&mut pixels);
        assert_eq!(pixels.data, [2, 0, 7, 1, 0, 7, 0, 0, 7, 2, 1, 7, 1, 1, 7, 0, 1, 7]);
        mirror(&mut pixels);
        assert_eq!(pixels, grid(3, 2));
    }
}
