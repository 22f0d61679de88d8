//! What a run is made from: the settings, with what follows from the preset, before the first image.

use super::schedule::LearningRate;
use super::{JointSchedule, Sample, WarmUp};
use crate::eval::Measure;
use crate::graph::World;
use crate::group::Group;
use crate::image::ChannelOrder;
use crate::loader::{Labels, OnDamage, OtherSize};
use crate::nn::{
    Backbone, BuffersShare, ContrastOptions, HeadOptions, HeadShare, Mask, Normalisation, Overlap,
    QueueKind, QueueShare, Sharing, Trunk,
};
use crate::optim::{SampleUpdate, Sgd};
use crate::runtime::{Device, Precision, Processor};
use crate::settings::{Error, Given, Key, Kind, Preset, Row, Settings, keys};
use crate::views::{Resizing, View};
use std::path::PathBuf;
use std::time::Duration;

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
    /// Images a batch.
    pub batch: usize,
    /// Batches that a step learns from.
    pub accumulate: usize,
    /// What the backbone computes in.
    pub precision: Precision,
    /// Whether what is fastest is found out where it runs.
    pub tune: bool,
    /// Whether a run that would take far more memory than is left is refused.
    pub refuses_memory: bool,
    /// Times every image is seen.
    pub epochs: u32,
    /// Steps after which the run ends early.
    pub max_steps: Option<u64>,
    /// The learning rate.
    pub rate: LearningRate,
    /// The optimiser.
    pub sgd: Sgd,
    /// What ranks share that train together. Here there is one; who has joined others says which of them it
    /// is.
    pub sharing: Sharing,
    /// Ranks of this machine.
    pub local_ranks: usize,
    /// How long a rank waits for the others.
    pub patience: Duration,
    /// When ranks sum gradients.
    pub overlap: Overlap,
    /// What the backbone begins with.
    pub init: Option<PathBuf>,
    /// The backbone.
    pub backbone: Backbone,
    /// The head.
    pub head: HeadOptions,
    /// The class columns that a batch scores, where it does not score all.
    pub sample: Option<Sample>,
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
    /// What the best checkpoint is best by.
    pub best: Option<Measure>,
}

impl Config {
    /// Reads a run from settings.
    ///
    /// # Errors
    /// [`Error::Value`] with the file, variable or argument that has a value which does not go with others.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let preset = settings.get(&keys::TRAIN_PRESET);
        let mut settings = settings.clone();
        let follow: [(&'static dyn Row, &str); 4] = [
            (&keys::VIEWS_HIGH, preset.high),
            (&keys::VIEWS_LOW, preset.low),
            (&keys::CONTRAST_QUEUE, preset.queue),
            (&keys::HEAD_QUALITY_SCALE, preset.quality_scale),
        ];
        for (row, value) in follow {
            settings.fill(row, Given::from(value), preset.name)?;
        }
        let s = &settings;
        let every = s.get(&keys::CHECKPOINT_EVERY);
        let (views, contrast) = (views(s), contrast(s));
        if contrast.is_some() && views.len() < 2 {
            let expected =
                "low or ada: the contrast compares two views; without one, set contrast.queue=none";
            return Err(s.refused(&keys::VIEWS_LOW, expected.to_owned()));
        }
        let broadcast = s.get(&keys::TRAIN_BUFFERS) == BuffersShare::Broadcast;
        if broadcast && s.get(&keys::HEAD_SHARDS) == HeadShare::Sharded {
            let expected =
                "local: with head.shards=ranks processes agree on averages and queue already";
            return Err(s.refused(&keys::TRAIN_BUFFERS, expected.to_owned()));
        }
        if s.get(&keys::HEAD_SAMPLE).is_none()
            && s.get(&keys::HEAD_SAMPLE_UPDATE) == SampleUpdate::Dense
        {
            let expected = "sparse: without head.sample all class columns are scored";
            return Err(s.refused(&keys::HEAD_SAMPLE_UPDATE, expected.to_owned()));
        }
        Ok(Self {
            preset,
            name: s.get(&keys::TRAIN_NAME),
            runs: s.get(&keys::TRAIN_RUNS),
            packs: s.get(&keys::TRAIN_PACKS),
            labels: s.get(&keys::TRAIN_LABELS),
            classes: s.get(&keys::TRAIN_CLASSES),
            other_size: s.get(&keys::TRAIN_OTHER_SIZE),
            on_damage: s.get(&keys::TRAIN_ON_ERROR),
            device: s.get(&keys::TRAIN_DEVICE),
            seed: s.get(&keys::TRAIN_SEED),
            batch: s.get(&keys::TRAIN_BATCH),
            accumulate: s.get(&keys::TRAIN_ACCUMULATE),
            precision: s.get(&keys::TRAIN_PRECISION),
            tune: s.get(&keys::TRAIN_TUNE),
            refuses_memory: s.get(&keys::TRAIN_MEMORY),
            epochs: s.get(&keys::TRAIN_EPOCHS),
            max_steps: s.get(&keys::TRAIN_MAX_STEPS),
            rate: LearningRate {
                base: s.get(&keys::TRAIN_LR) as f32,
                milestones: s.get(&keys::TRAIN_MILESTONES),
                gamma: s.get(&keys::TRAIN_GAMMA) as f32,
                warm_up_steps: s.get(&keys::TRAIN_WARM_UP_STEPS),
            },
            sgd: Sgd {
                momentum: s.get(&keys::TRAIN_MOMENTUM),
                weight_decay: s.get(&keys::TRAIN_WEIGHT_DECAY),
            },
            sharing: Sharing {
                world: World::ALONE,
                normalisation: s.get(&keys::TRAIN_NORMALISATION),
                head: s.get(&keys::HEAD_SHARDS),
                queue: s.get(&keys::QUEUE_RANKS),
                buffers: s.get(&keys::TRAIN_BUFFERS),
            },
            local_ranks: 1,
            overlap: s.get(&keys::TRAIN_OVERLAP),
            patience: Duration::from_secs(s.get(&keys::TRAIN_PATIENCE)),
            init: s.get(&keys::TRAIN_INIT),
            backbone: backbone(s, s.get(&keys::BACKBONE_WIDTH))?,
            head: HeadOptions {
                kind: s.get(&keys::HEAD_KIND),
                s: s.get(&keys::HEAD_S),
                m: s.get(&keys::HEAD_M),
                h: s.get(&keys::HEAD_H),
                t_alpha: s.get(&keys::HEAD_T_ALPHA),
                ema_start: s.get(&keys::HEAD_EMA_START),
            },
            sample: sample(s),
            contrast,
            schedule: schedule(s),
            views,
            resizing: s.get(&keys::VIEWS_RESIZE),
            channel_order: s.get(&keys::VIEWS_CHANNEL_ORDER),
            checkpoint_every: (every > 0).then_some(every),
            keep: s.get(&keys::CHECKPOINT_KEEP),
            best: s.get(&keys::VALIDATION_BEST),
            settings,
        })
    }

    /// The same as a rank of a group has it, on the device of its place on its machine.
    pub fn of_rank(self, group: &Group) -> Self {
        let world = World { ranks: group.size(), rank: group.rank() };
        let device = match self.device {
            Device::Cuda(first) => Device::Cuda(first + group.local_rank() as u32),
            device => device,
        };
        let local_ranks = group.local_size();
        Self { sharing: Sharing { world, ..self.sharing }, local_ranks, device, ..self }
    }

    /// Refuses what ranks cannot share: samples of class columns that all have.
    ///
    /// # Errors
    /// [`super::Error::Option`].
    pub fn check_sharing(&self) -> Result<(), super::Error> {
        let Sharing { world, head, .. } = self.sharing;
        if world.is_alone() || self.sample.is_none() || head == HeadShare::Sharded {
            return Ok(());
        }
        Err(super::Error::Option {
            option: keys::HEAD_SHARDS.name(),
            expected: "ranks with head.sample: processes that all had all class columns would each score others \
                       of them"
                .to_owned(),
            found: "none".to_owned(),
        })
    }

    /// Whether ranks exchange something in the middle of a step.
    pub fn exchanges_within_steps(&self) -> bool {
        let Sharing { world, normalisation, head, queue, .. } = self.sharing;
        let exchanges = normalisation == Normalisation::Synchronised
            || head == HeadShare::Sharded
            || queue == QueueShare::Shared;
        exchanges && !world.is_alone()
    }

    /// The same as the first of so many ranks would have it, as many of them on each machine.
    pub fn of_ranks(self, ranks: usize, machines: usize) -> Self {
        let sharing = Sharing { world: World { ranks, rank: 0 }, ..self.sharing };
        Self { sharing, local_ranks: ranks.div_ceil(machines), ..self }
    }

    /// What the backbone computes in on this machine.
    ///
    /// # Errors
    /// [`super::Error::Option`] for a precision that its device has not.
    pub fn precision_here(&self) -> Result<Precision, super::Error> {
        self.precision.on(self.device, &Processor::here()).map_err(|no| super::Error::Option {
            option: keys::TRAIN_PRECISION.name(),
            expected: no.expected.to_owned(),
            found: no.found.to_string(),
        })
    }
}

/// The network of a width.
///
/// # Errors
/// Those of values that the architecture has no place for.
pub(super) fn backbone(s: &Settings, width: f64) -> Result<Backbone, Error> {
    let architecture = s.get(&keys::BACKBONE_ARCHITECTURE);
    let own = architecture.units();
    let given = s.get(&keys::BACKBONE_UNITS);
    let units = if given.is_empty() { own } else { &given };
    if units.len() != own.len() {
        let expected = format!("{} numbers for {architecture}, as {own:?}", own.len());
        return Err(s.refused(&keys::BACKBONE_UNITS, expected));
    }
    let mut backbone = Backbone::with_units(architecture, units, width);
    match s.get(&keys::BACKBONE_DROPOUT) {
        Some(dropout) if architecture.dropout().is_some() => backbone.dropout = dropout,
        None => {}
        Some(_) => {
            let expected = format!("none: {architecture} has no dropout");
            return Err(s.refused(&keys::BACKBONE_DROPOUT, expected));
        }
    }
    let (drop_path, mask_ratio) =
        (s.get(&keys::BACKBONE_DROP_PATH), s.get(&keys::BACKBONE_MASK_RATIO));
    match &mut backbone.trunk {
        Trunk::Vit(vit) => (vit.drop_path, vit.mask_ratio) = (drop_path, mask_ratio),
        Trunk::Ir(_) | Trunk::IResNet(_) | Trunk::MobileFaceNet(_) => {
            let expected = || format!("0: {architecture} is no transformer");
            if drop_path > 0.0 {
                return Err(s.refused(&keys::BACKBONE_DROP_PATH, expected()));
            }
            if mask_ratio > 0.0 {
                return Err(s.refused(&keys::BACKBONE_MASK_RATIO, expected()));
            }
        }
    }
    Ok(backbone)
}

/// The value of a setting that follows from the preset where nobody gives one.
///
/// # Panics
/// Before the preset's values were filled in.
fn followed<T, K: Kind<Value = Option<T>>>(s: &Settings, key: &Key<K>) -> T {
    s.get(key).expect("the preset gave it a value")
}

fn contrast(s: &Settings) -> Option<(ContrastOptions, QueueKind, Option<usize>)> {
    let kind = followed(s, &keys::CONTRAST_QUEUE)?;
    let masked = s.get(&keys::CONTRAST_MASK_SAME_CLASS);
    let options = ContrastOptions {
        s: s.get(&keys::CONTRAST_S),
        t_alpha: s.get(&keys::CONTRAST_T_ALPHA),
        curve: s.get(&keys::CONTRAST_CURVE),
        range: s.get(&keys::CONTRAST_RANGE),
        select: s.get(&keys::CONTRAST_SELECT),
        coupling: s.get(&keys::CONTRAST_COUPLING),
        mask: if masked { Mask::SameClass } else { Mask::Own },
        detach_pos: s.get(&keys::CONTRAST_DETACH_POS),
        margin: s.get(&keys::CONTRAST_MARGIN),
        rescale: s.get(&keys::CONTRAST_RESCALE),
    };
    Some((options, kind, s.get(&keys::CONTRAST_QUEUE_SIZE)))
}

fn sample(s: &Settings) -> Option<Sample> {
    let (rate, update) = (s.get(&keys::HEAD_SAMPLE)?, s.get(&keys::HEAD_SAMPLE_UPDATE));
    Some(Sample { rate, update, seed: s.get(&keys::TRAIN_SEED) })
}

fn schedule(s: &Settings) -> JointSchedule {
    let warm_up = s.get(&keys::CONTRAST_WARM_UP_SCALER);
    JointSchedule {
        joint_point: s.get(&keys::CONTRAST_JOINT_POINT),
        contrast: s.get(&keys::CONTRAST_PHASE),
        warm_up: if warm_up { WarmUp::Scalers } else { WarmUp::None },
        weight: s.get(&keys::CONTRAST_WEIGHT) as f32,
        head_scale: followed(s, &keys::HEAD_QUALITY_SCALE) as f32,
        contrast_scale: s.get(&keys::CONTRAST_QUALITY_SCALE) as f32,
    }
}

fn views(s: &Settings) -> Vec<View> {
    let probability = s.get(&keys::VIEWS_PROBABILITY);
    let first = followed(s, &keys::VIEWS_HIGH);
    let second = followed(s, &keys::VIEWS_LOW);
    [Some(first), second]
        .into_iter()
        .flatten()
        .map(|kind| kind.with_probability(probability))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::HeadKind;
    use crate::views::{AdaOptions, LowOptions};

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
        assert_eq!(config.settings.resolved()["contrast.queue"], "proxy");
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
    fn a_sample_has_the_run_s_seed_and_its_update_stands_with_it_alone() {
        let config = resolved(&["head.sample=0.1", "head.sample_update=dense", "seed=5"]).unwrap();
        let update = SampleUpdate::Dense;
        assert_eq!(config.sample, Some(Sample { rate: 0.1, update, seed: 5 }));
        assert_eq!(resolved(&[]).unwrap().sample, None);
        let refused = resolved(&["head.sample_update=dense"]).unwrap_err().to_string();
        assert!(refused.contains("head.sample_update"), "{refused}");
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
