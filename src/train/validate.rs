//! Scoring a run's backbone while it learns, by the code of `eval`.

use super::Error;
use crate::eval::results::EvalReport;
use crate::eval::settings::{Protocol, Switches};
use crate::eval::{
    self, EvalSet, FeatureOptions, Flags, Measure, ModelOptions, Options, OtherAlignment, Place,
    Rewriting, Task,
};
use crate::group::Group;
use crate::runtime::Device;
use crate::settings::{Settings, keys};
use indexmap::IndexMap;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

/// The sets that checkpoints are scored on, and how.
pub(super) struct Validation {
    sets: Vec<(&'static EvalSet, Place)>,
    protocol: Protocol,
    batch: usize,
}

/// A model to be scored.
pub(super) struct Scored<'a> {
    pub(super) model: &'a Path,
    pub(super) device: Device,
    pub(super) jobs: usize,
    /// Who embeds.
    pub(super) group: &'a Arc<Group>,
}

impl Validation {
    /// Reads `validation.sets` and the settings of `eval`; none where no set is named.
    ///
    /// # Errors
    /// A folder of packs that cannot be one.
    pub(super) fn new(settings: &Settings) -> Result<Option<Self>, Error> {
        let sets = settings.get(&keys::VALIDATION_SETS).concat();
        if sets.is_empty() {
            return Ok(None);
        }
        let placed = sets.into_iter().map(|set| Ok((set, settings.eval_place(set)?)));
        Ok(Some(Self {
            sets: placed.collect::<Result<_, Error>>()?,
            protocol: Protocol::new(settings.get(&keys::EVAL_PROTOCOL), &Switches::default()),
            batch: settings.get(&keys::EVAL_BATCH),
        }))
    }

    /// The numbers of a model, which all ranks embed for; on the first of them. Features of a backbone that
    /// changes are not cached.
    ///
    /// # Errors
    /// Whatever `eval` refuses with.
    pub(super) fn run(&self, scored: &Scored<'_>) -> Result<EvalReport, Error> {
        let report = eval::evaluate(&self.options(scored), &(), &|_| {});
        Ok(report.map_err(Box::new)?)
    }

    /// Embeds for the first rank while it runs.
    ///
    /// # Errors
    /// As [`Validation::run`].
    pub(super) fn assist(&self, scored: &Scored<'_>) -> Result<(), Error> {
        Ok(eval::assist(&self.options(scored), &|_| {}).map_err(Box::new)?)
    }

    fn options(&self, scored: &Scored<'_>) -> Options {
        let &Scored { model, device, jobs, group } = scored;
        Options {
            task: Task::Sets(self.sets.clone()),
            features: FeatureOptions::Model(ModelOptions {
                path: model.to_path_buf(),
                flags: Flags::default(),
                device,
                threads: NonZeroUsize::new(jobs).unwrap_or(NonZeroUsize::MIN),
                time_limit: None,
                rewriting: Rewriting::Never,
            }),
            protocol: self.protocol.clone(),
            batch: self.batch,
            jobs,
            group: Arc::clone(group),
            cache: None,
            save: None,
            alignment: OtherAlignment::Refuse,
        }
    }
}

/// Everything that a report measured.
pub(super) fn scores(report: &EvalReport) -> IndexMap<Measure, f64> {
    let of_sets = report.results.iter().flat_map(|result| {
        let measures = result.metrics.iter();
        measures.map(|(metric, value)| (Measure::Of(result.set, *metric), *value))
    });
    let averages = report.averages.iter();
    let averages = averages.map(|(metric, value)| (Measure::Average(*metric), *value));
    of_sets.chain(averages).collect()
}
