//! What is computed, of which extents, and how it lies.

use super::constants::{
    CUDNN_DATA_FLOAT, CUDNN_DATA_HALF, CUDNN_DEFAULT_MATH, CUDNN_FMA_MATH, CUDNN_TENSOR_NCHW,
    CUDNN_TENSOR_NHWC, CUDNN_TENSOR_OP_MATH,
};
use ort::value::TensorElementType;
use std::ffi::c_int;
use std::fmt;

/// What images and kernels hold. Sums, and all that is by channel, are floats.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Element {
    Float,
    Half,
}

impl Element {
    pub(super) fn data_type(self) -> c_int {
        match self {
            Self::Float => CUDNN_DATA_FLOAT,
            Self::Half => CUDNN_DATA_HALF,
        }
    }

    pub(super) fn tensor(self) -> TensorElementType {
        match self {
            Self::Float => TensorElementType::Float32,
            Self::Half => TensorElementType::Float16,
        }
    }

    pub(super) fn bytes(self) -> usize {
        match self {
            Self::Float => 4,
            Self::Half => 2,
        }
    }

    /// How the library is to multiply: floats rounded to TF32 where the runtime's own convolutions are.
    pub(super) fn math(self, tf32: bool) -> c_int {
        match (self, tf32) {
            (Self::Half, _) => CUDNN_TENSOR_OP_MATH,
            (Self::Float, true) => CUDNN_DEFAULT_MATH,
            (Self::Float, false) => CUDNN_FMA_MATH,
        }
    }
}

/// How the four extents of images and kernels lie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Order {
    /// Images, channels, height, width.
    Planes,
    /// Images, height, width, channels.
    Pixels,
}

impl Order {
    pub(super) fn format(self) -> c_int {
        match self {
            Self::Planes => CUDNN_TENSOR_NCHW,
            Self::Pixels => CUDNN_TENSOR_NHWC,
        }
    }

    /// Extents as a tensor has them, of those with channels second.
    pub(super) fn laid(self, [n, c, h, w]: [usize; 4]) -> [usize; 4] {
        match self {
            Self::Planes => [n, c, h, w],
            Self::Pixels => [n, h, w, c],
        }
    }

    /// Extents with channels second, of those that a tensor has.
    pub(super) fn named(self, [a, b, c, d]: [usize; 4]) -> [usize; 4] {
        match self {
            Self::Planes => [a, b, c, d],
            Self::Pixels => [a, d, b, c],
        }
    }
}

/// Which of a convolution's gradients is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Pass {
    /// dx of w and dy.
    ByImages,
    /// dw of x and dy.
    ByKernels,
}

/// A gradient of a convolution: x of `images × inputs × height × width`, w of `outputs × inputs ×
/// kernel × kernel`, y of `images × outputs × rows × columns`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Convolution {
    pub(super) pass: Pass,
    pub(super) images: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) kernel: usize,
    pub(super) stride: usize,
    pub(super) pad: usize,
}

impl Convolution {
    /// Extents of x, w and y with channels second; none where the kernel does not fit.
    pub(super) fn extents(&self) -> Option<[[usize; 4]; 3]> {
        let positions = |extent: usize| {
            let room = (extent + 2 * self.pad).checked_sub(self.kernel)?;
            Some(room.checked_div(self.stride)? + 1)
        };
        let (rows, columns) = (positions(self.height)?, positions(self.width)?);
        Some([
            [self.images, self.inputs, self.height, self.width],
            [self.outputs, self.inputs, self.kernel, self.kernel],
            [self.images, self.outputs, rows, columns],
        ])
    }
}

impl fmt::Display for Convolution {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { images, inputs, outputs, height, width, kernel, stride, pad, .. } = self;
        write!(
            f,
            "{images} images of {inputs}×{height}×{width}, {outputs} kernels of {kernel}×{kernel} \
             (stride {stride}, pad {pad})"
        )
    }
}

/// Of what a node's computation is made, and by what it is found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Work {
    Convolution(Convolution),
    /// Images of these extents, channels second, normalised by channel, or the gradients of that.
    Normalization([usize; 4]),
}

impl fmt::Display for Work {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Convolution(own) => own.fmt(f),
            Self::Normalization([n, c, h, w]) => write!(f, "{n} images of {c}×{h}×{w}"),
        }
    }
}
