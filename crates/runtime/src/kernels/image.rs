//! The numbers of an image in the runtime's memory.

use std::cell::Cell;
use std::marker::PhantomData;
use std::ops::Range;

/// The numbers of an image that the runtime has lent for one computation. An output may lie where
/// an input does, so they are cells.
#[derive(Debug, Clone, Copy)]
pub(super) struct Image<'a, N = f32> {
    start: *const Cell<N>,
    elements: usize,
    lent: PhantomData<&'a Cell<N>>,
}

// SAFETY: its numbers are reached through `cells` alone, whose callers keep threads apart.
#[allow(unsafe_code)]
unsafe impl<N: Send> Send for Image<'_, N> {}
// SAFETY: as above.
#[allow(unsafe_code)]
unsafe impl<N: Send> Sync for Image<'_, N> {}

impl<'a, N> Image<'a, N> {
    /// # Safety
    /// As many numbers lie at `start`, for as long as `'a`; what writes them meanwhile does so
    /// through images.
    #[allow(unsafe_code)]
    pub(super) unsafe fn new(start: *mut N, elements: usize) -> Self {
        // The runtime gives no address for no elements.
        let start = if elements == 0 { std::ptr::dangling() } else { start.cast_const().cast() };
        Self { start, elements, lent: PhantomData }
    }

    /// Some of the numbers.
    ///
    /// # Safety
    /// As long as the cells are in use, no other thread reaches the same numbers, through this image
    /// or one that lies in the same place, unless both read only.
    ///
    /// # Panics
    /// Where the elements are not the image's.
    #[allow(unsafe_code)]
    pub(super) unsafe fn cells(&self, part: Range<usize>) -> &'a [Cell<N>] {
        // SAFETY: so many numbers lie there; numbers may be seen as cells.
        let all = unsafe { std::slice::from_raw_parts(self.start, self.elements) };
        &all[part]
    }
}
