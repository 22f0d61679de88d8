//! Processes that work together ("ranks"), on an MPI that is loaded while the program runs.
//!
//! A [`Launcher`] starts them, a [`Group`] is the job as one of them sees it. No MPI is needed to build,
//! and none to run where there is one process.
#![warn(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

#[cfg(not(all(target_os = "linux", target_arch = "x86_64")))]
compile_error!("the constants of MPI and the end of a process are those of 64-bit x86 Linux");

mod collectives;
mod ending;
mod engine;
mod environment;
mod error;
mod fault;
mod group;
mod joined;
mod launch;
mod mpi;
mod number;
mod pieces;
mod place;
mod started;
mod starter;
mod sums;
mod unfit;
mod unsigned;
mod watch;

pub use ending::CODE_OF_A_BROKEN_JOB;
pub use engine::Engine;
pub use error::Error;
pub use fault::Fault;
pub use group::Group;
pub use launch::{Family, Job, LaunchError, Launcher};
pub use mpi::Abi;
pub use number::{Number, Reduction};
pub use place::Place;
pub use started::started_by_launcher;
pub use starter::Starter;
pub use unfit::Unfit;
pub use watch::{Alarm, Stuck};
