//! Training: one step as two graphs, the state that it reads and replaces, and running it on a
//! device.
//!
//! [`StepGraph`] compiles forward, joint loss, backward and update; [`Stepper`] runs them with all
//! state on the device; [`JointSchedule`] says what changes with the epochs; [`TrainState`] is that
//! state on the host; [`export_backbone()`] writes what has been learned as a model that `eval`
//! runs.

mod error;
mod export;
mod schedule;
mod state;
mod step;
mod stepper;

pub use error::Error;
pub use export::{Feeding, export_backbone};
pub use schedule::{ContrastPhase, JointSchedule, Phase, WarmUp};
pub use state::{Tensor, TrainState};
pub use step::{SCALARS, Scalars, Scales, StepGraph, StepOptions};
pub use stepper::{Batch, Rates, Stepped, Stepper};
