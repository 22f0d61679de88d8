//! What will be packed, decided before any work: a value.

mod pack_plan;
mod picture;
mod recipe;
mod repack;

pub(super) use pack_plan::Plan;
pub use picture::Encoding;
pub(super) use picture::Picture;
pub use recipe::{Recipe, ShardNumber};
