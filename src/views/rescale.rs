//! A picture reduced and enlarged again, with or without a JPEG between.

use super::resizing::Resizing;
use crate::image::resize::Filter;
use crate::image::{ChannelOrder, Error, Pixels, decode, encode};
use crate::seed::Stream;

/// What happens to a picture's resolution.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rescale {
    /// Pixels in a row of the reduced picture.
    pub width: u32,
    /// Its rows.
    pub height: u32,
    /// The filter that reduces.
    pub down: Filter,
    /// The filter that enlarges again.
    pub up: Filter,
    /// Quality, 1 to 100, of the JPEG that the reduced picture goes through, if it does.
    pub jpeg_quality: Option<u8>,
}

impl Rescale {
    /// Draws a factor uniform in `scale`, for both edges, and two filters, each of all five equally
    /// likely (reference: `RandomRescale`); `size` is (width, height) in pixels.
    pub fn draw(
        scale: [f64; 2],
        jpeg_quality: Option<u8>,
        size: (u32, u32),
        stream: &mut Stream,
    ) -> Self {
        let factor = stream.uniform(scale[0], scale[1]);
        let mut filter = || Filter::ALL[stream.below(Filter::ALL.len() as u64) as usize];
        let (down, up) = (filter(), filter());
        let (width, height) = (Self::edge(factor, size.0), Self::edge(factor, size.1));
        Self { width, height, down, up, jpeg_quality }
    }

    /// An edge of the reduced picture in pixels: `factor · edge`, cut, and at least 1.
    pub fn edge(factor: f64, edge: u32) -> u32 {
        ((factor * f64::from(edge)) as u32).max(1)
    }

    /// Reduces a picture and enlarges it to its size.
    ///
    /// # Errors
    /// [`Error::BadBuffer`] when an edge is zero or the buffer does not fit the edges; those of the
    /// JPEG codec.
    pub fn apply(&self, pixels: &Pixels, resizing: Resizing) -> Result<Pixels, Error> {
        let small = resizing.resize(pixels, self.width, self.height, self.down)?;
        let small = match self.jpeg_quality {
            Some(quality) => through_jpeg(small, quality)?,
            None => small,
        };
        resizing.resize(&small, pixels.width, pixels.height, self.up)
    }
}

/// Encodes and decodes a picture. The bytes go to the codec as they lie, whatever their order is
/// called, as the reference's do: first channels make luminance as red does.
fn through_jpeg(pixels: Pixels, quality: u8) -> Result<Pixels, Error> {
    let order = pixels.order;
    let file = encode::jpeg(&Pixels { order: ChannelOrder::Rgb, ..pixels }, quality)?;
    Ok(Pixels { order, ..decode::decode(&file)? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn sizes_and_filters_are_uniform() {
        let mut stream = Seed::new(1).stream("rescale");
        let (mut sizes, mut pairs) = ([0i32; 112], [0i32; 25]);
        for _ in 0..10_000 {
            let rescale = Rescale::draw([0.1, 0.5], Some(75), (112, 112), &mut stream);
            assert_eq!(rescale.height, rescale.width);
            sizes[rescale.width as usize] += 1;
            pairs[5 * rescale.down as usize + rescale.up as usize] += 1;
        }
        assert!(sizes.iter().enumerate().all(|(size, &n)| n == 0 || (11..56).contains(&size)));
        // A size has 1/44.8 of the range, but the first, which has the 0.8 from 11.2 to 12.
        for (count, share) in sizes[11..56].iter().zip([0.8].into_iter().chain([1.0; 44])) {
            // Five standard errors of 10,000 draws: 5·√(10,000/44.8).
            assert!((f64::from(*count) - 10_000.0 * share / 44.8).abs() < 75.0, "{sizes:?}");
        }
        // Five standard errors of 10,000 draws: 5·√(10,000·24/625).
        assert!(pairs.iter().all(|count| (count - 400).abs() < 98), "{pairs:?}");
    }

    #[test]
    fn bytes_go_through_the_jpeg_as_they_lie() {
        let data: Vec<u8> = (0..16 * 16).flat_map(|at| [at as u8, 40, 200]).collect();
        let picture = |order| Pixels { width: 16, height: 16, order, data: data.clone() };
        let seen = |order| through_jpeg(picture(order), 75).unwrap();
        let (rgb, bgr) = (seen(ChannelOrder::Rgb), seen(ChannelOrder::Bgr));
        assert_eq!(bgr.order, ChannelOrder::Bgr);
        assert_eq!(rgb.data, bgr.data);
        assert_ne!(rgb.data, data);
    }

    #[test]
    fn an_edge_is_cut_to_whole_pixels_and_never_zero() {
        assert_eq!([0.1, 0.49999999, 0.5].map(|scale| Rescale::edge(scale, 112)), [11, 55, 56]);
        assert_eq!(Rescale::edge(0.1, 5), 1);
    }
}
