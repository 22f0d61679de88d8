//! The random views of a picture that the trainer shows to its network, and their tensors.
//!
//! They are the reference's (`record_dataset.py`), whose steps are torchvision's on Pillow's
//! pictures. A view is first drawn, as a plain struct of what happens to the picture, then applied:
//! so the one can be tested without the other. Every random number comes from the caller's stream.
//!
//! Pixels count as they lie in memory, in the JPEG step too: the reference swaps every record to
//! BGR and then augments it as if it were RGB. A caller who wants its views gives BGR pixels.

mod ada;
mod chance;
mod jitter;
mod low;
mod region;
mod rescale;
mod resizing;

pub use ada::{AdaDraw, AdaOptions};
pub use jitter::{Change, Jitter};
pub use low::{LowDraw, LowOptions};
pub use region::{draw_region, resized_crop};
pub use rescale::Rescale;
pub use resizing::Resizing;

use crate::image::{Error, Pixels};
use crate::seed::Stream;
use chance::{draw_flip, mirror_if};

/// What is shown of a picture. Every view is mirrored with probability 1/2, and keeps the picture's
/// size.
///
/// ```
/// # use qgface_data::image::{ChannelOrder, Pixels};
/// # use qgface_data::{seed::Seed, views::{LowOptions, Resizing, View}};
/// let pixels = Pixels { width: 112, height: 112, order: ChannelOrder::Bgr, data: vec![90; 3 * 112 * 112] };
/// let mut stream = Seed::new(1).stream("view/0/0/1");
/// let seen = View::Low(LowOptions::default()).draw(&pixels, Resizing::Pillow, &mut stream)?;
/// assert_eq!((seen.width, seen.height), (112, 112));
/// # Ok::<(), qgface_data::image::Error>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum View {
    /// The picture itself (the reference's `H_transform`).
    High,
    /// Of low quality (the reference's `L_transform`).
    Low(LowOptions),
    /// AdaFace's augmentation (the reference's `ada_transform`).
    Ada(AdaOptions),
}

/// A view without its constants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ViewKind {
    /// [`View::High`].
    High,
    /// [`View::Low`].
    Low,
    /// [`View::Ada`].
    Ada,
}

impl ViewKind {
    /// The view with the reference's constants, but for the probability of each optional change.
    pub fn with_probability(self, probability: f64) -> View {
        match self {
            Self::High => View::High,
            Self::Low => View::Low(LowOptions { probability, ..LowOptions::default() }),
            Self::Ada => View::Ada(AdaOptions { probability, ..AdaOptions::default() }),
        }
    }
}

impl View {
    /// Draws what happens to a picture, and makes it happen.
    ///
    /// # Errors
    /// [`Error::BadBuffer`] for a picture without pixels or of another number of bytes; those of
    /// the JPEG codec.
    pub fn draw(
        &self,
        pixels: &Pixels,
        resizing: Resizing,
        stream: &mut Stream,
    ) -> Result<Pixels, Error> {
        let size = (pixels.width, pixels.height);
        match self {
            Self::High => {
                let mut picture = pixels.clone();
                mirror_if(draw_flip(stream), &mut picture);
                Ok(picture)
            }
            Self::Low(options) => LowDraw::draw(options, size, stream).apply(pixels, resizing),
            Self::Ada(options) => AdaDraw::draw(options, size, stream).apply(pixels, resizing),
        }
    }
}

/// `(v/255 − 0.5)/0.5` of every byte, in the reference's order of 32-bit operations (torchvision,
/// `ToTensor` and `Normalize`).
static NORMALISED: [f32; 256] = {
    let mut table = [0.0; 256];
    let mut byte = 0;
    while byte < 256 {
        table[byte] = (byte as f32 / 255.0 - 0.5) / 0.5;
        byte += 1;
    }
    table
};

/// Writes a picture as the network takes it: shape (3, height, width), values in [−1, 1], channels
/// in the order in which they lie in memory.
///
/// ```
/// # use qgface_data::image::{ChannelOrder, Pixels};
/// # use qgface_data::views::write_tensor;
/// let pixels = Pixels { width: 1, height: 1, order: ChannelOrder::Bgr, data: vec![0, 255, 0] };
/// let mut tensor = [0.0; 3];
/// write_tensor(&pixels, &mut tensor);
/// assert_eq!(tensor, [-1.0, 1.0, -1.0]);
/// ```
///
/// # Panics
/// When `out` has not as many places as the picture has bytes.
pub fn write_tensor(pixels: &Pixels, out: &mut [f32]) {
    let (bytes, places) = (pixels.data.len(), out.len());
    assert_eq!(bytes, places, "a tensor of {places} numbers for {bytes} bytes");
    let (first, rest) = out.split_at_mut(bytes / 3);
    let (second, third) = rest.split_at_mut(bytes / 3);
    let places = first.iter_mut().zip(second).zip(third);
    for (((a, b), c), &[x, y, z]) in places.zip(pixels.data.as_chunks::<3>().0) {
        *a = NORMALISED[usize::from(x)];
        *b = NORMALISED[usize::from(y)];
        *c = NORMALISED[usize::from(z)];
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ChannelOrder;
    use crate::seed::Seed;

    /// A picture in which every pixel differs from its neighbours.
    fn picture(width: u32, height: u32) -> Pixels {
        let pixel =
            |at: u32| [(at % 251) as u8, (at / width * 5 % 256) as u8, (at * 7 % 256) as u8];
        let data = (0..width * height).flat_map(pixel).collect();
        Pixels { width, height, order: ChannelOrder::Bgr, data }
    }

    fn all() -> [View; 3] {
        [View::High, View::Low(LowOptions::default()), View::Ada(AdaOptions::default())]
    }

    #[test]
    fn a_view_keeps_the_size_and_the_order_of_a_picture() {
        let mut stream = Seed::new(1).stream("views");
        for (width, height) in [(112, 112), (40, 25), (3, 3), (1, 1)] {
            let picture = picture(width, height);
            for view in all() {
                for resizing in [Resizing::Pillow, Resizing::Fast] {
                    for _ in 0..20 {
                        let seen = view.draw(&picture, resizing, &mut stream).unwrap();
                        assert_eq!((seen.width, seen.height), (width, height), "{view:?}");
                        assert_eq!(seen.order, ChannelOrder::Bgr);
                        assert_eq!(seen.data.len(), picture.data.len());
                    }
                }
            }
        }
    }

    #[test]
    fn a_stream_at_the_same_place_gives_the_same_view() {
        let picture = picture(112, 112);
        for view in all() {
            let views = |seed| {
                let mut stream = Seed::new(seed).stream("views");
                let mut draw = || view.draw(&picture, Resizing::Pillow, &mut stream).unwrap();
                [draw(), draw(), draw(), draw(), draw(), draw()]
            };
            assert_eq!(views(1), views(1), "{view:?}");
            assert_ne!(views(1), views(2), "{view:?}");
        }
    }

    #[test]
    fn the_high_view_is_the_picture_or_its_mirror_image_in_equal_parts() {
        let picture = picture(4, 2);
        let mut mirrored = picture.clone();
        crate::image::crop::mirror(&mut mirrored);
        let mut stream = Seed::new(3).stream("views");
        let mut flips = 0;
        for _ in 0..4_000 {
            let seen = View::High.draw(&picture, Resizing::Pillow, &mut stream).unwrap();
            assert!(seen == picture || seen == mirrored);
            flips += i32::from(seen == mirrored);
        }
        // Five standard errors of 4,000 draws: 5·√(4,000/4).
        assert!((flips - 2_000).abs() < 159, "{flips} of 4,000");
    }

    #[test]
    fn a_tensor_has_a_plane_for_every_channel_and_values_from_minus_one_to_one() {
        let data = vec![0, 255, 51, 255, 0, 102];
        let pixels = Pixels { width: 2, height: 1, order: ChannelOrder::Bgr, data };
        let mut out = [0.0; 6];
        write_tensor(&pixels, &mut out);
        // 51/255 is a fifth and 102/255 are two.
        let expected = [-1.0, 1.0, 1.0, -1.0, -0.6, -0.2];
        for (own, expected) in out.iter().zip(expected) {
            // Two roundings of 32-bit numbers about 1.
            assert!((own - expected).abs() < 2e-7, "{out:?}");
        }
    }

    #[test]
    #[should_panic(expected = "a tensor of 5 numbers for 24 bytes")]
    fn a_tensor_of_another_size_is_a_fault_of_the_program() {
        write_tensor(&picture(4, 2), &mut [0.0; 5]);
    }

    #[test]
    fn a_picture_without_pixels_is_refused() {
        let empty = Pixels { width: 0, height: 0, order: ChannelOrder::Rgb, data: vec![] };
        let mut stream = Seed::new(1).stream("views");
        let view = View::Low(LowOptions::default());
        let refused = view.draw(&empty, Resizing::Pillow, &mut stream);
        assert!(matches!(refused, Err(Error::BadBuffer { .. })));
    }
}
