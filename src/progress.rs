//! How a long task tells how far it is, without knowing who listens.

/// Receives the progress of a task; `()` is silent.
pub trait Progress: Sync {
    /// Begins a task called `what` of `total` units.
    fn start(&self, what: &str, total: u64);
    /// Counts `by` more units as done.
    fn advance(&self, by: u64);
    /// Says how the task is doing, in a few words.
    fn status(&self, _text: &str) {}
    /// Ends the task.
    fn finish(&self);
}

impl Progress for () {
    fn start(&self, _what: &str, _total: u64) {}
    fn advance(&self, _by: u64) {}
    fn finish(&self) {}
}
