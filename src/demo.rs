//! From nothing to proved packs of drawn faces, and a model learned from one and evaluated on the others:
//! the tool's own tour.

use crate::datasets::{LabelFunction, find};
use crate::eval::results::EvalReport;
use crate::eval::settings::{PRESETS, Preset, Protocol, Switches};
use crate::eval::{
    self, EvalSet, FeatureOptions, Flags, ModelOptions, OtherAlignment, Rewriting, Task,
};
use crate::fs;
use crate::group::Group;
use crate::image::ChannelOrder;
use crate::onnx;
use crate::pack::stats::{self, StatsReport};
use crate::pack::verify_order::{self, OrderReport, SourceTree};
use crate::pack::{self, Encoding, Layout, PackFiles, PackReport, Recipe, make_rec};
use crate::progress::Progress;
use crate::report::{self, Evaluation};
use crate::runtime::Device;
use crate::settings::{self, Form, Given, Row, Settings, keys};
use crate::synth::{self, SynthReport};
use crate::train::{self, Config, Start, Surroundings, TrainReport};
use schemars::JsonSchema;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// What the tour takes.
pub struct Options<'a> {
    /// The folder for all it makes.
    pub out: PathBuf,
    /// Threads to work with.
    pub jobs: usize,
    /// The environment, which stands above the tour's settings.
    pub environment: Vec<(String, String)>,
    /// Hears how far each part is.
    pub progress: &'a dyn Progress,
    /// Hears of decisions.
    pub say: &'a dyn Fn(&str),
    /// Set by whoever wants the tour to end early.
    pub stop: &'a Arc<AtomicBool>,
}

/// What the tour made.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct DemoReport {
    /// The folder.
    pub out: String,
    /// The drawn sets; none when an earlier tour had drawn them.
    pub synth: Option<SynthReport>,
    /// The packs.
    pub packs: Vec<PackReport>,
    /// The proof of their order.
    pub order: OrderReport,
    /// What is in them.
    pub stats: StatsReport,
    /// What was learned.
    pub train: TrainReport,
    /// The numbers of the network as it began.
    pub untrained: EvalReport,
    /// The learned model's numbers on the packs.
    pub eval: EvalReport,
    /// The page that shows the numbers.
    pub report: String,
}

/// Why the tour ended early.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The settings could not be written.
    #[error(transparent)]
    Files(#[from] fs::Error),
    /// The faces could not be drawn.
    #[error(transparent)]
    Synth(#[from] synth::Error),
    /// A pack could not be made or verified.
    #[error(transparent)]
    Pack(#[from] pack::Error),
    /// A set cannot be packed.
    #[error(transparent)]
    Make(#[from] pack::MakeError),
    /// A pack cannot be verified.
    #[error(transparent)]
    Verify(#[from] verify_order::Error),
    /// The settings are not those of a run.
    #[error(transparent)]
    Settings(#[from] settings::Error),
    /// Nothing could be learned.
    #[error(transparent)]
    Train(#[from] Box<train::Error>),
    /// It was asked to end.
    #[error("interrupted; what is done is kept in {out}, and the same command goes on from there")]
    Interrupted {
        /// The folder.
        out: PathBuf,
    },
    /// The model could not be evaluated.
    #[error(transparent)]
    Eval(#[from] Box<eval::Error>),
    /// The numbers could not be shown.
    #[error(transparent)]
    Report(#[from] report::Error),
    /// A set is not known: a fault of this program.
    #[error("no data set {name} is known")]
    Set {
        /// Its name.
        name: &'static str,
    },
}

/// A pack of the tour.
struct Stop {
    dataset: &'static str,
    /// The root below `data`.
    root: &'static str,
    stem: &'static str,
    align: Option<u32>,
    layout: Layout,
    /// In place of the set's own.
    label: Option<fn() -> LabelFunction>,
}

impl Stop {
    const fn plain(dataset: &'static str, root: &'static str, stem: &'static str) -> Self {
        Self { dataset, root, stem, align: None, layout: Layout::Plain, label: None }
    }

    const fn aligned(dataset: &'static str, root: &'static str, stem: &'static str) -> Self {
        Self { align: Some(112), ..Self::plain(dataset, root, stem) }
    }
}

const STOPS: [Stop; 11] = [
    Stop::plain("tinyface", "tinyface", "tinyface"),
    Stop::plain("scface", "scface", "scface"),
    Stop::aligned("scface", "scface", "scface_aligned"),
    Stop::plain("ijbb", "ijbb", "ijbb"),
    Stop::aligned("ijbb", "ijbb", "ijbb_aligned"),
    Stop::plain("bin", "hq/lfw.bin", "lfw"),
    Stop::plain("bin", "hq/cfp_fp.bin", "cfp_fp"),
    Stop::plain("bin", "hq/agedb_30.bin", "agedb_30"),
    Stop::plain("bin", "hq/calfw.bin", "calfw"),
    Stop::plain("bin", "hq/cplfw.bin", "cplfw"),
    Stop {
        layout: Layout::Insightface,
        // Classes from 0 without a gap, as a network counts them.
        label: Some(|| LabelFunction::Rank),
        ..Stop::plain("folder", "train", "train")
    },
];

/// Folders of the drawn sets; each is there only when it is whole.
const DRAWN: [&str; 5] = ["tinyface", "scface", "ijbb", "hq", "train"];

/// Where the tour's things lie, whatever the environment says.
static PLACES: [(&dyn Row, &str); 4] = [
    (&keys::DATA_ROOT, "data"),
    (&keys::PACK_OUT, "packs"),
    (&keys::TRAIN_PACKS, "packs/train"),
    (&keys::TRAIN_RUNS, "runs"),
];

/// What is learned, beside the defaults: QGFace, by a network that two cores train in a minute.
static TRAINING: [(&dyn Row, &str); 10] = [
    (&keys::BACKBONE_ARCHITECTURE, "ir18"),
    // Four times as wide it learns no more in so few steps.
    (&keys::BACKBONE_WIDTH, "0.125"),
    // What is dropped is missed before it is learned twice.
    (&keys::BACKBONE_DROPOUT, "0"),
    // At the scale of 64 and a rate of 0.1 the loss is after so few steps where it began.
    (&keys::HEAD_S, "32"),
    // Quality counts from the first batch on; the reference's averages take 150 steps to settle.
    (&keys::HEAD_EMA_START, "first_batch"),
    // At 0.2 hardly a pair of so short a run has a weight. The queue holds a person's own other
    // pictures as negatives, one in 200, so the contrast at its full weight undoes what is learned.
    (&keys::CONTRAST_QUALITY_SCALE, "0.3"),
    (&keys::CONTRAST_WEIGHT, "0.1"),
    // Many small steps.
    (&keys::TRAIN_BATCH, "16"),
    (&keys::TRAIN_EPOCHS, "2"),
    (&keys::TRAIN_LR, "0.03"),
];

/// What sets settings of the tour above the environment, as errors call it.
const TOUR: &str = "the tour";

/// The run's name.
const RUN: &str = "demo";

/// A network that is evaluated.
struct Evaluated {
    /// Its file.
    model: &'static str,
    /// The file of its numbers.
    results: &'static str,
    sets: &'static [&'static str],
}

const LEARNED: Evaluated =
    Evaluated { model: "model.onnx", results: "results.json", sets: &["all", "crlfw"] };

/// The network as it begins, on the sets whose numbers guessing does not tell.
const UNTRAINED: Evaluated = Evaluated {
    model: "untrained.onnx",
    results: "untrained.json",
    sets: &["tinyface", "scface", "ijbb"],
};

/// Draws faces in every layout, packs every set, aligned and not, proves every pack's order, counts every
/// pack, learns from one and evaluates what was learned on all others. Leaves `data/`, `packs/`,
/// `runs/demo/`, `model.onnx`, `untrained.onnx`, their numbers, `report.html` and `qgface.toml`, so that the
/// commands of the README work as typed in the folder. A tour that was ended early goes on where it was.
///
/// # Errors
/// Any [`Error`].
pub fn demo(options: &Options<'_>) -> Result<DemoReport, Error> {
    let (out, progress) = (&options.out, options.progress);
    let data = out.join("data");
    let drawn = DRAWN.iter().all(|set| data.join(set).is_dir());
    let synth = match drawn {
        true => None,
        false => Some(synth::synth(&synth::Options::new(data.clone()), progress)?),
    };
    let file = out.join(settings::FILE_NAME);
    let text = settings::template(&[("folder", "data/train")], &TRAINING);
    fs::write_whole(&file, text.as_bytes())?;
    let (packs, order) = pack_and_prove(options, &data)?;
    let packed = STOPS.iter().map(|stop| PackFiles::new(&out.join("packs"), stop.stem));
    let look = stats::Options {
        packs: packed.collect::<Result<_, _>>()?,
        order: ChannelOrder::Rgb,
        against: None,
    };
    let stats = stats::stats(&look, progress)?;
    let mut settings = Settings::load(Some(&file), options.environment.iter().cloned())?;
    for (row, folder) in PLACES {
        // A list of one, where a list is wanted: the folder may have commas in its name.
        let folder = out.join(folder).display().to_string();
        let given = match row.form() {
            Form::List(_) => Given::Several(vec![folder]),
            _ => Given::One(folder),
        };
        settings.give(row, given, TOUR)?;
    }
    settings.give(&keys::TRAIN_NAME, Given::from(RUN), TOUR)?;
    let config = Config::new(&settings)?;
    let train = learn(options, &config)?;
    options.check_going()?;
    let learned = train::export_checkpoint(Path::new(&train.checkpoint)).map_err(Box::new)?;
    let initial = train::initial_backbone(&config).map_err(Box::new)?;
    let evaluations = [
        evaluate(options, &settings, &learned, &LEARNED)?,
        evaluate(options, &settings, &initial, &UNTRAINED)?,
    ];
    let page = out.join("report.html");
    report::write(&report::document(&evaluations)?, report::Format::Html, &page)?;
    let [eval, untrained] = evaluations.map(|evaluation| evaluation.report);
    let report = page.display().to_string();
    let out = out.display().to_string();
    Ok(DemoReport { out, synth, packs, order, stats, train, untrained, eval, report })
}

impl Options<'_> {
    fn check_going(&self) -> Result<(), Error> {
        match self.stop.load(Ordering::Relaxed) {
            true => Err(Error::Interrupted { out: self.out.clone() }),
            false => Ok(()),
        }
    }
}

fn pack_and_prove(
    options: &Options<'_>,
    data: &Path,
) -> Result<(Vec<PackReport>, OrderReport), Error> {
    let mut packs = Vec::new();
    let mut order = OrderReport { in_order: true, packs: Vec::new() };
    for stop in STOPS {
        options.check_going()?;
        let dataset = find(stop.dataset).ok_or(Error::Set { name: stop.dataset })?;
        let files = PackFiles::new(&options.out.join("packs"), stop.stem)?;
        let recipe = Recipe {
            encoding: Encoding::Origin.for_pictures(stop.align.is_some()),
            align: stop.align,
            layout: stop.layout,
            label: stop.label.map(|label| label()),
            ..Recipe::new(dataset, data.join(stop.root))
        };
        let root = recipe.root.clone();
        let stop = Arc::clone(options.stop);
        let make = pack::Options { jobs: options.jobs, stop, ..pack::Options::new(files) };
        packs.push(make_rec(recipe, &make, options.progress)?);
        options.check_going()?;
        let verify = verify_order::Options::new(SourceTree::At(root));
        let pack = verify_order::verify_order(&make.files, &verify, options.progress)?;
        order.in_order &= pack.in_order;
        order.packs.push(pack);
    }
    Ok((packs, order))
}

/// Trains, or goes on with what an earlier tour began.
fn learn(options: &Options<'_>, config: &Config) -> Result<TrainReport, Error> {
    let run = config.runs.join(RUN);
    let start = match train::checkpoint::any(&run) {
        true => Start::Resume(run),
        false => Start::New,
    };
    let draw = |run: &Path| report::training::draw(run, options.say);
    let around = Surroundings {
        jobs: options.jobs,
        progress: options.progress,
        say: options.say,
        stop: options.stop,
        after_checkpoint: &draw,
        group: &Arc::new(Group::alone()),
    };
    Ok(train::train(config, &start, &around).map_err(Box::new)?)
}

/// Writes a model and evaluates it from the packs.
fn evaluate(
    options: &Options<'_>,
    settings: &Settings,
    network: &onnx::Model,
    evaluated: &Evaluated,
) -> Result<Evaluation, Error> {
    let out = &options.out;
    let model = out.join(evaluated.model);
    network.save(&model).map_err(|error| Box::new(train::Error::from(error)))?;
    let named = evaluated.sets.iter().filter_map(|name| EvalSet::named(name)).flatten();
    let place = |set: &'static EvalSet| Ok((set, settings.eval_place(set)?));
    let adaface = Preset::find("adaface").unwrap_or(&PRESETS[0]);
    let report = eval::evaluate(
        &eval::Options {
            task: Task::Sets(named.map(place).collect::<Result<_, Error>>()?),
            features: FeatureOptions::Model(ModelOptions {
                path: model,
                flags: Flags::default(),
                device: Device::Cpu,
                threads: NonZeroUsize::new(options.jobs).unwrap_or(NonZeroUsize::MIN),
                time_limit: None,
                rewriting: Rewriting::Never,
            }),
            protocol: Protocol::new(adaface, &Switches::default()),
            batch: settings.get(&keys::EVAL_BATCH),
            jobs: options.jobs,
            group: Arc::new(Group::alone()),
            cache: Some(out.join("cache")),
            save: None,
            alignment: OtherAlignment::Refuse,
        },
        options.progress,
        options.say,
    )
    .map_err(Box::new)?;
    let text = serde_json::to_vec_pretty(&report).expect("a report is numbers and texts by name");
    fs::write_whole(&out.join(evaluated.results), &text)?;
    Ok(Evaluation { file: evaluated.results.to_owned(), report })
}
