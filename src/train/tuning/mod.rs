//! What is fastest where a run is: measured there once, and kept in a table.
//!
//! A step can be lowered with its images in planes, in operators of ONNX alone, or with their channels
//! last, in the program's own operators, and for many of its operators there are several formulations.
//! Which is faster is a property of the machine. So all are tried, whole steps of the network (`trial`) and
//! single operators (`solve`), and held against a reference; the table in the cache keeps the choice, and
//! a run keeps what it was made by.

mod apart;
mod depth;
mod layouts;
mod site;
mod solve;
mod table;
mod trial;

pub(crate) use apart::{apart, bounds};
pub use depth::Depth;
pub(crate) use layouts::told;
pub use layouts::{has, layout, name};
pub use site::Site;
pub(crate) use solve::misfit;
pub use solve::solve_by;
pub use table::{Choice, Machine, Solved, Table};
pub use trial::{Measured, measure};

use super::Error;
use crate::graph::lower::{Arrangement, Formulations, Problem};
use crate::runtime::{Cudnn, Device, Runtime};
use schemars::JsonSchema;
use serde::Serialize;
use solve::{problems, solve};
use std::fmt;
use std::num::NonZeroUsize;

/// A runtime with the library that has the program's own operators on its device.
///
/// # Errors
/// As [`with_onednn`].
pub fn with_library(runtime: Runtime, say: &dyn Fn(&str)) -> Result<Runtime, Error> {
    match runtime.device() {
        Device::Cpu => with_onednn(runtime, say),
        Device::Cuda(_) => Ok(with_cudnn(runtime, say)),
    }
}

/// A runtime with the cuDNN that it uses itself. Where that cannot be called `say` is told why, and the
/// runtime is as it was.
pub fn with_cudnn(runtime: Runtime, say: &dyn Fn(&str)) -> Runtime {
    let without = |reason| say(&format!("without cuDNN: {}", crate::causes::chain(&reason)));
    runtime.with_cudnn(Cudnn::find().map_err(without).ok())
}

/// A runtime with oneDNN: the one that is there, else the published one, which is installed. Where it
/// cannot be had `say` is told why, and the runtime is as it was.
pub fn with_onednn(runtime: Runtime, say: &dyn Fn(&str)) -> Result<Runtime, Error> {
    Ok(runtime.with_any_onednn(say)?)
}

/// The choice of a table for a step, measured where the table has none; `say` is told what is measured.
/// First its layout is chosen. With [`Depth::Problems`] then the formulations of its problems in that, and
/// in the end whether the whole step is faster with them.
///
/// # Errors
/// [`Error::Runtime`] where not even the reference runs. A table that is damaged is made anew.
pub fn choose(
    runtime: &Runtime,
    threads: NonZeroUsize,
    (site, depth): (&Site, Depth),
    table: &mut Table,
    say: &dyn Fn(&str),
) -> Result<Choice, Error> {
    let machine = Machine::of(runtime, threads);
    let graph = site.step()?.gradients;
    let known = table.get(&machine, site);
    let known = known.filter(|own| misfit(&graph, &own.arrangement()).is_none()).cloned();
    if let Some(choice) = known.clone().filter(|own| own.depth() >= depth) {
        return Ok(choice);
    }
    say(&format!("measuring what is fastest here: {site}"));
    let mut choice = match known {
        Some(choice) => choice,
        None => {
            let layouts = site.layouts(runtime.device()).iter().map(|&layout| layout.into());
            Choice::of(&measure(runtime, threads, site, &layouts.collect::<Vec<_>>())?)
        }
    };
    if depth == Depth::Problems {
        let layout = choice.arrangement().layout;
        let mut arrangements = vec![layout.into()];
        let formulations = solve_all(runtime, threads, &problems(&graph, layout), table, say)?;
        if !formulations.is_empty() {
            arrangements.push(Arrangement { layout, formulations });
        }
        choice.refine(&measure(runtime, threads, site, &arrangements)?);
    }
    say(&choice.to_string());
    table.enter(&machine, site, choice.clone());
    Ok(choice)
}

/// Solves what the table has no solution of; the formulations that are faster than the built-in ones.
fn solve_all(
    runtime: &Runtime,
    threads: NonZeroUsize,
    problems: &[Problem],
    table: &mut Table,
    say: &dyn Fn(&str),
) -> Result<Formulations, Error> {
    let machine = Machine::of(runtime, threads);
    let mut formulations = Formulations::new();
    for problem in problems {
        let solved = match table.solved(&machine, problem) {
            Some(solved) => solved.clone(),
            None => {
                let solved = solve(runtime, threads, problem)?;
                for (name, reason) in &solved.left_out {
                    say(&format!("{problem}: {name} left out: {reason}"));
                }
                table.enter_solved(&machine, problem, solved.clone());
                solved
            }
        };
        if solved.formulation != problem.built_in() {
            formulations.insert(problem.to_string(), solved.formulation);
        }
    }
    Ok(formulations)
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
        if let Some(gpu) = &self.machine.cuda {
            writeln!(f, "device     {gpu}")?;
        }
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
    let known = table.get(&machine, site).cloned();
    let choice = choose(runtime, threads, (site, Depth::Problems), table, say)?;
    let measured = known.as_ref() != Some(&choice);
    let path = table.path().map(|path| path.display().to_string());
    Ok(TuneReport { table: path, network: site.to_string(), machine, measured, choice })
}
