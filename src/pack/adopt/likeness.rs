//! Whether two pictures are one, encoded anew: by their means over a grid, then by all their values.

use crate::image::{ChannelOrder, Pixels};

/// Cells an edge of the grid.
const GRID: usize = 8;

/// Means of a cell: green, and the mean of red and blue, which stays when those are exchanged.
const MEANS: usize = 2;

/// A mean over a cell moves by less than this when a picture is encoded as JPEG of usual quality; the
/// means of other pictures differ by tens.
const MEAN_TOLERANCE: f64 = 2.5;

/// What is compared of a picture first: the same for a picture and for its twin with red and blue
/// exchanged.
#[derive(Debug, Clone, PartialEq)]
pub(in crate::pack) struct Signature {
    /// Pixels in a row, and rows.
    pub(super) size: (u32, u32),
    /// Means of the cells, in eighths.
    cells: Box<[u16; GRID * GRID * MEANS]>,
}

/// Parts of one grey level that the means are held in.
const LEVEL: u64 = 8;

impl Signature {
    /// Of a picture of any order of channels.
    pub(super) fn of(pixels: &Pixels) -> Self {
        let mut sums = [[0u64; MEANS]; GRID * GRID];
        let mut counts = [0u64; GRID * GRID];
        let (width, height) = (pixels.width as usize, pixels.height as usize);
        for (y, row) in pixels.data.chunks_exact(width * 3).enumerate() {
            for (x, pixel) in row.as_chunks::<3>().0.iter().enumerate() {
                let cell = y * GRID / height * GRID + x * GRID / width;
                let [first, green, last] = pixel.map(u64::from);
                sums[cell][0] += 2 * green;
                sums[cell][1] += first + last;
                counts[cell] += 1;
            }
        }
        let mut cells = Box::new([0; GRID * GRID * MEANS]);
        for (means, (sums, count)) in
            cells.as_chunks_mut::<MEANS>().0.iter_mut().zip(sums.iter().zip(counts))
        {
            // A cell of a very small picture may hold no pixel.
            *means = sums.map(|sum| (sum * LEVEL / 2 / count.max(1)) as u16);
        }
        Self { size: (pixels.width, pixels.height), cells }
    }

    /// The mean over the picture, by which signatures can be sorted; it moves as the cells do.
    pub(super) fn brightness(&self) -> u32 {
        self.cells.iter().map(|&mean| u32::from(mean)).sum::<u32>() / self.cells.len() as u32
    }

    /// How much [`Signature::brightness`] of one picture encoded twice may differ.
    pub(super) const BRIGHTNESS_TOLERANCE: u32 = (MEAN_TOLERANCE * LEVEL as f64) as u32;

    /// The mean difference of the cells, in grey levels.
    pub(super) fn distance(&self, other: &Self) -> f64 {
        let pairs = self.cells.iter().zip(other.cells.iter());
        let sum: u64 = pairs.map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
        sum as f64 / (self.cells.len() as u64 * LEVEL) as f64
    }

    /// Whether both may be of one picture.
    pub(super) fn is_near(&self, other: &Self) -> bool {
        self.size == other.size && self.distance(other) <= MEAN_TOLERANCE
    }
}

/// The mean difference of all values between a stored picture and a source, in grey levels: as the
/// decoder returns it, and with its red and blue exchanged.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Differences {
    pub(super) as_it_is: f64,
    pub(super) exchanged: f64,
}

impl Differences {
    /// Compares two pictures of one size, both as a decoder returns them.
    pub(super) fn between(stored: &Pixels, source: &Pixels) -> Self {
        let (mut as_it_is, mut exchanged) = (0u64, 0u64);
        let stored_pixels = stored.data.as_chunks::<3>().0.iter();
        for (a, b) in stored_pixels.zip(source.data.as_chunks::<3>().0) {
            let green = u64::from(a[1].abs_diff(b[1]));
            as_it_is += green + u64::from(a[0].abs_diff(b[0])) + u64::from(a[2].abs_diff(b[2]));
            exchanged += green + u64::from(a[2].abs_diff(b[0])) + u64::from(a[0].abs_diff(b[2]));
        }
        let count = stored.data.len().max(1) as f64;
        Self { as_it_is: as_it_is as f64 / count, exchanged: exchanged as f64 / count }
    }

    /// Whether the pictures may be one, encoded anew.
    pub(super) fn are_small(&self) -> bool {
        self.least() <= LIKE
    }

    /// The smaller of the two.
    pub(super) fn least(&self) -> f64 {
        self.as_it_is.min(self.exchanged)
    }

    /// The order in which the stored picture has its channels; nothing where both fit alike, as of a grey
    /// picture.
    pub(super) fn order(&self) -> Option<ChannelOrder> {
        // JPEG noise moves both alike; colour moves one of them.
        const CLEAR: f64 = 0.5;
        if self.exchanged - self.as_it_is > CLEAR {
            Some(ChannelOrder::Rgb)
        } else if self.as_it_is - self.exchanged > CLEAR {
            Some(ChannelOrder::Bgr)
        } else {
            None
        }
    }
}

/// Mean difference of all values, in grey levels, up to which two pictures of like cells are one encoded
/// anew. JPEG of quality 50 to 100 at 4:2:0 moved drawn and real faces, and grain, by 0.5 to 6; other
/// pictures differ by 30 and more.
const LIKE: f64 = 12.0;

/// Whether `stored`, whose channels are in `order` when a decoder calls them RGB, shows what `source`
/// shows.
pub(in crate::pack) fn same(stored: &Pixels, order: ChannelOrder, source: &Pixels) -> bool {
    let differences = Differences::between(stored, source);
    Signature::of(stored).is_near(&Signature::of(source))
        && differences.are_small()
        && differences.order().is_none_or(|found| found == order)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::{decode::decode, encode};
    use crate::seed::Seed;

    /// A colourful picture of soft spots.
    fn picture(seed: u64) -> Pixels {
        let mut stream = Seed::new(seed).stream("spots");
        let spots: Vec<[f64; 6]> =
            (0..6).map(|_| std::array::from_fn(|_| stream.uniform(0.0, 1.0))).collect();
        let mut data = Vec::new();
        for (y, x) in (0..48).flat_map(|y| (0..40).map(move |x| (y, x))) {
            for channel in 0..3 {
                let value: f64 = spots
                    .iter()
                    .map(|spot| {
                        let (dx, dy) =
                            (f64::from(x) / 40.0 - spot[0], f64::from(y) / 48.0 - spot[1]);
                        spot[3 + channel] * libm::exp(-8.0 * (dx * dx + dy * dy))
                    })
                    .sum();
                data.push((value * 150.0).min(255.0) as u8);
            }
        }
        Pixels { width: 40, height: 48, order: ChannelOrder::Rgb, data }
    }

    fn encoded(pixels: &Pixels, quality: u8) -> Pixels {
        decode(&encode::jpeg(pixels, quality).unwrap()).unwrap()
    }

    fn exchanged(pixels: Pixels) -> Pixels {
        Pixels { order: ChannelOrder::Rgb, ..pixels.into_order(ChannelOrder::Bgr) }
    }

    #[test]
    fn a_picture_is_known_after_jpeg_and_no_other_is_taken_for_it() {
        for seed in 0..20 {
            for quality in [50, 75, 95] {
                let stored = encoded(&picture(seed), quality);
                assert!(same(&stored, ChannelOrder::Rgb, &picture(seed)), "{seed} {quality}");
                assert!(!same(&stored, ChannelOrder::Rgb, &picture(seed + 100)), "{seed}");
            }
        }
    }

    #[test]
    fn exchanged_colours_are_told_and_a_grey_picture_tells_nothing() {
        let twin = encoded(&exchanged(picture(3)), 90);
        assert_eq!(Differences::between(&twin, &picture(3)).order(), Some(ChannelOrder::Bgr));
        assert!(same(&twin, ChannelOrder::Bgr, &picture(3)));
        assert!(!same(&twin, ChannelOrder::Rgb, &picture(3)));
        let mut grey = picture(3);
        grey.data.as_chunks_mut::<3>().0.iter_mut().for_each(|pixel| *pixel = [pixel[1]; 3]);
        assert_eq!(Differences::between(&encoded(&grey, 80), &grey).order(), None);
    }

    #[test]
    fn a_picture_of_like_cells_and_other_values_is_another() {
        let grey = |value: fn(usize) -> u8| {
            let data = (0..64 * 64).flat_map(|at| [value(at); 3]).collect();
            Pixels { width: 64, height: 64, order: ChannelOrder::Rgb, data }
        };
        let board = grey(|at| if (at / 64 + at % 64).is_multiple_of(2) { 1 } else { 255 });
        assert!(Signature::of(&board).is_near(&Signature::of(&grey(|_| 128))));
        assert!(!same(&board, ChannelOrder::Rgb, &grey(|_| 128)));
    }

    #[test]
    fn a_signature_is_that_of_the_exchanged_twin() {
        assert_eq!(Signature::of(&picture(5)), Signature::of(&exchanged(picture(5))));
    }
}
