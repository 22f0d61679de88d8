//! What a run works with beside its settings.

use crate::group::Group;
use crate::progress::Progress;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// What a run works with beside its settings.
pub struct Surroundings<'a> {
    /// Threads that load, and threads of a step on the processor.
    pub jobs: usize,
    /// Hears how far it is.
    pub progress: &'a dyn Progress,
    /// Hears of decisions.
    pub say: &'a dyn Fn(&str),
    /// Set by whoever wants the run to end after the step at work.
    pub stop: &'a AtomicBool,
    /// Called after each checkpoint with the run's folder, to draw it.
    pub after_checkpoint: &'a dyn Fn(&Path),
    /// The ranks that train together, of which the configuration says which this is. The first one alone
    /// writes, but for what others hold apart, and says anything.
    pub group: &'a Arc<Group>,
}
