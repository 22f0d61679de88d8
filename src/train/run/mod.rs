//! A run: packs to batches to steps to checkpoints to a model.
//!
//! `material` is what is learned from, `course` says which steps are made, `folder` holds the place they
//! are written to, `resume` gives the state they begin with, `steps` makes them, and `ledger` counts.

mod agreement;
mod course;
mod folder;
mod form;
mod ledger;
mod material;
mod planned;
mod report;
mod resume;
mod start;
mod steps;
mod together;
mod tuned;
mod weighed;

pub use folder::{METRICS, SETTINGS};
pub use planned::plan;
pub use report::TrainReport;
pub use start::Start;
pub use steps::{Surroundings, initial_backbone, train};
