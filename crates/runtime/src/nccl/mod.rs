//! NCCL: what ranks exchange on CUDA devices, one of each rank, as the operators of
//! [`exchange`](super::exchange).
//!
//! The library is loaded while the program runs. Ranks meet through their group: the first one makes an
//! identifier, all are told it, and each joins with it. Collectives are put behind the runtime's own stream,
//! so that they wait for what they read and what reads them waits for them. While a program with them runs,
//! errors that NCCL notices by itself end it, unless it is in a call that waits for its peers before it
//! returns, as the first of a kind may; and the group's timer ends ranks that wait for one that does not come.
//!
//! Not run on a device yet: the calls are held against a stand-in.

mod api;
mod communicator;
mod constants;
mod error;
mod library;
mod streams;
mod unfit;

#[cfg(test)]
mod tests;

pub use communicator::Nccl;
pub use error::Error;
pub use library::NcclLibrary;
pub use unfit::Unfit;
