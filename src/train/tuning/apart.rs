//! How far two results of one operator may be apart.

use crate::graph::lower::Layout;

/// Of the largest number of an output: sums of some thousand products that are added in another order.
const BOUND: f64 = 1e-3;

/// The same, where factors are rounded to the 8 bits of bfloat16.
const ROUNDED_BOUND: f64 = 1.0 / 64.0;

/// What an output in a layout may differ by from the reference's.
pub(crate) fn bound(layout: Layout) -> f64 {
    if layout == Layout::RoundedPixels { ROUNDED_BOUND } else { BOUND }
}

/// The largest difference, of the largest number that is expected; what is no number is the largest.
pub(crate) fn apart<T: Copy + Into<f64>>(expected: &[T], found: &[T]) -> f64 {
    let largest = expected.iter().fold(f64::MIN_POSITIVE, |most, &x| most.max(x.into().abs()));
    let both = expected.iter().zip(found);
    let differences = both.map(|(&a, &b)| (a.into() - b.into()).abs() / largest);
    differences.fold(0.0, worse)
}

/// The larger; what is no number is the largest of all.
pub(super) fn worse(one: f64, other: f64) -> f64 {
    if other > one || other.is_nan() { other } else { one }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_told_in_parts_of_the_largest_and_no_number_is_none() {
        assert_eq!(apart(&[1.0_f32, -4.0], &[1.0, -3.0]), 0.25);
        assert_eq!(apart(&[0.0_f32], &[0.0]), 0.0);
        assert!(apart(&[1.0_f32, 2.0], &[f32::NAN, 2.0]).is_nan());
        assert!(apart(&[f32::INFINITY], &[1.0]).is_nan());
    }
}
