//! How long features are, and whether they are unit vectors.

use super::matrix::Matrix;
use rayon::prelude::*;

/// How far from 1 the length of a unit feature may be.
const UNIT_TOLERANCE: f64 = 1e-3;

/// The lengths of a matrix's rows.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lengths {
    /// All 1.
    Unit,
    /// These.
    Of(Vec<f32>),
}

impl Lengths {
    pub(super) fn of(rows: &Matrix) -> Self {
        all_lengths(rows).into()
    }
}

impl From<Vec<f64>> for Lengths {
    fn from(lengths: Vec<f64>) -> Self {
        match lengths.iter().all(|length| is_unit(*length)) {
            true => Self::Unit,
            false => Self::Of(lengths.into_iter().map(|length| length as f32).collect()),
        }
    }
}

/// The length of each row.
pub(super) fn all_lengths(rows: &Matrix) -> Vec<f64> {
    rows.values().par_chunks_exact(rows.width).map(length).collect()
}

/// The length of a feature; not finite where one of its numbers is not.
pub(super) fn length(feature: &[f32]) -> f64 {
    // Several sums side by side, so that one addition does not wait for the other.
    let (chunks, rest) = feature.as_chunks::<8>();
    let square = |value: &f32| f64::from(*value) * f64::from(*value);
    let mut sums = [0.0f64; 8];
    for chunk in chunks {
        for (sum, value) in sums.iter_mut().zip(chunk) {
            *sum += square(value);
        }
    }
    (sums.iter().sum::<f64>() + rest.iter().map(square).sum::<f64>()).sqrt()
}

/// Whether a length is that of a unit vector.
pub(super) fn is_unit(length: f64) -> bool {
    (length - 1.0).abs() <= UNIT_TOLERANCE
}

/// Whether a feature can be brought to length 1 by dividing by its length.
pub(super) fn is_divisor(length: f32) -> bool {
    length.is_finite() && length >= f32::MIN_POSITIVE
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_counts_and_one_that_is_none_shows() {
        let mut feature = vec![1.0; 19];
        assert_eq!(length(&feature), 19.0f64.sqrt());
        for at in [3, 17] {
            feature[at] = f32::NAN;
            assert!(length(&feature).is_nan());
            feature[at] = 1.0;
        }
    }

    #[test]
    fn rows_are_unit_vectors_when_all_of_them_are() {
        let rows = |values: &[f32]| Lengths::of(&Matrix::new(values.to_vec(), 2));
        assert_eq!(rows(&[0.6, 0.8, 1.0, 0.0]), Lengths::Unit);
        assert_eq!(rows(&[3.0, 4.0, 1.0, 0.0]), Lengths::Of(vec![5.0, 1.0]));
    }
}
