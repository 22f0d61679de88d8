//! Numbers of a model, or of features made elsewhere, on sets by named protocols.
//!
//! What is compared with what comes from [`crate::protocol`], the numbers from [`crate::metrics`]; here
//! lie the way from pictures to features (`images`, `conventions`, `rewriting`, `embed`, `cache`,
//! `fusion`) and the
//! scoring of each kind of set (`identification`, `templates`, `pairs`). Start at [`evaluate`].

mod averages;
mod cache;
mod conventions;
mod curves;
mod embed;
mod error;
mod evaluate;
mod face;
mod features;
pub mod fusion;
mod identification;
mod images;
mod lengths;
mod matrix;
mod model;
mod npy_header;
mod options;
mod outputs;
mod pairs;
mod plan;
mod ranks;
pub mod results;
mod rewriting;
mod score;
mod selection;
mod sessions;
pub mod sets;
pub mod settings;
mod sink;
mod subject;
mod templates;
mod warning;

pub use averages::averages;
pub use conventions::{CHANNEL_ORDER_KEY, Flags, MEAN_KEY, STD_KEY, deviation, mean};
pub use error::{
    Error, FeaturesError, ImageError, ImagesError, ModelError, ModelFault, PlanError,
    ProtocolFileError,
};
pub use evaluate::{assist, evaluate};
pub use images::Place;
pub use matrix::Matrix;
pub use options::{FeatureOptions, ModelOptions, Options, OtherAlignment, Rewriting, Say, Task};
pub use sets::{EVAL_SETS, EvalSet, Kind};
pub use subject::{Measure, Subject, UnknownMeasure, UnknownSubject};
pub use warning::{Warning, WarningKind};
