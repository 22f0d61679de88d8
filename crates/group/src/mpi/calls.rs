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

    /// Puts the sum over ranks of this rank's block of `all` into `own`; there are as many blocks as ranks.
    fn reduce_scatter(&self, all: &[u8], own: &mut [u8], kind: Kind) -> Result<(), Fault>;

    /// Replaces the numbers by those of a rank.
    fn broadcast(&self, numbers: &mut [u8], kind: Kind, root: usize) -> Result<(), Fault>;

    /// Waits until all ranks have come.
    fn barrier(&self) -> Result<(), Fault>;

    /// Leaves the job in order.
    fn finalize(&self) -> Result<(), Fault>;

    /// Ends all ranks. It is not sure that it does not return.
    fn abort(&self, code: i32);
}
