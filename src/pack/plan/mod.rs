//! What will be packed, decided before any work: a value.

mod decide;
mod error;
mod inputs;
mod pack_plan;
mod picture;
mod recipe;
mod repack;

pub(super) use decide::plan;
pub use error::{ImageError, Parting, PlanError};
pub(super) use inputs::{inputs, protocol_files};
pub(super) use pack_plan::PackPlan;
pub(super) use picture::Picture;
pub use recipe::{Recipe, ShardNumber};
