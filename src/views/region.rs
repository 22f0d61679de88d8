//! A random part of a picture, enlarged to its whole size.

use super::resizing::Resizing;
use crate::image::crop::{Region, crop};
use crate::image::resize::Filter;
use crate::image::{Error, Pixels};
use crate::seed::Stream;

/// Regions drawn before the middle of the picture is taken (torchvision, `RandomResizedCrop`).
const TRIES: usize = 10;

/// Draws a part of a picture of `size` (width, height) in pixels: its area, as a share of the
/// picture's, uniform in `share`; its ratio of width to height log-uniform in `ratio`; its place
/// uniform among all (torchvision, `RandomResizedCrop`).
///
/// When no draw of ten fits, it is the largest part about the middle whose ratio is allowed.
pub fn draw_region(
    share: [f64; 2],
    ratio: [f64; 2],
    size: (u32, u32),
    stream: &mut Stream,
) -> Region {
    let (width, height) = (f64::from(size.0), f64::from(size.1));
    let [least, most] = ratio.map(libm::log);
    for _ in 0..TRIES {
        let area = width * height * stream.uniform(share[0], share[1]);
        let ratio = libm::exp(stream.uniform(least, most));
        let own_width = (area * ratio).sqrt().round_ties_even();
        let own_height = (area / ratio).sqrt().round_ties_even();
        if (1.0..=width).contains(&own_width) && (1.0..=height).contains(&own_height) {
            let (own_width, own_height) = (own_width as u32, own_height as u32);
            let top = stream.below(u64::from(size.1 - own_height) + 1) as u32;
            let left = stream.below(u64::from(size.0 - own_width) + 1) as u32;
            return Region { left, top, width: own_width, height: own_height };
        }
    }
    middle(ratio, size)
}

fn middle([least, most]: [f64; 2], (width, height): (u32, u32)) -> Region {
    let ratio = f64::from(width) / f64::from(height);
    let edge = |length: f64| length.round_ties_even() as u32;
    let (own_width, own_height) = if ratio < least {
        (width, edge(f64::from(width) / least).min(height))
    } else if ratio > most {
        (edge(f64::from(height) * most).min(width), height)
    } else {
        (width, height)
    };
    let (left, top) = ((width - own_width) / 2, (height - own_height) / 2);
    Region { left, top, width: own_width, height: own_height }
}

/// Cuts a part out and resizes it, bilinear, to the size of the whole.
///
/// # Errors
/// [`Error::BadBuffer`] when the part is empty or not within the picture.
pub fn resized_crop(pixels: &Pixels, region: Region, resizing: Resizing) -> Result<Pixels, Error> {
    let part = crop(pixels, region)?;
    resizing.resize(&part, pixels.width, pixels.height, Filter::Bilinear)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;

    const RATIO: [f64; 2] = [0.75, 1.33];

    #[test]
    fn a_region_lies_within_the_picture_and_has_the_area_and_the_ratio_asked_for() {
        let mut stream = Seed::new(1).stream("region");
        let mut shares = 0.0;
        for _ in 0..4_000 {
            let region = draw_region([0.2, 0.5], RATIO, (112, 112), &mut stream);
            let Region { left, top, width, height } = region;
            assert!(left + width <= 112 && top + height <= 112, "{region:?}");
            let (width, height) = (f64::from(width), f64::from(height));
            // Both edges are rounded by up to half a pixel, of at least √(0.2·0.75)·112 = 43.
            assert!((0.73..1.37).contains(&(width / height)), "{region:?}");
            let share = width * height / (112.0 * 112.0);
            assert!((0.19..0.52).contains(&share), "{region:?}");
            shares += share;
        }
        // Five standard errors of 4,000 draws: 5·0.3/√12/√4,000; rounding edges has no direction.
        assert!((shares / 4_000.0 - 0.35).abs() < 0.007, "{shares}");
    }

    #[test]
    fn wide_and_high_regions_are_equally_likely_and_every_place_is_met() {
        let mut stream = Seed::new(2).stream("region");
        let (mut wide, mut high) = (0i32, 0i32);
        let (mut lefts, mut tops) = ([0; 4], [0; 4]);
        for _ in 0..4_000 {
            // Ratios symmetric on the logarithmic scale, a small region in a large picture.
            let region = draw_region([0.01, 0.01], [0.5, 2.0], (100, 100), &mut stream);
            wide += i32::from(region.width > region.height);
            high += i32::from(region.height > region.width);
            lefts[region.left as usize / 25] += 1;
            tops[region.top as usize / 25] += 1;
        }
        // Five standard errors of 4,000 draws: 5·√4,000.
        assert!((wide - high).abs() < 317, "{wide} wide, {high} high");
        assert!([lefts, tops].iter().flatten().all(|&count| count > 500), "{lefts:?} {tops:?}");
    }

    #[test]
    fn the_logarithm_of_the_ratio_is_uniform() {
        let mut stream = Seed::new(4).stream("region");
        let mut squares = 0.0;
        for _ in 0..4_000 {
            let region = draw_region([0.1, 0.1], [0.5, 2.0], (1120, 1120), &mut stream);
            squares += (f64::from(region.width) / f64::from(region.height)).ln().powi(2);
        }
        // Uniform in ±ln 2 the mean square is (ln 2)²/3 = 0.1601 with a deviation of 0.1432; five
        // standard errors of 4,000 draws.
        assert!((squares / 4_000.0 - 0.1601).abs() < 0.0114, "{squares}");
    }

    #[test]
    fn when_no_region_fits_the_middle_is_taken() {
        let mut stream = Seed::new(3).stream("region");
        let mut middle = |share, size| draw_region([share; 2], [0.5, 2.0], size, &mut stream);
        let region = |left, top, width, height| Region { left, top, width, height };
        // Twice the area fits nowhere.
        assert_eq!(middle(2.0, (112, 112)), region(0, 0, 112, 112));
        assert_eq!(middle(2.0, (100, 20)), region(30, 0, 40, 20));
        assert_eq!(middle(2.0, (20, 100)), region(0, 30, 20, 40));
    }

    #[test]
    fn all_of_a_picture_is_the_picture() {
        let data = (0..48).collect();
        let order = crate::image::ChannelOrder::Rgb;
        let pixels = Pixels { width: 4, height: 4, order, data };
        let all = Region { left: 0, top: 0, width: 4, height: 4 };
        assert_eq!(resized_crop(&pixels, all, Resizing::Pillow).unwrap(), pixels);
    }
}
