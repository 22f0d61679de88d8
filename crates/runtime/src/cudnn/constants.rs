//! Constants of cuDNN's C interface, by the names of the headers of version 9 that have them.

use std::ffi::c_int;

/// What a function returns: `cudnnStatus_t` of `cudnn_graph.h`.
pub(super) type Status = c_int;

pub(super) const CUDNN_STATUS_SUCCESS: Status = 0;

/// `cudnnDataType_t` of `cudnn_graph.h`.
pub(super) const CUDNN_DATA_FLOAT: c_int = 0;
pub(super) const CUDNN_DATA_HALF: c_int = 2;

/// `cudnnTensorFormat_t` of `cudnn_graph.h`.
pub(super) const CUDNN_TENSOR_NCHW: c_int = 0;
pub(super) const CUDNN_TENSOR_NHWC: c_int = 1;

/// `cudnnConvolutionMode_t` of `cudnn_graph.h`: kernels are not turned.
pub(super) const CUDNN_CROSS_CORRELATION: c_int = 1;

/// `cudnnMathType_t` of `cudnn_graph.h`. The default rounds floats to TF32 on the cards that can; FMA
/// keeps it from doing so.
pub(super) const CUDNN_DEFAULT_MATH: c_int = 0;
pub(super) const CUDNN_TENSOR_OP_MATH: c_int = 1;
pub(super) const CUDNN_FMA_MATH: c_int = 3;

/// `cudnnConvolutionBwdFilterAlgo_t` of `cudnn_ops.h`, which calls it deterministic; 0 and 3 are not.
pub(super) const CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1: c_int = 1;

/// `cudnnConvolutionBwdDataAlgo_t` of `cudnn_ops.h`, which calls it deterministic; 0 is not.
pub(super) const CUDNN_CONVOLUTION_BWD_DATA_ALGO_1: c_int = 1;

/// `cudnnBatchNormMode_t` of `cudnn_ops.h`: one mean a channel. The persistent mode, 2, adds scaled
/// integers and may overflow.
pub(super) const CUDNN_BATCHNORM_SPATIAL: c_int = 1;

/// The major version of the interface.
pub(super) const MAJOR: usize = 9;

/// Of `CUDNN_VERSION` in `cudnn_version.h`: 10000 × major + 100 × minor + patch. Before version 9 it
/// was 1000 × major.
pub(super) const MAJOR_UNIT: usize = 10_000;
