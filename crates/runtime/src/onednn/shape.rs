//! What a convolution is of, and how its images are divided among threads.

use std::fmt;
use std::ops::Range;

/// Which of a convolution's three products is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pass {
    /// y of x and w.
    Forward,
    /// dx of w and dy.
    ByImages,
    /// dw of x and dy.
    ByKernels,
}

/// What the numbers that are multiplied are; sums, and what is made, are always in f32.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Factors {
    /// f32.
    Float,
    /// bfloat16: images and positions come so, kernels are rounded to the nearest, of two to the even one.
    Bfloat16,
}

/// A convolution: x of `[images, height, width, inputs]`, w of `[outputs, inputs, kernel, kernel]`, y of
/// `[images, rows, columns, outputs]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Shape {
    pub(super) pass: Pass,
    pub(super) factors: Factors,
    pub(super) images: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) pad: usize,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { images, height, width, inputs, outputs, kernel, stride, pad, .. } = self;
        write!(
            f,
            "{images} images of {height}×{width}×{inputs}, {outputs} kernels of {kernel}×{kernel} \
             (stride {stride}, pad {pad})"
        )
    }
}

/// The most parts: as many threads can work on a convolution at once.
pub(super) const PARTS: usize = 16;

/// The most parts of the gradient by kernels whose parts have fewer positions than [`KERNEL_POSITIONS`]:
/// each part makes a gradient as large as the kernels, and all are added up.
const KERNEL_PARTS: usize = 4;

/// Positions of a part of the gradient by kernels that are worth the adding.
const KERNEL_POSITIONS: usize = 2048;

/// Multiplications below which a part is not worth its call.
const PART_WORK: usize = 1 << 22;

impl Shape {
    /// Positions of the kernel along an edge, or nothing where it does not fit.
    pub(super) fn positions(&self, extent: usize) -> Option<usize> {
        let room = (extent + 2 * self.pad).checked_sub(self.kernel)?;
        Some(room.checked_div(self.stride)? + 1)
    }

    /// Rows and columns of y; zero where the kernel does not fit.
    pub(super) fn positions_of_all(&self) -> [usize; 2] {
        [self.height, self.width].map(|extent| self.positions(extent).unwrap_or(0))
    }

    /// Numbers of x of one image.
    pub(super) fn image_numbers(&self) -> usize {
        self.height * self.width * self.inputs
    }

    /// Numbers of y of one image.
    pub(super) fn position_numbers(&self) -> usize {
        let [rows, columns] = self.positions_of_all();
        rows * columns * self.outputs
    }

    /// Bytes of memory to work in: the kernels as the library has them, for the gradient by kernels once a
    /// part.
    pub(super) fn scratch_bytes(&self) -> u64 {
        let kernels = self.inputs * self.outputs * self.kernel * self.kernel;
        let (copies, bytes) = match (self.pass, self.factors) {
            (Pass::ByKernels, _) => (self.parts().len(), 4),
            (_, Factors::Float) => (1, 4),
            (_, Factors::Bfloat16) => (1, 2),
        };
        (copies * bytes * kernels) as u64
    }

    /// The images in parts of which each is one thread's work, the larger ones first. They follow from
    /// the shape alone, so that results do not depend on the number of threads.
    pub(super) fn parts(&self) -> Vec<Range<usize>> {
        let [rows, columns] = self.positions_of_all();
        let most = match self.pass {
            Pass::ByKernels => {
                (self.images * rows * columns / KERNEL_POSITIONS).clamp(KERNEL_PARTS, PARTS)
            }
            Pass::Forward | Pass::ByImages => PARTS,
        };
        let work = self.position_numbers() * self.inputs * self.kernel * self.kernel;
        let worth = (self.images * work / PART_WORK).max(1);
        self.divided(most.min(worth))
    }

    /// The images in at most `count` parts that differ by one image at most.
    pub(super) fn divided(&self, count: usize) -> Vec<Range<usize>> {
        let count = count.min(self.images);
        let (each, more) = (self.images / count.max(1), self.images % count.max(1));
        let mut start = 0;
        let part = |number| {
            let end = start + each + usize::from(number < more);
            std::mem::replace(&mut start, end)..end
        };
        (0..count).map(part).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_all_images_in_order_and_the_larger_come_first() {
        let shape = Shape {
            pass: Pass::Forward,
            factors: Factors::Float,
            images: 7,
            height: 5,
            width: 5,
            inputs: 1,
            outputs: 1,
            kernel: 3,
            stride: 2,
            pad: 1,
        };
        assert_eq!(shape.divided(3), [0..3, 3..5, 5..7]);
        assert_eq!(shape.divided(9).len(), 7);
        assert_eq!(Shape { images: 0, ..shape }.divided(3), []);
        assert_eq!(shape.positions_of_all(), [3, 3]);
        assert_eq!(Shape { kernel: 8, ..shape }.positions(5), None);
    }

    #[test]
    fn memory_to_work_in_holds_the_kernels_of_each_part() {
        let shape = Shape {
            pass: Pass::Forward,
            factors: Factors::Float,
            images: 8,
            height: 28,
            width: 28,
            inputs: 16,
            outputs: 32,
            kernel: 3,
            stride: 1,
            pad: 1,
        };
        let kernels = 4 * 16 * 32 * 9;
        let rounded = Shape { factors: Factors::Bfloat16, ..shape };
        assert_eq!(shape.scratch_bytes(), kernels);
        assert_eq!(rounded.scratch_bytes(), kernels / 2);
        assert_eq!(Shape { pass: Pass::ByImages, ..rounded }.scratch_bytes(), kernels / 2);
        let by_kernels = Shape { pass: Pass::ByKernels, ..rounded };
        let parts = by_kernels.parts().len() as u64;
        assert!(parts > 1);
        assert_eq!(by_kernels.scratch_bytes(), parts * kernels);
    }
}
