//! Training, from packs to a model.
//!
//! [`train()`] is a run as a [`Config`] says: batches in order, steps, metrics, checkpoints, export.
//! [`StepGraph`] compiles forward, joint loss, backward and update; [`Stepper`] runs them with all
//! state on the device; [`JointSchedule`] says what changes with the epochs; [`TrainState`] is that
//! state on the host; [`export_backbone()`] writes what has been learned as a model that `eval`
//! runs.

mod bound;
mod buckets;
pub mod check;
pub mod checkpoint;
mod config;
mod declared;
mod error;
mod export;
mod feed;
mod init;
mod loss_scale;
mod lowered;
pub mod metrics;
mod micro_batches;
mod names;
mod options;
mod pace;
pub mod plan;
mod rates;
mod run;
mod sampled;
mod samples;
mod schedule;
mod shared;
mod state;
mod step;
mod stepper;
mod sums;
pub mod tuning;
mod validate;

pub use crate::loader::Batch;
pub use config::Config;
pub use error::Error;
pub use export::{ExportReport, Feeding, export_backbone, export_checkpoint};
pub use feed::Feed;
pub use init::{Adopted, adopt};
pub use loss_scale::LossScale;
pub use lowered::Lowered;
pub use options::{Scales, StepOptions};
pub use pace::Found;
pub use rates::Rates;
pub use run::{
    METRICS, SETTINGS, Start, Surroundings, TrainReport, initial_backbone, plan as planned,
    settled, train,
};
pub use sampled::{ClassColumns, Descent, Gradient, Real, Sample, SampleSize, chosen};
pub use schedule::{JointSchedule, LearningRate, Phase, WarmUp};
pub use state::{Tensor, TrainState};
pub use step::{SCALARS, Scalars, StepGraph};
pub use stepper::{Making, Stepped, Stepper};
