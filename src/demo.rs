//! From nothing to proved packs of drawn faces, and a real model evaluated on them: the tool's own tour.

use crate::datasets::{LabelFunction, find};
use crate::eval::results::EvalReport;
use crate::eval::settings::{PRESETS, Preset, Protocol, Switches};
use crate::eval::{
    self, EvalSet, FeatureOptions, Flags, ModelOptions, OtherAlignment, Place, Task,
};
use crate::fs;
use crate::image::ChannelOrder;
use crate::onnx;
use crate::pack::stats::{self, StatsReport};
use crate::pack::verify_order::{self, OrderReport, SourceTree};
use crate::pack::{self, Encoding, Layout, PackFiles, PackReport, Recipe, make_rec};
use crate::progress::Progress;
use crate::report::{self, Evaluation};
use crate::runtime::Device;
use crate::settings;
use crate::synth::{self, SynthReport};
use schemars::JsonSchema;
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// What the tour takes.
#[derive(Debug, Clone)]
pub struct Options {
    /// The folder for all it makes.
    pub out: PathBuf,
    /// Threads to work with.
    pub jobs: usize,
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
    /// The model's numbers on them.
    pub eval: EvalReport,
    /// The page that shows the numbers.
    pub report: String,
}

/// Why the tour ended early.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
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

/// A small published model of faces, so that there is something to evaluate (its source stands beside it).
const MODEL: &[u8] = include_bytes!("../fixtures/onnx/MobileFaceNet.onnx");

/// What it is fed, which its file does not say: RGB, ImageNet's mean and deviation in grey levels.
const CONVENTIONS: [(&str, &str); 3] = [
    (eval::CHANNEL_ORDER_KEY, "rgb"),
    (eval::MEAN_KEY, "123.675,116.28,103.53"),
    (eval::STD_KEY, "58.395,57.12,57.375"),
];

/// What it is evaluated on.
const EVALUATED: [&str; 2] = ["all", "crlfw"];

/// Draws faces in every layout, packs every set, aligned and not, proves every pack's order, counts every
/// pack and evaluates a small published model on all of them. Leaves `data/`, `packs/`, `model.onnx`,
/// `results.json`, `report.html` and `qgface.toml`, so that the commands of the README work as typed in
/// the folder.
///
/// # Errors
/// Any [`Error`].
pub fn demo(
    options: &Options,
    progress: &dyn Progress,
    say: &eval::Say<'_>,
) -> Result<DemoReport, Error> {
    let out = &options.out;
    let data = out.join("data");
    let drawn = DRAWN.iter().all(|set| data.join(set).is_dir());
    let synth = match drawn {
        true => None,
        false => Some(synth::synth(&synth::Options::new(data.clone()), progress)?),
    };
    let settings = settings::template(&[("folder", "data/train")]);
    fs::write_whole(&out.join(settings::FILE_NAME), settings.as_bytes())?;
    let mut packs = Vec::new();
    let mut order = OrderReport { in_order: true, packs: Vec::new() };
    for stop in STOPS {
        let dataset = find(stop.dataset).ok_or(Error::Set { name: stop.dataset })?;
        let files = PackFiles::new(&out.join("packs"), stop.stem)?;
        let recipe = Recipe {
            encoding: Encoding::Origin.for_pictures(stop.align.is_some()),
            align: stop.align,
            layout: stop.layout,
            label: stop.label.map(|label| label()),
            ..Recipe::new(dataset, data.join(stop.root))
        };
        let options = pack::Options { jobs: options.jobs, ..pack::Options::new(recipe, files) };
        packs.push(make_rec(&options, progress)?);
        let verify = verify_order::Options::new(SourceTree::At(options.recipe.root.clone()));
        let pack = verify_order::verify_order(&options.files, &verify, progress)?;
        order.in_order &= pack.in_order;
        order.packs.push(pack);
    }
    let packed = STOPS.iter().map(|stop| PackFiles::new(&out.join("packs"), stop.stem));
    let look = stats::Options {
        packs: packed.collect::<Result<_, _>>()?,
        order: ChannelOrder::Rgb,
        against: None,
    };
    let stats = stats::stats(&look, progress)?;
    let eval = evaluate(options, progress, say)?;
    let page = out.join("report.html");
    let evaluation = Evaluation { file: "results.json".to_owned(), report: eval.clone() };
    report::write(&report::document(&[evaluation])?, report::Format::Html, &page)?;
    let report = page.display().to_string();
    Ok(DemoReport { out: out.display().to_string(), synth, packs, order, stats, eval, report })
}

/// Evaluates the model on every set, from the packs.
fn evaluate(
    options: &Options,
    progress: &dyn Progress,
    say: &eval::Say<'_>,
) -> Result<EvalReport, Error> {
    let out = &options.out;
    let model = out.join("model.onnx");
    fs::write_whole(&model, &onnx::Model::with_metadata(MODEL, &CONVENTIONS))?;
    let named = EVALUATED.iter().filter_map(|name| EvalSet::named(name)).flatten();
    let place = |set: &'static EvalSet| -> Result<_, Error> {
        let usual_root = out.join("data").join(set.name);
        let pack = Some(PackFiles::new(&out.join("packs"), set.stem)?);
        let place = Place { pack, root: None, list: None, usual_pack: None, usual_root };
        Ok((set, place))
    };
    let adaface = Preset::find("adaface").unwrap_or(&PRESETS[0]);
    let report = eval::evaluate(
        &eval::Options {
            task: Task::Sets(named.map(place).collect::<Result<_, _>>()?),
            features: FeatureOptions::Model(ModelOptions {
                path: model,
                flags: Flags::default(),
                device: Device::Cpu,
                threads: NonZeroUsize::new(options.jobs).unwrap_or(NonZeroUsize::MIN),
            }),
            protocol: Protocol::new(adaface, &Switches::default()),
            batch: 1,
            jobs: options.jobs,
            cache: Some(out.join("cache")),
            save: None,
            alignment: OtherAlignment::Refuse,
        },
        progress,
        say,
    )
    .map_err(Box::new)?;
    let text = serde_json::to_vec_pretty(&report).unwrap_or_default();
    fs::write_whole(&out.join("results.json"), &text)?;
    Ok(report)
}
