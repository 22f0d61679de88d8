//! A run: packs to batches to steps to checkpoints to a model.
//!
//! `material` is what is learned from, `course` says which steps are made, `folder` holds the place they
//! are written to, `resume` gives the state they begin with, `steps` makes them, `announce` says what they will be and `leave`
//! writes what they come to, and `ledger` counts. What ranks must agree on and do together lies in
//! `agreement` and `together`.

mod agreement;
mod announce;
mod course;
mod devices;
mod folder;
mod form;
mod leave;
mod ledger;
mod material;
mod planned;
mod report;
mod resume;
mod start;
mod steps;
mod surroundings;
mod together;
mod tuned;
mod weighed;

pub use agreement::settled;
pub use folder::{METRICS, SETTINGS};
pub use planned::plan;
pub use report::TrainReport;
pub use start::Start;
pub use steps::{initial_backbone, train};
pub use surroundings::Surroundings;
