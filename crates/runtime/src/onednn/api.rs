//! The functions of oneDNN's C interface that are called here.

use super::super::library::reason;
use super::constants::{DNNL_RUNTIME_OMP, DNNL_RUNTIME_SEQ, MAJOR, Status};
use super::unfit::Unfit;
use std::ffi::{c_char, c_int, c_void};
use std::mem::ManuallyDrop;
use std::path::Path;

macro_rules! opaque {
    ($($(#[$doc:meta])* $name:ident,)*) => {$(
        $(#[$doc])*
        #[repr(C)]
        pub(super) struct $name {
            _private: [u8; 0],
        }
    )*};
}

opaque! {
    /// `struct dnnl_engine`.
    EngineObject,
    /// `struct dnnl_stream`.
    StreamObject,
    /// `struct dnnl_memory_desc`.
    DescObject,
    /// `struct dnnl_memory`.
    MemoryObject,
    /// `struct dnnl_primitive_attr`.
    AttrObject,
    /// `struct dnnl_post_ops`.
    PostOpsObject,
    /// `struct dnnl_primitive_desc`.
    PrimitiveDescObject,
    /// `struct dnnl_primitive`.
    PrimitiveObject,
}

/// `dnnl_version_t`.
#[repr(C)]
pub(super) struct VersionInfo {
    pub(super) major: c_int,
    pub(super) minor: c_int,
    pub(super) patch: c_int,
    pub(super) hash: *const c_char,
    pub(super) cpu_runtime: u32,
    pub(super) gpu_runtime: u32,
}

/// `dnnl_exec_arg_t`.
#[repr(C)]
pub(super) struct ExecArg {
    pub(super) arg: c_int,
    pub(super) memory: *mut MemoryObject,
}

/// `dnnl_dims_t`.
pub(super) type Dims = [i64; 12];

macro_rules! table {
    ($($name:ident: fn($($argument:ty),* $(,)?) $(-> $result:ty)?;)*) => {
        /// The functions of the library, which stays loaded for good: its threads may outlive the last
        /// handle.
        #[derive(Debug)]
        pub(super) struct Api {
            $(pub(super) $name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)*
            /// OpenMP's, where the library uses it.
            pub(super) openmp: Option<OpenMp>,
            pub(super) version: String,
        }

        impl Api {
            /// All functions, once the version is known to be one that has them with these types.
            #[allow(unsafe_code)]
            fn of(
                library: &libloading::Library,
                version: String,
                openmp: Option<OpenMp>,
            ) -> Result<Self, Unfit> {
                let lacks = |function| move |_| Unfit::Function { function };
                Ok(Self {
                    // SAFETY: the header of oneDNN 3 gives the functions these types.
                    $($name: *unsafe { library.get(stringify!($name).as_bytes()) }
                        .map_err(lacks(stringify!($name)))?,)*
                    openmp,
                    version,
                })
            }
        }
    };
}

table! {
    dnnl_engine_create: fn(*mut *mut EngineObject, c_int, usize) -> Status;
    dnnl_stream_create: fn(*mut *mut StreamObject, *mut EngineObject, u32) -> Status;
    dnnl_stream_wait: fn(*mut StreamObject) -> Status;
    dnnl_stream_destroy: fn(*mut StreamObject) -> Status;
    dnnl_memory_desc_create_with_strides:
        fn(*mut *mut DescObject, c_int, *const Dims, c_int, *const Dims) -> Status;
    dnnl_memory_desc_create_with_tag:
        fn(*mut *mut DescObject, c_int, *const Dims, c_int, c_int) -> Status;
    dnnl_memory_desc_create_submemory:
        fn(*mut *mut DescObject, *const DescObject, *const Dims, *const Dims) -> Status;
    dnnl_memory_desc_clone: fn(*mut *mut DescObject, *const DescObject) -> Status;
    dnnl_memory_desc_destroy: fn(*mut DescObject) -> Status;
    dnnl_memory_desc_get_size: fn(*const DescObject) -> usize;
    dnnl_memory_create:
        fn(*mut *mut MemoryObject, *const DescObject, *mut EngineObject, *mut c_void) -> Status;
    dnnl_memory_destroy: fn(*mut MemoryObject) -> Status;
    dnnl_primitive_attr_create: fn(*mut *mut AttrObject) -> Status;
    dnnl_primitive_attr_set_scratchpad_mode: fn(*mut AttrObject, c_int) -> Status;
    dnnl_primitive_attr_set_post_ops: fn(*mut AttrObject, *const PostOpsObject) -> Status;
    dnnl_primitive_attr_destroy: fn(*mut AttrObject) -> Status;
    dnnl_post_ops_create: fn(*mut *mut PostOpsObject) -> Status;
    dnnl_post_ops_append_binary: fn(*mut PostOpsObject, c_int, *const DescObject) -> Status;
    dnnl_post_ops_append_eltwise: fn(*mut PostOpsObject, c_int, f32, f32) -> Status;
    dnnl_post_ops_append_prelu: fn(*mut PostOpsObject, c_int) -> Status;
    dnnl_post_ops_destroy: fn(*mut PostOpsObject) -> Status;
    dnnl_convolution_forward_primitive_desc_create: fn(
        *mut *mut PrimitiveDescObject, *mut EngineObject, c_int, c_int,
        *const DescObject, *const DescObject, *const DescObject, *const DescObject,
        *const Dims, *const Dims, *const Dims, *const Dims, *const AttrObject,
    ) -> Status;
    dnnl_convolution_backward_data_primitive_desc_create: fn(
        *mut *mut PrimitiveDescObject, *mut EngineObject, c_int,
        *const DescObject, *const DescObject, *const DescObject,
        *const Dims, *const Dims, *const Dims, *const Dims,
        *const PrimitiveDescObject, *const AttrObject,
    ) -> Status;
    dnnl_convolution_backward_weights_primitive_desc_create: fn(
        *mut *mut PrimitiveDescObject, *mut EngineObject, c_int,
        *const DescObject, *const DescObject, *const DescObject, *const DescObject,
        *const Dims, *const Dims, *const Dims, *const Dims,
        *const PrimitiveDescObject, *const AttrObject,
    ) -> Status;
    dnnl_reorder_primitive_desc_create: fn(
        *mut *mut PrimitiveDescObject, *const DescObject, *mut EngineObject,
        *const DescObject, *mut EngineObject, *const AttrObject,
    ) -> Status;
    dnnl_primitive_desc_query_md: fn(*const PrimitiveDescObject, c_int, c_int) -> *const DescObject;
    dnnl_primitive_desc_destroy: fn(*mut PrimitiveDescObject) -> Status;
    dnnl_primitive_create: fn(*mut *mut PrimitiveObject, *const PrimitiveDescObject) -> Status;
    dnnl_primitive_execute:
        fn(*const PrimitiveObject, *mut StreamObject, c_int, *const ExecArg) -> Status;
    dnnl_primitive_destroy: fn(*mut PrimitiveObject) -> Status;
}

/// The two functions of OpenMP that say how many threads the caller's work is done by.
#[derive(Debug, Clone, Copy)]
pub(super) struct OpenMp {
    pub(super) omp_get_max_threads: unsafe extern "C" fn() -> c_int,
    pub(super) omp_set_num_threads: unsafe extern "C" fn(c_int),
}

impl Api {
    /// Loads the library at `path`, a file or a name that the system's loader looks for.
    #[allow(unsafe_code)]
    pub(super) fn load(path: &Path) -> Result<Self, Unfit> {
        // SAFETY: loading runs the library's initialisers; that is what the user asks for by naming or
        // installing it.
        let library = unsafe { libloading::Library::new(path) };
        let library = library.map_err(|error| Unfit::Load(reason(&error)))?;
        let library = ManuallyDrop::new(library);
        type Version = unsafe extern "C" fn() -> *const VersionInfo;
        // SAFETY: oneDNN exports this function with this type in every version.
        let version = unsafe { library.get::<Version>(b"dnnl_version") };
        let version = version.map_err(|_| Unfit::NotOneDnn)?;
        // SAFETY: the function takes nothing and returns a static record or null, which begins alike
        // in all versions.
        let version = unsafe { version().as_ref() }.ok_or(Unfit::NotOneDnn)?;
        let text = format!("{}.{}.{}", version.major, version.minor, version.patch);
        if version.major != MAJOR {
            return Err(Unfit::Version { found: text });
        }
        let openmp = match version.cpu_runtime {
            DNNL_RUNTIME_SEQ => None,
            DNNL_RUNTIME_OMP => Some(OpenMp::behind(&library)?),
            found => return Err(Unfit::Threads { found }),
        };
        Self::of(&library, text, openmp)
    }
}

impl OpenMp {
    /// The functions of that OpenMP which the library is linked with: the system looks for names in the
    /// library and then in what it needs.
    #[allow(unsafe_code)]
    fn behind(library: &libloading::Library) -> Result<Self, Unfit> {
        let lacks = |function| move |_| Unfit::Function { function };
        Ok(Self {
            // SAFETY: OpenMP gives the function this type.
            omp_get_max_threads: *unsafe { library.get(b"omp_get_max_threads") }
                .map_err(lacks("omp_get_max_threads"))?,
            // SAFETY: as above.
            omp_set_num_threads: *unsafe { library.get(b"omp_set_num_threads") }
                .map_err(lacks("omp_set_num_threads"))?,
        })
    }
}
