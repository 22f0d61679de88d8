//! Tensors in memory that the stand-in is given by its address.

use half::f16;
use std::ffi::c_void;

/// A tensor, by extents with channels second.
#[derive(Debug, Clone, Copy)]
pub(super) struct Laid {
    pub(super) start: *mut c_void,
    /// Whether it holds halves, else floats.
    pub(super) half: bool,
    /// Whether channels lie last, else second.
    pub(super) last: bool,
    pub(super) of: [usize; 4],
}

impl Laid {
    pub(super) fn count(&self) -> usize {
        self.of.iter().product()
    }

    /// Where an element lies.
    pub(super) fn place(&self, [n, c, h, w]: [usize; 4]) -> usize {
        let [_, channels, height, width] = self.of;
        match self.last {
            true => ((n * height + h) * width + w) * channels + c,
            false => ((n * channels + c) * height + h) * width + w,
        }
    }

    #[allow(unsafe_code)]
    pub(super) fn get(&self, at: [usize; 4]) -> f64 {
        let place = self.place(at);
        assert!(place < self.count(), "{at:?} of {:?}", self.of);
        // SAFETY: the code under test says that a tensor of the extents is there.
        unsafe {
            match self.half {
                true => f64::from(self.start.cast::<f16>().add(place).read()),
                false => f64::from(self.start.cast::<f32>().add(place).read()),
            }
        }
    }

    /// Writes all numbers, in the order in which they lie.
    #[allow(unsafe_code)]
    pub(super) fn fill(&self, numbers: &[f64]) {
        assert_eq!(numbers.len(), self.count());
        for (place, &number) in numbers.iter().enumerate() {
            // SAFETY: as above.
            unsafe {
                match self.half {
                    true => self.start.cast::<f16>().add(place).write(f16::from_f64(number)),
                    false => self.start.cast::<f32>().add(place).write(number as f32),
                }
            }
        }
    }
}

/// A float of those at an address.
#[allow(unsafe_code)]
pub(super) fn number(start: *const c_void, at: usize) -> f64 {
    // SAFETY: the code under test says that as many floats are there as there are channels.
    f64::from(unsafe { start.cast::<f32>().add(at).read() })
}
