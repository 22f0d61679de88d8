//! Constants of oneDNN's C interface, by the names of the header.

use std::ffi::c_int;

/// What a function returns.
pub(super) type Status = c_int;

pub(super) const DNNL_SUCCESS: Status = 0;
pub(super) const DNNL_CPU: c_int = 1;
pub(super) const DNNL_STREAM_DEFAULT_FLAGS: u32 = 1;
pub(super) const DNNL_BF16: c_int = 2;
pub(super) const DNNL_F32: c_int = 3;
pub(super) const DNNL_FORMAT_TAG_ANY: c_int = 1;
pub(super) const DNNL_FORWARD_TRAINING: c_int = 64;
pub(super) const DNNL_FORWARD_INFERENCE: c_int = 96;
pub(super) const DNNL_CONVOLUTION_DIRECT: c_int = 1;
pub(super) const DNNL_BINARY_ADD: c_int = 0x1fff0;
pub(super) const DNNL_ELTWISE_CLIP: c_int = 0x2e;
pub(super) const DNNL_SCRATCHPAD_MODE_USER: c_int = 1;
pub(super) const DNNL_QUERY_WEIGHTS_MD: c_int = 131;
pub(super) const DNNL_QUERY_DIFF_WEIGHTS_MD: c_int = 132;
pub(super) const DNNL_QUERY_SCRATCHPAD_MD: c_int = 136;
pub(super) const DNNL_ARG_SRC: c_int = 1;
pub(super) const DNNL_ARG_SRC_1: c_int = 2;
pub(super) const DNNL_ARG_DST: c_int = 17;
pub(super) const DNNL_ARG_WEIGHTS: c_int = 33;
pub(super) const DNNL_ARG_BIAS: c_int = 41;
pub(super) const DNNL_ARG_SCRATCHPAD: c_int = 80;
pub(super) const DNNL_ARG_DIFF_SRC: c_int = 129;
pub(super) const DNNL_ARG_DIFF_DST: c_int = 145;
pub(super) const DNNL_ARG_DIFF_WEIGHTS: c_int = 161;
/// Of an operation after the first; the second's is twice as large.
pub(super) const DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE: c_int = 32768;
pub(super) const DNNL_RUNTIME_SEQ: u32 = 1;
pub(super) const DNNL_RUNTIME_OMP: u32 = 2;

/// The names of the results of functions, in the order of their numbers.
pub(super) const STATUSES: [&str; 7] = [
    "dnnl_success",
    "dnnl_out_of_memory",
    "dnnl_invalid_arguments",
    "dnnl_unimplemented",
    "dnnl_iterator_ends",
    "dnnl_runtime_error",
    "dnnl_not_required",
];

/// The major version of the interface.
pub(super) const MAJOR: c_int = 3;
