//! How the steps of a run are made: as its folder says, or, in a new run, as is fastest here.

use super::folder::RunFolder;
use crate::graph::lower::Layout;
use crate::runtime::{Device, Precision, Runtime, tuning_table};
use crate::train::tuning::{self, Choice, FEW_STEPS, Site, Table};
use crate::train::{Error, StepOptions};
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
    fn unmeasured(layout: Layout) -> Self {
        Self { layout: tuning::name(layout).to_owned(), choice: None }
    }
}

/// What decides on the steps of a run.
pub(super) struct Wanted<'a> {
    /// Whether what is fastest is found out; else steps are in ONNX's operators.
    pub(super) tune: bool,
    /// What convolutions are to multiply in, as the settings say, and what that comes to here.
    pub(super) asked: Precision,
    pub(super) precision: Precision,
    pub(super) threads: NonZeroUsize,
    /// The run's first step.
    pub(super) options: &'a StepOptions,
    /// Steps that it has.
    pub(super) steps: u64,
    /// Whether it goes on.
    pub(super) resumed: bool,
}

/// Decides; the runtime gets oneDNN where it is used.
///
/// # Errors
/// [`Error::NoOneDnn`] where a run was begun with it and there is none now, [`Error::Kept`] for a file
/// that does not say how the run was begun.
pub(super) fn tuned(
    runtime: Runtime,
    folder: &RunFolder,
    wanted: &Wanted<'_>,
    say: &dyn Fn(&str),
) -> Result<(Runtime, Layout), Error> {
    let rounds = wanted.precision == Precision::Bfloat16;
    if runtime.device() != Device::Cpu || !(wanted.tune || rounds) {
        return Ok((runtime, Layout::Planes));
    }
    let path = folder.tuning();
    let (runtime, kept) = match wanted.resumed {
        true => (runtime, kept(&path)?),
        false => begun(runtime, wanted, say)?,
    };
    let layout = tuning::layout(&kept.layout);
    let layout = layout.ok_or_else(|| Error::Kept {
        path: path.clone(),
        found: format!("the layout {:?}", kept.layout),
    })?;
    let layout = match layout {
        // A run goes on as it began, whatever the processor would have been asked for.
        begun if wanted.resumed && wanted.asked == Precision::Mixed => begun,
        _ if rounds => Layout::RoundedPixels,
        Layout::RoundedPixels => Layout::Pixels,
        begun => begun,
    };
    let lacks_library = |runtime: &Runtime| layout != Layout::Planes && runtime.onednn().is_none();
    let runtime = match lacks_library(&runtime) {
        true => tuning::with_onednn(runtime, say)?,
        false => runtime,
    };
    if lacks_library(&runtime) {
        return Err(Error::NoOneDnn { run: folder.path().to_path_buf() });
    }
    if !wanted.resumed {
        let text = serde_json::to_vec_pretty(&kept).expect("numbers and texts by name");
        fs::write_whole(&path, &text)?;
    }
    Ok((runtime, layout))
}

/// What a new run keeps.
fn begun(
    runtime: Runtime,
    wanted: &Wanted<'_>,
    say: &dyn Fn(&str),
) -> Result<(Runtime, Kept), Error> {
    if wanted.precision == Precision::Bfloat16 {
        return Ok((runtime, Kept::unmeasured(Layout::RoundedPixels)));
    }
    if wanted.steps < FEW_STEPS {
        return Ok((runtime, Kept::unmeasured(Layout::Planes)));
    }
    let runtime = tuning::with_onednn(runtime, say)?;
    let mut table = Table::read(tuning_table(), say);
    let site = Site::of(wanted.options);
    let choice = tuning::choose(&runtime, wanted.threads, &site, &mut table, say)?;
    // The choice serves this run whether or not it is kept for others.
    if let Err(error) = table.write() {
        say(&format!("what is fastest is not kept: {}", causes::chain(&error)));
    }
    let layout = tuning::name(choice.layout()).to_owned();
    Ok((runtime, Kept { layout, choice: Some(choice) }))
}

/// What the folder of a run says. One that says nothing was begun in ONNX's operators.
fn kept(path: &Path) -> Result<Kept, Error> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            return Ok(Kept::unmeasured(Layout::Planes));
        }
        Err(error) => return Err(fs::io_error("read", path)(error).into()),
    };
    serde_json::from_slice(&text)
        .map_err(|error| Error::Kept { path: path.to_path_buf(), found: error.to_string() })
}
