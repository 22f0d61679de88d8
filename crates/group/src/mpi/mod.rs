//! MPI: a library found, loaded and recognised, and its functions called.

mod abi;
mod calls;
mod find;
mod functions;
mod library;
mod start;
mod world;

pub use abi::Abi;

pub(crate) use calls::Calls;
pub(crate) use find::{OF_MPICH, OF_OPEN_MPI, Search, beside};
pub(crate) use library::Library;
pub(crate) use start::start;
