//! A run: packs to batches to steps to checkpoints to a model.

use super::checkpoint::{self, Facts};
use super::config::Config;
use super::export::export_configured;
use super::feed::{Fed, fed_ahead};
use super::init::{self, Adopted};
use super::metrics::{Line, Metrics};
use super::validate::{Validation, scores};
use super::{Error, Rates, StepGraph, StepOptions, Stepper, TrainState, samples};
use crate::fs;
use crate::loader::{Batches, Packs};
use crate::nn::{JointOptions, QueueOptions};
use crate::onnx;
use crate::pack::PackFiles;
use crate::progress::Progress;
use crate::runtime::{OnMissing, Runtime};
use crate::seed::Seed;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Where a run begins.
#[derive(Debug, Clone)]
pub enum Start {
    /// At its first step, in a new folder.
    New,
    /// At the last checkpoint of a run's folder.
    Resume(PathBuf),
}

/// What a run works with beside its settings.
pub struct Surroundings<'a> {
    /// Threads that load, and threads of a step on the processor.
    pub jobs: usize,
    /// Hears how far it is.
    pub progress: &'a dyn Progress,
    /// Hears of decisions.
    pub say: &'a dyn Fn(&str),
    /// Set by whoever wants the run to end after the step at work.
    pub stop: &'a AtomicBool,
    /// Called after each checkpoint with the run's folder, to draw it.
    pub after_checkpoint: &'a dyn Fn(&Path),
}

/// What a run did.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TrainReport {
    /// Its folder.
    pub run: String,
    /// The row of the ablation.
    pub preset: String,
    /// Whether all its steps were made; an interrupted run goes on with `--resume`.
    pub finished: bool,
    /// Steps that were made, with those before it was resumed.
    pub steps: u64,
    /// Steps that it has in all.
    pub of_steps: u64,
    /// Images of the packs.
    pub images: u64,
    /// Number of classes.
    pub classes: u64,
    /// Parameters that were learned.
    pub parameters: u64,
    /// What the network was fed.
    pub channel_order: String,
    /// What the backbone began with, if not with drawn weights.
    pub init: Option<Adopted>,
    /// Settings that are others than before it was resumed.
    pub changed: Vec<String>,
    /// Numbers of the last step.
    pub last: Option<Line>,
    /// Mean share of pairs that had a weight in the contrast, over the steps of this process.
    pub weighted_pairs: f64,
    /// Share of the time of the steps that was spent waiting for batches, without each first.
    pub waited: f64,
    /// Damaged images that were left out, by name.
    pub skipped: Vec<String>,
    /// What validation measured at the last checkpoint, by `set.metric`.
    pub scores: IndexMap<String, f64>,
    /// Step of the best checkpoint, where a metric is named.
    pub best_step: Option<u64>,
    /// The last checkpoint.
    pub checkpoint: String,
    /// The exported backbone, of a finished run.
    pub model: Option<String>,
}

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
    let mut run = Run::open(config, start, around)?;
    while run.facts.step < run.of_steps && !around.stop.load(Ordering::Relaxed) {
        run.segment()?;
    }
    run.finish()
}

/// A run at work.
struct Run<'a> {
    config: &'a Config,
    around: &'a Surroundings<'a>,
    folder: PathBuf,
    /// The folder's lock.
    _claim: File,
    packs: Arc<Packs>,
    runtime: Runtime,
    validation: Option<Validation>,
    metrics: Metrics,
    /// What the next checkpoint will say of itself; its step is where the run is.
    facts: Facts,
    /// The state between two segments; while one runs the stepper has it.
    state: Option<TrainState>,
    adopted: Option<Adopted>,
    changed: Vec<String>,
    of_steps: u64,
    skipped: Vec<String>,
    parameters: u64,
    last: Option<Line>,
    /// Time of the steps of this process, and of it the waiting.
    spent: [Duration; 2],
    weighted: (f64, u64),
}

impl<'a> Run<'a> {
    /// Checks everything that can be checked before a step, and makes or opens the folder.
    fn open(
        config: &'a Config,
        start: &Start,
        around: &'a Surroundings<'a>,
    ) -> Result<Self, Error> {
        let files = config.packs.iter().map(|path| PackFiles::of(path));
        let files = files.collect::<Result<Vec<_>, _>>()?;
        let packs = Packs::open(&files, config.labels, config.channel_order, config.other_size)?;
        let packs = Arc::new(packs);
        let classes = config.classes.unwrap_or(packs.classes());
        if classes < packs.classes() {
            return Err(Error::Option {
                option: "train.classes",
                expected: format!("at least {}, as in the packs", packs.classes()),
                found: classes.to_string(),
            });
        }
        let orders: Vec<String> = packs.stores().map(|s| s.manifest.order.clone()).collect();
        let validation = Validation::new(&config.settings)?;
        let steps_per_epoch = batches(config, &packs, &config.views)?.steps_per_epoch();
        let of_epochs = steps_of_epochs(config, steps_per_epoch);
        let of_steps = config.max_steps.map_or(of_epochs, |most| most.min(of_epochs));
        let mut facts = Facts::new(config.settings.resolved(), orders, classes as u64);
        facts.steps_per_epoch = steps_per_epoch;
        let (mut resumed, mut changed) = (None, Vec::new());
        if let Start::Resume(folder) = start {
            let before = checkpoint::open(folder)?;
            check_resumable(&before.facts, &facts, folder)?;
            changed = differences(&before.facts.settings, &facts.settings);
            changed.iter().for_each(|change| (around.say)(&format!("changed: {change}")));
            facts.step = before.facts.step;
            facts.scores = before.facts.scores;
            resumed = Some(before.state);
        }
        let options = step_options(config, classes, config.views.len());
        // What no step can be made of is found out before the folder is there.
        let graph = StepGraph::new(options)?;
        let seed = Seed::new(config.seed);
        let is_new = resumed.is_none();
        let mut state = resumed.unwrap_or_else(|| TrainState::initial(&graph, seed));
        let init = config.init.as_ref().filter(|_| is_new);
        let adopted = init.map(|path| init::adopt(&mut state, path)).transpose()?;
        let runtime = Runtime::start(config.device, OnMissing::Install, around.say)?;
        let (folder, claim) = match start {
            Start::New => new_folder(config)?,
            Start::Resume(folder) => (folder.clone(), claim(folder)?),
        };
        check_own_folders(&folder)?;
        fs::write_whole(&folder.join(SETTINGS), config.settings.to_file().as_bytes())?;
        let metrics = Metrics::open(&folder.join(METRICS), facts.step)?;
        let shapes = graph.params.parameters.iter().map(|parameter| &parameter.shape);
        let parameters = shapes.map(|shape| shape.iter().product::<usize>() as u64).sum();
        if let Some(adopted) = &adopted {
            (around.say)(&format!("took {} tensors of {}", adopted.taken, adopted.file));
        }
        let run = Self {
            config,
            around,
            folder,
            _claim: claim,
            packs,
            runtime,
            validation,
            metrics,
            facts,
            state: Some(state),
            adopted,
            changed,
            of_steps,
            skipped: Vec::new(),
            parameters,
            last: None,
            spent: [Duration::ZERO; 2],
            weighted: (0.0, 0),
        };
        run.begin()?;
        Ok(run)
    }

    /// Says what will be done, and shows the views.
    fn begin(&self) -> Result<(), Error> {
        let (config, say) = (self.config, self.around.say);
        for store in self.packs.stores() {
            let manifest = &store.manifest;
            say(&format!(
                "{}: {} images, stored {}, alignment {}",
                store.files.path(crate::pack::Part::Rec).display(),
                store.len(),
                manifest.stored_channel_order.name(),
                manifest.alignment,
            ));
        }
        say(&format!(
            "{}: preset {}, {} with {} classes, {} view(s), fed {}, {} steps of {} images",
            self.folder.display(),
            config.preset.name,
            config.settings.parse::<String>("backbone.architecture")?,
            self.facts.classes,
            config.views.len(),
            config.channel_order.name(),
            self.of_steps,
            config.batch,
        ));
        let of_epochs = steps_of_epochs(config, self.facts.steps_per_epoch);
        if self.of_steps < of_epochs {
            let steps = self.of_steps;
            say(&format!(
                "train.max_steps ends the run after {steps} of its epochs' {of_epochs} steps"
            ));
        }
        let samples = self.folder.join(SAMPLES);
        std::fs::create_dir_all(&samples).map_err(fs::io_error("make the folder", &samples))?;
        samples::write(&self.batches(config.views.len())?, &samples.join("views.png"))
    }

    fn batches(&self, views: usize) -> Result<Batches, Error> {
        batches(self.config, &self.packs, &self.config.views[..views])
    }

    /// Views of each image in an epoch.
    fn views(&self, epoch: u32) -> usize {
        match self.config.contrast {
            Some(_) => self.config.schedule.phase(epoch).views.min(self.config.views.len()),
            None => self.config.views.len(),
        }
    }

    /// Runs the epochs that one compiled step serves.
    fn segment(&mut self) -> Result<(), Error> {
        let first = self.facts.step;
        let epoch = (first / self.facts.steps_per_epoch) as u32;
        let views = self.views(epoch);
        let other = (epoch + 1..self.config.epochs).find(|&epoch| self.views(epoch) != views);
        let end =
            other.map_or(self.of_steps, |epoch| u64::from(epoch) * self.facts.steps_per_epoch);
        let end = end.min(self.of_steps);
        let graph = StepGraph::new(step_options(self.config, self.facts.classes as usize, views))?;
        let state = self.state.take().unwrap_or_default();
        let state = state.completed(&graph, Seed::new(self.config.seed));
        let jobs = NonZeroUsize::new(self.around.jobs).unwrap_or(NonZeroUsize::MIN);
        let mut stepper = Stepper::new(&self.runtime, graph, jobs)?;
        stepper.load(&state)?;
        drop(state);
        self.facts.views = views as u64;
        let batches = self.batches(views)?;
        self.around.progress.start("train", self.of_steps);
        self.around.progress.advance(first);
        let feeds = stepper.feeds().to_vec();
        let load = |step: u64| batches.load(step);
        let mut begun = Instant::now();
        let range = first as usize..end as usize;
        let ended = fed_ahead(&feeds, self.around.jobs, range, load, |step, fed| {
            let waited = begun.elapsed();
            self.step(&mut stepper, step, fed?, waited)?;
            let stopped = self.around.stop.load(Ordering::Relaxed);
            let due = self.facts.step == self.of_steps || self.is_due();
            let ends = stopped || self.facts.step == end;
            if due || ends {
                let state = stepper.state()?;
                self.facts.scores.clear();
                // Whoever interrupts does not wait for scores.
                if due && !stopped {
                    self.score(&state)?;
                }
                if due || stopped {
                    self.save(&state)?;
                }
                self.state = ends.then_some(state);
            }
            begun = Instant::now();
            if stopped { Err(Ended::Stopped) } else { Ok(()) }
        });
        self.around.progress.finish();
        match ended {
            Err(Ended::Failed(error)) => Err(*error),
            Ok(()) | Err(Ended::Stopped) => Ok(()),
        }
    }

    /// One step: the batch, the rates of its epoch, a line of metrics.
    fn step(
        &mut self,
        stepper: &mut Stepper,
        step: u64,
        fed: Fed,
        waited: Duration,
    ) -> Result<(), Error> {
        let epoch = (step / self.facts.steps_per_epoch) as u32;
        let phase = self.config.schedule.phase(epoch);
        let rates = Rates {
            learning: self.config.rate.at(step, epoch),
            contrast_weight: phase.contrast_weight,
            head_scale: phase.head_scale,
            contrast_scale: phase.contrast_scale,
        };
        let begun = Instant::now();
        let stepped = stepper.learn(fed.feed, &rates)?;
        let scalars = stepped.scalars;
        if !stepped.applied {
            return Err(Error::NotFinite {
                step: step + 1,
                epoch,
                loss: scalars.loss,
                gradient_norm: scalars.gradient_norm,
                rate: rates.learning,
                run: self.folder.clone(),
            });
        }
        let taken = waited + begun.elapsed();
        // The first batch of a process is always waited for.
        if self.last.is_some() {
            self.spent[0] += taken;
            self.spent[1] += waited;
        }
        let line = Line {
            step: step + 1,
            epoch,
            loss: scalars.loss,
            loss_cla: scalars.loss_cla,
            loss_con: scalars.loss_con,
            lr: rates.learning,
            margin: scalars.margin,
            grad_norm: scalars.gradient_norm,
            weighted_pairs: scalars.weighted_pairs,
            images_per_second: self.config.batch as f64 / taken.as_secs_f64(),
            waited: waited.as_secs_f64() / taken.as_secs_f64(),
        };
        self.metrics.write(&line)?;
        self.weighted.0 += f64::from(scalars.weighted_pairs);
        self.weighted.1 += 1;
        self.around.progress.tell(&format!("epoch {epoch}, loss {:.3}", scalars.loss));
        self.around.progress.advance(1);
        self.last = Some(line);
        self.facts.step = step + 1;
        for name in fed.skipped {
            if !self.skipped.contains(&name) {
                (self.around.say)(&format!("skipped, damaged: {name}"));
                self.skipped.push(name);
            }
        }
        Ok(())
    }

    /// Whether a checkpoint is made after this step.
    fn is_due(&self) -> bool {
        let every = self.config.checkpoint_every.unwrap_or(self.facts.steps_per_epoch);
        self.facts.step.is_multiple_of(every)
    }

    /// Scores the backbone, where sets are named.
    fn score(&mut self, state: &TrainState) -> Result<(), Error> {
        let Some(validation) = &self.validation else { return Ok(()) };
        let folder = self.folder.join(EVAL);
        std::fs::create_dir_all(&folder).map_err(fs::io_error("make the folder", &folder))?;
        let model = folder.join("model.onnx");
        export_configured(self.config, state)?.save(&model)?;
        let report = validation.run(&model, self.config.device, self.around.jobs)?;
        let text = serde_json::to_vec_pretty(&report).unwrap_or_default();
        let file = folder.join(format!("step-{:08}.json", self.facts.step));
        fs::write_whole(&file, &text)?;
        self.facts.scores = scores(&report);
        Ok(())
    }

    /// Writes a checkpoint, then lets go of old ones.
    fn save(&mut self, state: &TrainState) -> Result<(), Error> {
        let (step, around) = (self.facts.step, self.around);
        let folder = self.folder.join(checkpoint::FOLDER);
        std::fs::create_dir_all(&folder).map_err(fs::io_error("make the folder", &folder))?;
        checkpoint::save(&folder, &self.facts, state)?;
        checkpoint::prune(&folder, self.config.keep, self.config.best.as_deref())?;
        let loss = self.last.as_ref().map_or(f32::NAN, |line| line.loss);
        let scores: String =
            self.facts.scores.iter().map(|(name, value)| format!(", {name} {value:.4}")).collect();
        (around.say)(&format!("step {step} of {}: loss {loss:.4}{scores}", self.of_steps));
        (around.after_checkpoint)(&self.folder);
        Ok(())
    }

    /// Exports what was learned and tells what was done.
    fn finish(mut self) -> Result<TrainReport, Error> {
        let finished = self.facts.step >= self.of_steps;
        let model = self.folder.join("model.onnx");
        if let Some(state) = self.state.take().filter(|_| finished) {
            export_configured(self.config, &state)?.save(&model)?;
        }
        let folder = self.folder.join(checkpoint::FOLDER);
        let all = checkpoint::list(&folder)?;
        let best = self.config.best.as_ref().and_then(|metric| checkpoint::best(&all, metric));
        let share = |part: f64, whole: f64| if whole > 0.0 { part / whole } else { 0.0 };
        let spent = self.spent.map(|time| time.as_secs_f64());
        Ok(TrainReport {
            run: self.folder.display().to_string(),
            preset: self.config.preset.name.to_owned(),
            finished,
            steps: self.facts.step,
            of_steps: self.of_steps,
            images: self.packs.len() as u64,
            classes: self.facts.classes,
            parameters: self.parameters,
            channel_order: self.config.channel_order.name().to_owned(),
            init: self.adopted,
            changed: self.changed,
            last: self.last,
            weighted_pairs: share(self.weighted.0, self.weighted.1 as f64),
            waited: share(spent[1], spent[0]),
            skipped: self.skipped,
            scores: self.facts.scores,
            best_step: best.map(|(step, _)| step),
            checkpoint: all.last().map_or_else(String::new, |(path, _)| path.display().to_string()),
            model: finished.then(|| model.display().to_string()),
        })
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
    let mut state = TrainState::initial(&graph, Seed::new(config.seed));
    if let Some(path) = &config.init {
        init::adopt(&mut state, path)?;
    }
    export_configured(config, &state)
}

/// The file of a run's settings.
pub const SETTINGS: &str = "config.toml";

/// The file of a run's numbers.
pub const METRICS: &str = "metrics.jsonl";

/// The folder of a run's views.
const SAMPLES: &str = "samples";

/// The folder of what validation measured.
const EVAL: &str = "eval";

/// Folders that a run writes into, and checkpoints are removed from.
const OWN_FOLDERS: [&str; 4] = [checkpoint::FOLDER, SAMPLES, EVAL, "plots"];

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

fn batches(
    config: &Config,
    packs: &Arc<Packs>,
    views: &[crate::views::View],
) -> Result<Batches, Error> {
    let seed = Seed::new(config.seed);
    let mut batches = Batches::new(Arc::clone(packs), views.to_vec(), seed, config.batch)?;
    let share = config.backbone.dropout;
    batches.dropout = (share > 0.0).then(|| (config.backbone.last_extents(), share));
    batches.resizing = config.resizing;
    batches.on_damage = config.on_damage;
    Ok(batches)
}

/// The steps of all epochs, to the end of the last.
fn steps_of_epochs(config: &Config, steps_per_epoch: u64) -> u64 {
    steps_per_epoch * u64::from(config.epochs)
}

/// The step of an epoch with so many views: with one there is nothing to contrast.
fn step_options(config: &Config, classes: usize, views: usize) -> StepOptions {
    let contrast = config.contrast.filter(|_| views > 1).map(|(options, kind, size)| {
        (options, QueueOptions { kind, size: size.unwrap_or(classes) })
    });
    StepOptions {
        backbone: config.backbone.clone(),
        joint: JointOptions { head: config.head, contrast },
        classes,
        batch: config.batch,
        views,
        scales: config.schedule.scales(),
        sgd: config.sgd,
    }
}

/// Makes the folder of a new run: the name given, or the preset and the first number that is free. A
/// folder of a run that broke off before its first checkpoint is taken again.
fn new_folder(config: &Config) -> Result<(PathBuf, File), Error> {
    let runs = &config.runs;
    std::fs::create_dir_all(runs).map_err(fs::io_error("make the folder", runs))?;
    if let Some(name) = &config.name {
        return claim_new(runs.join(name));
    }
    for number in 1.. {
        match claim_new(runs.join(format!("{}-{number}", config.preset.name))) {
            Err(Error::RunExists { .. } | Error::RunBusy { .. }) => {}
            claimed => return claimed,
        }
    }
    Err(Error::RunExists { run: runs.clone() })
}

/// Makes the folder of a run, or takes that of one that has not begun.
fn claim_new(folder: PathBuf) -> Result<(PathBuf, File), Error> {
    match std::fs::create_dir(&folder) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            if !is_unbegun(&folder) {
                return Err(Error::RunExists { run: folder });
            }
        }
        Err(error) => return Err(fs::io_error("make the folder", &folder)(error).into()),
    }
    let claim = claim(&folder)?;
    Ok((folder, claim))
}

/// Refuses a run's folder of which a part leads elsewhere.
fn check_own_folders(run: &Path) -> Result<(), Error> {
    OWN_FOLDERS
        .map(|name| run.join(name))
        .iter()
        .try_for_each(|folder| Ok(fs::check_own_folder(folder)?))
}

/// Whether a folder, and no link to one, holds nothing, or a run without a checkpoint.
fn is_unbegun(folder: &Path) -> bool {
    let is_empty = || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    let is_run = || folder.join(SETTINGS).is_file();
    fs::is_own_folder(folder) && (is_run() || is_empty()) && !checkpoint::any(folder)
}

/// Keeps other processes from training in the folder as long as it is open.
fn claim(folder: &Path) -> Result<File, Error> {
    let opened = File::open(folder).map_err(fs::io_error("open", folder))?;
    match opened.try_lock() {
        Ok(()) => {
            // Whoever holds the folder is the only one at work in it.
            fs::remove_leftovers(folder);
            OWN_FOLDERS.iter().for_each(|below| fs::remove_leftovers(&folder.join(below)));
            Ok(opened)
        }
        Err(TryLockError::WouldBlock) => Err(Error::RunBusy { run: folder.to_path_buf() }),
        Err(TryLockError::Error(error)) => Err(fs::io_error("lock", folder)(error).into()),
    }
}

/// Refuses to go on with other packs or another length of an epoch: the order of the images would be
/// another from the middle on.
fn check_resumable(before: &Facts, now: &Facts, run: &Path) -> Result<(), Error> {
    let told = |facts: &Facts| {
        [
            ("orders of the packs", facts.orders.join(" ")),
            ("classes", facts.classes.to_string()),
            ("steps of an epoch", facts.steps_per_epoch.to_string()),
            ("train.seed", facts.settings.get("train.seed").cloned().unwrap_or_default()),
        ]
    };
    for ((what, expected), (_, found)) in told(before).into_iter().zip(told(now)) {
        if expected != found {
            return Err(Error::Resume { run: run.to_path_buf(), what, expected, found });
        }
    }
    Ok(())
}

/// Settings that differ, as `key: before, now`.
fn differences(before: &BTreeMap<String, String>, now: &BTreeMap<String, String>) -> Vec<String> {
    let keys = before.keys().chain(now.keys().filter(|key| !before.contains_key(*key)));
    let value = |settings: &BTreeMap<String, String>, key: &String| {
        settings.get(key).cloned().unwrap_or_default()
    };
    let pairs = keys.map(|key| (key, value(before, key), value(now, key)));
    let others = pairs.filter(|(_, before, now)| before != now);
    others.map(|(key, before, now)| format!("{key}: {before:?} before, {now:?} now")).collect()
}
