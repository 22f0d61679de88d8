//! Lanes in the registers of AVX-512 and of AVX2.
#![allow(unsafe_code)]

use super::vector::{Block, LANES, Lanes, Numbers, Work};
use half::bf16;
use std::arch::x86_64::*;
use std::cell::Cell;

/// What is added to the bits of a float, beside the lowest of those that stay, so that cutting rounds.
const BELOW_HALF: i32 = 0x7fff;

/// The bit that keeps what is no number from becoming an infinity.
const QUIET: i32 = 0x40;

/// Does work in registers of sixteen floats; gives it back where the processor has none.
pub(super) fn in_avx512<W: Work>(work: W) -> Result<W::Made, W> {
    #[target_feature(enable = "avx512f")]
    fn inside<W: Work>(work: W) -> W::Made {
        work.run::<Avx512>()
    }
    if !std::is_x86_feature_detected!("avx512f") {
        return Err(work);
    }
    // SAFETY: the processor has the instructions.
    Ok(unsafe { inside(work) })
}

/// Does work in pairs of registers of eight floats; gives it back where the processor has none.
pub(super) fn in_avx2<W: Work>(work: W) -> Result<W::Made, W> {
    #[target_feature(enable = "avx2")]
    fn inside<W: Work>(work: W) -> W::Made {
        work.run::<Avx2>()
    }
    if !std::is_x86_feature_detected!("avx2") {
        return Err(work);
    }
    // SAFETY: the processor has the instructions.
    Ok(unsafe { inside(work) })
}

#[derive(Clone, Copy)]
struct Avx512(__m512);

impl Lanes for Avx512 {
    #[inline(always)]
    fn splat(number: f32) -> Self {
        // SAFETY: here and below, such lanes are used inside `in_avx512` alone.
        Self(unsafe { _mm512_set1_ps(number) })
    }
    #[inline(always)]
    fn of(numbers: &Numbers) -> Self {
        // SAFETY: sixteen floats lie there.
        Self(unsafe { _mm512_loadu_ps(numbers.as_ptr()) })
    }
    #[inline(always)]
    fn put(self, numbers: &mut Numbers) {
        // SAFETY: there is room for sixteen floats.
        unsafe { _mm512_storeu_ps(numbers.as_mut_ptr(), self.0) }
    }
    #[inline(always)]
    fn load(block: &Block) -> Self {
        // SAFETY: sixteen floats lie there; cells are not shared with other threads.
        Self(unsafe { _mm512_loadu_ps(block.as_ptr().cast()) })
    }
    #[inline(always)]
    fn store(self, block: &Block) {
        // SAFETY: as above, and what is in a cell may change.
        unsafe { _mm512_storeu_ps(block.as_ptr().cast_mut().cast(), self.0) }
    }
    #[inline(always)]
    fn store_rounded(self, block: &[Cell<bf16>; LANES]) {
        // SAFETY: there is room for sixteen numbers of 16 bits, and what is in a cell may change.
        unsafe {
            let bits = _mm512_castps_si512(self.0);
            let high = _mm512_srli_epi32::<16>(bits);
            let odd = _mm512_and_si512(high, _mm512_set1_epi32(1));
            let half = _mm512_add_epi32(odd, _mm512_set1_epi32(BELOW_HALF));
            let nearest = _mm512_srli_epi32::<16>(_mm512_add_epi32(bits, half));
            let quiet = _mm512_or_si512(high, _mm512_set1_epi32(QUIET));
            let none = _mm512_cmp_ps_mask::<_CMP_UNORD_Q>(self.0, self.0);
            let made = _mm512_mask_blend_epi32(none, nearest, quiet);
            let to = block.as_ptr().cast_mut().cast();
            _mm256_storeu_si256(to, _mm512_cvtepi32_epi16(made));
        }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see `splat`.
        Self(unsafe { _mm512_add_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see `splat`.
        Self(unsafe { _mm512_sub_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: see `splat`.
        Self(unsafe { _mm512_mul_ps(self.0, other.0) })
    }
    #[inline(always)]
    fn if_positive(self, yes: Self, no: Self) -> Self {
        // SAFETY: see `splat`.
        unsafe {
            let mask = _mm512_cmp_ps_mask::<_CMP_GT_OQ>(self.0, _mm512_setzero_ps());
            Self(_mm512_mask_blend_ps(mask, no.0, yes.0))
        }
    }
}

#[derive(Clone, Copy)]
struct Avx2(__m256, __m256);

impl Lanes for Avx2 {
    #[inline(always)]
    fn splat(number: f32) -> Self {
        // SAFETY: here and below, such lanes are used inside `in_avx2` alone.
        let half = unsafe { _mm256_set1_ps(number) };
        Self(half, half)
    }
    #[inline(always)]
    fn of(numbers: &Numbers) -> Self {
        let from = numbers.as_ptr();
        // SAFETY: sixteen floats lie there.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }
    #[inline(always)]
    fn put(self, numbers: &mut Numbers) {
        let to = numbers.as_mut_ptr();
        // SAFETY: there is room for sixteen floats.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }
    #[inline(always)]
    fn load(block: &Block) -> Self {
        let from = block.as_ptr().cast();
        // SAFETY: sixteen floats lie there; cells are not shared with other threads.
        unsafe { Self(_mm256_loadu_ps(from), _mm256_loadu_ps(from.add(8))) }
    }
    #[inline(always)]
    fn store(self, block: &Block) {
        let to: *mut f32 = block.as_ptr().cast_mut().cast();
        // SAFETY: as above, and what is in a cell may change.
        unsafe {
            _mm256_storeu_ps(to, self.0);
            _mm256_storeu_ps(to.add(8), self.1);
        }
    }
    #[inline(always)]
    fn store_rounded(self, block: &[Cell<bf16>; LANES]) {
        // SAFETY: there is room for sixteen numbers of 16 bits, and what is in a cell may change.
        unsafe {
            let nearest = |numbers: __m256| {
                let bits = _mm256_castps_si256(numbers);
                let high = _mm256_srli_epi32::<16>(bits);
                let odd = _mm256_and_si256(high, _mm256_set1_epi32(1));
                let half = _mm256_add_epi32(odd, _mm256_set1_epi32(BELOW_HALF));
                let nearest = _mm256_srli_epi32::<16>(_mm256_add_epi32(bits, half));
                let quiet = _mm256_or_si256(high, _mm256_set1_epi32(QUIET));
                let none = _mm256_castps_si256(_mm256_cmp_ps::<_CMP_UNORD_Q>(numbers, numbers));
                _mm256_blendv_epi8(nearest, quiet, none)
            };
            // Halves of registers are packed by turns.
            let packed = _mm256_packus_epi32(nearest(self.0), nearest(self.1));
            let made = _mm256_permute4x64_epi64::<0b11_01_10_00>(packed);
            _mm256_storeu_si256(block.as_ptr().cast_mut().cast(), made);
        }
    }
    #[inline(always)]
    fn add(self, other: Self) -> Self {
        // SAFETY: see `splat`.
        unsafe { Self(_mm256_add_ps(self.0, other.0), _mm256_add_ps(self.1, other.1)) }
    }
    #[inline(always)]
    fn sub(self, other: Self) -> Self {
        // SAFETY: see `splat`.
        unsafe { Self(_mm256_sub_ps(self.0, other.0), _mm256_sub_ps(self.1, other.1)) }
    }
    #[inline(always)]
    fn mul(self, other: Self) -> Self {
        // SAFETY: see `splat`.
        unsafe { Self(_mm256_mul_ps(self.0, other.0), _mm256_mul_ps(self.1, other.1)) }
    }
    #[inline(always)]
    fn if_positive(self, yes: Self, no: Self) -> Self {
        // SAFETY: see `splat`.
        unsafe {
            let zero = _mm256_setzero_ps();
            let low = _mm256_cmp_ps::<_CMP_GT_OQ>(self.0, zero);
            let high = _mm256_cmp_ps::<_CMP_GT_OQ>(self.1, zero);
            Self(_mm256_blendv_ps(no.0, yes.0, low), _mm256_blendv_ps(no.1, yes.1, high))
        }
    }
}
