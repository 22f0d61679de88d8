//! What a group asks of MPI, whatever a handle is in the library.

use super::super::fault::Fault;
use super::super::number::{Kind, Reduction};

/// The collectives of the world, and its end. Slices are the bytes of whole numbers of the kind, not more
/// than an `int` counts.
pub(crate) trait Calls: std::fmt::Debug + Send + Sync {
    /// Replaces the numbers by what is made of those of all ranks.
    fn all_reduce(&self, numbers: &mut [u8], kind: Kind, how: Reduction) -> Result<(), Fault>;

    /// Puts the numbers of all ranks into `all`, which has room for them.
    fn all_gather(&self, own: &[u8], all: &mut [u8], kind: Kind) -> Result<(), Fault>;

    /// Puts this rank's block of every rank's `given` into `taken`, in the order of ranks; both have a block
    /// of each rank.
    fn all_to_all(&self, given: &[u8], taken: &mut [u8], kind: Kind) -> Result<(), Fault>;

    /// Replaces the numbers by those of a rank.
    fn broadcast(&self, numbers: &mut [u8], kind: Kind, root: usize) -> Result<(), Fault>;

    /// Waits until all ranks have come.
    fn barrier(&self) -> Result<(), Fault>;

    /// Leaves the job in order.
    fn finalize(&self) -> Result<(), Fault>;

    /// Ends all ranks. It is not sure that it does not return.
    fn abort(&self, code: i32);
}
