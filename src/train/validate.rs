//! Scoring a run's backbone while it learns, by the code of `eval`.

use super::Error;
use crate::eval::results::EvalReport;
use crate::eval::settings::{Preset, Protocol, Switches};
use crate::eval::{
    self, EvalSet, FeatureOptions, Flags, ModelOptions, Options, OtherAlignment, Place, Task,
};
use crate::runtime::Device;
use crate::settings::Settings;
use indexmap::IndexMap;
use std::num::NonZeroUsize;
use std::path::Path;

/// The sets that checkpoints are scored on, and how.
pub(super) struct Validation {
    sets: Vec<(&'static EvalSet, Place)>,
    protocol: Protocol,
    batch: usize,
}

impl Validation {
    /// Reads `validation.sets` and the settings of `eval`; none where no set is named.
    ///
    /// # Errors
    /// A set or a preset that is not known.
    pub(super) fn new(settings: &Settings) -> Result<Option<Self>, Error> {
        let names = settings.list("validation.sets");
        if names.is_empty() {
            return Ok(None);
        }
        let mut sets = Vec::new();
        for name in names {
            let unknown = || {
                let known: Vec<&str> = eval::EVAL_SETS.iter().map(|set| set.name).collect();
                let expected = format!("expected sets of {}, hq or all", known.join(", "));
                settings.refused("validation.sets", expected)
            };
            for set in EvalSet::named(&name).ok_or_else(unknown)? {
                sets.push((set, Place::usual(settings, set)?));
            }
        }
        let name = settings.parse::<String>("eval.protocol")?;
        let preset = Preset::find(&name).ok_or_else(|| {
            settings.refused("eval.protocol", "expected a preset of `eval`".to_owned())
        })?;
        let protocol = Protocol::new(preset, &Switches::default());
        let batch = settings.whole("eval.batch", 1, 1 << 16)? as usize;
        Ok(Some(Self { sets, protocol, batch }))
    }

    /// The numbers of a model; features of a backbone that changes are not cached.
    ///
    /// # Errors
    /// Whatever `eval` refuses with.
    pub(super) fn run(
        &self,
        model: &Path,
        device: Device,
        jobs: usize,
    ) -> Result<EvalReport, Error> {
        let options = Options {
            task: Task::Sets(self.sets.clone()),
            features: FeatureOptions::Model(ModelOptions {
                path: model.to_path_buf(),
                flags: Flags::default(),
                device,
                threads: NonZeroUsize::new(jobs).unwrap_or(NonZeroUsize::MIN),
                time_limit: None,
            }),
            protocol: self.protocol.clone(),
            batch: self.batch,
            jobs,
            cache: None,
            save: None,
            alignment: OtherAlignment::Refuse,
        };
        Ok(eval::evaluate(&options, &(), &|_| {}).map_err(Box::new)?)
    }
}

/// The metrics of a report by `set.metric`.
pub(super) fn scores(report: &EvalReport) -> IndexMap<String, f64> {
    let of_sets = report.results.iter().flat_map(|result| {
        result.metrics.iter().map(|(name, value)| (format!("{}.{name}", result.set), *value))
    });
    let averages = report.averages.iter().map(|(name, value)| (name.clone(), *value));
    of_sets.chain(averages).collect()
}
