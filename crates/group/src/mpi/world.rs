//! MPI's functions, called on the world.

use super::super::fault::Fault;
use super::super::number::{Kind, Reduction};
use super::abi::{Handle, Row};
use super::calls::Calls;
use super::functions::Functions;
use std::ffi::{CStr, c_int, c_void};

/// Bytes that a library may write of an error (MPICH and the standard 512, Open MPI 256).
const ERROR_BYTES: usize = 512;

/// A library whose handles are `H`, started.
#[derive(Debug)]
pub(super) struct World<H: Handle> {
    pub(super) functions: Functions<H>,
    pub(super) row: Row<H>,
    pub(super) size: usize,
}

impl<H: Handle> World<H> {
    fn in_place(&self) -> *const c_void {
        self.row.in_place as *const c_void
    }

    fn checked(&self, call: &'static str, code: c_int) -> Result<(), Fault> {
        checked(&self.functions, call, code)
    }
}

/// What the returned code of a function means.
pub(super) fn checked<H: Handle>(
    functions: &Functions<H>,
    call: &'static str,
    code: c_int,
) -> Result<(), Fault> {
    if code == 0 {
        return Ok(());
    }
    Err(Fault { call, code, said: text(functions, code) })
}

/// What the library says of an error, in one line.
#[allow(unsafe_code)]
fn text<H: Handle>(functions: &Functions<H>, code: c_int) -> String {
    // One byte more stays zero, so that the text ends.
    let (mut text, mut length) = ([0_u8; ERROR_BYTES + 1], 0);
    // SAFETY: the function writes no more bytes than these.
    unsafe { (functions.error_string)(code, text.as_mut_ptr().cast(), &mut length) };
    let text = CStr::from_bytes_until_nul(&text).unwrap_or_default().to_string_lossy();
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Elements of a slice of bytes.
#[allow(clippy::expect_used)]
fn count(bytes: &[u8], kind: Kind) -> c_int {
    c_int::try_from(bytes.len() / kind.size()).expect("a call has pieces that an int counts")
}

impl<H: Handle> Calls for World<H> {
    #[allow(unsafe_code)]
    fn all_reduce(&self, numbers: &mut [u8], kind: Kind, how: Reduction) -> Result<(), Fault> {
        let (count, row) = (count(numbers, kind), &self.row);
        let (place, all) = (self.in_place(), numbers.as_mut_ptr().cast());
        // SAFETY: MPI reads and writes `count` numbers of the kind, which the slice has.
        let code = unsafe {
            (self.functions.all_reduce)(
                place,
                all,
                count,
                row.kind(kind),
                row.reduction(how),
                row.world,
            )
        };
        self.checked("MPI_Allreduce", code)
    }

    #[allow(unsafe_code)]
    fn all_gather(&self, own: &[u8], all: &mut [u8], kind: Kind) -> Result<(), Fault> {
        assert_eq!(all.len(), own.len() * self.size, "room for the numbers of all ranks");
        let (count, number) = (count(own, kind), self.row.kind(kind));
        let (own, all) = (own.as_ptr().cast(), all.as_mut_ptr().cast());
        // SAFETY: MPI reads `count` numbers of the kind and writes as many for each rank, for which the
        // second slice has room; the slices do not overlap.
        let code = unsafe {
            (self.functions.all_gather)(own, count, number, all, count, number, self.row.world)
        };
        self.checked("MPI_Allgather", code)
    }

    #[allow(unsafe_code)]
    fn all_to_all(&self, given: &[u8], taken: &mut [u8], kind: Kind) -> Result<(), Fault> {
        assert_eq!(given.len(), taken.len(), "a block of each rank");
        assert!(given.len().is_multiple_of(self.size * kind.size()), "blocks of whole numbers");
        let count = count(&given[..given.len() / self.size], kind);
        let number = self.row.kind(kind);
        let (given, taken) = (given.as_ptr().cast(), taken.as_mut_ptr().cast());
        // SAFETY: MPI reads and writes `count` numbers of the kind for each rank, which both slices have;
        // they do not overlap.
        let code = unsafe {
            (self.functions.all_to_all)(given, count, number, taken, count, number, self.row.world)
        };
        self.checked("MPI_Alltoall", code)
    }

    #[allow(unsafe_code, clippy::expect_used)]
    fn broadcast(&self, numbers: &mut [u8], kind: Kind, root: usize) -> Result<(), Fault> {
        let root = c_int::try_from(root).expect("ranks are numbered by an int");
        let (count, number) = (count(numbers, kind), self.row.kind(kind));
        let numbers = numbers.as_mut_ptr().cast();
        // SAFETY: MPI reads or writes `count` numbers of the kind, which the slice has.
        let code =
            unsafe { (self.functions.broadcast)(numbers, count, number, root, self.row.world) };
        self.checked("MPI_Bcast", code)
    }

    #[allow(unsafe_code)]
    fn barrier(&self) -> Result<(), Fault> {
        // SAFETY: the handle is the world's.
        let code = unsafe { (self.functions.barrier)(self.row.world) };
        self.checked("MPI_Barrier", code)
    }

    #[allow(unsafe_code)]
    fn finalize(&self) -> Result<(), Fault> {
        // SAFETY: MPI is started, and the caller makes no call after this one.
        let code = unsafe { (self.functions.finalize)() };
        if code == 0 {
            return Ok(());
        }
        // After it, nothing may be asked.
        Err(Fault {
            call: "MPI_Finalize",
            code,
            said: "the job may not have ended in order".into(),
        })
    }

    #[allow(unsafe_code)]
    fn abort(&self, code: i32) {
        // SAFETY: the handle is the world's. Another thread may be in a call that it will not return from;
        // the process ends with it.
        unsafe { (self.functions.abort)(self.row.world, code) };
    }
}
