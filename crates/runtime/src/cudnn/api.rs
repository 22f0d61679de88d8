//! The functions of cuDNN's C interface that are called here.

use super::constants::{MAJOR, MAJOR_UNIT, Status};
use super::unfit::Unfit;
use std::ffi::{c_char, c_int, c_void};

macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[derive(Debug)]
        #[repr(C)]
        pub(super) struct $name {
            _private: [u8; 0],
        }
    )*};
}

opaque! {
    /// `struct cudnnContext`.
    HandleObject,
    /// `struct CUstream_st`.
    StreamObject,
    /// `struct cudnnTensorStruct`.
    TensorObject,
    /// `struct cudnnFilterStruct`.
    FilterObject,
    /// `struct cudnnConvolutionStruct`.
    ConvolutionObject,
}

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident: fn($($argument:ty),* $(,)?) $(-> $result:ty)?;)*) => {
        /// The functions of the library, which stays loaded for good: the runtime uses it, too.
        #[derive(Debug)]
        #[allow(non_snake_case)]
        pub(super) struct Api {
            $($(#[$doc])* pub(super) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
        }

        impl Api {
            /// All functions, once the version is known to be one that has them with these types.
            #[allow(unsafe_code)]
            fn of(library: &libloading::Library) -> Result<Self, Unfit> {
                let lacks = |function| move |_| Unfit::Function { function };
                Ok(Self {
                    // SAFETY: the headers of cuDNN 9 give the functions these types.
                    $($name: *unsafe { library.get(stringify!($name).as_bytes()) }
                        .map_err(lacks(stringify!($name)))?,)*
                })
            }
        }
    };
}

// Types and orders as in cuDNN 9.28's headers: the first nine functions in `cudnn_graph.h`, those of
// tensors, filters and normalisation in `cudnn_ops.h`, those of convolutions in `cudnn_cnn.h`.
table! {
    cudnnGetErrorString: fn(Status) -> *const c_char;
    /// The message, its room in bytes. The message is forgotten when it was asked for.
    cudnnGetLastErrorString: fn(*mut c_char, usize);
    cudnnCreate: fn(*mut *mut HandleObject) -> Status;
    cudnnDestroy: fn(*mut HandleObject) -> Status;
    cudnnSetStream: fn(*mut HandleObject, *mut StreamObject) -> Status;
    cudnnGetStream: fn(*mut HandleObject, *mut *mut StreamObject) -> Status;
    cudnnCreateTensorDescriptor: fn(*mut *mut TensorObject) -> Status;
    cudnnDestroyTensorDescriptor: fn(*mut TensorObject) -> Status;
    /// Format, data type, n, c, h, w.
    cudnnSetTensor4dDescriptor:
        fn(*mut TensorObject, c_int, c_int, c_int, c_int, c_int, c_int) -> Status;
    cudnnCreateFilterDescriptor: fn(*mut *mut FilterObject) -> Status;
    cudnnDestroyFilterDescriptor: fn(*mut FilterObject) -> Status;
    /// Data type, format, outputs, inputs, h, w.
    cudnnSetFilter4dDescriptor:
        fn(*mut FilterObject, c_int, c_int, c_int, c_int, c_int, c_int) -> Status;
    cudnnCreateConvolutionDescriptor: fn(*mut *mut ConvolutionObject) -> Status;
    cudnnDestroyConvolutionDescriptor: fn(*mut ConvolutionObject) -> Status;
    /// Zeros above and left, strides down and right, dilations, mode, data type of sums.
    cudnnSetConvolution2dDescriptor: fn(
        *mut ConvolutionObject, c_int, c_int, c_int, c_int, c_int, c_int, c_int, c_int,
    ) -> Status;
    cudnnSetConvolutionMathType: fn(*mut ConvolutionObject, c_int) -> Status;
    /// x, dy, the convolution, dw, the algorithm, the result.
    cudnnGetConvolutionBackwardFilterWorkspaceSize: fn(
        *mut HandleObject, *mut TensorObject, *mut TensorObject, *mut ConvolutionObject,
        *mut FilterObject, c_int, *mut usize,
    ) -> Status;
    /// α, x, dy, the convolution, the algorithm, workspace and its bytes, β, dw.
    cudnnConvolutionBackwardFilter: fn(
        *mut HandleObject, *const c_void, *mut TensorObject, *const c_void,
        *mut TensorObject, *const c_void, *mut ConvolutionObject, c_int,
        *mut c_void, usize, *const c_void, *mut FilterObject, *mut c_void,
    ) -> Status;
    /// w, dy, the convolution, dx, the algorithm, the result.
    cudnnGetConvolutionBackwardDataWorkspaceSize: fn(
        *mut HandleObject, *mut FilterObject, *mut TensorObject, *mut ConvolutionObject,
        *mut TensorObject, c_int, *mut usize,
    ) -> Status;
    /// α, w, dy, the convolution, the algorithm, workspace and its bytes, β, dx.
    cudnnConvolutionBackwardData: fn(
        *mut HandleObject, *const c_void, *mut FilterObject, *const c_void,
        *mut TensorObject, *const c_void, *mut ConvolutionObject, c_int,
        *mut c_void, usize, *const c_void, *mut TensorObject, *mut c_void,
    ) -> Status;
    /// Of what is by channel, from that of the images, mode.
    cudnnDeriveBNTensorDescriptor: fn(*mut TensorObject, *mut TensorObject, c_int) -> Status;
    /// Mode, α, β, x, y, by channel: γ, β, factor, running mean and variance, ε, mean, 1/deviation.
    cudnnBatchNormalizationForwardTraining: fn(
        *mut HandleObject, c_int, *const c_void, *const c_void,
        *mut TensorObject, *const c_void, *mut TensorObject, *mut c_void,
        *mut TensorObject, *const c_void, *const c_void, f64, *mut c_void, *mut c_void,
        f64, *mut c_void, *mut c_void,
    ) -> Status;
    /// Mode, α and β of dx, α and β of dγ and dβ, x, dy, dx, by channel: γ, dγ, dβ, ε, mean,
    /// 1/deviation.
    cudnnBatchNormalizationBackward: fn(
        *mut HandleObject, c_int, *const c_void, *const c_void, *const c_void, *const c_void,
        *mut TensorObject, *const c_void, *mut TensorObject, *const c_void,
        *mut TensorObject, *mut c_void, *mut TensorObject, *const c_void,
        *mut c_void, *mut c_void, f64, *const c_void, *const c_void,
    ) -> Status;
}

impl Api {
    /// The functions of a library that is loaded, and its version.
    ///
    /// # Errors
    /// Another library, another major version, or one that lacks a function.
    #[allow(unsafe_code)]
    pub(super) fn in_library(library: &libloading::Library) -> Result<(Self, String), Unfit> {
        type Version = unsafe extern "C" fn() -> usize;
        // SAFETY: cuDNN exports this function with this type in every version.
        let version = unsafe { library.get::<Version>(b"cudnnGetVersion") };
        let version = version.map_err(|_| Unfit::NotCudnn)?;
        // SAFETY: the function takes nothing and returns a number.
        let found = unsafe { version() };
        let (major, rest) = (found / MAJOR_UNIT, found % MAJOR_UNIT);
        if major != MAJOR {
            return Err(Unfit::Version { found });
        }
        Ok((Self::of(library)?, format!("{major}.{}.{}", rest / 100, rest % 100)))
    }
}
