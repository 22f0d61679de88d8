//! A rank among those that exchange on devices.

use super::api::{Api, CommunicatorObject, StreamObject, UniqueId};
use super::constants::{
    ID_BYTES, NCCL_FLOAT32, NCCL_IN_PROGRESS, NCCL_MAX, NCCL_SUCCESS, NCCL_SUM, Status,
};
use super::error::Error;
use super::library::NcclLibrary;
use super::streams::{Cuda, Streams};
use crate::exchange::{Carrier, Collective};
use ort::operator::ComputeContext;
use ort::value::{DynTensor, DynTensorRefMut};
use qgface_fs::causes::chain;
use qgface_group::Group;
use std::ffi::{c_int, c_void};
use std::ptr;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::Duration;

/// How often it is looked whether NCCL has noticed an error.
const LOOK: Duration = Duration::from_millis(100);

/// This rank among those that exchange on devices, one of each. A clone is another handle to the same.
#[derive(Clone)]
pub struct Nccl {
    shared: Arc<Shared>,
    streams: Arc<dyn Streams>,
}

struct Shared {
    library: NcclLibrary,
    group: Arc<Group>,
    ranks: usize,
    /// Nothing after an error.
    raw: Mutex<Option<Raw>>,
}

/// A communicator that is alive.
struct Raw(*mut CommunicatorObject);

#[allow(unsafe_code)]
// SAFETY: the library lets any thread use a communicator, one at a time; it is behind a mutex.
unsafe impl Send for Raw {}

impl std::fmt::Debug for Nccl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Shared { library, ranks, .. } = &*self.shared;
        f.debug_struct("Nccl").field("version", &library.version()).field("ranks", ranks).finish()
    }
}

impl Nccl {
    /// Joins the ranks of a group, each with a device of its own.
    ///
    /// # Errors
    /// A device that is none, what NCCL refuses, and ranks that could not join, on all.
    pub fn join(library: NcclLibrary, group: &Arc<Group>, device: u32) -> Result<Self, Error> {
        Self::join_on(library, group, device, Arc::new(Cuda))
    }

    pub(super) fn join_on(
        library: NcclLibrary,
        group: &Arc<Group>,
        device: u32,
        streams: Arc<dyn Streams>,
    ) -> Result<Self, Error> {
        let api = &*library.api;
        let of_device = set_device(api, device);
        // All take part in what follows whatever fails on one, so that none waits for it.
        let id = identifier(api, group)?;
        let ready = agreed(group, of_device.and(id))?;
        let (ranks, rank) = (group.size(), group.rank());
        let joined = group.watched("joining NCCL", || initialised(api, ready, ranks, rank));
        let raw = agreed(group, joined)?;
        let (group, raw) = (Arc::clone(group), Mutex::new(Some(raw)));
        Ok(Self { shared: Arc::new(Shared { library, group, ranks, raw }), streams })
    }

    /// Leaves in order, once all ranks do; nothing is exchanged after. Without it the ranks that wait for this
    /// one are left to themselves when the last handle is dropped, as after an error.
    ///
    /// # Errors
    /// What NCCL refuses, and [`Error::Ended`].
    #[allow(unsafe_code)]
    pub fn leave(&self) -> Result<(), Error> {
        let Shared { library, group, raw, .. } = &*self.shared;
        let Raw(raw) =
            raw.lock().unwrap_or_else(PoisonError::into_inner).take().ok_or(Error::Ended)?;
        // SAFETY: it is alive and freed here, once; the library stays loaded.
        let destroy = || unsafe { (library.api.ncclCommDestroy)(raw) };
        let status = group.watched("leaving NCCL", destroy);
        checked(&library.api, None, "ncclCommDestroy", status)
    }

    /// What the library says its version is.
    pub fn version(&self) -> &str {
        self.shared.library.version()
    }

    /// Does work of which exchanges are part: the group's timer is on it, and an error that NCCL notices by
    /// itself ends it.
    ///
    /// # Errors
    /// That error, whatever became of the work.
    pub(crate) fn during<R>(&self, work: impl FnOnce() -> R) -> Result<R, Error> {
        let shared = &*self.shared;
        std::thread::scope(|scope| {
            let (done, ended) = mpsc::channel::<()>();
            let looking = scope.spawn(move || {
                while ended.recv_timeout(LOOK) == Err(mpsc::RecvTimeoutError::Timeout) {
                    if let Err(error) = shared.look() {
                        shared.end();
                        return Err(error);
                    }
                }
                Ok(())
            });
            let result = shared.group.watched("what devices exchange", work);
            drop(done);
            // It does not panic.
            let looked = looking.join().unwrap_or(Ok(()));
            looked.and_then(|()| shared.look()).map(|()| result)
        })
    }
}

impl Shared {
    fn with<R>(&self, work: impl FnOnce(*mut CommunicatorObject) -> R) -> Result<R, Error> {
        // Held while it is used: it is not to be freed meanwhile.
        let raw = self.raw.lock().unwrap_or_else(PoisonError::into_inner);
        raw.as_ref().map(|Raw(raw)| work(*raw)).ok_or(Error::Ended)
    }

    /// Whether NCCL has noticed an error.
    #[allow(unsafe_code)]
    fn look(&self) -> Result<(), Error> {
        let api = &*self.library.api;
        self.with(|raw| {
            let mut status = NCCL_SUCCESS;
            // SAFETY: the communicator is alive, and the result has a place.
            let looked = unsafe { (api.ncclCommGetAsyncError)(raw, &mut status) };
            checked(api, Some(raw), "ncclCommGetAsyncError", looked)?;
            let is_fine = matches!(status, NCCL_SUCCESS | NCCL_IN_PROGRESS);
            if is_fine { Ok(()) } else { checked(api, Some(raw), "NCCL", status) }
        })?
    }

    /// Ends what devices are at, and the communicator.
    #[allow(unsafe_code)]
    fn end(&self) {
        let raw = self.raw.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(Raw(raw)) = raw {
            // SAFETY: it is alive and freed here, once.
            unsafe { (self.library.api.ncclCommAbort)(raw) };
        }
    }
}

impl Drop for Shared {
    /// Who has not left has failed: to leave in order would wait for the others.
    fn drop(&mut self) {
        self.end();
    }
}

impl Carrier for Nccl {
    fn ranks(&self) -> usize {
        self.shared.ranks
    }

    fn provider(&self) -> Option<&'static str> {
        self.streams.provider()
    }

    fn carry(
        &self,
        context: &ComputeContext,
        collective: Collective,
        x: &DynTensor,
        y: &mut DynTensorRefMut<'_>,
        number: usize,
    ) -> Result<(), String> {
        let count = |tensor: &DynTensor| tensor.shape().iter().product::<i64>() as usize;
        let counts = (count(x), count(y));
        if counts == (0, 0) {
            return Ok(());
        }
        let stream = self.streams.stream(context).map_err(|error| error.to_string())?.as_ptr();
        let (x, y) = (x.data_ptr(), y.data_ptr().cast_mut());
        let put = self.shared.put(collective, (x, y), counts, number, stream);
        put.map_err(|error| chain(&error))
    }
}

impl Shared {
    /// Puts an exchange of floats behind a stream.
    #[allow(unsafe_code)]
    fn put(
        &self,
        collective: Collective,
        (x, y): (*const c_void, *mut c_void),
        (read, written): (usize, usize),
        number: usize,
        stream: *mut StreamObject,
    ) -> Result<(), Error> {
        let (api, kind) = (&*self.library.api, NCCL_FLOAT32);
        self.with(|raw| {
            // SAFETY: of all: the communicator is alive; x and y are the runtime's, on the device, as long as
            // is said, kept until the stream has passed, which is the one that they are made and read in.
            let (function, status) = unsafe {
                match collective {
                    Collective::Sum => (
                        "ncclAllReduce",
                        (api.ncclAllReduce)(x, y, read, kind, NCCL_SUM, raw, stream),
                    ),
                    Collective::Max => (
                        "ncclAllReduce",
                        (api.ncclAllReduce)(x, y, read, kind, NCCL_MAX, raw, stream),
                    ),
                    Collective::Gather => {
                        ("ncclAllGather", (api.ncclAllGather)(x, y, read, kind, raw, stream))
                    }
                    Collective::Scatter => (
                        "ncclReduceScatter",
                        (api.ncclReduceScatter)(x, y, written, kind, NCCL_SUM, raw, stream),
                    ),
                    Collective::Tell => {
                        let root = number as c_int;
                        ("ncclBroadcast", (api.ncclBroadcast)(x, y, read, kind, root, raw, stream))
                    }
                }
            };
            checked(api, Some(raw), function, status)
        })?
    }
}

fn checked(
    api: &Api,
    communicator: Option<*mut CommunicatorObject>,
    function: &'static str,
    status: Status,
) -> Result<(), Error> {
    match status {
        NCCL_SUCCESS => Ok(()),
        status => Err(Error::refused(api, communicator, function, status)),
    }
}

#[allow(unsafe_code)]
fn set_device(api: &Api, device: u32) -> Result<(), Error> {
    // SAFETY: the function takes a number.
    match unsafe { (api.cudaSetDevice)(device as c_int) } {
        0 => Ok(()),
        status => Err(Error::Device { device, status }),
    }
}

/// The identifier by which ranks join, which the first one makes; all learn whether it could.
fn identifier(api: &Api, group: &Group) -> Result<Result<UniqueId, Error>, Error> {
    let mut told = [0; 1 + ID_BYTES];
    let mut own = Ok(());
    if group.rank() == 0 {
        let made = new_identifier(api);
        own = made.map(|UniqueId(id)| {
            told[0] = 1;
            told[1..].copy_from_slice(&id);
        });
    }
    group.broadcast(&mut told, 0)?;
    let mut id = UniqueId([0; ID_BYTES]);
    id.0.copy_from_slice(&told[1..]);
    let first_failed = || Err(Error::Others { ranks: vec![0], of: group.size() });
    Ok(match own {
        Err(error) => Err(error),
        Ok(()) if told[0] == 1 => Ok(id),
        Ok(()) => first_failed(),
    })
}

#[allow(unsafe_code)]
fn new_identifier(api: &Api) -> Result<UniqueId, Error> {
    let mut id = UniqueId([0; ID_BYTES]);
    // SAFETY: the result has a place.
    let status = unsafe { (api.ncclGetUniqueId)(&mut id) };
    checked(api, None, "ncclGetUniqueId", status).map(|()| id)
}

#[allow(unsafe_code)]
fn initialised(api: &Api, id: UniqueId, ranks: usize, rank: usize) -> Result<Raw, Error> {
    let mut raw = ptr::null_mut();
    // SAFETY: the result has a place; all ranks come here with the same identifier.
    let status = unsafe { (api.ncclCommInitRank)(&mut raw, ranks as c_int, id, rank as c_int) };
    checked(api, None, "ncclCommInitRank", status).map(|()| Raw(raw))
}

/// What this rank has, once all have something; else why not, on each.
fn agreed<T>(group: &Group, own: Result<T, Error>) -> Result<T, Error> {
    let mut all = vec![0_u8; group.size()];
    group.all_gather(&[u8::from(own.is_ok())], &mut all)?;
    let failed = (0..all.len()).filter(|&rank| all[rank] == 0).collect::<Vec<_>>();
    match own {
        Ok(_) if !failed.is_empty() => Err(Error::Others { ranks: failed, of: group.size() }),
        own => own,
    }
}

#[cfg(test)]
impl Nccl {
    /// For tests: a rank of as many, of which no other is there.
    pub(super) fn of_ranks(
        library: NcclLibrary,
        (ranks, rank): (usize, usize),
        streams: Arc<dyn Streams>,
    ) -> Self {
        let raw = initialised(&library.api, UniqueId([7; ID_BYTES]), ranks, rank).unwrap();
        let (group, raw) = (Arc::new(Group::alone()), Mutex::new(Some(raw)));
        Self { shared: Arc::new(Shared { library, group, ranks, raw }), streams }
    }
}
