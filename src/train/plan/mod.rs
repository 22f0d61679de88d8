//! What a run will take, told before any of it is taken.
//!
//! [`Memory`] is what a step of a graph needs, part by part, from the models that it is lowered to;
//! [`Exchanged`] what its ranks send each other, and [`Transit`] how long that takes;
//! [`Need`] holds memory against what is left; [`changes`] finds what would fit, by trying; [`PlanReport`]
//! tells it.

mod changes;
mod exchanged;
mod memory;
mod need;
mod report;
mod transit;

pub use changes::{Change, changes};
pub use exchanged::Exchanged;
pub use memory::Memory;
pub use need::{Need, Verdict};
pub use report::{PlanReport, Speed};
pub use transit::{Links, Transit};
