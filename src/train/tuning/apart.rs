//! How far two results may be apart, by the bits of the factors that their products are of.

use crate::graph::Width;
use crate::graph::lower::Layout;
use crate::runtime::Device;

/// How far results may be apart.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Bounds {
    /// Outputs of one operator, of the largest number: sums of some thousand products that are added in
    /// another order.
    pub(crate) operator: f64,
    /// States after a whole step, as root mean squares of a tensor: some hundred operators in a row, and
    /// numbers that lie on one side of a kink or the other. What is computed wrongly is far above.
    pub(crate) step: f64,
}

/// Of the 24 bits of float32.
const FLOAT32: Bounds = Bounds { operator: 1e-3, step: 5e-2 };

/// Of the 11 bits of TF32, to which CUDA may round a float32 that is multiplied.
const TF32: Bounds = Bounds { operator: 1.0 / 256.0, step: 0.1 };

/// Of the 11 bits of float16, which results are rounded to as well.
const FLOAT16: Bounds = Bounds { operator: 1.0 / 256.0, step: 0.5 };

/// Of the 8 bits of bfloat16: some ten convolutions in a row are each off by a part in 300.
const BFLOAT16: Bounds = Bounds { operator: 1.0 / 64.0, step: 0.5 };

/// Of a step or operator of a width, in a layout on a device.
pub(crate) fn bounds(device: Device, layout: Layout, width: Width) -> Bounds {
    match (device, layout, width) {
        (_, _, Width::Half) => FLOAT16,
        (_, Layout::RoundedPixels, _) => BFLOAT16,
        (Device::Cuda(_), ..) => TF32,
        (Device::Cpu, ..) => FLOAT32,
    }
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
    fn bounds_are_those_of_the_factors_a_device_multiplies() {
        for (device, layout, expected) in [
            (Device::Cpu, Layout::Pixels, FLOAT32),
            (Device::Cpu, Layout::RoundedPixels, BFLOAT16),
            (Device::Cuda(0), Layout::Planes, TF32),
            (Device::Cuda(0), Layout::VendorPlanes, TF32),
        ] {
            assert_eq!(bounds(device, layout, Width::Whole), expected, "{device} {layout:?}");
            assert_eq!(bounds(device, layout, Width::Half), FLOAT16, "{device} {layout:?}");
        }
    }

    #[test]
    fn a_difference_is_told_in_parts_of_the_largest_and_no_number_is_none() {
        assert_eq!(apart(&[1.0_f32, -4.0], &[1.0, -3.0]), 0.25);
        assert_eq!(apart(&[0.0_f32], &[0.0]), 0.0);
        assert!(apart(&[1.0_f32, 2.0], &[f32::NAN, 2.0]).is_nan());
        assert!(apart(&[f32::INFINITY], &[1.0]).is_nan());
    }
}
