//! How a set is packed.

use crate::pack::{OnError, PackFiles, Previous};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// How a set is packed: nothing of it decides the pack's bytes.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the pack goes.
    pub files: PackFiles,
    /// What a bad image does.
    pub on_error: OnError,
    /// What becomes of a pack that is there.
    pub previous: Previous,
    /// Whether an interrupted pack of another plan is an error, in place of being begun anew.
    pub resume: bool,
    /// Becomes true when the run shall end: what is written by then is kept.
    pub stop: Arc<AtomicBool>,
    /// Whether to stop before the first image.
    pub dry_run: bool,
    /// Threads that read and encode.
    pub jobs: usize,
}

impl Options {
    /// Stop at the first bad image, keep what is there, two threads.
    pub fn new(files: PackFiles) -> Self {
        Self {
            files,
            on_error: OnError::Stop,
            previous: Previous::Keep,
            resume: false,
            stop: Arc::default(),
            dry_run: false,
            jobs: 2,
        }
    }
}
