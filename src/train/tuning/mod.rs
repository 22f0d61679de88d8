//! What is fastest where a run is: measured there once, and kept in a table.
//!
//! A step can be lowered with its images in planes, in operators of ONNX alone, or with their channels
//! last, in the program's own operators. Which is faster is a property of the machine. So both are tried
//! on a step of the network, and held against each other; the table in the cache keeps the choice, and a
//! run keeps what it was made by.

mod layouts;
mod site;
mod table;
mod trial;

pub use layouts::{layout, name};
pub use site::Site;
pub use table::{Choice, Machine, Table};
pub use trial::{Measured, measure};

use super::Error;
use crate::runtime::{OneDnn, Runtime};
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;
use std::num::NonZeroUsize;

/// Fewer steps than this are made sooner than they are tuned.
pub const FEW_STEPS: u64 = 100;

/// A runtime with oneDNN: the one that is there, else the published one, which is installed. Where it
/// cannot be had `say` is told why, and the runtime is as it was.
pub fn with_onednn(runtime: Runtime, say: &dyn Fn(&str)) -> Result<Runtime, Error> {
    let library = match OneDnn::find(say)? {
        Some(library) => Some(library),
        None => OneDnn::install(say)
            .map_err(|error| say(&format!("without oneDNN: {}", crate::causes::chain(&error))))
            .ok(),
    };
    Ok(runtime.with_onednn(library))
}

/// The choice of a table for a step, measured where the table has none; `say` is told what is measured.
///
/// # Errors
/// [`Error::Runtime`] where not even the reference runs. A table that is damaged is made anew.
pub fn choose(
    runtime: &Runtime,
    threads: NonZeroUsize,
    site: &Site,
    table: &mut Table,
    say: &dyn Fn(&str),
) -> Result<Choice, Error> {
    let machine = Machine::of(runtime, threads);
    if let Some(choice) = table.get(&machine, site) {
        return Ok(choice.clone());
    }
    say(&format!("measuring what is fastest here: {site}"));
    let measured = measure(runtime, threads, site)?;
    let choice = Choice::of(&measured);
    say(&choice.to_string());
    table.enter(machine, site, choice.clone());
    Ok(choice)
}

/// What `runtime tune` found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TuneReport {
    /// The table that keeps it; absent when nothing says where the cache is.
    pub table: Option<String>,
    /// The network and its rows.
    pub network: String,
    /// What the choice holds for.
    pub machine: Machine,
    /// Whether it was measured now.
    pub measured: bool,
    /// The choice.
    pub choice: Choice,
}

impl fmt::Display for TuneReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let from = if self.measured { "measured now" } else { "from the table" };
        writeln!(f, "network    {}", self.network)?;
        writeln!(f, "processor  {}, {} threads", self.machine.processor, self.machine.threads)?;
        writeln!(f, "fastest    {} ({from})", self.choice)?;
        let table = self.table.as_deref().unwrap_or("none: nothing says where the cache is");
        writeln!(f, "table      {table}")
    }
}

/// [`choose`], told; what the table has is measured `again` if asked for.
///
/// # Errors
/// As [`choose`].
pub fn tune(
    runtime: &Runtime,
    threads: NonZeroUsize,
    site: &Site,
    table: &mut Table,
    again: bool,
    say: &dyn Fn(&str),
) -> Result<TuneReport, Error> {
    let machine = Machine::of(runtime, threads);
    if again {
        table.forget(&machine, site);
    }
    let measured = table.get(&machine, site).is_none();
    let choice = choose(runtime, threads, site, table, say)?;
    let path = table.path().map(|path| path.display().to_string());
    Ok(TuneReport { table: path, network: site.to_string(), machine, measured, choice })
}
