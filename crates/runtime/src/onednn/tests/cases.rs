//! The convolutions that are tried.

use super::super::shape::Pass;

pub(super) const PASSES: [Pass; 3] = [Pass::Forward, Pass::ByImages, Pass::ByKernels];

/// A convolution, without what is made of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Case {
    pub(super) images: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) pad: usize,
}

const fn case(
    [images, height, width]: [usize; 3],
    [inputs, outputs]: [usize; 2],
    [kernel, stride, pad]: [usize; 3],
) -> Case {
    Case { images, height, width, inputs, outputs, kernel, stride, pad }
}

/// Those of the backbones, and what they do not have: one channel, odd extents, batches that do not
/// divide.
pub(super) const SHAPES: [Case; 10] = [
    case([2, 14, 14], [3, 64], [3, 1, 1]),
    case([3, 14, 14], [64, 64], [3, 1, 1]),
    case([2, 14, 14], [64, 128], [3, 2, 1]),
    case([3, 14, 14], [64, 128], [1, 2, 0]),
    case([2, 7, 7], [512, 512], [3, 1, 1]),
    case([1, 9, 9], [1, 1], [3, 1, 1]),
    case([3, 13, 9], [5, 7], [3, 1, 1]),
    case([3, 13, 9], [16, 24], [3, 2, 1]),
    case([1, 13, 9], [64, 3], [5, 1, 2]),
    case([3, 28, 28], [64, 64], [3, 1, 1]),
];

impl Case {
    pub(super) fn positions(&self, extent: usize) -> usize {
        (extent + 2 * self.pad - self.kernel) / self.stride + 1
    }

    /// Extents of x, w and y.
    pub(super) fn extents(&self) -> [[usize; 4]; 3] {
        let &Self { images, height, width, inputs, outputs, kernel, .. } = self;
        [
            [images, height, width, inputs],
            [outputs, inputs, kernel, kernel],
            [images, self.positions(height), self.positions(width), outputs],
        ]
    }

    /// Extents of a node's inputs and of its output.
    pub(super) fn ports(&self, pass: Pass) -> ([[usize; 4]; 2], [usize; 4]) {
        let [x, w, y] = self.extents();
        match pass {
            Pass::Forward => ([x, w], y),
            Pass::ByImages => ([w, y], x),
            Pass::ByKernels => ([x, y], w),
        }
    }

    /// Numbers of a node's inputs.
    pub(super) fn inputs(&self, pass: Pass) -> [Vec<f32>; 2] {
        let [a, b] = self.ports(pass).0;
        [noise(1, a.iter().product()), noise(2, b.iter().product())]
    }
}

/// Numbers from −1 to 1, the same for a seed (SplitMix64).
pub(super) fn noise(seed: u64, count: usize) -> Vec<f32> {
    let mut state = seed;
    let next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = state;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((bits ^ (bits >> 31)) >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    std::iter::repeat_with(next).take(count).collect()
}
