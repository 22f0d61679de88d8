//! How the steps of a run are made: as its folder says, or, in a new run, as is fastest here.

use super::folder::{RunFolder, TUNING};
use super::form::Form;
use crate::graph::Width;
use crate::graph::lower::{Arrangement, Layout};
use crate::runtime::{Device, Machine, Precision, Processor, Runtime, tuning_table};
use crate::settings::keys;
use crate::train::tuning::{self, Choice, Depth, Site, Table};
use crate::train::{Error, StepGraph};
use crate::{causes, fs};
use serde::{Deserialize, Serialize};
use std::num::NonZeroUsize;
use std::path::Path;

/// What a run's folder says of its steps.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Kept {
    layout: String,
    /// What it was chosen by, if it was measured.
    choice: Option<Choice>,
}

impl Kept {
    fn unmeasured(form: Form) -> Self {
        Self { layout: form.name().to_owned(), choice: None }
    }

    /// As was fastest, in the width of what is asked for.
    fn measured(asked: Option<Form>, choice: Choice) -> Self {
        let width = asked.map_or(Width::Whole, |own| own.width);
        let form = Form { layout: choice.arrangement().layout, width };
        Self { layout: form.name().to_owned(), choice: Some(choice) }
    }
}

/// What decides on the steps of a run.
pub(super) struct Wanted<'a> {
    /// Whether what is fastest is found out; else steps are in ONNX's operators.
    pub(super) tune: bool,
    /// What the backbone is to compute in, as the settings say, and what that comes to here.
    pub(super) asked: Precision,
    pub(super) precision: Precision,
    pub(super) threads: NonZeroUsize,
    /// The run's first step.
    pub(super) step: &'a StepGraph,
    /// Steps that it has.
    pub(super) steps: u64,
    /// Whether it goes on.
    pub(super) resumed: bool,
}

impl Wanted<'_> {
    /// How much is measured. What mixed precision comes to is, of however few steps.
    fn depth(&self) -> Option<Depth> {
        let least = (self.precision == Precision::Mixed).then_some(Depth::Layout);
        Depth::for_steps(self.steps).or(least).filter(|_| self.tune)
    }

    /// How steps are made where nothing is to be measured: in ONNX's operators, of which there are float32
    /// and float16.
    fn untuned(&self) -> Option<Form> {
        let plain = match Form::of(self.precision) {
            None => Some(Form::PLAIN),
            form => form.filter(|own| *own == Form::HALF),
        };
        plain.filter(|_| !self.tune)
    }
}

/// How the steps of a run are made.
pub(super) struct Made {
    pub(super) arrangement: Arrangement,
    /// What the backbone computes in.
    pub(super) width: Width,
}

/// Decides; the runtime gets the library that its steps need.
///
/// # Errors
/// [`Error::NoOneDnn`] and [`Error::NoCudnn`] where a run was begun with the library and there is none now,
/// [`Error::Option`] where a new one asks for what there is no library for, [`Error::Kept`] for a file that
/// does not say how the run was begun, and [`Error::Files`].
pub(super) fn tuned(
    runtime: Runtime,
    folder: &RunFolder,
    wanted: &Wanted<'_>,
    say: &dyn Fn(&str),
) -> Result<(Runtime, Made), Error> {
    let path = folder.tuning();
    if let Some(form) = wanted.untuned() {
        if !wanted.resumed {
            keep(&path, &Kept::unmeasured(form))?;
        }
        return Ok((runtime, Made { arrangement: Arrangement::default(), width: form.width }));
    }
    let (runtime, kept) = match wanted.resumed {
        true => (runtime, kept(&path)?),
        false => begun(runtime, wanted, say)?,
    };
    let made = made(&kept, runtime.device(), wanted)
        .map_err(|found| Error::Kept { path: path.clone(), found })?;
    let lacks_library = |runtime: &Runtime| match made.arrangement.layout {
        Layout::Planes => false,
        Layout::Pixels | Layout::RoundedPixels => runtime.onednn().is_none(),
        Layout::VendorPlanes => runtime.cudnn().is_none(),
    };
    let runtime = match lacks_library(&runtime) {
        true => tuning::with_library(runtime, say)?,
        false => runtime,
    };
    if lacks_library(&runtime) {
        let run = folder.path().to_path_buf();
        return Err(match made.arrangement.layout {
            Layout::VendorPlanes => Error::NoCudnn { run },
            _ => Error::NoOneDnn { run },
        });
    }
    if !wanted.resumed {
        keep(&path, &kept)?;
    }
    Ok((runtime, made))
}

/// Writes what a new run keeps, over what an earlier one left that broke off.
fn keep(path: &Path, kept: &Kept) -> Result<(), Error> {
    let text = serde_json::to_vec_pretty(kept).expect("numbers and texts by name");
    Ok(fs::write_whole(path, &text)?)
}

/// How the steps of a run will be made, as far as that is known before it begins.
pub(super) struct Expected {
    pub(super) made: Made,
    /// Why so.
    pub(super) since: &'static str,
    /// The choice that says how fast steps are.
    pub(super) choice: Option<Choice>,
}

/// What [`tuned`] would come to, without measuring, fetching or writing; `run` is the folder of a run that
/// goes on, and `runtime` is one, where there is one, with the library that is there.
///
/// # Errors
/// [`Error::Kept`].
pub(super) fn expected(
    runtime: Option<&Runtime>,
    device: Device,
    run: Option<&Path>,
    wanted: &Wanted<'_>,
) -> Result<Expected, Error> {
    let asked = Form::of(wanted.precision);
    let site = Site::of(&wanted.step.options).in_precision(wanted.precision);
    let choice = runtime.and_then(|runtime| {
        let table = Table::read(tuning_table(), &|_| ());
        table.get(&Machine::of(runtime, wanted.threads), &site).cloned()
    });
    let choice =
        choice.filter(|own| tuning::misfit(&wanted.step.gradients, &own.arrangement()).is_none());
    let unmeasured = Kept::unmeasured(asked.unwrap_or(Form::PLAIN));
    let (kept, since) = match run {
        _ if wanted.untuned().is_some() => (unmeasured, "train.tune=off"),
        Some(run) => (kept(&run.join(TUNING))?, "as the run was begun"),
        None => match (asked, &choice, wanted.depth()) {
            (None, Some(choice), Some(_)) => {
                (Kept::measured(asked, choice.clone()), "as was fastest here")
            }
            (Some(Form::HALF), Some(choice), Some(_)) if device != Device::Cpu => {
                (Kept::measured(asked, choice.clone()), "as was fastest here")
            }
            (None, None, Some(_)) => {
                (unmeasured, "not measured here yet, in others it may be less")
            }
            (None, _, None) => (unmeasured, "too few steps to measure what is fastest"),
            (Some(_), ..) => (unmeasured, "as train.precision asks for"),
        },
    };
    let made = made(&kept, device, wanted)
        .map_err(|found| Error::Kept { path: run.unwrap_or(Path::new("")).join(TUNING), found })?;
    Ok(Expected { made, since, choice })
}

/// How steps are made where this was kept; `Err` says what in it cannot be.
fn made(kept: &Kept, device: Device, wanted: &Wanted<'_>) -> Result<Made, String> {
    let begun = Form::named(&kept.layout);
    let begun = begun.ok_or_else(|| format!("the layout {:?}", kept.layout))?;
    let form = match wanted.asked {
        // As it was measured, or as a run began that goes on.
        Precision::Mixed if wanted.resumed || wanted.precision == Precision::Mixed => begun,
        _ if wanted.precision == Precision::Float16 && begun.width == Width::Half => begun,
        _ => Form::of(wanted.precision).unwrap_or(begun.widened()),
    };
    let Form { layout, width } = match tuning::has(device, form.layout) {
        true => form,
        // A run that began on another kind of device goes on in ONNX's operators.
        false => Form { layout: Layout::Planes, ..form },
    };
    if layout == Layout::RoundedPixels {
        let here = Precision::Bfloat16.on(device, &Processor::here());
        here.map_err(|_| format!("the layout {:?}, and no bfloat16 here", kept.layout))?;
    }
    let formulations = kept.choice.as_ref().map(Choice::formulations).cloned();
    let arrangement = Arrangement { layout, formulations: formulations.unwrap_or_default() };
    match tuning::misfit(&wanted.step.gradients, &arrangement) {
        Some((problem, name)) => Err(format!("{name:?} as the formulation of {problem}")),
        None => Ok(Made { arrangement, width }),
    }
}

/// What a new run keeps.
fn begun(
    runtime: Runtime,
    wanted: &Wanted<'_>,
    say: &dyn Fn(&str),
) -> Result<(Runtime, Kept), Error> {
    let asked = Form::of(wanted.precision);
    let is_worth = |depth: &Depth| match asked {
        None => true,
        // In half width there are several ways on CUDA alone.
        Some(Form::HALF) => runtime.device() != Device::Cpu,
        // Where factors are rounded images lie in one way, but problems have several.
        Some(_) => *depth == Depth::Problems,
    };
    let depth = wanted.depth().filter(is_worth);
    let runtime = match (wanted.precision, depth) {
        (Precision::Bfloat16, _) => with_onednn(runtime, wanted.precision, say)?,
        (_, Some(_)) => tuning::with_library(runtime, say)?,
        (_, None) => runtime,
    };
    let Some(depth) = depth else {
        return Ok((runtime, Kept::unmeasured(asked.unwrap_or(Form::PLAIN))));
    };
    let mut table = Table::read(tuning_table(), say);
    let site = Site::of(&wanted.step.options).in_precision(wanted.precision);
    let choice = tuning::choose(&runtime, wanted.threads, (&site, depth), &mut table, say)?;
    // The choice serves this run whether or not it is kept for others.
    if let Err(error) = table.write() {
        say(&format!("what is fastest is not kept: {}", causes::chain(&error)));
    }
    Ok((runtime, Kept::measured(asked, choice)))
}

/// The runtime with the library that alone has a precision.
fn with_onednn(
    runtime: Runtime,
    precision: Precision,
    say: &dyn Fn(&str),
) -> Result<Runtime, Error> {
    let runtime = tuning::with_library(runtime, say)?;
    match runtime.onednn() {
        Some(_) => Ok(runtime),
        None => Err(Error::Option {
            option: keys::TRAIN_PRECISION.name(),
            expected: "float32, float16 or mixed without oneDNN".to_owned(),
            found: precision.to_string(),
        }),
    }
}

/// What the folder of a run says. One that says nothing was begun in ONNX's operators.
fn kept(path: &Path) -> Result<Kept, Error> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Kept::unmeasured(Form::PLAIN));
        }
        Err(error) => return Err(fs::io_error("read", path)(error).into()),
    };
    serde_json::from_slice(&text)
        .map_err(|error| Error::Kept { path: path.to_path_buf(), found: error.to_string() })
}
