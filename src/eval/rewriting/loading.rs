//! A model loaded as is fastest, by the table or by a trial.

use super::super::error::{Error, ModelError};
use super::super::options::{ModelOptions, Rewriting, Say};
use super::super::sessions::{Sessions, Source};
use super::candidates::{CANDIDATES, FACE, Rewrite};
use super::subject::Subject;
use super::table::Table;
use super::trial;
use crate::causes::chain;
use crate::onnx;
use crate::runtime::{Device, Machine, OnMissing, Runtime, tuning_table};
use std::num::NonZeroUsize;

/// Fewer images than this are embedded sooner than it is measured what is fastest.
const FEW_IMAGES: usize = 500;

/// Name of the table's file, beside the one of training steps.
const TABLE: &str = "embedding.json";

/// What a model may be made into, nothing first.
pub(in super::super) fn names(options: &ModelOptions) -> Vec<Option<&'static str>> {
    let candidates = CANDIDATES.iter().map(|(name, _)| Some(*name));
    let candidates = candidates.filter(|_| measured_for(options).is_some());
    [None].into_iter().chain(candidates).collect()
}

/// The threads that it is measured for what is fastest; none for a model that is run as it is.
fn measured_for(options: &ModelOptions) -> Option<NonZeroUsize> {
    match (options.rewriting, options.device) {
        (Rewriting::WhereFaster { threads }, Device::Cpu) => Some(threads),
        _ => None,
    }
}

/// Starts the runtime and loads the model as is fastest. `say` hears when something must be fetched or is
/// measured.
pub(in super::super) fn sessions(subject: &Subject<'_>, say: &Say<'_>) -> Result<Sessions, Error> {
    let options = subject.options;
    let runtime = Runtime::start(options.device, OnMissing::Install, say)?;
    let as_it_is = |runtime| Sessions::open(runtime, options, Source::AsItIs);
    let Some(threads) = measured_for(options) else { return as_it_is(&runtime) };
    let path = tuning_table().map(|path| path.with_file_name(TABLE));
    let mut table = Table::read(path, say);
    if subject.load.images < FEW_IMAGES && !table.knows(&subject.site()) {
        return as_it_is(&runtime);
    }
    let runtime = runtime.with_any_onednn(say)?;
    let machine = Machine::of(&runtime, threads);
    if let Some(choice) = table.get(&machine, &subject.site()) {
        return made_into(&runtime, options, choice.rewriting.as_deref(), say);
    }
    if subject.load.images < FEW_IMAGES {
        return as_it_is(&runtime);
    }
    say(&format!("measuring what is fastest here: {}", options.path.display()));
    let model = onnx::Model::open(&options.path).map_err(ModelError::from)?;
    let together = ModelOptions { threads, ..options.clone() };
    let tried = Subject { options: &together, digest: subject.digest.clone(), ..*subject };
    let (choice, sessions) = trial::choose(&runtime, &tried, &model, &CANDIDATES)?;
    say(&choice.to_string());
    table.enter(machine, subject.site(), choice);
    // Without the table it is measured again, which is all that comes of it.
    table
        .write()
        .unwrap_or_else(|error| say(&format!("the choice is not kept: {}", chain(&error))));
    if options.threads == threads {
        return Ok(sessions);
    }
    let rewriting = sessions.rewriting;
    drop(sessions);
    made_into(&runtime, options, rewriting, say)
}

/// Starts the runtime and loads the model made into what it is on another rank.
pub(in super::super) fn sessions_as(
    options: &ModelOptions,
    rewriting: Option<&str>,
    say: &Say<'_>,
) -> Result<Sessions, Error> {
    let runtime = Runtime::start(options.device, OnMissing::Install, say)?;
    let runtime = match rewriting {
        None => runtime,
        Some(_) => runtime.with_any_onednn(say)?,
    };
    made_into(&runtime, options, rewriting, say)
}

/// The model loaded as was chosen.
fn made_into(
    runtime: &Runtime,
    options: &ModelOptions,
    rewriting: Option<&str>,
    say: &Say<'_>,
) -> Result<Sessions, Error> {
    match chosen(rewriting) {
        None => Sessions::open(runtime, options, Source::AsItIs),
        Some((name, rewrite)) => rewritten(runtime, options, name, rewrite, say),
    }
}

/// The model as a table of an earlier run has it; as it is where that can no longer be.
fn rewritten(
    runtime: &Runtime,
    options: &ModelOptions,
    name: &'static str,
    rewrite: Rewrite,
    say: &Say<'_>,
) -> Result<Sessions, Error> {
    let model = onnx::Model::open(&options.path).map_err(ModelError::from)?;
    let opened = match rewrite(&model, FACE) {
        Ok(new) => Sessions::open(runtime, options, Source::Rewritten(name, &new))
            .map_err(|error| chain(&error)),
        Err(refusal) => Err(refusal.to_string()),
    };
    opened.or_else(|reason| {
        say(&format!("the model runs as it is: {name} left out: {reason}"));
        Sessions::open(runtime, options, Source::AsItIs)
    })
}

fn chosen(name: Option<&str>) -> Option<(&'static str, Rewrite)> {
    let name = name?;
    CANDIDATES.into_iter().find(|(own, _)| *own == name)
}
