//! The functions of NCCL's C interface that are called here, and the one of CUDA's that comes before.

use super::constants::{ID_BYTES, MAJOR, Status};
use super::unfit::Unfit;
use std::ffi::{c_char, c_int, c_void};

/// `struct ncclComm`.
#[derive(Debug)]
#[repr(C)]
pub(super) struct CommunicatorObject {
    _private: [u8; 0],
}

/// `struct CUstream_st`.
#[derive(Debug)]
#[repr(C)]
pub(super) struct StreamObject {
    _private: [u8; 0],
}

/// `ncclUniqueId`, which is handed over by value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub(super) struct UniqueId(pub(super) [u8; ID_BYTES]);

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident: fn($($argument:ty),* $(,)?) -> $result:ty;)*) => {
        /// The functions of the library, which stays loaded for good.
        #[derive(Debug)]
        #[allow(non_snake_case)]
        pub(super) struct Api {
            /// Makes a device the calling thread's; 0 is success.
            pub(super) cudaSetDevice: unsafe extern "C" fn(c_int) -> c_int,
            $($(#[$doc])* pub(super) $name: unsafe extern "C" fn($($argument),*) -> $result,)*
        }

        impl Api {
            /// The functions of a library that is loaded, and its version.
            ///
            /// # Errors
            /// Another library, another major version, or one that lacks a function.
            #[allow(unsafe_code)]
            pub(super) fn in_library(
                library: &libloading::Library,
                cuda: &libloading::Library,
            ) -> Result<(Self, String), Unfit> {
                let version = version(library)?;
                let lacks = |function| move |_| Unfit::Function { function };
                let api = Self {
                    // SAFETY: the runtime library of CUDA gives this function this type in all versions.
                    cudaSetDevice: *unsafe { cuda.get(b"cudaSetDevice") }
                        .map_err(lacks("cudaSetDevice"))?,
                    // SAFETY: the header of NCCL 2 gives the functions these types.
                    $($name: *unsafe { library.get(stringify!($name).as_bytes()) }
                        .map_err(lacks(stringify!($name)))?,)*
                };
                Ok((api, version))
            }
        }
    };
}

table! {
    ncclGetErrorString: fn(Status) -> *const c_char;
    /// Of a communicator, or null: what was said of the last error.
    ncclGetLastError: fn(*mut CommunicatorObject) -> *const c_char;
    ncclGetUniqueId: fn(*mut UniqueId) -> Status;
    /// The communicator's place, ranks, the identifier, this rank.
    ncclCommInitRank: fn(*mut *mut CommunicatorObject, c_int, UniqueId, c_int) -> Status;
    ncclCommDestroy: fn(*mut CommunicatorObject) -> Status;
    /// Ends what it is at, and frees it.
    ncclCommAbort: fn(*mut CommunicatorObject) -> Status;
    ncclCommGetAsyncError: fn(*mut CommunicatorObject, *mut Status) -> Status;
    /// What is read, what is written, count, type, reduction.
    ncclAllReduce: fn(
        *const c_void, *mut c_void, usize, c_int, c_int, *mut CommunicatorObject, *mut StreamObject,
    ) -> Status;
    /// What is read, what is written, count of what is read, type.
    ncclAllGather: fn(
        *const c_void, *mut c_void, usize, c_int, *mut CommunicatorObject, *mut StreamObject,
    ) -> Status;
    /// What is read, what is written, count of what is written, type, reduction.
    ncclReduceScatter: fn(
        *const c_void, *mut c_void, usize, c_int, c_int, *mut CommunicatorObject, *mut StreamObject,
    ) -> Status;
    /// What is read by the root, what is written, count, type, root.
    ncclBroadcast: fn(
        *const c_void, *mut c_void, usize, c_int, c_int, *mut CommunicatorObject, *mut StreamObject,
    ) -> Status;
}

/// The version of a library, in words.
#[allow(unsafe_code)]
fn version(library: &libloading::Library) -> Result<String, Unfit> {
    type Version = unsafe extern "C" fn(*mut c_int) -> Status;
    // SAFETY: NCCL exports this function with this type in every version.
    let version = unsafe { library.get::<Version>(b"ncclGetVersion") };
    let version = version.map_err(|_| Unfit::NotNccl)?;
    let mut found = 0;
    // SAFETY: the result has a place.
    unsafe { version(&mut found) };
    told(found)
}

/// From 2.9 on 10,000 × major + 100 × minor + patch; before 1,000 × major.
fn told(found: c_int) -> Result<String, Unfit> {
    let (major, rest) = (found / 10_000, found % 10_000);
    match major == MAJOR {
        true => Ok(format!("{major}.{}.{}", rest / 100, rest % 100)),
        false => Err(Unfit::Version { found }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_told_and_another_major_one_is_unfit() {
        assert_eq!(told(23_007), Ok("2.30.7".to_owned()));
        assert_eq!(told(2_804), Err(Unfit::Version { found: 2_804 }));
        assert_eq!(told(30_000), Err(Unfit::Version { found: 30_000 }));
    }
}
