//! Results for people: figures of what was counted and measured. Reads results and never runs anything.

pub mod pack_stats;
pub mod plot;
