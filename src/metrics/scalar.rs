//! The two precisions features come in, and sums in NumPy's order.

use std::fmt::Debug;
use std::ops::{Add, Div, Mul, Sub};

use gemm_common::Parallelism;

/// Rows, columns and depth of `dst = beta · lhs · rhs`; the destination; then each matrix with the distance
/// from one column and from one row to the next; whether `dst` is added to; alpha and beta; conjugations.
#[rustfmt::skip]
pub(super) type ProductKernel<T> = unsafe fn(
    usize, usize, usize,
    *mut T, isize, isize, bool,
    *const T, isize, isize,
    *const T, isize, isize,
    T, T, bool, bool, bool, Parallelism,
);

mod sealed {
    use super::ProductKernel;

    pub trait Sealed: Sized {
        /// What multiplies matrices on this processor; it is quickest where the rows of `dst` lie side by
        /// side.
        fn product() -> ProductKernel<Self>;
    }

    impl Sealed for f32 {
        fn product() -> ProductKernel<f32> {
            gemm_f32::gemm::f32::get_gemm_fn()
        }
    }

    impl Sealed for f64 {
        fn product() -> ProductKernel<f64> {
            gemm_f64::gemm::f64::get_gemm_fn()
        }
    }
}

/// `f32` or `f64`.
pub trait Scalar:
    sealed::Sealed
    + Copy
    + Debug
    + Default
    + PartialOrd
    + Send
    + Sync
    + 'static
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
{
    /// 1.
    const ONE: Self;
    /// −∞, below every score.
    const LOWEST: Self;
    /// The largest finite number.
    const MAX: f64;
    /// A count, rounded.
    fn of_count(count: usize) -> Self;
    /// The same number, or the nearest.
    fn of_f32(value: f32) -> Self;
    /// The same number.
    fn to_f64(self) -> f64;
}

impl Scalar for f32 {
    const ONE: Self = 1.0;
    const LOWEST: Self = f32::NEG_INFINITY;
    const MAX: f64 = f32::MAX as f64;
    fn of_count(count: usize) -> Self {
        count as f32
    }
    fn of_f32(value: f32) -> Self {
        value
    }
    fn to_f64(self) -> f64 {
        f64::from(self)
    }
}

impl Scalar for f64 {
    const ONE: Self = 1.0;
    const LOWEST: Self = f64::NEG_INFINITY;
    const MAX: f64 = f64::MAX;
    fn of_count(count: usize) -> Self {
        count as f64
    }
    fn of_f32(value: f32) -> Self {
        f64::from(value)
    }
    fn to_f64(self) -> f64 {
        self
    }
}

/// Numbers that are summed in one run before runs are added pairwise (NumPy `loops_utils.h.src`,
/// `PW_BLOCKSIZE`).
const RUN: usize = 128;

/// `Σ term(aᵢ, bᵢ)` in the order and with the roundings of `numpy.sum` over a contiguous axis, so that what
/// is a tie there is one here.
///
/// Eight running sums, each of every eighth term, are added as a tree; longer rows are halved first.
/// `term` must round once (no fused multiply-add) where the reference stores the terms.
pub(super) fn sum<T: Scalar>(a: &[T], b: &[T], term: impl Fn(T, T) -> T + Copy) -> T {
    let b = &b[..a.len()];
    if a.len() > RUN {
        let half = a.len() / 2 / 8 * 8;
        let ((a0, a1), (b0, b1)) = (a.split_at(half), b.split_at(half));
        return sum(a0, b0, term) + sum(a1, b1, term);
    }
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<8>(), b.as_chunks::<8>());
    let rest = a_rest.iter().zip(b_rest).map(|(&x, &y)| term(x, y));
    if a.is_empty() {
        return rest.fold(T::default(), T::add);
    }
    let [s0, s1, s2, s3, s4, s5, s6, s7] = lanes(a, b, term);
    rest.fold(((s0 + s1) + (s2 + s3)) + ((s4 + s5) + (s6 + s7)), T::add)
}

/// The eight running sums. Inlined, the compiler would lay them out for the tree that follows and shuffle
/// in every turn of the loop.
#[inline(never)]
fn lanes<T: Scalar>(a: &[[T; 8]], b: &[[T; 8]], term: impl Fn(T, T) -> T + Copy) -> [T; 8] {
    let mut pairs = a.iter().zip(b);
    let Some((x, y)) = pairs.next() else { return [T::default(); 8] };
    let mut sums: [T; 8] = std::array::from_fn(|lane| term(x[lane], y[lane]));
    for (x, y) in pairs {
        for lane in 0..8 {
            sums[lane] = sums[lane] + term(x[lane], y[lane]);
        }
    }
    sums
}

/// `Σ aᵢ·bᵢ`; the same bits for `b` and `a`.
pub(super) fn dot<T: Scalar>(a: &[T], b: &[T]) -> T {
    sum(a, b, T::mul)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_summed_whole() {
        for n in (0..40).chain([127, 128, 129, 136, 300, 512, 1000]) {
            let ones = vec![1.0; n];
            let ramp: Vec<f64> = (0..n).map(|i| i as f64).collect();
            assert_eq!(dot(&ones, &ramp), (n * n.saturating_sub(1) / 2) as f64, "{n}");
        }
    }

    /// The expected bits are `numpy.sum` of `1/arange(1, 151, dtype=f4)` (NumPy 2.4.6).
    #[test]
    fn the_order_is_numpys() {
        let ones = vec![1.0f32; 150];
        let terms: Vec<f32> = (1..=150).map(|i| 1.0 / i as f32).collect();
        assert_eq!(dot(&ones, &terms).to_bits(), NUMPY_BITS);
    }
    const NUMPY_BITS: u32 = 0x40b2_eaf5;
}
