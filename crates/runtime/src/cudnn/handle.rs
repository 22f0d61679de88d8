//! Handles to the library: the runtime's, or one of our own on the runtime's stream.

use super::api::{Api, HandleObject, StreamObject};
use super::fault::{Fault, call};
use super::place::Lent;
use std::ptr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A handle of our own, for the device that was current when it was made.
#[derive(Debug)]
struct Own {
    api: Arc<Api>,
    raw: *mut HandleObject,
}

#[allow(unsafe_code)]
// SAFETY: the library lets any thread use a handle, one at a time; it is behind a mutex.
unsafe impl Send for Own {}

impl Own {
    #[allow(unsafe_code)]
    fn new(api: &Arc<Api>) -> Result<Self, Fault> {
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place.
        unsafe { call!(api, cudnnCreate(&mut raw)) }?;
        Ok(Self { api: Arc::clone(api), raw })
    }
}

impl Drop for Own {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made once and is given back once; the library stays loaded.
        unsafe { (self.api.cudnnDestroy)(self.raw) };
    }
}

/// The handle of a session's nodes, where the runtime lends none.
#[derive(Debug, Default)]
pub(super) struct Handles {
    own: Mutex<Option<Own>>,
}

/// A handle for the time of a computation.
#[derive(Debug)]
pub(super) struct Handle<'a> {
    pub(super) raw: *mut HandleObject,
    _own: Option<MutexGuard<'a, Option<Own>>>,
}

impl Handles {
    /// The handle that the runtime lends, if it works on the stream that it lends; else our own, made at
    /// the first call, on that stream.
    ///
    /// # Errors
    /// What the library refuses.
    #[allow(unsafe_code)]
    pub(super) fn handle(&self, api: &Arc<Api>, lent: &Lent) -> Result<Handle<'_>, Fault> {
        if let Some(handle) = lent.handle {
            let (raw, mut stream) = (handle.as_ptr(), ptr::null_mut());
            // SAFETY: the runtime lends the handle for the computation; the result has a place.
            unsafe { call!(api, cudnnGetStream(raw, &mut stream)) }?;
            if stream == lent.stream.as_ptr() {
                return Ok(Handle { raw, _own: None });
            }
        }
        // A panic of another thread leaves nothing half made here.
        let mut own = self.own.lock().unwrap_or_else(PoisonError::into_inner);
        let raw = match &*own {
            Some(own) => own.raw,
            None => own.insert(Own::new(api)?).raw,
        };
        let stream: *mut StreamObject = lent.stream.as_ptr();
        // SAFETY: the handle is alive, and so is the runtime's stream during the computation.
        unsafe { call!(api, cudnnSetStream(raw, stream)) }?;
        Ok(Handle { raw, _own: Some(own) })
    }
}
