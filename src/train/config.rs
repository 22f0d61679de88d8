//! What a run is made from: settings read once, every range checked before the first image.

use super::presets::{PRESETS, Preset};
use super::schedule::LearningRate;
use super::{ContrastPhase, JointSchedule, WarmUp};
use crate::image::ChannelOrder;
use crate::loader::{Labels, OnDamage, OtherSize};
use crate::nn::{
    Architecture, Backbone, ContrastOptions, Coupling, Curve, EmaStart, HeadKind, HeadOptions,
    Margin, Mask, QueueKind, Range, Select,
};
use crate::optim::Sgd;
use crate::runtime::Device;
use crate::settings::{Error, Settings};
use crate::views::{AdaOptions, LowOptions, Resizing, View};
use std::path::PathBuf;

/// A run, resolved.
#[derive(Debug, Clone)]
pub struct Config {
    /// The settings with all that follows from the preset filled in.
    pub settings: Settings,
    /// The row of the ablation.
    pub preset: &'static Preset,
    /// Name of the run, if one was given.
    pub name: Option<String>,
    /// Folder of the runs.
    pub runs: PathBuf,
    /// What is learned from, by any file of a pack or its stem.
    pub packs: Vec<PathBuf>,
    /// Who the labels of several packs are.
    pub labels: Labels,
    /// Number of classes, if it is not the packs'.
    pub classes: Option<usize>,
    /// What becomes of pictures of another size.
    pub other_size: OtherSize,
    /// What a damaged record does.
    pub on_damage: OnDamage,
    /// Where steps run.
    pub device: Device,
    /// Where all draws come from.
    pub seed: u64,
    /// Images a step.
    pub batch: usize,
    /// Times every image is seen.
    pub epochs: u32,
    /// Steps after which the run ends early.
    pub max_steps: Option<u64>,
    /// The learning rate.
    pub rate: LearningRate,
    /// The optimiser.
    pub sgd: Sgd,
    /// What the backbone begins with.
    pub init: Option<PathBuf>,
    /// The backbone.
    pub backbone: Backbone,
    /// The head.
    pub head: HeadOptions,
    /// The contrast, the queue's kind, and its size if that is not the number of classes.
    pub contrast: Option<(ContrastOptions, QueueKind, Option<usize>)>,
    /// How contrast and scalers change over the epochs.
    pub schedule: JointSchedule,
    /// The views of an image, the high-quality one first.
    pub views: Vec<View>,
    /// How views are resized.
    pub resizing: Resizing,
    /// What the network is fed.
    pub channel_order: ChannelOrder,
    /// Steps between checkpoints; none for one an epoch.
    pub checkpoint_every: Option<u64>,
    /// Checkpoints that are kept, beside the best.
    pub keep: usize,
    /// Metric of the best checkpoint, `set.metric`.
    pub best: Option<String>,
}

const LARGEST: u64 = 1 << 24;
/// Larger factors and scales do not fit the step's 32 bits.
const MOST: f64 = 1e6;

impl Config {
    /// Reads a run from settings.
    ///
    /// # Errors
    /// [`Error::Value`] with the file, variable or argument that has the value.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let names: Vec<(&str, &Preset)> = PRESETS.iter().map(|row| (row.name, row)).collect();
        let preset: &'static Preset = settings.choice("train.preset", &names)?;
        let mut settings = settings.clone();
        for (key, value) in preset.values() {
            settings.fill(key, value, preset.name);
        }
        let s = &settings;
        let every = s.whole("checkpoint.every", 0, u64::MAX)?;
        let (views, contrast) = (views(s)?, contrast(s)?);
        if contrast.is_some() && views.len() < 2 {
            let expected = "expected low or ada: the contrast compares two views; without one, set \
                            contrast.queue=none";
            return Err(s.refused("views.low", expected.to_owned()));
        }
        let backbone = Backbone {
            dropout: s.number("backbone.dropout", 0.0, 0.99)?,
            ..Backbone::new(
                s.parse::<Architecture>("backbone.architecture")?,
                s.number("backbone.width", 0.01, 16.0)?,
            )
        };
        Ok(Self {
            preset,
            name: s.is_given("train.name").then(|| name(s)).transpose()?,
            runs: s.path("train.runs"),
            packs: s.paths("train.packs"),
            labels: s
                .choice("train.labels", &[("apart", Labels::Apart), ("shared", Labels::Shared)])?,
            classes: s.whole_if_given("train.classes", 1, LARGEST)?.map(|classes| classes as usize),
            other_size: s.choice(
                "train.other_size",
                &[("refuse", OtherSize::Refuse), ("resize", OtherSize::Resize)],
            )?,
            on_damage: s
                .choice("train.on_error", &[("stop", OnDamage::Stop), ("skip", OnDamage::Skip)])?,
            device: s.parse("train.device")?,
            seed: s.whole("train.seed", 0, u64::MAX)?,
            batch: s.whole("train.batch", 1, LARGEST)? as usize,
            epochs: s.whole("train.epochs", 1, 100_000)? as u32,
            max_steps: s.whole_if_given("train.max_steps", 1, u64::MAX)?,
            rate: rate(s)?,
            sgd: Sgd {
                momentum: s.number("train.momentum", 0.0, 1.0)?,
                weight_decay: s.number("train.weight_decay", 0.0, 1.0)?,
            },
            init: s.is_given("train.init").then(|| s.path("train.init")),
            backbone,
            head: head(s)?,
            contrast,
            schedule: schedule(s)?,
            views,
            resizing: s.choice(
                "views.resize",
                &[("pillow", Resizing::Pillow), ("fast", Resizing::Fast)],
            )?,
            channel_order: s.choice(
                "views.channel_order",
                &[("bgr", ChannelOrder::Bgr), ("rgb", ChannelOrder::Rgb)],
            )?,
            checkpoint_every: (every > 0).then_some(every),
            keep: s.whole("checkpoint.keep", 1, LARGEST)? as usize,
            best: s.list("validation.best").into_iter().next(),
            settings,
        })
    }
}

/// A name that is one folder.
fn name(s: &Settings) -> Result<String, Error> {
    let name: String = s.list("train.name").join(",");
    if name.starts_with('.') || name.contains(['/', '\\', '\n']) {
        return Err(s.refused("train.name", "expected a plain folder name".to_owned()));
    }
    Ok(name)
}

fn rate(s: &Settings) -> Result<LearningRate, Error> {
    let milestones: Option<Vec<u32>> =
        s.list("train.milestones").iter().map(|epoch| epoch.parse().ok()).collect();
    let expected =
        || s.refused("train.milestones", "expected epochs separated by commas".to_owned());
    Ok(LearningRate {
        base: s.number("train.lr", 0.0, MOST)? as f32,
        milestones: milestones.ok_or_else(expected)?,
        gamma: s.number("train.gamma", 0.0, 1.0)? as f32,
        warm_up_steps: s.whole("train.warm_up_steps", 0, u64::MAX)?,
    })
}

fn head(s: &Settings) -> Result<HeadOptions, Error> {
    let curricular = HeadKind::CurricularFace { eps: 1e-3, fallback: true };
    let kinds = [
        ("softmax", HeadKind::Softmax),
        ("cosface", HeadKind::CosFace),
        ("arcface", HeadKind::ArcFace),
        ("adaface", HeadKind::AdaFace),
        ("curricularface", curricular),
    ];
    Ok(HeadOptions {
        kind: s.choice("head.kind", &kinds)?,
        s: s.number("head.s", f64::MIN_POSITIVE, MOST)?,
        m: s.number("head.m", 0.0, 3.0)?,
        h: s.number("head.h", 0.0, MOST)?,
        t_alpha: s.number("head.t_alpha", 0.0, 1.0)?,
        ema_start: s.choice(
            "head.ema_start",
            &[("zero", EmaStart::Zero), ("first_batch", EmaStart::FirstBatch)],
        )?,
    })
}

fn contrast(s: &Settings) -> Result<Option<(ContrastOptions, QueueKind, Option<usize>)>, Error> {
    let kinds =
        [("none", None), ("fifo", Some(QueueKind::Fifo)), ("proxy", Some(QueueKind::Proxy))];
    let Some(kind) = s.choice("contrast.queue", &kinds)? else { return Ok(None) };
    let flag = |key| s.choice(key, &[("true", true), ("false", false)]);
    let curves = [("sgn", Curve::Sgn), ("cos", Curve::Cos), ("linear", Curve::Linear)];
    let margin = match s.list("contrast.margin").first().map(String::as_str) {
        Some("none") => Margin::None,
        Some("dynamic") => Margin::Dynamic,
        _ => Margin::Static(s.number("contrast.margin", -2.0, 2.0)?),
    };
    let options = ContrastOptions {
        s: s.number("contrast.s", f64::MIN_POSITIVE, MOST)?,
        t_alpha: s.number("contrast.t_alpha", 0.0, 1.0)?,
        curve: s.choice("contrast.curve", &curves)?,
        range: s.choice("contrast.range", &[("half", Range::Half), ("whole", Range::Whole)])?,
        select: s.choice(
            "contrast.select",
            &[("low", Select::Low), ("mean", Select::Mean), ("high", Select::High)],
        )?,
        coupling: s
            .choice("contrast.coupling", &[("both", Coupling::Both), ("query", Coupling::One)])?,
        mask: if flag("contrast.mask_same_class")? { Mask::SameClass } else { Mask::Own },
        detach_pos: flag("contrast.detach_pos")?,
        margin,
        rescale: flag("contrast.rescale")?,
    };
    let size = s.whole_if_given("contrast.queue_size", 1, LARGEST)?;
    Ok(Some((options, kind, size.map(|size| size as usize))))
}

fn schedule(s: &Settings) -> Result<JointSchedule, Error> {
    let phases = [
        ("always", ContrastPhase::Always),
        ("later_joint", ContrastPhase::LaterJoint),
        ("later_detach", ContrastPhase::LaterDetach),
        ("later_aug", ContrastPhase::LaterAug),
    ];
    Ok(JointSchedule {
        joint_point: s.whole("contrast.joint_point", 0, 100_000)? as u32,
        contrast: s.choice("contrast.phase", &phases)?,
        warm_up: s.choice(
            "contrast.warm_up_scaler",
            &[("false", WarmUp::None), ("true", WarmUp::Scalers)],
        )?,
        weight: s.number("contrast.weight", 0.0, MOST)? as f32,
        head_scale: s.number("head.quality_scale", 0.0, 1.0)? as f32,
        contrast_scale: s.number("contrast.quality_scale", 0.0, 1.0)? as f32,
    })
}

fn views(s: &Settings) -> Result<Vec<View>, Error> {
    let probability = s.number("views.probability", 0.0, 1.0)?;
    let low = View::Low(LowOptions { probability, ..LowOptions::default() });
    let ada = View::Ada(AdaOptions { probability, ..AdaOptions::default() });
    let first = s.choice("views.high", &[("high", View::High), ("low", low), ("ada", ada)])?;
    let second =
        s.choice("views.low", &[("none", None), ("low", Some(low)), ("ada", Some(ada))])?;
    Ok([Some(first), second].into_iter().flatten().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resolved(assignments: &[&str]) -> Result<Config, Error> {
        let mut settings = Settings::defaults();
        assignments.iter().try_for_each(|text| settings.assign(text))?;
        Config::new(&settings)
    }

    /// Views, whether there is contrast, and b of the head, by preset.
    #[test]
    fn the_presets_are_the_rows_of_the_ablation() {
        let (low, ada) = (View::Low(LowOptions::default()), View::Ada(AdaOptions::default()));
        for (preset, views, contrast, head_scale) in [
            ("baseline", vec![View::High], false, 0.0),
            ("A", vec![ada], false, 0.0),
            ("B", vec![ada], false, 0.2),
            ("C", vec![View::High, ada], true, 0.2),
            ("D", vec![View::High, low], true, 0.2),
        ] {
            let config = resolved(&[&format!("preset={preset}")]).unwrap();
            assert_eq!(config.views, views, "{preset}");
            assert_eq!(config.contrast.is_some(), contrast, "{preset}");
            assert_eq!(config.schedule.head_scale, head_scale, "{preset}");
            assert_eq!(config.head, HeadOptions::new(HeadKind::AdaFace), "{preset}");
        }
    }

    #[test]
    fn a_setting_stands_above_its_preset() {
        let config = resolved(&["preset=D", "views.low=ada", "head.quality_scale=0.5"]).unwrap();
        assert_eq!(config.views[1], View::Ada(AdaOptions::default()));
        assert_eq!(config.schedule.head_scale, 0.5);
        assert_eq!(config.settings.parse::<String>("contrast.queue").unwrap(), "proxy");
    }

    #[test]
    fn the_reference_s_defaults_are_the_defaults() {
        let config = resolved(&[]).unwrap();
        let (contrast, kind, size) = config.contrast.unwrap();
        assert_eq!(contrast, ContrastOptions::default());
        assert_eq!((kind, size), (QueueKind::Proxy, None));
        assert_eq!(config.sgd, Sgd::default());
        assert_eq!(config.rate.milestones, [6, 9]);
    }

    #[test]
    fn resolved_settings_are_read_back_the_same() {
        let config = resolved(&["preset=C", "lr=0.05", "milestones=3,4"]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        std::fs::write(&file, config.settings.to_file()).unwrap();
        let again = Settings::load(Some(&file), std::iter::empty()).unwrap();
        let again = Config::new(&again).unwrap();
        assert_eq!(again.settings.resolved(), config.settings.resolved());
        assert_eq!((again.views, again.rate), (config.views, config.rate));
    }
}
