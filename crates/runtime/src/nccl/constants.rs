//! Constants of NCCL's C interface (`nccl.h` of 2.30).

use std::ffi::c_int;

/// `ncclResult_t`.
pub(super) type Status = c_int;

pub(super) const NCCL_SUCCESS: Status = 0;
pub(super) const NCCL_IN_PROGRESS: Status = 7;

/// `ncclDataType_t`: floats of 32 bits.
pub(super) const NCCL_FLOAT32: c_int = 7;

/// `ncclRedOp_t`.
pub(super) const NCCL_SUM: c_int = 0;
pub(super) const NCCL_MAX: c_int = 2;

/// The major version whose functions these are.
pub(super) const MAJOR: c_int = 2;

/// Bytes of `ncclUniqueId`.
pub(super) const ID_BYTES: usize = 128;
