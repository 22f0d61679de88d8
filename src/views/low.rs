//! The view of low quality.

use super::chance::{draw_flip, happens, mirror_if};
use super::jitter::Jitter;
use super::region::{draw_region, resized_crop};
use super::rescale::Rescale;
use super::resizing::Resizing;
use crate::image::crop::Region;
use crate::image::{Error, Pixels, rotate};
use crate::seed::Stream;

/// How low the quality is; the default is the reference's (`record_dataset.py`, `L_transform`).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LowOptions {
    /// Least and greatest factor by which the picture is reduced, and enlarged again.
    pub rescale: [f64; 2],
    /// Quality, 1 to 100, of the JPEG of the reduced picture.
    pub jpeg_quality: u8,
    /// Probability of each of crop, jitter and rotation.
    pub probability: f64,
    /// Least and greatest share of the picture's area that a crop keeps.
    pub crop_share: [f64; 2],
    /// Least and greatest ratio of a crop's width to its height.
    pub crop_ratio: [f64; 2],
    /// How far factors of brightness, contrast and saturation lie from 1 at most.
    pub jitter: f64,
    /// The largest rotation to either side, in degrees.
    pub rotation: f64,
}

impl Default for LowOptions {
    fn default() -> Self {
        Self {
            rescale: [0.1, 0.5],
            jpeg_quality: 75,
            probability: 0.2,
            crop_share: [0.8, 1.0],
            crop_ratio: [0.75, 1.33],
            jitter: 0.2,
            rotation: 45.0,
        }
    }
}

/// What happens to a picture, in this order.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct LowDraw {
    /// It is reduced, goes through a JPEG, and is enlarged again.
    pub rescale: Rescale,
    /// A part of it is enlarged to the whole.
    pub crop: Option<Region>,
    /// Its colours change.
    pub jitter: Option<Jitter>,
    /// It turns counter-clockwise by so many degrees.
    pub rotation: Option<f64>,
    /// It is mirrored.
    pub flip: bool,
}

impl LowDraw {
    /// Draws what happens to a picture of `size` (width, height) in pixels.
    pub fn draw(options: &LowOptions, size: (u32, u32), stream: &mut Stream) -> Self {
        let LowOptions { rescale, jpeg_quality, probability, rotation, .. } = *options;
        Self {
            rescale: Rescale::draw(rescale, Some(jpeg_quality), size, stream),
            crop: happens(probability, stream)
                .then(|| draw_region(options.crop_share, options.crop_ratio, size, stream)),
            jitter: happens(probability, stream).then(|| Jitter::draw(options.jitter, stream)),
            rotation: happens(probability, stream).then(|| stream.uniform(-rotation, rotation)),
            flip: draw_flip(stream),
        }
    }

    /// Makes it happen.
    ///
    /// # Errors
    /// [`Error::BadBuffer`] for a picture without pixels, of another number of bytes, or that the
    /// crop leaves; those of the JPEG codec.
    pub fn apply(&self, pixels: &Pixels, resizing: Resizing) -> Result<Pixels, Error> {
        let mut picture = self.rescale.apply(pixels, resizing)?;
        if let Some(region) = self.crop {
            picture = resized_crop(&picture, region, resizing)?;
        }
        if let Some(jitter) = self.jitter {
            jitter.apply(&mut picture);
        }
        if let Some(degrees) = self.rotation {
            picture = rotate::rotate(&picture, degrees);
        }
        mirror_if(self.flip, &mut picture);
        Ok(picture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ChannelOrder;
    use crate::image::resize::Filter;
    use crate::seed::Seed;

    #[test]
    fn crop_jitter_and_rotation_happen_each_with_their_probability() {
        let mut stream = Seed::new(1).stream("low");
        let mut counts = [0i32; 4];
        let mut together = 0i32;
        for _ in 0..10_000 {
            let LowDraw { rescale, crop, jitter, rotation, flip } =
                LowDraw::draw(&LowOptions::default(), (112, 112), &mut stream);
            let happened = [crop.is_some(), jitter.is_some(), rotation.is_some(), flip];
            counts.iter_mut().zip(happened).for_each(|(count, one)| *count += i32::from(one));
            together += i32::from(crop.is_some() && rotation.is_some());
            assert_eq!(rescale.jpeg_quality, Some(75));
            assert!(rotation.is_none_or(|degrees| (-45.0..45.0).contains(&degrees)));
        }
        // Five standard errors of 10,000 draws: 5·√(10,000·p·(1 − p)), p 0.2, 0.5 and 0.2².
        assert!(counts[..3].iter().all(|count| (count - 2_000).abs() < 200), "{counts:?}");
        assert!((counts[3] - 5_000).abs() < 250, "{counts:?}");
        assert!((together - 400).abs() < 98, "{together}");
    }

    #[test]
    fn a_picture_turns_before_it_is_mirrored() {
        let rescale =
            Rescale { width: 2, height: 2, down: Filter::Box, up: Filter::Box, jpeg_quality: None };
        let still = LowDraw { rescale, crop: None, jitter: None, rotation: None, flip: false };
        let data = [1, 2, 3, 4].into_iter().flat_map(|value| [value; 3]).collect();
        let picture = Pixels { width: 2, height: 2, order: ChannelOrder::Bgr, data };
        let firsts = |draw: LowDraw| {
            let seen = draw.apply(&picture, Resizing::Pillow).unwrap();
            seen.data.chunks_exact(3).map(|pixel| pixel[0]).collect::<Vec<_>>()
        };
        assert_eq!(firsts(still), [1, 2, 3, 4]);
        // Counter-clockwise the columns become rows, the last first: 2 4 over 1 3.
        assert_eq!(firsts(LowDraw { rotation: Some(90.0), flip: true, ..still }), [4, 2, 3, 1]);
    }

    #[test]
    fn rotations_go_both_ways_alike() {
        let options = LowOptions { probability: 1.0, ..LowOptions::default() };
        let mut stream = Seed::new(2).stream("low");
        let draw = |_| LowDraw::draw(&options, (112, 112), &mut stream).rotation.unwrap();
        let degrees: Vec<f64> = (0..4_000).map(draw).collect();
        // Five standard errors of 4,000 draws: 5·90/√12/√4,000.
        assert!((degrees.iter().sum::<f64>() / 4_000.0).abs() < 2.06);
        let far = degrees.iter().filter(|degrees| degrees.abs() > 30.0).count() as f64;
        // A third, within five standard errors: 5·√(4,000·2/9).
        assert!((far - 4_000.0 / 3.0).abs() < 150.0, "{far}");
    }
}
