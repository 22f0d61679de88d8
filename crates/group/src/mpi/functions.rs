//! The functions of MPI that are called here.

use super::super::unfit::Unfit;
use super::abi::Handle;
use std::ffi::{c_char, c_int, c_void};
use std::ptr;

macro_rules! table {
    ($($(#[$doc:meta])* $name:ident = $symbol:ident: fn($($argument:ty),* $(,)?);)*) => {
        /// The functions of a library whose handles are `H`; each returns 0 or the code of an error.
        #[derive(Debug)]
        pub(super) struct Functions<H: Handle> {
            $($(#[$doc])* pub(super) $name: unsafe extern "C" fn($($argument),*) -> c_int,)*
        }

        impl<H: Handle> Functions<H> {
            /// All functions, once it is known that the library's handles are `H`.
            #[allow(unsafe_code)]
            pub(super) fn of(library: &libloading::Library) -> Result<Self, Unfit> {
                let lacks = |symbol| move |_| Unfit::Symbol { symbol };
                Ok(Self {
                    // SAFETY: MPI gives the functions these types in every version since 3.
                    $($name: *unsafe { library.get(stringify!($symbol).as_bytes()) }
                        .map_err(lacks(stringify!($symbol)))?,)*
                })
            }
        }
    };
}

table! {
    init_thread = MPI_Init_thread: fn(*mut c_int, *mut *mut *mut c_char, c_int, *mut c_int);
    comm_rank = MPI_Comm_rank: fn(H, *mut c_int);
    comm_size = MPI_Comm_size: fn(H, *mut c_int);
    comm_split_type = MPI_Comm_split_type: fn(H, c_int, c_int, H, *mut H);
    comm_free = MPI_Comm_free: fn(*mut H);
    comm_set_errhandler = MPI_Comm_set_errhandler: fn(H, H);
    error_string = MPI_Error_string: fn(c_int, *mut c_char, *mut c_int);
    all_reduce = MPI_Allreduce: fn(*const c_void, *mut c_void, c_int, H, H, H);
    all_gather = MPI_Allgather: fn(*const c_void, c_int, H, *mut c_void, c_int, H, H);
    all_to_all =
        MPI_Alltoall: fn(*const c_void, c_int, H, *mut c_void, c_int, H, H);
    broadcast = MPI_Bcast: fn(*mut c_void, c_int, H, c_int, H);
    barrier = MPI_Barrier: fn(H);
    abort = MPI_Abort: fn(H, c_int);
    finalize = MPI_Finalize: fn();
}

impl<H: Handle> Functions<H> {
    /// Starts MPI; returns the thread level that it gives.
    #[allow(unsafe_code)]
    pub(super) fn init(&self, level: c_int) -> Result<c_int, c_int> {
        let mut given = -1;
        // SAFETY: MPI takes null for the arguments; the last is a place for one number.
        let code =
            unsafe { (self.init_thread)(ptr::null_mut(), ptr::null_mut(), level, &mut given) };
        if code == 0 { Ok(given) } else { Err(code) }
    }
}
