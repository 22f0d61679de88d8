//! Landmarks to a similarity, and a similarity to an aligned face, value for value as the reference's
//! OpenCV warps (`face_align.py` norm_crop, `insightface_ijb_helper/dataloader.py` ImageAligner).

use super::{Error as ImageError, MAX_EDGE_PX, Pixels};

/// ArcFace's points in a face of 112 pixels: eyes, nose, mouth corners (insightface `face_align.py`).
/// The reference holds and scales them as 32-bit floats, and so does this module.
const FIVE_POINTS: [(f32, f32); 5] = [
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
];

/// Points from which a face can be aligned: five (left eye, right eye, nose, left and right corner of the
/// mouth), four (left eye, right eye, nose, middle of the mouth), and the 68 of the iBUG scheme. Left and
/// right are the picture's: the left eye is the one nearer to the left edge.
const COUNTS: &str = "5, 4 or 68";

/// Landmarks nearer to their mean than this, in pixels, are one point: no angle can be told from them.
const LEAST_SPREAD_PX: f64 = 1e-6;

/// A fit that leaves less than this share of the error of another is better beyond doubt. In a profile all
/// points lie in one line, and a mirror changes little: there neither is.
const CLEARLY_LESS: f64 = 0.5;

/// Why a face cannot be aligned.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The number of landmarks is of no known scheme.
    #[error("expected {COUNTS} landmarks, found {found}")]
    Count {
        /// How many there are.
        found: usize,
    },
    /// A coordinate is not a number.
    #[error("landmark {number}: expected two finite coordinates, found ({x}, {y})")]
    NotFinite {
        /// Which, from 1.
        number: usize,
        /// Its first coordinate.
        x: f64,
        /// Its second.
        y: f64,
    },
    /// All landmarks are one point, or lie so that no similarity maps them to a face.
    #[error(
        "the landmarks coincide or lie as no face does, so no similarity can be fitted to them"
    )]
    Degenerate,
    /// The points fit a mirrored face, as where left and right were taken from the person.
    #[error(
        "the landmarks are a mirrored face's: expected left eye, right eye, nose, left and right corner of \
         the mouth (or its middle), left and right as seen in the picture; found left and right exchanged"
    )]
    Mirrored,
    /// The template has no such size.
    #[error(
        "expected an edge divisible by 112 or by 128, at most {MAX_EDGE_PX} pixels, found {found}"
    )]
    Size {
        /// What was asked for.
        found: u32,
    },
}

/// An affine map of points `(x, y)` as two rows `(a, b, c)`: `a·x + b·y + c`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Affine(pub [[f64; 3]; 2]);

impl Affine {
    /// The map back, in the order of operations of OpenCV's `invertAffineTransform`.
    ///
    /// A singular map gives values that are not finite or zero; those of [`similarity`] never are.
    pub fn inverse(&self) -> Self {
        let [[a, b, c], [d, e, f]] = self.0;
        let determinant = a * e - b * d;
        let scale = if determinant == 0.0 { 0.0 } else { 1.0 / determinant };
        let (a_, e_) = (e * scale, a * scale);
        let (b_, d_) = (b * -scale, d * -scale);
        Self([[a_, b_, -a_ * c - b_ * f], [d_, e_, -d_ * c - e_ * f]])
    }
}

/// Checks that the template exists at `size` pixels an edge.
///
/// # Errors
/// [`Error::Size`].
pub fn check_size(size: u32) -> Result<(), Error> {
    template_point(FIVE_POINTS[0], size).map(|_| ())
}

/// A point of the template of 112 pixels at another size: a multiple of 112 scales it; a multiple of
/// 128 scales the template of 128, which has 8 pixels more on both sides.
fn template_point((x, y): (f32, f32), size: u32) -> Result<(f64, f64), Error> {
    let (unit, margin) = match size {
        1..=MAX_EDGE_PX if size.is_multiple_of(112) => (112, 0.0),
        1..=MAX_EDGE_PX if size.is_multiple_of(128) => (128, 8.0),
        found => return Err(Error::Size { found }),
    };
    let ratio = (size / unit) as f32;
    Ok((f64::from(x * ratio + margin * ratio), f64::from(y * ratio)))
}

/// Five or four points as they are; of 68 the five that they stand for: the eyes are the means of the
/// points 36, 39 and 42, 45, the nose is 30, the mouth 48 and 54, counted from 0 (reference:
/// `dataloader.py`, ImageAligner).
fn few(landmarks: &[(f64, f64)]) -> Result<Vec<(f64, f64)>, Error> {
    let mean = |a: usize, b: usize| {
        let ((ax, ay), (bx, by)) = (landmarks[a], landmarks[b]);
        ((ax + bx) / 2.0, (ay + by) / 2.0)
    };
    match landmarks.len() {
        4 | 5 => Ok(landmarks.to_vec()),
        68 => Ok(vec![mean(36, 39), mean(42, 45), landmarks[30], landmarks[48], landmarks[54]]),
        found => Err(Error::Count { found }),
    }
}

/// The least-squares similarity without reflection from landmarks in a picture to the template of
/// `size` pixels.
///
/// With points as complex numbers, `z` the landmarks and `w` the template less their means, it is
/// `p ↦ a·p + t` with `a = Σ z̄·w / Σ |z|²` and `t = mean(w) − a·mean(z)` (Umeyama, 1991, in the plane).
///
/// ```
/// # use qgface_data::image::align::similarity;
/// // ArcFace's template, twice as large and moved.
/// let template = [(38.2946, 51.6963), (73.5318, 51.5014), (56.0252, 71.7366), (41.5493, 92.3655), (70.7299, 92.2041)];
/// let landmarks = template.map(|(x, y)| (2.0 * x + 10.0, 2.0 * y - 5.0));
/// let [[a, b, _], _] = similarity(&landmarks, 112)?.0;
/// assert!((a - 0.5).abs() < 1e-4 && b.abs() < 1e-4);
/// # Ok::<(), qgface_data::image::align::Error>(())
/// ```
///
/// # Errors
/// Any [`Error`].
pub fn similarity(landmarks: &[(f64, f64)], size: u32) -> Result<Affine, Error> {
    let points = few(landmarks)?;
    let bad = landmarks.iter().position(|(x, y)| !x.is_finite() || !y.is_finite());
    if let Some(at) = bad {
        let (x, y) = landmarks[at];
        return Err(Error::NotFinite { number: at + 1, x, y });
    }
    let mut template = FIVE_POINTS.to_vec();
    if let ([.., (ax, ay), (bx, by)], 4) = (FIVE_POINTS, points.len()) {
        // The middle of the mouth stands for its corners (reference: `face_align.py`, `points_num=4`).
        template.truncate(3);
        template.push(((ax + bx) / 2.0, (ay + by) / 2.0));
    }
    let template: Vec<(f64, f64)> =
        template.into_iter().map(|point| template_point(point, size)).collect::<Result<_, _>>()?;
    let (from, to) = (mean(&points), mean(&template));
    let (mut real, mut imaginary, mut spread) = (0.0, 0.0, 0.0);
    // Of a fit with a mirror: `p ↦ a·p̄ + t` with `a = Σ z·w / Σ |z|²`.
    let (mut mirrored_real, mut mirrored_imaginary, mut target_spread) = (0.0, 0.0, 0.0);
    for (point, target) in points.iter().zip(&template) {
        let (zx, zy) = (point.0 - from.0, point.1 - from.1);
        let (wx, wy) = (target.0 - to.0, target.1 - to.1);
        real += zx * wx + zy * wy;
        imaginary += zx * wy - zy * wx;
        spread += zx * zx + zy * zy;
        mirrored_real += zx * wx - zy * wy;
        mirrored_imaginary += zx * wy + zy * wx;
        target_spread += wx * wx + wy * wy;
    }
    if spread <= LEAST_SPREAD_PX * LEAST_SPREAD_PX || !spread.is_finite() {
        return Err(Error::Degenerate);
    }
    // What a fit leaves of `Σ |w|²`.
    let error =
        |real: f64, imaginary: f64| target_spread - (real * real + imaginary * imaginary) / spread;
    let mirrored = error(mirrored_real, mirrored_imaginary);
    if mirrored < CLEARLY_LESS * error(real, imaginary) {
        return Err(Error::Mirrored);
    }
    let (a, b) = (real / spread, imaginary / spread);
    let map = Affine([
        [a, -b, to.0 - (a * from.0 - b * from.1)],
        [b, a, to.1 - (b * from.0 + a * from.1)],
    ]);
    let usable = map.inverse().0.iter().flatten().all(|value| value.is_finite());
    if a * a + b * b > 0.0 && usable { Ok(map) } else { Err(Error::Degenerate) }
}

fn mean(points: &[(f64, f64)]) -> (f64, f64) {
    let count = points.len() as f64;
    let sum = points.iter().fold((0.0, 0.0), |sum, point| (sum.0 + point.0, sum.1 + point.1));
    (sum.0 / count, sum.1 / count)
}

/// Positions are counted in 1024ths of a pixel before they are rounded to 32nds.
const STEPS: f64 = 1024.0;
/// Bits from 1024ths to 32nds, and of the 32nds.
const TO_FRACTION_BITS: u32 = 5;
const FRACTION_BITS: u32 = 5;
const FRACTIONS: i64 = 1 << FRACTION_BITS;

/// Draws `size × size` pixels of a picture, each from where `inverse` (target to source) says, bilinear
/// between four neighbours, black outside: `cv2.warpAffine` in its own fixed-point arithmetic.
///
/// # Errors
/// [`ImageError::BadBuffer`] when the buffer does not fit the edges or an edge is zero.
pub fn warp(pixels: &Pixels, inverse: &Affine, size: u32) -> Result<Pixels, ImageError> {
    let expected = u64::from(pixels.width) * u64::from(pixels.height) * 3;
    let found = pixels.data.len() as u64;
    if expected != found || expected == 0 || size == 0 {
        let (width, height) = (pixels.width, pixels.height);
        return Err(ImageError::BadBuffer { width, height, expected, found });
    }
    let [[a, b, c], [d, e, f]] = inverse.0;
    // A value out of range of an integer becomes its end, far outside of any picture.
    let fixed = |value: f64| (value * STEPS).round_ties_even() as i64;
    let columns: Vec<(i64, i64)> =
        (0..size).map(|x| (fixed(a * f64::from(x)), fixed(d * f64::from(x)))).collect();
    let half = 1i64 << (TO_FRACTION_BITS - 1);
    let mut data = Vec::with_capacity(size as usize * size as usize * 3);
    for y in 0..size {
        let y = f64::from(y);
        let row = (fixed(b * y + c).saturating_add(half), fixed(e * y + f).saturating_add(half));
        for &(across, down) in &columns {
            let x = row.0.saturating_add(across) >> TO_FRACTION_BITS;
            let y = row.1.saturating_add(down) >> TO_FRACTION_BITS;
            data.extend_from_slice(&bilinear(pixels, x, y));
        }
    }
    Ok(Pixels { width: size, height: size, order: pixels.order, data })
}

/// The colour at `(x, y)` in 32nds of a pixel.
fn bilinear(pixels: &Pixels, x: i64, y: i64) -> [u8; 3] {
    let (left, top) = (x >> FRACTION_BITS, y >> FRACTION_BITS);
    let (right_share, bottom_share) = (x & (FRACTIONS - 1), y & (FRACTIONS - 1));
    let (left_share, top_share) = (FRACTIONS - right_share, FRACTIONS - bottom_share);
    let neighbours = [
        (left, top, left_share * top_share),
        (left + 1, top, right_share * top_share),
        (left, top + 1, left_share * bottom_share),
        (left + 1, top + 1, right_share * bottom_share),
    ];
    let mut sums = [0i64; 3];
    let (width, height) = (i64::from(pixels.width), i64::from(pixels.height));
    for (column, row, share) in neighbours {
        if (0..width).contains(&column) && (0..height).contains(&row) {
            let start = (row * width + column) as usize * 3;
            for (sum, value) in sums.iter_mut().zip(&pixels.data[start..start + 3]) {
                *sum += share * i64::from(*value);
            }
        }
    }
    let whole = FRACTIONS * FRACTIONS;
    sums.map(|sum| ((sum + whole / 2) / whole) as u8)
}

/// Cuts the face with these landmarks out of a picture, `size × size` pixels, as the template has it.
///
/// # Errors
/// Any [`Error`].
///
/// # Panics
/// For pixels whose buffer does not fit their edges; those of `decode` do.
pub fn align(pixels: &Pixels, landmarks: &[(f64, f64)], size: u32) -> Result<Pixels, Error> {
    let inverse = similarity(landmarks, size)?.inverse();
    match warp(pixels, &inverse, size) {
        Ok(face) => Ok(face),
        Err(error) => panic!("pixels to align: {error}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ChannelOrder;

    fn face() -> [(f64, f64); 5] {
        FIVE_POINTS.map(|(x, y)| (f64::from(x), f64::from(y)))
    }

    #[test]
    fn the_template_itself_is_not_moved() {
        let Affine(rows) = similarity(&face(), 112).unwrap();
        let identity = [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]];
        // Rounding of sums of five products of about 100 in f64.
        rows.iter().flatten().zip(identity.iter().flatten()).for_each(|(own, expected)| {
            assert!((own - expected).abs() < 1e-12, "{rows:?}");
        });
    }

    #[test]
    fn a_turned_and_doubled_face_is_turned_back_and_halved() {
        // x' = −2y + 100, y' = 2x + 7: a quarter turn and twice the size.
        let face = face().map(|(x, y)| (-2.0 * y + 100.0, 2.0 * x + 7.0));
        let Affine([[a, b, _], [d, e, _]]) = similarity(&face, 112).unwrap();
        for (own, expected) in [(a, 0.0), (b, 0.5), (d, -0.5), (e, 0.0)] {
            assert!((own - expected).abs() < 1e-12);
        }
    }

    #[test]
    fn a_size_of_128_has_eight_pixels_more_on_both_sides() {
        assert_eq!(template_point((38.25, 51.5), 128).unwrap(), (46.25, 51.5));
        assert_eq!(template_point((38.0, 51.0), 224).unwrap(), (76.0, 102.0));
        for size in [0, 100, MAX_EDGE_PX + 112] {
            assert_eq!(check_size(size), Err(Error::Size { found: size }));
        }
    }

    #[test]
    fn landmarks_that_are_no_face_are_refused() {
        assert_eq!(similarity(&[(3.0, 4.0); 5], 112), Err(Error::Degenerate));
        assert_eq!(similarity(&face()[..3], 112), Err(Error::Count { found: 3 }));
        let mut points = face();
        points[1].1 = f64::NAN;
        let error = similarity(&points, 112).unwrap_err();
        assert!(matches!(error, Error::NotFinite { number: 2, .. }), "{error}");
        let far = face().map(|(x, y)| (x * 1e200, y * 1e200));
        assert_eq!(similarity(&far, 112), Err(Error::Degenerate));
    }

    /// The points of a face turned away by an angle, which narrows it, in a picture tilted by another.
    fn turned(yaw_degrees: f64, tilt_degrees: f64) -> [(f64, f64); 5] {
        let (narrow, (sin, cos)) =
            (yaw_degrees.to_radians().cos(), tilt_degrees.to_radians().sin_cos());
        face().map(|(x, y)| {
            let (x, y) = ((x - 56.0) * narrow, y - 72.0);
            (300.0 + 3.0 * (cos * x - sin * y), 200.0 + 3.0 * (sin * x + cos * y))
        })
    }

    #[test]
    fn landmarks_with_left_and_right_exchanged_are_refused() {
        let exchanged = |[a, b, c, d, e]: [(f64, f64); 5]| [b, a, c, e, d];
        for tilt in [0.0, 40.0, 120.0, 180.0] {
            for yaw in [0.0, 30.0, 60.0, 75.0] {
                let points = turned(yaw, tilt);
                assert!(similarity(&points, 112).is_ok(), "{yaw} {tilt}");
                assert_eq!(
                    similarity(&exchanged(points), 112),
                    Err(Error::Mirrored),
                    "{yaw} {tilt}"
                );
                let [a, b, c, d, e] = points;
                let mouth = ((d.0 + e.0) / 2.0, (d.1 + e.1) / 2.0);
                assert!(similarity(&[a, b, c, mouth], 112).is_ok(), "{yaw} {tilt}");
                let four = similarity(&[b, a, c, mouth], 112);
                assert!(four == Err(Error::Mirrored) || yaw > 70.0, "{yaw} {tilt}: {four:?}");
            }
        }
    }

    #[test]
    fn a_profile_whose_eyes_have_changed_sides_by_a_little_is_no_mirrored_face() {
        for yaw in [88.0, 90.0, 92.0] {
            assert!(similarity(&turned(yaw, 10.0), 112).is_ok(), "{yaw}");
        }
    }

    #[test]
    fn a_map_that_moves_nothing_gives_the_picture_and_black_beyond_it() {
        let data: Vec<u8> = (0..4 * 3 * 3).map(|i| i * 7).collect();
        let pixels = Pixels { width: 4, height: 3, order: ChannelOrder::Bgr, data };
        let still = Affine([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]]);
        let face = warp(&pixels, &still, 5).unwrap();
        assert_eq!((face.width, face.order), (5, ChannelOrder::Bgr));
        for y in 0..3 {
            assert_eq!(face.data[y * 15..y * 15 + 12], pixels.data[y * 12..y * 12 + 12]);
            assert_eq!(face.data[y * 15 + 12..y * 15 + 15], [0; 3]);
        }
    }

    #[test]
    fn a_map_far_out_of_range_gives_black_and_no_panic() {
        let pixels = Pixels { width: 1, height: 1, order: ChannelOrder::Rgb, data: vec![255; 3] };
        let far = Affine([[1e300, -1e300, 1e300], [f64::NAN, f64::INFINITY, -1e300]]);
        assert_eq!(warp(&pixels, &far, 8).unwrap().data.len(), 8 * 8 * 3);
    }
}
