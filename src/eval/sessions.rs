//! A model loaded several times, so that batches run side by side.
//!
//! On the processor several sessions of few threads embed more images a second than one of many: the
//! threads of one batch wait for each other at every node.

use super::error::Error;
use super::options::ModelOptions;
use super::sets::FACE_PX;
use crate::onnx;
use crate::runtime::{Device, Runtime, Session, Tensor};
use std::num::NonZeroUsize;
use std::sync::{Condvar, Mutex, PoisonError};

/// Sessions on the processor at most: each holds the weights, 260 MB of an IR-101.
const MOST: usize = 4;

/// Sessions of one model.
#[derive(Debug)]
pub(super) struct Sessions {
    free: Mutex<Vec<Session>>,
    returned: Condvar,
    /// How many there are.
    pub(super) count: usize,
    /// Library and version.
    pub(super) library: String,
    /// What the model was made into first, if it was.
    pub(super) rewriting: Option<&'static str>,
}

/// What is loaded.
#[derive(Debug, Clone, Copy)]
pub(super) enum Source<'a> {
    /// The model's file.
    AsItIs,
    /// What a rewriting made of it.
    Rewritten(&'static str, &'a onnx::Model),
}

impl Sessions {
    /// Loads the model; on the processor `threads` are shared out.
    pub(super) fn open(
        runtime: &Runtime,
        options: &ModelOptions,
        source: Source<'_>,
    ) -> Result<Self, Error> {
        let ModelOptions { path, device, threads, time_limit, .. } = options;
        let count = match device {
            Device::Cpu => threads.get().min(MOST),
            Device::Cuda(_) => 1,
        };
        let each = NonZeroUsize::new(threads.get() / count).unwrap_or(NonZeroUsize::MIN);
        let open = |_| -> Result<Session, Error> {
            let session = match source {
                Source::AsItIs => runtime.open(path, each)?,
                Source::Rewritten(_, model) => Session::open_rewritten(runtime, path, model, each)?,
            };
            Ok(session.with_time_limit(*time_limit))
        };
        let sessions = (0..count).map(open).collect::<Result<Vec<_>, Error>>()?;
        let library = format!("onnxruntime {}", runtime.library().version);
        let rewriting = match source {
            Source::AsItIs => None,
            Source::Rewritten(name, _) => Some(name),
        };
        let free = Mutex::new(sessions);
        Ok(Self { free, returned: Condvar::new(), count, library, rewriting })
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
