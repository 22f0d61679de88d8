//! What starts the ranks of a job.

mod command;
mod error;
mod family;
mod launcher;

pub use command::Job;
pub use error::LaunchError;
pub use family::Family;
pub use launcher::Launcher;
