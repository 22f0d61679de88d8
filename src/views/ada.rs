//! The view of AdaFace's augmentation.

use super::chance::{draw_flip, happens, mirror_if};
use super::jitter::Jitter;
use super::region::{draw_region, resized_crop};
use super::rescale::Rescale;
use super::resizing::Resizing;
use crate::image::crop::Region;
use crate::image::{Error, Pixels};
use crate::seed::Stream;

/// How strong the augmentation is; the default is the reference's (`record_dataset.py`,
/// `ada_transform`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaOptions {
    /// Probability of each of crop, rescale and jitter.
    pub probability: f64,
    /// Least and greatest share of the picture's area that a crop keeps.
    pub crop_share: [f64; 2],
    /// Least and greatest ratio of a crop's width to its height.
    pub crop_ratio: [f64; 2],
    /// Least and greatest factor by which the picture is reduced, and enlarged again.
    pub rescale: [f64; 2],
    /// How far factors of brightness, contrast and saturation lie from 1 at most.
    pub jitter: f64,
}

impl Default for AdaOptions {
    fn default() -> Self {
        Self {
            probability: 0.2,
            crop_share: [0.2, 1.0],
            crop_ratio: [0.75, 1.33],
            rescale: [0.2, 1.0],
            jitter: 0.5,
        }
    }
}

/// What happens to a picture, in this order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct AdaDraw {
    /// A part of it is enlarged to the whole.
    pub crop: Option<Region>,
    /// It is reduced and enlarged again.
    pub rescale: Option<Rescale>,
    /// Its colours change.
    pub jitter: Option<Jitter>,
    /// It is mirrored.
    pub flip: bool,
}

impl AdaDraw {
    /// Draws what happens to a picture of `size` (width, height) in pixels.
    pub fn draw(options: &AdaOptions, size: (u32, u32), stream: &mut Stream) -> Self {
        let AdaOptions { probability, rescale, .. } = *options;
        Self {
            crop: happens(probability, stream)
                .then(|| draw_region(options.crop_share, options.crop_ratio, size, stream)),
            rescale: happens(probability, stream)
                .then(|| Rescale::draw(rescale, None, size, stream)),
            jitter: happens(probability, stream).then(|| Jitter::draw(options.jitter, stream)),
            flip: draw_flip(stream),
        }
    }

    /// Makes it happen.
    ///
    /// # Errors
    /// [`Error::BadBuffer`] when a step happens to a picture without pixels or of another number of
    /// bytes, or when the crop leaves it.
    pub fn apply(&self, pixels: &Pixels, resizing: Resizing) -> Result<Pixels, Error> {
        let mut picture = match self.crop {
            Some(region) => resized_crop(pixels, region, resizing)?,
            None => pixels.clone(),
        };
        if let Some(rescale) = self.rescale {
            picture = rescale.apply(&picture, resizing)?;
        }
        if let Some(jitter) = self.jitter {
            jitter.apply(&mut picture);
        }
        mirror_if(self.flip, &mut picture);
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    #[test]
    fn every_step_happens_with_its_probability_and_no_picture_goes_through_a_jpeg() {
        let mut stream = Seed::new(1).stream("ada");
        let mut counts = [0i32; 4];
        for _ in 0..10_000 {
            let AdaDraw { crop, rescale, jitter, flip } =
                AdaDraw::draw(&AdaOptions::default(), (112, 112), &mut stream);
            let happened = [crop.is_some(), rescale.is_some(), jitter.is_some(), flip];
            counts.iter_mut().zip(happened).for_each(|(count, one)| *count += i32::from(one));
            assert!(rescale.is_none_or(|rescale| rescale.jpeg_quality.is_none()));
            assert!(rescale.is_none_or(|rescale| (22..112).contains(&rescale.width)));
        }
        // Five standard errors of 10,000 draws: 5·√(10,000·p·(1 − p)), p 0.2 and 0.5.
        assert!(counts[..3].iter().all(|count| (count - 2_000).abs() < 200), "{counts:?}");
        assert!((counts[3] - 5_000).abs() < 250, "{counts:?}");
    }

    #[test]
    fn a_crop_is_enlarged_to_the_whole_picture() {
        let order = crate::image::ChannelOrder::Bgr;
        let mut pixels = Pixels { width: 8, height: 6, order, data: vec![9; 8 * 6 * 3] };
        let row = 3 * 8;
        for start in [row, 2 * row] {
            pixels.data[start + 15..start + 24].fill(77);
        }
        let crop = Some(Region { left: 5, top: 1, width: 3, height: 2 });
        let draw = AdaDraw { crop, rescale: None, jitter: None, flip: false };
        let seen = draw.apply(&pixels, Resizing::Pillow).unwrap();
        assert_eq!((seen.width, seen.height, seen.data), (8, 6, vec![77; 8 * 6 * 3]));
    }

    #[test]
    fn nothing_drawn_is_nothing_done() {
        let order = crate::image::ChannelOrder::Bgr;
        let pixels = Pixels { width: 2, height: 1, order, data: vec![1, 2, 3, 4, 5, 6] };
        let draw = AdaDraw { crop: None, rescale: None, jitter: None, flip: false };
        assert_eq!(draw.apply(&pixels, Resizing::Pillow).unwrap(), pixels);
        let flipped = AdaDraw { flip: true, ..draw }.apply(&pixels, Resizing::Pillow).unwrap();
        assert_eq!(flipped.data, [4, 5, 6, 1, 2, 3]);
    }
}
