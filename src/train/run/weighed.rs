//! What a run needs of memory, held against what is left before any of it is taken.

use super::material::step_options;
use super::tuned::{Expected, Wanted, expected};
use crate::graph::Width;
use crate::runtime::{Device, OnMissing, OneDnn, Precision, Runtime};
use crate::train::plan::{Change, Memory, Need, Verdict, changes};
use crate::train::tuning;
use crate::train::{Config, Error, StepGraph};
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// A run to be weighed.
pub(super) struct Scales<'a> {
    pub(super) config: &'a Config,
    pub(super) classes: usize,
    /// Views of an image, the most of any step to come.
    pub(super) views: usize,
    /// Steps that it has in all.
    pub(super) steps: u64,
    pub(super) precision: Precision,
    /// Its folder, where it goes on.
    pub(super) run: Option<PathBuf>,
    /// Threads that load, and threads of a step.
    pub(super) jobs: usize,
    /// Whether it is weighed for another machine, of which nobody tells what is left.
    pub(super) is_elsewhere: bool,
    /// The runtime that the tuning table is asked about, where it is there.
    pub(super) runtime: Option<Runtime>,
}

/// What was weighed.
pub(super) struct Weighed {
    pub(super) graph: StepGraph,
    pub(super) expected: Expected,
    pub(super) memory: Memory,
    pub(super) needs: Vec<Need>,
    /// Whether all of the memory is told; else what is told does not fit by far.
    pub(super) is_whole: bool,
}

/// The runtime for the device of a run with what is installed; nothing is fetched.
pub(super) fn at_hand(config: &Config) -> Option<Runtime> {
    let runtime = Runtime::start(config.device, OnMissing::Refuse, &|_| ()).ok()?;
    Some(match config.device {
        Device::Cpu => runtime.with_onednn(OneDnn::find(&|_| ()).ok().flatten()),
        Device::Cuda(_) => tuning::with_cudnn(runtime, &|_| ()),
    })
}

impl Scales<'_> {
    /// Weighs the run.
    ///
    /// # Errors
    /// [`Error::Kept`], [`Error::Option`] and [`Error::Unplanned`].
    pub(super) fn weigh(&self) -> Result<Weighed, Error> {
        self.weigh_as(self.config)
    }

    fn weigh_as(&self, config: &Config) -> Result<Weighed, Error> {
        let views = self.views.min(config.views.len());
        let graph = StepGraph::planned(step_options(config, self.classes, views), Width::Whole)?;
        let wanted = Wanted {
            tune: config.tune,
            asked: config.precision,
            precision: self.precision,
            threads: NonZeroUsize::new(self.jobs).unwrap_or(NonZeroUsize::MIN),
            step: &graph,
            steps: self.steps,
            resumed: self.run.is_some(),
        };
        let run = self.run.as_deref();
        let expected = expected(self.runtime.as_ref(), config.device, run, &wanted)?;
        let graph = match expected.made.width {
            Width::Whole => graph,
            width => StepGraph::planned(graph.options, width)?,
        };
        let least = Memory::without_activations(&graph, self.jobs);
        let needs = self.needs(&least, config);
        // The models of a step that is far too large would be large, too.
        if verdict(&needs) == Verdict::LacksByFar {
            return Ok(Weighed { graph, expected, memory: least, needs, is_whole: false });
        }
        let arrangement = &expected.made.arrangement;
        let memory = Memory::of(&graph, arrangement, config.device, self.jobs)?;
        let needs = self.needs(&memory, config);
        Ok(Weighed { graph, expected, memory, needs, is_whole: true })
    }

    fn needs(&self, memory: &Memory, config: &Config) -> Vec<Need> {
        let mut needs = Need::of(memory, config.device, config.local_ranks);
        if self.is_elsewhere {
            needs.iter_mut().for_each(|need| need.available = None);
        }
        needs
    }

    /// What to change where it does not fit.
    ///
    /// # Errors
    /// As [`Scales::weigh`].
    pub(super) fn changes(&self) -> Result<Vec<Change>, Error> {
        changes(self.config, self.classes, &|config| {
            match self.weigh_as(config) {
                Ok(weighed) => Ok(verdict(&weighed.needs) <= Verdict::Tight),
                // A change of which no step can be made is none.
                Err(Error::Option { .. }) => Ok(false),
                Err(error) => Err(error),
            }
        })
    }

    /// Says where memory is short.
    ///
    /// # Errors
    /// [`Error::Memory`] where it lacks by far and the settings do not insist.
    pub(super) fn check(&self, say: &dyn Fn(&str)) -> Result<(), Error> {
        let weighed = self.weigh()?;
        let Some(need) = Need::worst(&weighed.needs) else { return Ok(()) };
        let Some(available) = need.available else { return Ok(()) };
        let at_least = if weighed.is_whole { "about" } else { "more than" };
        match need.verdict() {
            Verdict::Fits => return Ok(()),
            Verdict::LacksByFar if self.config.refuses_memory => {
                let changes = self.changes()?.into_iter();
                return Err(Error::Memory {
                    place: need.place.clone(),
                    available,
                    needed: need.needed,
                    changes: changes.map(|change| change.settings.join(" ")).collect(),
                });
            }
            Verdict::Tight | Verdict::Lacks | Verdict::LacksByFar => {
                say(&format!("memory is short: the run takes {at_least} {}", need.told()));
            }
        }
        let changes = self.changes()?;
        changes.iter().for_each(|change| say(&format!("less: {}", change.settings.join(" "))));
        Ok(())
    }
}

/// The worst of all places.
pub(super) fn verdict(needs: &[Need]) -> Verdict {
    Need::worst(needs).map_or(Verdict::Fits, Need::verdict)
}
