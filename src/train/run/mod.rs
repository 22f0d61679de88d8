//! A run: packs to batches to steps to checkpoints to a model.
//!
//! `material` is what is learned from, `course` says which steps are made, `folder` holds the place they
//! are written to, `resume` gives the state they begin with, `steps` makes them, and `ledger` counts.

mod course;
mod folder;
mod form;
mod ledger;
mod material;
mod report;
mod resume;
mod steps;
mod tuned;

pub use folder::{METRICS, SETTINGS};
pub use report::TrainReport;
pub use steps::{Start, Surroundings, initial_backbone, train};
