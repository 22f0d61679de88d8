//! The table of settings: a row each, with all that is known of it.

use super::kind::{
    FilePath, FolderName, List, Number, Optional, Told, Whole, Words, one_of, whole,
};
use super::presets::{PRESETS, Preset};
use super::{Key, Row};
use crate::eval::settings as protocol;
use crate::eval::{EvalSet, Measure};
use crate::image::ChannelOrder;
use crate::loader::{Labels, OnDamage, OtherSize};
use crate::nn::{
    Architecture, BuffersShare, ContrastPhase, Coupling, Curve, EmaStart, HeadKind, HeadShare,
    Margin, Normalisation, Overlap, QueueKind, QueueShare, Range, Select,
};
use crate::optim::SampleUpdate;
use crate::pack::{Encoding, OnError};
use crate::runtime::{Device, Precision};
use crate::views::{Resizing, ViewKind};
use std::time::Duration;

/// A row a setting: `NAME: kind = name in its section, how it is read, default, what it means`.
///
/// A macro, because rows differ in type: it makes each a typed constant, by which the code asks, and lists
/// all of them for what goes through the table.
macro_rules! keys {
    ($($variant:ident $section:literal {
        $($key:ident: $kind:ty = $name:literal, $read:expr, $default:expr, $about:literal;)*
    })*) => {
        /// A section of the settings.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Section {
            $(#[doc = concat!("`", $section, "`")] $variant,)*
        }

        impl Section {
            /// Its name.
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $section,)*
                }
            }
        }

        $($(
            #[doc = concat!("`", $section, ".", $name, "`")]
            pub static $key: Key<$kind> = Key {
                name: concat!($section, ".", $name),
                default: $default,
                about: $about,
                kind: $read,
            };
        )*)*

        /// All settings but the roots of the single sets, in the order of the file.
        pub static KEYS: &[&dyn Row] = &[$($(&$key,)*)*];
    };
}

/// Larger factors and scales do not fit the step's 32 bits.
pub const LARGEST_CONSTANT: f64 = 1e6;

/// More images, classes or epochs are a slip of the hand. Classes beyond what is learned can be planned.
const MANY: u64 = 1 << 24;
const MANY_CLASSES: u64 = 1 << 30;
const MANY_EPOCHS: u64 = 100_000;
const MANY_RANKS: u64 = 1 << 16;
const MANY_UNITS: u64 = 1 << 10;
const SCALE: Number = Number(f64::MIN_POSITIVE, LARGEST_CONSTANT);
const FACTOR: Number = Number(0.0, LARGEST_CONSTANT);
const SHARE: Number = Number(0.0, 1.0);
const BANDWIDTH: Number = Number(1e-6, LARGEST_CONSTANT);
const FLAG: Words<bool> = Words(&[("true", true), ("false", false)]);
const DEVICE: Told<Device> =
    Told { expected: || "cpu or cuda:N".to_owned(), read: |text| text.parse().ok() };
const CURRICULAR_FACE: HeadKind = HeadKind::CurricularFace { eps: 1e-3, fallback: true };

keys! {
    Data "data" {
        DATA_ROOT: FilePath = "root", FilePath, "data",
            "folder of the data sets; a set lies in the sub-folder of its name";
    }
    Pack "pack" {
        PACK_OUT: FilePath = "out", FilePath, "packs", "folder of the packs";
        PACK_ENCODING: Told<Encoding> = "encoding",
            Told {
                expected: || "origin, jpeg, jpeg:QUALITY (1 to 100) or png".to_owned(),
                read: |text| text.parse().ok(),
            },
            "origin", "what is stored: origin (the files' bytes), jpeg:QUALITY or png";
        PACK_ON_ERROR: Words<OnError> = "on_error",
            Words(&[("stop", OnError::Stop), ("skip", OnError::Skip)]),
            "stop", "what a bad image does: stop, or skip (it is listed in the manifest)";
    }
    Eval "eval" {
        EVAL_PROTOCOL: Told<&'static protocol::Preset> = "protocol",
            Told { expected: protocols, read: protocol::Preset::find },
            "adaface", "preset of the protocol: qgface, adaface, insightface or cvlface";
        EVAL_DEVICE: Told<Device> = "device", DEVICE, "cpu", "where models run: cpu or cuda:N";
        EVAL_BATCH: Whole<usize> = "batch", whole(1, 1 << 16), "32", "images a batch";
        EVAL_TIME_LIMIT: Told<Option<Duration>> = "time_limit",
            Told { expected: || "whole seconds, or 0 for no limit".to_owned(), read: time_limit },
            "600", "seconds that a model may take over a batch; 0 for as long as it likes";
        EVAL_CACHE: FilePath = "cache", FilePath, "cache",
            "folder of the features that were computed already; it may be deleted at any time";
    }
    Train "train" {
        TRAIN_PRESET: Told<&'static Preset> = "preset",
            Told { expected: presets, read: Preset::find },
            "D", "row of the ablation: baseline (one view, AdaFace), A (AdaFace's augmentation), B (A and \
                  the quality scaler), C (B and contrast with an augmented view), D (QGFace)";
        TRAIN_NAME: Optional<FolderName> = "name", Optional(FolderName), "",
            "name of the run [the preset and a number that is free]";
        TRAIN_RUNS: FilePath = "runs", FilePath, "runs", "folder of the runs";
        TRAIN_PACKS: List<FilePath> = "packs", List(FilePath), "packs/train",
            "packs to learn from";
        TRAIN_LABELS: Words<Labels> = "labels",
            Words(&[("apart", Labels::Apart), ("shared", Labels::Shared)]),
            "apart", "labels of several packs: apart (other people), or shared";
        TRAIN_CLASSES: Optional<Whole<usize>> = "classes", Optional(whole(1, MANY_CLASSES)), "",
            "number of classes [the largest label and one]";
        TRAIN_OTHER_SIZE: Words<OtherSize> = "other_size",
            Words(&[("refuse", OtherSize::Refuse), ("resize", OtherSize::Resize)]),
            "refuse", "images that are not 112x112: refuse, or resize (bilinear)";
        TRAIN_ON_ERROR: Words<OnDamage> = "on_error",
            Words(&[("stop", OnDamage::Stop), ("skip", OnDamage::Skip)]),
            "stop", "what a damaged record does: stop, or skip (it is counted)";
        TRAIN_DEVICE: Told<Device> = "device", DEVICE, "cpu",
            "where steps run: cpu or cuda:N (experimental: it has not run on a GPU yet)";
        TRAIN_PRECISION: Words<Precision> = "precision",
            Words(&[
                ("float32", Precision::Float32),
                ("bfloat16", Precision::Bfloat16),
                ("float16", Precision::Float16),
                ("mixed", Precision::Mixed),
            ]),
            "float32", "what the backbone computes in: float32, bfloat16 (its convolutions; needs oneDNN and \
                        AVX-512), float16 (with a loss scale; slow on a processor), or mixed (float16 on CUDA, \
                        bfloat16 where it is measured to be faster, else float32)";
        TRAIN_TUNE: Words<bool> = "tune", Words(&[("auto", true), ("off", false)]),
            "auto", "how steps are made: auto (as is fastest on the machine, measured once), or off (in ONNX's \
                     operators alone)";
        TRAIN_MEMORY: Words<bool> = "memory", Words(&[("refuse", true), ("warn", false)]),
            "refuse", "what becomes of a run that would take far more memory than is left: refuse, or warn (it \
                       is begun all the same)";
        TRAIN_SEED: Whole<u64> = "seed", whole(0, u64::MAX), "0",
            "the number that all random draws come from";
        TRAIN_BATCH: Whole<usize> = "batch", whole(1, MANY), "64",
            "images a batch; each in one or two views";
        TRAIN_ACCUMULATE: Whole<usize> = "accumulate", whole(1, MANY), "1",
            "batches whose gradients are summed before an update: a step's images are batch times these";
        TRAIN_PROCESSES: Optional<Whole<usize>> = "processes", Optional(whole(1, MANY_RANKS)), "",
            "processes that train together, each with batches of its own [those that a launcher has started, \
             else one]";
        TRAIN_NODES: Optional<Whole<usize>> = "nodes", Optional(whole(1, MANY_RANKS)), "",
            "machines that they are started on [as many as hosts, else one]";
        TRAIN_PROCESSES_PER_NODE: Optional<Whole<usize>> = "processes_per_node",
            Optional(whole(1, MANY_RANKS)), "", "processes of a machine, in place of their number";
        TRAIN_HOSTS: List<FolderName> = "hosts", List(FolderName), "", "names of the machines";
        TRAIN_PATIENCE: Whole<u64> = "patience", whole(1, u32::MAX as u64), "600",
            "seconds that a process waits for the others before all end";
        TRAIN_OVERLAP: Words<Overlap> = "overlap",
            Words(&[("auto", Overlap::Auto), ("on", Overlap::On), ("off", Overlap::Off)]),
            "auto", "when processes sum gradients: on (while others are made), off (when all are), or auto (as is \
                     faster in the first steps); the sums are the same";
        TRAIN_NORMALISATION: Words<Normalisation> = "normalisation",
            Words(&[
                ("local", Normalisation::Local),
                ("synchronised", Normalisation::Synchronised),
            ]),
            "local", "rows that a process normalises by: local (its own) or synchronised (those of all)";
        TRAIN_BUFFERS: Words<BuffersShare> = "buffers",
            Words(&[("local", BuffersShare::Local), ("broadcast", BuffersShare::Broadcast)]),
            "local", "statistics, averages and queue that a process begins a step with: local (its own) or \
                      broadcast (the first one's, as the reference runs)";
        TRAIN_EPOCHS: Whole<u32> = "epochs", whole(1, MANY_EPOCHS), "12",
            "times every image is seen";
        TRAIN_MAX_STEPS: Optional<Whole<u64>> = "max_steps", Optional(whole(1, u64::MAX)), "",
            "steps after which the run ends early [none]";
        TRAIN_LR: Number = "lr", FACTOR, "0.2", "learning rate";
        TRAIN_MILESTONES: List<Whole<u32>> = "milestones", List(whole(0, u32::MAX as u64)), "6,9",
            "epochs, from 0, with which the rate is multiplied by gamma";
        TRAIN_GAMMA: Number = "gamma", SHARE, "0.1", "factor of the rate at a milestone";
        TRAIN_WARM_UP_STEPS: Whole<u64> = "warm_up_steps", whole(0, u64::MAX), "0",
            "steps in which the rate grows to its value";
        TRAIN_MOMENTUM: Number = "momentum", SHARE, "0.9", "share of the old momentum that is kept";
        TRAIN_WEIGHT_DECAY: Number = "weight_decay", SHARE, "5e-4",
            "weight decay of all parameters but normalisation's";
        TRAIN_INIT: Optional<FilePath> = "init", Optional(FilePath), "",
            "checkpoint, model.onnx or safetensors to begin with [drawn weights]";
    }
    Backbone "backbone" {
        BACKBONE_ARCHITECTURE: Told<Architecture> = "architecture",
            Told {
                expected: || one_of(&Architecture::names()),
                read: |text| text.parse().ok(),
            },
            "ir34", "network: ir18 to ir200 and ir_se_50 to ir_se_152 (AdaFace's), arcface_r18 to arcface_r200, \
                     arcface_mbf, arcface_mbf_large, arcface_vit_t, arcface_vit_s or arcface_vit_b \
                     (InsightFace's)";
        BACKBONE_WIDTH: Number = "width", Number(0.01, 16.0), "1", "factor on all channels";
        BACKBONE_UNITS: List<Whole<usize>> = "units", List(whole(1, MANY_UNITS)), "",
            "blocks of each stage, or of a transformer [the architecture's]";
        BACKBONE_DROPOUT: Optional<Number> = "dropout", Optional(Number(0.0, 0.99)), "",
            "share that dropout takes away before the linear layer [as the architecture's source: ir* 0.4, \
             arcface_r* 0]";
        BACKBONE_DROP_PATH: Number = "drop_path", Number(0.0, 0.99), "0",
            "share of the images for which a transformer's last block adds nothing; earlier blocks' are less \
             (arcface_torch trains with 0.1)";
        BACKBONE_MASK_RATIO: Number = "mask_ratio", Number(0.0, 0.99), "0",
            "share of the patches that a transformer does not see in training (arcface_torch trains with 0.1)";
    }
    Head "head" {
        HEAD_KIND: Words<HeadKind> = "kind",
            Words(&[
                ("softmax", HeadKind::Softmax),
                ("cosface", HeadKind::CosFace),
                ("arcface", HeadKind::ArcFace),
                ("adaface", HeadKind::AdaFace),
                ("curricularface", CURRICULAR_FACE),
            ]),
            "adaface", "softmax, cosface, arcface, adaface or curricularface";
        HEAD_S: Number = "s", SCALE, "64", "scale of the logits";
        HEAD_M: Number = "m", Number(0.0, 3.0), "0.4", "margin";
        HEAD_H: Number = "h", FACTOR, "0.333", "how much a norm's deviation counts as quality";
        HEAD_T_ALPHA: Number = "t_alpha", SHARE, "0.01",
            "share by which a batch moves the running averages";
        HEAD_EMA_START: Words<EmaStart> = "ema_start",
            Words(&[("zero", EmaStart::Zero), ("first_batch", EmaStart::FirstBatch)]),
            "zero", "what the averages of norms start with: zero (as the reference: quality is 1 for about \
                     150 steps) or first_batch";
        HEAD_SHARDS: Words<HeadShare> = "shards",
            Words(&[("none", HeadShare::Replicated), ("ranks", HeadShare::Sharded)]),
            "none", "class columns that a process has: none apart (all of them), or ranks (its part, with \
                     which it scores the rows of all)";
        HEAD_SAMPLE: Optional<Number> = "sample", Optional(Number(1e-6, 1.0)), "",
            "share of its class columns that a process scores in a batch: those of the images, and others that \
             are drawn [all]";
        HEAD_SAMPLE_UPDATE: Words<SampleUpdate> = "sample_update",
            Words(&[("sparse", SampleUpdate::Sparse), ("dense", SampleUpdate::Dense)]),
            "sparse", "what becomes of class columns that are not in the sample: sparse (nothing) or dense (they \
                       decay, and their momenta move them on)";
        HEAD_QUALITY_SCALE: Optional<Number> = "quality_scale", Optional(SHARE), "",
            "b of the head [baseline and A 0, B, C and D 0.2]";
    }
    Contrast "contrast" {
        CONTRAST_QUEUE: Optional<Words<Option<QueueKind>>> = "queue",
            Optional(Words(&[
                ("none", None),
                ("fifo", Some(QueueKind::Fifo)),
                ("proxy", Some(QueueKind::Proxy)),
            ])),
            "", "none (no contrast), fifo or proxy [C and D proxy, others none]";
        CONTRAST_QUEUE_SIZE: Optional<Whole<usize>> = "queue_size", Optional(whole(1, MANY)), "",
            "entries of the queue [the number of classes]";
        CONTRAST_QUALITY_SCALE: Number = "quality_scale", SHARE, "0.2", "b of the contrast";
        CONTRAST_WEIGHT: Number = "weight", FACTOR, "1", "factor of the contrastive loss";
        CONTRAST_S: Number = "s", SCALE, "64", "scale of its logits";
        CONTRAST_T_ALPHA: Number = "t_alpha", SHARE, "0.01",
            "share by which a batch moves the running margin";
        CONTRAST_CURVE: Words<Curve> = "curve",
            Words(&[("sgn", Curve::Sgn), ("cos", Curve::Cos), ("linear", Curve::Linear)]),
            "sgn", "weight by quality: sgn, cos or linear";
        CONTRAST_RANGE: Words<Range> = "range",
            Words(&[("half", Range::Half), ("whole", Range::Whole)]),
            "half", "which qualities weigh: half (below b) or whole";
        CONTRAST_SELECT: Words<Select> = "select",
            Words(&[("low", Select::Low), ("mean", Select::Mean), ("high", Select::High)]),
            "low", "which quality of a pair counts: low, mean or high";
        CONTRAST_COUPLING: Words<Coupling> = "coupling",
            Words(&[("both", Coupling::Both), ("query", Coupling::One)]),
            "both", "rows: both (each pair from either side) or query";
        CONTRAST_MASK_SAME_CLASS: Words<bool> = "mask_same_class", FLAG, "false",
            "whether entries of the same class are no negatives";
        CONTRAST_DETACH_POS: Words<bool> = "detach_pos", FLAG, "false",
            "whether the second factor of a positive has no gradient";
        CONTRAST_MARGIN: Told<Margin> = "margin",
            Told { expected: || "none, dynamic, or a number from -2 to 2".to_owned(), read: margin },
            "none", "margin of the pairs: none, dynamic, or a number";
        CONTRAST_RESCALE: Words<bool> = "rescale", FLAG, "true",
            "whether the loss is scaled to that of 129 candidates";
        CONTRAST_PHASE: Words<ContrastPhase> = "phase",
            Words(&[
                ("always", ContrastPhase::Always),
                ("later_joint", ContrastPhase::LaterJoint),
                ("later_detach", ContrastPhase::LaterDetach),
                ("later_aug", ContrastPhase::LaterAug),
            ]),
            "always", "when it counts: always, later_joint, later_detach or later_aug (see joint_point)";
        CONTRAST_JOINT_POINT: Whole<u32> = "joint_point", whole(0, MANY_EPOCHS), "0",
            "the epoch, from 0, of the phase's change";
        CONTRAST_WARM_UP_SCALER: Words<bool> = "warm_up_scaler", FLAG, "false",
            "whether both b grow until joint_point";
    }
    Queue "queue" {
        QUEUE_RANKS: Words<QueueShare> = "ranks",
            Words(&[("own", QueueShare::Own), ("shared", QueueShare::Shared)]),
            "own", "rows that enter a process's queue: its own, or shared (those of all; the reference's \
                    sync_GPU)";
    }
    Views "views" {
        VIEWS_HIGH: Optional<Words<ViewKind>> = "high",
            Optional(Words(&[
                ("high", ViewKind::High),
                ("low", ViewKind::Low),
                ("ada", ViewKind::Ada),
            ])),
            "", "the first view: high (mirrored or not), low or ada [A and B ada, others high]";
        VIEWS_LOW: Optional<Words<Option<ViewKind>>> = "low",
            Optional(Words(&[
                ("none", None),
                ("low", Some(ViewKind::Low)),
                ("ada", Some(ViewKind::Ada)),
            ])),
            "", "the second view: none, low (QGFace's) or ada (AdaFace's) [C ada, D low, others none]";
        VIEWS_PROBABILITY: Number = "probability", SHARE, "0.2",
            "probability of each optional change";
        VIEWS_RESIZE: Words<Resizing> = "resize",
            Words(&[("pillow", Resizing::Pillow), ("fast", Resizing::Fast)]),
            "pillow", "resizing in views: pillow (exact) or fast";
        VIEWS_CHANNEL_ORDER: Words<ChannelOrder> = "channel_order",
            Words(&[("bgr", ChannelOrder::Bgr), ("rgb", ChannelOrder::Rgb)]),
            "bgr", "what the network is fed: bgr (as the reference) or rgb";
    }
    Checkpoint "checkpoint" {
        CHECKPOINT_EVERY: Whole<u64> = "every", whole(0, u64::MAX), "0",
            "steps between checkpoints; 0 for one at the end of each epoch";
        CHECKPOINT_KEEP: Whole<usize> = "keep", whole(1, MANY), "3",
            "checkpoints that are kept, beside the best";
    }
    Validation "validation" {
        VALIDATION_SETS: List<Told<Vec<&'static EvalSet>>> = "sets",
            List(Told {
                expected: || format!("sets of {}", EvalSet::names().join(", ")),
                read: EvalSet::named,
            }),
            "", "sets of `eval` that checkpoints are scored on";
        VALIDATION_BEST: Optional<Told<Measure>> = "best",
            Optional(Told {
                expected: Measure::expected,
                read: |text| text.parse().ok().filter(Measure::is_ranked),
            }),
            "", "metric of the best checkpoint, as tinyface.rank_1 [none]";
    }
    Plan "plan" {
        PLAN_IMAGES: Optional<Whole<u64>> = "images", Optional(whole(1, 1 << 40)), "",
            "images that `train --plan` plans for, on another machine and without a pack, of train.classes people \
             [those of the packs]";
        PLAN_WITHIN: Number = "within", BANDWIDTH, "25",
            "GB/s that `train --plan` takes a process to send others of its machine";
        PLAN_BETWEEN: Number = "between", BANDWIDTH, "12.5",
            "GB/s that it takes a machine to send others (12.5 are 100 Gbit/s)";
        PLAN_LATENCY: Number = "latency", FACTOR, "20",
            "microseconds that it takes a message from one process to another";
    }
    Limits "limits" {
        LIMITS_PIXELS: Whole<u64> = "pixels", whole(1, u64::MAX), "67108864",
            "pixels of a picture that is decoded; more are refused";
        LIMITS_SCANS: Whole<u64> = "scans", whole(1, u64::MAX), "100",
            "scans of a JPEG that is decoded; more are refused";
        LIMITS_INFLATED: Whole<u64> = "inflated", whole(1, u64::MAX), "268435456",
            "bytes that the compressed parts of a file may become; more are refused";
    }
}

fn protocols() -> String {
    let names: Vec<&str> = protocol::PRESETS.iter().map(|preset| preset.name).collect();
    one_of(&names)
}

fn presets() -> String {
    let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
    one_of(&names)
}

fn time_limit(text: &str) -> Option<Option<Duration>> {
    let seconds: u32 = text.parse().ok()?;
    Some((seconds > 0).then(|| Duration::from_secs(seconds.into())))
}

fn margin(text: &str) -> Option<Margin> {
    match text {
        "none" => Some(Margin::None),
        "dynamic" => Some(Margin::Dynamic),
        number => number.parse().ok().filter(|m| (-2.0..=2.0).contains(m)).map(Margin::Static),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits;

    #[test]
    fn the_names_that_errors_of_budgets_give_are_those_of_the_keys() {
        let keys = [&LIMITS_PIXELS, &LIMITS_SCANS, &LIMITS_INFLATED].map(Key::name);
        assert_eq!(keys, [limits::PIXELS, limits::SCANS, limits::INFLATED]);
    }
}
