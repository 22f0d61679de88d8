//! What nodes announce, and the run that hears it.

use std::sync::mpsc::Sender;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Values that are made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Announced {
    /// The number that the node tells.
    pub(crate) number: usize,
    /// Where they lie.
    pub(crate) made: Vec<usize>,
}

/// Where the nodes of a runtime's programs announce what is made. One run at a time hears them.
#[derive(Debug, Default)]
pub(crate) struct Bulletin {
    listener: Mutex<Option<Sender<Announced>>>,
}

impl Bulletin {
    /// Has announcements told to a run, until what this returns is dropped.
    pub(crate) fn listen(&self, listener: Sender<Announced>) -> Listening<'_> {
        *self.lock() = Some(listener);
        Listening(self)
    }

    /// Tells whoever listens; one that has ended does not care.
    pub(super) fn tell(&self, announced: Announced) {
        if let Some(listener) = &*self.lock() {
            _ = listener.send(announced);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Option<Sender<Announced>>> {
        self.listener.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A run that hears what is announced.
pub(crate) struct Listening<'b>(&'b Bulletin);

impl Drop for Listening<'_> {
    fn drop(&mut self) {
        *self.0.lock() = None;
    }
}
