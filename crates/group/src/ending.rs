//! How a process of a job ends.
//!
//! A rank that ends with 0 before it has left goes unnoticed under MPICH: the launcher ends the others and
//! reports success.

use std::ffi::{c_int, c_void};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// What a process ends with whose job is broken: a rank did not come, or this one ended without leaving
/// (`EX_SOFTWARE` of sysexits.h).
pub const CODE_OF_A_BROKEN_JOB: i32 = 70;

/// How long MPI has for ending the job.
const ABORT_LIMIT: Duration = Duration::from_secs(5);

/// How long a launcher has for passing on what the ranks have written: one that is told to end the job
/// ends with what it has passed on by then.
const SAYING: Duration = Duration::from_millis(500);

/// Whether this process owes its job an orderly leave.
static OWES_LEAVE: AtomicBool = AtomicBool::new(false);

#[allow(unsafe_code)]
unsafe extern "C" {
    /// The C library's: the function is called at the end, with the code that the process ends with.
    fn on_exit(function: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
}

/// From now on the process does not end with 0, unless [`has_left`] is called before.
#[allow(unsafe_code)]
pub(crate) fn must_leave() {
    if !OWES_LEAVE.swap(true, Ordering::SeqCst) {
        // SAFETY: the function stays for the life of the process and takes no argument. Where there is no
        // room for it the process ends as it would without.
        unsafe { on_exit(at_exit, std::ptr::null_mut()) };
    }
}

/// The process may end with 0 again.
pub(crate) fn has_left() {
    OWES_LEAVE.store(false, Ordering::SeqCst);
}

extern "C" fn at_exit(code: c_int, _: *mut c_void) {
    if code == 0 && OWES_LEAVE.load(Ordering::SeqCst) {
        now(CODE_OF_A_BROKEN_JOB);
    }
}

/// Ends the process with nothing else done.
#[allow(unsafe_code)]
pub(crate) fn now(code: i32) -> ! {
    // SAFETY: it ends the process.
    unsafe { libc::_exit(code) }
}

/// Ends the job by `abort`, once what was written has been passed on, and this process in any case.
pub(crate) fn abort(code: i32, abort: impl FnOnce()) -> ! {
    thread::sleep(SAYING);
    // Where no thread can be had, an abort that hangs is the launcher's to end.
    let _ = thread::Builder::new().name("abort".into()).spawn(move || {
        thread::sleep(ABORT_LIMIT);
        now(code)
    });
    abort();
    now(code)
}
