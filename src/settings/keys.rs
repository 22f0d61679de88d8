//! Every setting: its name, its value when nobody gives one, and what it means.

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Section and name, joined by a dot.
    pub name: &'static str,
    /// Its value when nobody gives one; empty where that follows from others, as `about` says.
    pub default: &'static str,
    /// What it means, for the comment in the file.
    pub about: &'static str,
    /// Whether its value is a path, or several.
    pub is_path: bool,
}

const fn value(name: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { name, default, about, is_path: false }
}

const fn path(name: &'static str, default: &'static str, about: &'static str) -> Key {
    Key { name, default, about, is_path: true }
}

/// All settings but the roots of the single sets, in the order of the file.
pub static KEYS: &[Key] = &[
    path("data.root", "data", "folder of the data sets; a set lies in the sub-folder of its name"),
    path("pack.out", "packs", "folder of the packs"),
    value(
        "pack.encoding",
        "origin",
        "what is stored: origin (the files' bytes), jpeg:QUALITY or png",
    ),
    value(
        "pack.on_error",
        "stop",
        "what a bad image does: stop, or skip (it is listed in the manifest)",
    ),
    value(
        "eval.protocol",
        "adaface",
        "preset of the protocol: qgface, adaface, insightface or cvlface",
    ),
    value("eval.device", "cpu", "where models run: cpu or cuda:N"),
    value("eval.batch", "32", "images a batch"),
    value(
        "eval.time_limit",
        "600",
        "seconds that a model may take over a batch; 0 for as long as it likes",
    ),
    path(
        "eval.cache",
        "cache",
        "folder of the features that were computed already; it may be deleted at any time",
    ),
    value(
        "train.preset",
        "D",
        "row of the ablation: baseline (one view, AdaFace), A (AdaFace's augmentation), B (A and the \
         quality scaler), C (B and contrast with an augmented view), D (QGFace)",
    ),
    value("train.name", "", "name of the run [the preset and a number that is free]"),
    path("train.runs", "runs", "folder of the runs"),
    path("train.packs", "packs/train", "packs to learn from, separated by commas"),
    value("train.labels", "apart", "labels of several packs: apart (other people), or shared"),
    value("train.classes", "", "number of classes [the largest label and one]"),
    value(
        "train.other_size",
        "refuse",
        "images that are not 112x112: refuse, or resize (bilinear)",
    ),
    value("train.on_error", "stop", "what a damaged record does: stop, or skip (it is counted)"),
    value("train.device", "cpu", "where steps run: cpu or cuda:N (experimental)"),
    value("train.seed", "0", "the number that all random draws come from"),
    value("train.batch", "64", "images a step; each in one or two views"),
    value("train.epochs", "12", "times every image is seen"),
    value("train.max_steps", "", "steps after which the run ends early [none]"),
    value("train.lr", "0.2", "learning rate"),
    value("train.milestones", "6,9", "epochs, from 0, with which the rate is multiplied by gamma"),
    value("train.gamma", "0.1", "factor of the rate at a milestone"),
    value("train.warm_up_steps", "0", "steps in which the rate grows to its value"),
    value("train.momentum", "0.9", "share of the old momentum that is kept"),
    value("train.weight_decay", "5e-4", "weight decay of all parameters but normalisation's"),
    path("train.init", "", "checkpoint, model.onnx or safetensors to begin with [drawn weights]"),
    value("backbone.architecture", "ir34", "ir18, ir34, ir50 or ir100"),
    value("backbone.width", "1", "factor on all channels"),
    value("backbone.dropout", "0.4", "share that dropout takes away before the linear layer"),
    value("head.kind", "adaface", "softmax, cosface, arcface, adaface or curricularface"),
    value("head.s", "64", "scale of the logits"),
    value("head.m", "0.4", "margin"),
    value("head.h", "0.333", "how much a norm's deviation counts as quality"),
    value("head.t_alpha", "0.01", "share by which a batch moves the running averages"),
    value(
        "head.ema_start",
        "zero",
        "what the averages of norms start with: zero (as the reference: quality is 1 for about 150 steps) \
         or first_batch",
    ),
    value("head.quality_scale", "", "b of the head [baseline and A 0, B, C and D 0.2]"),
    value("contrast.queue", "", "none (no contrast), fifo or proxy [C and D proxy, others none]"),
    value("contrast.queue_size", "", "entries of the queue [the number of classes]"),
    value("contrast.quality_scale", "0.2", "b of the contrast"),
    value("contrast.weight", "1", "factor of the contrastive loss"),
    value("contrast.s", "64", "scale of its logits"),
    value("contrast.t_alpha", "0.01", "share by which a batch moves the running margin"),
    value("contrast.curve", "sgn", "weight by quality: sgn, cos or linear"),
    value("contrast.range", "half", "which qualities weigh: half (below b) or whole"),
    value("contrast.select", "low", "which quality of a pair counts: low, mean or high"),
    value("contrast.coupling", "both", "rows: both (each pair from either side) or query"),
    value(
        "contrast.mask_same_class",
        "false",
        "whether entries of the same class are no negatives",
    ),
    value(
        "contrast.detach_pos",
        "false",
        "whether the second factor of a positive has no gradient",
    ),
    value("contrast.margin", "none", "margin of the pairs: none, dynamic, or a number"),
    value("contrast.rescale", "true", "whether the loss is scaled to that of 129 candidates"),
    value(
        "contrast.phase",
        "always",
        "when it counts: always, later_joint, later_detach or later_aug (see joint_point)",
    ),
    value("contrast.joint_point", "0", "the epoch, from 0, of the phase's change"),
    value("contrast.warm_up_scaler", "false", "whether both b grow until joint_point"),
    value(
        "views.high",
        "",
        "the first view: high (mirrored or not), low or ada [A and B ada, others high]",
    ),
    value(
        "views.low",
        "",
        "the second view: none, low (QGFace's) or ada (AdaFace's) [C ada, D low, others none]",
    ),
    value("views.probability", "0.2", "probability of each optional change"),
    value("views.resize", "pillow", "resizing in views: pillow (exact) or fast"),
    value("views.channel_order", "bgr", "what the network is fed: bgr (as the reference) or rgb"),
    value("checkpoint.every", "0", "steps between checkpoints; 0 for one at the end of each epoch"),
    value("checkpoint.keep", "3", "checkpoints that are kept, beside the best"),
    value(
        "validation.sets",
        "",
        "sets of `eval` that checkpoints are scored on, separated by commas",
    ),
    value("validation.best", "", "metric of the best checkpoint, as tinyface.rank_1 [none]"),
    value("limits.pixels", "67108864", "pixels of a picture that is decoded; more are refused"),
    value("limits.scans", "100", "scans of a JPEG that is decoded; more are refused"),
    value(
        "limits.inflated",
        "268435456",
        "bytes that the compressed parts of a file may become; more are refused",
    ),
];
