//! What is tried.

use super::super::kind::{Kind, OPERATORS};
use super::super::shape::{Convolution, Element, Order, Pass};

pub(super) const PASSES: [Pass; 2] = [Pass::ByImages, Pass::ByKernels];
pub(super) const ORDERS: [Order; 2] = [Order::Planes, Order::Pixels];
pub(super) const ELEMENTS: [Element; 2] = [Element::Float, Element::Half];

/// The name of an operator.
pub(super) fn name(kind: Kind, element: Element) -> &'static str {
    let own = OPERATORS.iter().find(|own| (own.1, own.2) == (kind, element));
    own.unwrap().0
}

const fn convolution(
    [images, height, width]: [usize; 3],
    [inputs, outputs]: [usize; 2],
    [kernel, stride, pad]: [usize; 3],
) -> Convolution {
    let pass = Pass::ByKernels;
    Convolution { pass, images, inputs, outputs, height, width, kernel, stride, pad }
}

/// Small ones: one channel, one image, odd extents, strides that leave rows, kernels of one pixel.
pub(super) const SMALL: [Convolution; 9] = [
    convolution([1, 5, 5], [1, 1], [3, 1, 1]),
    convolution([2, 7, 5], [3, 4], [3, 1, 1]),
    convolution([3, 8, 7], [4, 2], [3, 2, 1]),
    convolution([2, 9, 9], [3, 5], [3, 2, 1]),
    convolution([2, 6, 7], [5, 3], [1, 2, 0]),
    convolution([1, 4, 4], [2, 3], [1, 1, 0]),
    convolution([2, 7, 6], [3, 2], [5, 1, 2]),
    convolution([1, 6, 6], [2, 2], [3, 1, 0]),
    convolution([2, 3, 1], [2, 1], [2, 1, 1]),
];

/// Those of IR-18, IR-50 and IR-100, which differ in how often they have each.
pub(super) const BACKBONES: [Convolution; 13] = [
    convolution([2, 112, 112], [3, 64], [3, 1, 1]),
    convolution([2, 112, 112], [64, 64], [3, 1, 1]),
    convolution([2, 112, 112], [64, 64], [3, 2, 1]),
    convolution([2, 56, 56], [64, 128], [3, 1, 1]),
    convolution([2, 56, 56], [128, 128], [3, 2, 1]),
    convolution([2, 56, 56], [64, 128], [1, 2, 0]),
    convolution([2, 28, 28], [128, 256], [3, 1, 1]),
    convolution([2, 28, 28], [256, 256], [3, 2, 1]),
    convolution([2, 28, 28], [128, 256], [1, 2, 0]),
    convolution([2, 14, 14], [256, 512], [3, 1, 1]),
    convolution([2, 14, 14], [512, 512], [3, 2, 1]),
    convolution([2, 14, 14], [256, 512], [1, 2, 0]),
    convolution([2, 7, 7], [512, 512], [3, 1, 1]),
];

/// Images to normalise, channels second.
pub(super) const NORMALIZED: [[usize; 4]; 5] =
    [[1, 1, 3, 3], [2, 3, 5, 4], [3, 5, 1, 1], [1, 7, 2, 9], [4, 2, 6, 6]];

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
