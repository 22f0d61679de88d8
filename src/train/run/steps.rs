//! The steps of a run, from the first to the exported model.

use super::agreement;
use super::course::{Course, Segment};
use super::devices;
use super::folder::RunFolder;
use super::ledger::Ledger;
use super::material::{batches, classes, open_packs, step_options};
use super::report::TrainReport;
use super::resume::{self, Beginning};
use super::start::Start;
use super::surroundings::Surroundings;
use super::together::{self, alone, first_then_others, folder};
use super::tuned::{Made, Wanted, tuned};
use super::weighed::{Scales, at_hand};
use crate::loader::{Batches, Packs};
use crate::onnx;
use crate::runtime::{OnMissing, Runtime};
use crate::settings::keys;
use crate::train::checkpoint::{self, Facts};
use crate::train::export::export_configured;
use crate::train::feed::{Fed, fed_ahead};
use crate::train::init::Adopted;
use crate::train::metrics::{Line, Metrics};
use crate::train::validate::Validation;
use crate::train::{
    Config, Error, LossScale, Making, Rates, Scalars, StepGraph, Stepper, TrainState,
};
use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Trains.
///
/// Memory: the state three times (on the device twice, once when it is written), 48 bytes an image and a
/// few batches.
///
/// # Errors
/// Any [`Error`]; checkpoints that are there stay as they are.
pub fn train(
    config: &Config,
    start: &Start,
    around: &Surroundings<'_>,
) -> Result<TrainReport, Error> {
    let (mut run, mut state) = Run::open(config, start, around)?;
    run.announce()?;
    while !run.is_finished() && !run.is_stopped(Vec::new())? {
        state = run.segment(state)?;
    }
    run.finish(&state)
}

/// A run at work.
pub(super) struct Run<'a> {
    pub(super) config: &'a Config,
    pub(super) around: &'a Surroundings<'a>,
    pub(super) folder: RunFolder,
    pub(super) packs: Arc<Packs>,
    pub(super) runtime: Runtime,
    /// How its steps are made.
    pub(super) made: Made,
    pub(super) validation: Option<Validation>,
    pub(super) course: Course,
    /// The first rank's.
    pub(super) metrics: Option<Metrics>,
    /// What the next checkpoint will say of itself; its step is where the run is.
    pub(super) facts: Facts,
    pub(super) ledger: Ledger,
    /// Steps whose gradients overflowed, where the backbone computes in float16.
    pub(super) skipped_steps: Option<u64>,
    pub(super) adopted: Option<Adopted>,
    pub(super) changed: Vec<String>,
    pub(super) parameters: u64,
    /// Whether ranks are on processors that may round otherwise.
    is_unlike: bool,
}

impl<'a> Run<'a> {
    /// Checks everything that can be checked before a step, and makes or opens the folder; the state
    /// that the first step reads.
    fn open(
        config: &'a Config,
        start: &Start,
        around: &'a Surroundings<'a>,
    ) -> Result<(Self, TrainState), Error> {
        config.check_sharing()?;
        let packs = open_packs(config)?;
        let classes = classes(config, &packs)?;
        let orders = packs.stores().map(|store| store.manifest.order.clone()).collect();
        let validation = Validation::new(&config.settings)?;
        let of_epoch = batches(config, &packs, &config.views)?.batches_per_epoch();
        let course = Course::new(config, of_epoch)?;
        let mut facts = Facts::new(config.settings.resolved(), orders, classes as u64);
        facts.steps_per_epoch = course.steps_per_epoch;
        // What no step can be made of is found out before the folder is there.
        let graph = StepGraph::new(step_options(config, classes, config.views.len()))?;
        let precision = config.precision_here()?;
        let run = match start {
            Start::New => None,
            Start::Resume(run) => Some(run.clone()),
        };
        let made = run.as_deref().map(checkpoint::place).transpose()?.unwrap_or_default();
        let scales = Scales {
            config,
            classes,
            views: course.most_views(made.0),
            steps: course.steps,
            precision,
            run,
            jobs: around.jobs,
            is_elsewhere: false,
            runtime: at_hand(config),
        };
        scales.check(around.say)?;
        let Beginning { state, adopted, changed } = match start {
            Start::New => resume::new(config, &graph)?,
            Start::Resume(run) => resume::resumed(run, &mut facts, &config.sharing)?,
        };
        changed.iter().for_each(|change| (around.say)(&format!("changed: {change}")));
        let runtime = first_then_others(around.group, config.patience, || {
            Runtime::start(config.device, OnMissing::Install, around.say)
        })?;
        let runtime = match config.sharing.world.is_alone() {
            true => runtime,
            false => devices::together(runtime, config, around.group, around.say)?,
        };
        let folder = folder(config, start, around.group)?;
        // One rank measures, and exchanges nothing.
        let measured = alone(&graph)?;
        let wanted = Wanted {
            tune: config.tune,
            asked: config.precision,
            precision,
            threads: threads(around),
            step: &measured,
            steps: course.steps,
            // What the first rank has measured and kept is read by the others.
            resumed: matches!(start, Start::Resume(_)) || around.group.rank() > 0,
        };
        let (runtime, made) = first_then_others(around.group, config.patience, || {
            tuned(runtime.clone(), &folder, &wanted, around.say)
        })?;
        let overlap = keys::TRAIN_OVERLAP.name();
        let making = [
            ("how steps are made", format!("{:?}, {:?}", made.width, made.arrangement)),
            (overlap, config.settings.resolved()[overlap].to_string()),
        ];
        agreement::same_beginning(around.group, &facts, &making)?;
        let first = around.group.rank() == 0;
        let metrics = first.then(|| Metrics::open(&folder.metrics(), facts.step)).transpose()?;
        let parameters = graph.parameters().map(|own| own.count() as u64).sum();
        let run = Self {
            config,
            around,
            folder,
            packs,
            runtime,
            made,
            validation,
            course,
            metrics,
            facts,
            ledger: Ledger::default(),
            skipped_steps: None,
            adopted,
            changed,
            parameters,
            is_unlike: agreement::unlike_processors(around.group, around.say)?,
        };
        Ok((run, state))
    }

    /// Whether any rank is to end; all of them learn it at the same place, and the first which images any
    /// has left out.
    fn is_stopped(&mut self, damaged: Vec<String>) -> Result<bool, Error> {
        let own = self.around.stop.load(Ordering::Relaxed);
        let (stop, damaged) = together::agreed(self.around.group, own, damaged)?;
        self.tell_damaged(damaged);
        Ok(stop)
    }

    /// What is to be told of damaged images together with the other ranks; one that is alone tells at once.
    fn own_damaged(&mut self, names: Vec<String>) -> Vec<String> {
        if self.around.group.size() > 1 {
            return names;
        }
        self.tell_damaged(names);
        Vec::new()
    }

    pub(super) fn batches(&self, views: usize) -> Result<Batches, Error> {
        batches(self.config, &self.packs, &self.config.views[..views])
    }

    /// Whether a checkpoint is made here.
    fn is_due(&self) -> bool {
        self.facts.batches == 0 && self.course.is_due(self.facts.step)
    }

    pub(super) fn is_finished(&self) -> bool {
        self.facts.step >= self.course.steps
    }

    /// Makes the steps that one compiled step serves, or those until the run is stopped; the state
    /// after them.
    fn segment(&mut self, state: TrainState) -> Result<TrainState, Error> {
        let Segment { steps, views } = self.course.segment(self.facts.step);
        let options = step_options(self.config, self.facts.classes as usize, views);
        let graph = StepGraph::in_width(options, self.made.width)?;
        let state = state.completed(&graph)?;
        let threads = threads(self.around);
        let making =
            Making { overlap: self.config.overlap, ..Making::new(threads, &self.made.arrangement) };
        let mut stepper = Stepper::made(&self.runtime, graph, &making)?;
        stepper.load(&state)?;
        drop(state);
        self.facts.views = views as u64;
        let ended = self.learn(&mut stepper, &steps, &self.batches(views)?);
        self.around.progress.finish();
        let stopped = match ended {
            Ok(()) => false,
            Err(Ended::Stopped) => true,
            Err(Ended::Failed(error)) => return Err(*error),
        };
        let mut state = stepper.state()?;
        let due = self.is_due();
        if due || stopped {
            self.settle(&mut state)?;
            // Whoever interrupts does not wait for scores.
            self.checkpoint(&state, due && !stopped)?;
        }
        Ok(state)
    }

    /// Learns from the batches of `steps`; all checkpoints but that after the last are made.
    fn learn(
        &mut self,
        stepper: &mut Stepper,
        steps: &Range<u64>,
        batches: &Batches,
    ) -> Result<(), Ended> {
        self.around.progress.start("train", self.course.steps);
        self.around.progress.advance(steps.start);
        let feeds = stepper.feeds().to_vec();
        let course = self.course.clone();
        let range = course.batches((steps.start, self.facts.batches), steps.end);
        let range = range.start as usize..range.end as usize;
        let load = |batch: u64| batches.load(course.loaded(batch));
        let mut begun = Instant::now();
        fed_ahead(&feeds, self.around.jobs, range, load, |batch, fed| {
            let waited = begun.elapsed();
            let step = course.step(batch);
            // Nothing is learned from the rest of a step that was skipped.
            let is_rest = step < self.facts.step;
            let Fed { feed, skipped } = fed?;
            let skipped = self.own_damaged(skipped);
            if !is_rest {
                self.batch(stepper, step, feed, waited)?;
            }
            if self.is_stopped(skipped)? {
                return Err(Ended::Stopped);
            }
            if !is_rest && self.facts.step < steps.end && self.is_due() {
                let mut state = stepper.state()?;
                if self.settle(&mut state)? {
                    stepper.load(&state)?;
                }
                self.checkpoint(&state, true)?;
            }
            begun = Instant::now();
            Ok(())
        })
    }

    /// Before a checkpoint: holds what all ranks should have against each other; whether it is another then.
    fn settle(&self, state: &mut TrainState) -> Result<bool, Error> {
        agreement::settled(self.around.group, &self.config.sharing, state, self.is_unlike)
    }

    /// Learns from the batch of a step that lies in a feed, at the rates of its epoch; the last one is
    /// followed by a line of metrics.
    fn batch(
        &mut self,
        stepper: &mut Stepper,
        step: u64,
        feed: usize,
        waited: Duration,
    ) -> Result<(), Error> {
        let epoch = self.course.epoch(step);
        let phase = self.config.schedule.phase(epoch);
        let rates = Rates {
            learning: self.config.rate.at(step, epoch),
            contrast_weight: phase.contrast_weight,
            head_scale: phase.head_scale,
            contrast_scale: phase.contrast_scale,
        };
        let begun = Instant::now();
        let before = stepper.loss_scale();
        self.around.group.at(&format!("step {}", step + 1));
        // What is exchanged while gradients are made is waited for by nobody.
        let exchanged =
            |stepper: &Stepper| self.around.group.waited().saturating_sub(stepper.summed().hidden);
        let earlier = exchanged(stepper);
        let stepped = stepper.learn(feed, &rates)?;
        self.ledger.exchanged(exchanged(stepper).saturating_sub(earlier));
        if let Some(found) = stepper.found() {
            (self.around.say)(&found.to_string());
        }
        if let Some(scale) = stepper.loss_scale().filter(|_| stepped.overflowed) {
            return self.skipped(step, epoch, rates.learning, scale);
        }
        if !stepped.applied {
            return Err(Error::NotFinite {
                step: step + 1,
                epoch,
                loss: stepped.scalars.loss,
                gradient_norm: stepped.scalars.gradient_norm,
                rate: rates.learning,
                run: self.folder.path().to_path_buf(),
            });
        }
        self.facts.batches = stepper.batches() as u64;
        self.ledger.learned(waited + begun.elapsed(), waited);
        if let Some(scalars) = stepped.step {
            self.facts.step = step + 1;
            self.stepped(epoch, rates.learning, scalars, before)?;
        }
        Ok(())
    }

    /// Says which images of a batch were left out, each once in a run.
    fn tell_damaged(&mut self, names: Vec<String>) {
        for name in names {
            let told = format!("skipped, damaged: {name}");
            if self.ledger.skip(name) {
                (self.around.say)(&told);
            }
        }
    }

    /// Passes over a step whose gradients overflowed: its batches are seen, and nothing is learned from
    /// them. With the batches before in the same step, statistics and the queue went on.
    fn skipped(&mut self, step: u64, epoch: u32, lr: f32, scale: LossScale) -> Result<(), Error> {
        if scale.is_spent() {
            let run = self.folder.path().to_path_buf();
            return Err(Error::LossScale { step: step + 1, epoch, rate: lr, run });
        }
        (self.facts.step, self.facts.batches) = (step + 1, 0);
        self.skipped_steps = Some(scale.skipped_steps());
        self.ledger.skip_step();
        (self.around.say)(&format!(
            "step {} skipped: its gradients overflow float16; loss scale {} from here on",
            self.facts.step,
            scale.scale()
        ));
        self.around.progress.advance(1);
        Ok(())
    }

    /// Enters a step that was made, at a loss scale.
    fn stepped(
        &mut self,
        epoch: u32,
        lr: f32,
        scalars: Scalars,
        scale: Option<LossScale>,
    ) -> Result<(), Error> {
        self.skipped_steps = scale.map(LossScale::skipped_steps);
        let (taken, waited) = self.ledger.of_step();
        let ranks = self.config.sharing.world.ranks as u64;
        let images = ranks * self.config.batch as u64 * self.ledger.batches();
        let line = Line {
            step: self.facts.step,
            epoch,
            loss: scalars.loss,
            loss_cla: scalars.loss_cla,
            loss_con: scalars.loss_con,
            lr,
            margin: scalars.margin,
            grad_norm: scalars.gradient_norm,
            weighted_pairs: scalars.weighted_pairs,
            images_per_second: images as f64 / taken.as_secs_f64(),
            waited: waited.as_secs_f64() / taken.as_secs_f64(),
            loss_scale: scale.map(LossScale::scale),
            skipped_steps: self.skipped_steps,
        };
        self.metrics.as_mut().map_or(Ok(()), |metrics| metrics.write(&line))?;
        self.ledger.enter(line);
        self.around.progress.status(&format!("epoch {epoch}, loss {:.3}", scalars.loss));
        self.around.progress.advance(1);
        Ok(())
    }
}

/// The backbone as a run by these settings begins with it.
///
/// # Errors
/// As [`train()`] where no step can be compiled or `train.init` cannot be read.
pub fn initial_backbone(config: &Config) -> Result<onnx::Model, Error> {
    // Each tensor is drawn from its own stream: the number of classes makes no other backbone.
    const CLASSES: usize = 2;
    let graph = StepGraph::new(step_options(config, CLASSES, config.views.len()))?;
    export_configured(config, &resume::new(config, &graph)?.state)
}

/// Threads of a step.
fn threads(around: &Surroundings<'_>) -> NonZeroUsize {
    NonZeroUsize::new(around.jobs).unwrap_or(NonZeroUsize::MIN)
}

/// Why the steps end.
enum Ended {
    Stopped,
    Failed(Box<Error>),
}

impl<E: Into<Error>> From<E> for Ended {
    fn from(error: E) -> Self {
        Self::Failed(Box::new(error.into()))
    }
}
