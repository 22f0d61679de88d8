//! Results for people: figures of what was counted and measured. Reads results and never runs
//! anything; knows no pack.

pub mod plot;
