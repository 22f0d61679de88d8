//! The machine's own acceptance test: what cannot be tested where the program is made, on the machine that
//! it is used on.
//!
//! Every operator of real steps alone (`operators`) and whole steps (`steps`) are held against the simplest
//! formulation on the processor; then what is fastest is measured, and how fast that is (`speed`).

mod operators;
mod report;
mod speed;
mod steps;

pub use report::{Check, CheckReport, Speed, Verdict};

use super::Error;
use super::tuning::{self, Depth, Site, Table, choose};
use crate::causes::chain;
use crate::graph::lower::{Arrangement, Layout};
use crate::nn::Architecture;
use crate::runtime::{self, Device, OnMissing, Precision, Processor, Runtime};
use std::num::NonZeroUsize;
use steps::Trained;

/// What is checked.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// The device.
    pub device: Device,
    /// Whether small networks stand for real ones.
    pub quick: bool,
    /// Threads of a step, where the device is the processor.
    pub threads: NonZeroUsize,
}

/// Networks that stand for real ones: architecture, width and images.
const QUICK: [(Architecture, f64, usize); 1] = [(Architecture::Ir18, 0.125, 4)];

/// Real ones.
const WHOLE: [(Architecture, f64, usize); 2] =
    [(Architecture::Ir18, 1.0, 8), (Architecture::Ir50, 1.0, 8)];

/// Checks a device.
///
/// # Errors
/// [`Error::Runtime`]: the processor refuses what the device is held against. A device that is not there is
/// a check that failed.
pub fn check(options: &Options, say: &dyn Fn(&str)) -> Result<CheckReport, Error> {
    let mut report = CheckReport {
        program: format!("qgface-data {}", env!("CARGO_PKG_VERSION")),
        device: options.device.to_string(),
        threads: options.threads.get(),
        quick: options.quick,
        libraries: runtime::info(),
        checks: Vec::new(),
        speeds: Vec::new(),
        peak_memory: None,
    };
    // The first start decides on the library: that of a device serves the processor, too.
    match started(options.device, say) {
        Ok(device) => {
            let processor = Runtime::start(Device::Cpu, OnMissing::Refuse, say)?;
            let version = &device.library().version;
            report.checks.push(Check::passed("ONNX Runtime", version.clone()));
            on(&device, &processor, options, &mut report, say)?;
        }
        Err(error) => report.checks.push(Check::failed(&report.device, chain(&error))),
    }
    report.peak_memory = runtime::peak_memory();
    Ok(report)
}

fn started(device: Device, say: &dyn Fn(&str)) -> Result<Runtime, Error> {
    let runtime = Runtime::start(device, OnMissing::Install, say)?;
    tuning::with_library(runtime, say)
}

/// Checks a device that is there.
fn on(
    device: &Runtime,
    processor: &Runtime,
    options: &Options,
    report: &mut CheckReport,
    say: &dyn Fn(&str),
) -> Result<(), Error> {
    let Options { quick, threads, .. } = *options;
    let networks = if quick { &QUICK[..] } else { &WHOLE[..] };
    let networks = networks
        .iter()
        .map(|&(architecture, width, images)| Trained::new(architecture, width, images));
    let networks: Vec<Trained> = networks.collect::<Result<_, _>>()?;
    let layouts = layouts(device, &mut report.checks);
    let graphs = networks.iter().flat_map(|own| [&own.graph.gradients, &own.half.gradients]);
    say("checking operators");
    let checks = operators::check(device, processor, threads, &layouts, graphs)?;
    report.checks.extend(checks);
    for trained in &networks {
        say(&format!("checking steps of {}", trained.name));
        report.checks.extend(steps::check(device, processor, threads, &layouts, trained)?);
        let fastest = fastest(device, threads, trained, say)?;
        let mut arrangements: Vec<Arrangement> =
            layouts.iter().map(|&layout| layout.into()).collect();
        if !arrangements.contains(&fastest) {
            arrangements.push(fastest.clone());
        }
        // What failed above is not timed.
        if report.is_right() {
            report.speeds.extend(speed::steps(device, threads, trained, &arrangements)?);
            report.speeds.extend(speed::embedding(device, threads, trained)?);
            report.checks.push(speed::copies(device, threads, trained, &fastest)?);
        }
    }
    Ok(())
}

/// The layouts that a device can be asked for; what it cannot is said.
fn layouts(device: &Runtime, checks: &mut Vec<Check>) -> Vec<Layout> {
    let mut layouts = vec![Layout::Planes];
    if device.device() != Device::Cpu {
        match device.cudnn() {
            Some(_) => layouts.push(Layout::VendorPlanes),
            None => {
                checks.push(Check::left_out("cuDNN", "its operators cannot be called".to_owned()))
            }
        }
        return layouts;
    }
    let Some(library) = device.onednn() else {
        checks.push(Check::left_out("oneDNN", "not there; steps are slower without".to_owned()));
        return layouts;
    };
    checks.push(Check::passed("oneDNN", library.version().to_owned()));
    layouts.push(Layout::Pixels);
    match Precision::Bfloat16.on(Device::Cpu, &Processor::here()) {
        Ok(_) => layouts.push(Layout::RoundedPixels),
        Err(no) => checks.push(Check::left_out("bfloat16", no.to_string())),
    }
    layouts
}

/// What is fastest for a network, measured as a long run would, and kept nowhere.
fn fastest(
    device: &Runtime,
    threads: NonZeroUsize,
    trained: &Trained,
    say: &dyn Fn(&str),
) -> Result<Arrangement, Error> {
    let site = Site::of(&trained.graph.options);
    let mut table = Table::read(None, say);
    let choice = choose(device, threads, (&site, Depth::Problems), &mut table, say)?;
    Ok(choice.arrangement())
}
