//! What a call of MPI's answered in place of success.

/// A call that MPI reports an error of. What the other ranks do then is not known: end the job.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{call}: MPI reports error {code}: {said}")]
pub struct Fault {
    /// The function.
    pub call: &'static str,
    /// What it returned.
    pub code: i32,
    /// What the library says of that.
    pub said: String,
}
