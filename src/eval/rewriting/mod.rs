//! A model made into another before it is run, where that is faster on this machine.
//!
//! What may be made of it are the candidates. Each is held against the model as it is on drawn faces and
//! timed in turn with it, by as many sessions as will run; the fastest that is right is taken, and the
//! choice is kept in a table in the cache. Numbers differ by rounding alone.

mod candidates;
mod loading;
mod subject;
mod table;
mod trial;

#[cfg(test)]
mod tests;

pub(super) use loading::{names, sessions, sessions_as};
pub(super) use subject::{Load, Subject};
