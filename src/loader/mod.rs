//! From packs to batches: which images, in which order, in which views.
//!
//! [`Packs`] proves and decodes, [`epoch_order`] shuffles, [`Batches`] draws the views. A batch is a
//! function of the seed and its number alone, so any can be made again, by any thread.

mod batch;
mod error;
mod packs;
mod sampler;

pub use batch::{Batch, Batches, Loaded, OnDamage};
pub use error::Error;
pub use packs::{EDGE_PX, Labels, OtherSize, Packs};
pub use sampler::epoch_order;
