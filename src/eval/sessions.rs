//! A model loaded several times, so that batches run side by side.
//!
//! On the processor several sessions of few threads embed more images a second than one of many: the
//! threads of one batch wait for each other at every node.

use super::error::Error;
use super::options::ModelOptions;
use super::sets::FACE_PX;
use crate::runtime::{Device, OnMissing, Runtime, Session, Tensor};
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

/// Sessions on the processor at most: each holds the weights, 260 MB of an IR-101.
const MOST: usize = 4;

/// Sessions of one model.
pub(super) struct Sessions {
    free: Mutex<Vec<Session>>,
    returned: Condvar,
    /// How many there are.
    pub(super) count: usize,
    /// Library and version.
    pub(super) library: String,
}

impl Sessions {
    /// Starts the runtime and loads the model; on the processor `threads` are shared out.
    pub(super) fn open(options: &ModelOptions, say: &dyn Fn(&str)) -> Result<Self, Error> {
        let ModelOptions { path, device, threads, time_limit, .. } = options;
        let runtime = Runtime::start(*device, OnMissing::Install, say)?;
        let count = match device {
            Device::Cpu => threads.get().min(MOST),
            Device::Cuda(_) => 1,
        };
        let each = NonZeroUsize::new(threads.get() / count).unwrap_or(NonZeroUsize::MIN);
        let open = |_| Ok(runtime.open(path, each)?.with_time_limit(*time_limit));
        let sessions = (0..count).map(open).collect::<Result<Vec<_>, Error>>()?;
        let library = format!("onnxruntime {}", runtime.library().version);
        Ok(Self { free: Mutex::new(sessions), returned: Condvar::new(), count, library })
    }

    /// Runs one batch [images, 3, 112, 112] on the first session that is free.
    pub(super) fn run(&self, faces: &[f32], images: usize) -> Result<Vec<Tensor>, Error> {
        let edge = FACE_PX as usize;
        let mut session = self.take();
        let outputs = session.run(faces, &[images, 3, edge, edge]);
        self.free.lock().unwrap_or_else(PoisonError::into_inner).push(session);
        self.returned.notify_one();
        Ok(outputs?)
    }

    fn take(&self) -> Session {
        let mut free = self.free.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if let Some(session) = free.pop() {
                return session;
            }
            free = self.returned.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
    }
}
