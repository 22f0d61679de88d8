//! A stand-in for NCCL that records what it is asked, holds it against the header, and makes what ranks with
//! the same numbers would.

use super::super::api::{Api, CommunicatorObject, StreamObject, UniqueId};
use super::super::constants::{ID_BYTES, Status};
use super::super::library::NcclLibrary;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::ffi::{c_char, c_int, c_void};
use std::slice;
use std::sync::{Mutex, PoisonError};

const INVALID_ARGUMENT: Status = 4;

/// A collective as it was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) function: &'static str,
    pub(super) count: usize,
    pub(super) kind: c_int,
    /// The reduction or the root; −1 where there is none.
    pub(super) number: c_int,
    pub(super) stream: usize,
}

/// A communicator.
#[derive(Debug, Clone, Default)]
pub(super) struct Communicator {
    pub(super) ranks: usize,
    pub(super) rank: usize,
    pub(super) calls: Vec<Call>,
    /// What it says that it has noticed.
    pub(super) noticed: Status,
    pub(super) is_destroyed: bool,
    pub(super) is_aborted: bool,
}

/// By addresses at which nothing is: threads look at one, too.
static COMMUNICATORS: Mutex<BTreeMap<usize, Communicator>> = Mutex::new(BTreeMap::new());

/// What a thread has asked before it had a communicator, and what is to be refused it.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked {
    pub(super) device: Option<c_int>,
    pub(super) identifiers: usize,
    pub(super) joined: Vec<usize>,
    pub(super) refused: Option<(&'static str, Status)>,
}

thread_local! {
    static ASKED: RefCell<Asked> = RefCell::default();
}

pub(super) fn asked<R>(with: impl FnOnce(&mut Asked) -> R) -> R {
    ASKED.with_borrow_mut(with)
}

/// Looks at a communicator, or changes it.
pub(super) fn communicator<R>(address: usize, with: impl FnOnce(&mut Communicator) -> R) -> R {
    let mut all = COMMUNICATORS.lock().unwrap_or_else(PoisonError::into_inner);
    with(all.get_mut(&address).expect("a communicator"))
}

/// The one that this thread joined last.
pub(super) fn last() -> usize {
    asked(|own| *own.joined.last().expect("a thread that has joined"))
}

fn refused(function: &'static str) -> Option<Status> {
    asked(|own| own.refused.filter(|(name, _)| *name == function).map(|(_, status)| status))
}

extern "C" fn set_device(device: c_int) -> c_int {
    asked(|own| own.device = Some(device));
    refused("cudaSetDevice").unwrap_or(0)
}

extern "C" fn error_string(status: Status) -> *const c_char {
    match status {
        1 => c"unhandled cuda error",
        3 => c"internal error",
        6 => c"remote process exited or there was a network error",
        _ => return std::ptr::null(),
    }
    .as_ptr()
}

extern "C" fn last_error(_: *mut CommunicatorObject) -> *const c_char {
    c"as the test asks\n".as_ptr()
}

#[allow(unsafe_code)]
extern "C" fn unique_id(place: *mut UniqueId) -> Status {
    asked(|own| own.identifiers += 1);
    if let Some(status) = refused("ncclGetUniqueId") {
        return status;
    }
    // SAFETY: the code under test gives a place.
    unsafe { place.write(UniqueId([7; ID_BYTES])) };
    0
}

#[allow(unsafe_code)]
extern "C" fn init(
    place: *mut *mut CommunicatorObject,
    ranks: c_int,
    id: UniqueId,
    rank: c_int,
) -> Status {
    if let Some(status) = refused("ncclCommInitRank") {
        return status;
    }
    if id != UniqueId([7; ID_BYTES]) || !(0..ranks).contains(&rank) {
        return INVALID_ARGUMENT;
    }
    let (ranks, rank) = (ranks as usize, rank as usize);
    let mut all = COMMUNICATORS.lock().unwrap_or_else(PoisonError::into_inner);
    let address = (all.len() + 1) << 8;
    all.insert(address, Communicator { ranks, rank, ..Communicator::default() });
    asked(|own| own.joined.push(address));
    // SAFETY: the code under test gives a place.
    unsafe { place.write(std::ptr::without_provenance_mut(address)) };
    0
}

extern "C" fn destroy(own: *mut CommunicatorObject) -> Status {
    communicator(own.addr(), |own| own.is_destroyed = true);
    0
}

extern "C" fn abort(own: *mut CommunicatorObject) -> Status {
    communicator(own.addr(), |own| own.is_aborted = true);
    0
}

#[allow(unsafe_code)]
extern "C" fn async_error(own: *mut CommunicatorObject, place: *mut Status) -> Status {
    let noticed = communicator(own.addr(), |own| own.noticed);
    // SAFETY: the code under test gives a place.
    unsafe { place.write(noticed) };
    0
}

/// Records a collective and has it made of x, `read` numbers, to y, `written`.
#[allow(unsafe_code)]
fn collective(
    own: *mut CommunicatorObject,
    call: Call,
    (x, read): (*const c_void, usize),
    (y, written): (*mut c_void, usize),
    make: impl Fn(&Communicator, &[f32], usize) -> f32,
) -> Status {
    if let Some(status) = refused(call.function) {
        return status;
    }
    let own = communicator(own.addr(), |own| {
        own.calls.push(call);
        own.clone()
    });
    let is_alive = !own.is_destroyed && !own.is_aborted;
    if !is_alive || x.is_null() || y.is_null() || call.kind != 7 || call.stream == 0 {
        return INVALID_ARGUMENT;
    }
    // SAFETY: the code under test says that so many are there, in the processor's memory.
    let x = unsafe { slice::from_raw_parts(x.cast::<f32>(), read) }.to_vec();
    // SAFETY: as above; what was read is a copy.
    let y = unsafe { slice::from_raw_parts_mut(y.cast::<f32>(), written) };
    y.iter_mut().enumerate().for_each(|(at, y)| *y = make(&own, &x, at));
    0
}

fn ranks_of(own: *mut CommunicatorObject) -> usize {
    communicator(own.addr(), |own| own.ranks)
}

extern "C" fn all_reduce(
    x: *const c_void,
    y: *mut c_void,
    count: usize,
    kind: c_int,
    number: c_int,
    own: *mut CommunicatorObject,
    stream: *mut StreamObject,
) -> Status {
    let call = Call { function: "ncclAllReduce", count, kind, number, stream: stream.addr() };
    collective(own, call, (x, count), (y, count), |own, x, at| match number {
        0 => own.ranks as f32 * x[at],
        _ => x[at],
    })
}

extern "C" fn all_gather(
    x: *const c_void,
    y: *mut c_void,
    count: usize,
    kind: c_int,
    own: *mut CommunicatorObject,
    stream: *mut StreamObject,
) -> Status {
    let call = Call { function: "ncclAllGather", count, kind, number: -1, stream: stream.addr() };
    let written = count * ranks_of(own);
    collective(own, call, (x, count), (y, written), |_, x, at| x[at % x.len()])
}

extern "C" fn reduce_scatter(
    x: *const c_void,
    y: *mut c_void,
    count: usize,
    kind: c_int,
    number: c_int,
    own: *mut CommunicatorObject,
    stream: *mut StreamObject,
) -> Status {
    let call = Call { function: "ncclReduceScatter", count, kind, number, stream: stream.addr() };
    let read = count * ranks_of(own);
    collective(own, call, (x, read), (y, count), |own, x, at| {
        own.ranks as f32 * x[own.rank * x.len() / own.ranks + at]
    })
}

extern "C" fn broadcast(
    x: *const c_void,
    y: *mut c_void,
    count: usize,
    kind: c_int,
    number: c_int,
    own: *mut CommunicatorObject,
    stream: *mut StreamObject,
) -> Status {
    let call = Call { function: "ncclBroadcast", count, kind, number, stream: stream.addr() };
    collective(own, call, (x, count), (y, count), |_, x, at| x[at])
}

/// The stand-in as a library.
pub(super) fn library() -> NcclLibrary {
    let api = Api {
        cudaSetDevice: set_device,
        ncclGetErrorString: error_string,
        ncclGetLastError: last_error,
        ncclGetUniqueId: unique_id,
        ncclCommInitRank: init,
        ncclCommDestroy: destroy,
        ncclCommAbort: abort,
        ncclCommGetAsyncError: async_error,
        ncclAllReduce: all_reduce,
        ncclAllGather: all_gather,
        ncclReduceScatter: reduce_scatter,
        ncclBroadcast: broadcast,
    };
    NcclLibrary::of(api, "2.30.7")
}
