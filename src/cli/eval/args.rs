//! The arguments of `eval`, and how each is read.

use super::help;
use crate::cli::flags;
use qgface_data::eval::settings::{Fusion, Preset};
use qgface_data::eval::{self, EvalSet};
use qgface_data::image::ChannelOrder;
use qgface_data::runtime::Device;
use qgface_data::settings::keys;
use std::path::PathBuf;
use std::time::Duration;

/// What there is to say of --device beside the setting.
const DEVICE_HELP: &str = "; there is no falling back. On the processor a model is loaded once a thread of \
                           --jobs, up to four times";

/// Evaluate a model, or features made elsewhere, by the protocols of the field
///
/// Packs are proved first; what the model wants to be fed is read from its metadata, else from flags, and
/// the order of its channels is never guessed. Protocol, switches and colours are told with every number.
#[derive(clap::Args)]
#[command(after_help = help::sets_and_presets())]
pub(crate) struct Args {
    /// The model, or the folder of a run that has exported one; without it --embeddings gives the features
    #[arg(
        value_name = "MODEL.onnx",
        required_unless_present = "embeddings",
        conflicts_with = "embeddings"
    )]
    pub(super) model: Option<PathBuf>,
    /// Sets to evaluate, separated by commas (see below)
    #[arg(long = "set", value_name = "NAME", value_delimiter = ',', value_parser = named_sets)]
    pub(super) sets: Vec<Named>,
    #[arg(
        long,
        value_name = "P",
        value_parser = flags::of(&keys::EVAL_PROTOCOL),
        help = flags::help(&keys::EVAL_PROTOCOL, " (see below)")
    )]
    pub(super) protocol: Option<&'static Preset>,
    #[arg(
        long,
        value_name = "DEVICE",
        value_parser = flags::of(&keys::EVAL_DEVICE),
        conflicts_with = "embeddings",
        help = flags::help(&keys::EVAL_DEVICE, DEVICE_HELP)
    )]
    pub(super) device: Option<Device>,
    /// Write the results to DIR/results.json too
    #[arg(long, value_name = "DIR")]
    pub(super) out: Option<PathBuf>,
    #[command(flatten)]
    pub(super) from_files: FromFiles,
    #[command(flatten)]
    pub(super) place: PlaceArgs,
    #[command(flatten)]
    pub(super) own: OwnPacks,
    #[command(flatten)]
    pub(super) feeding: Feeding,
    #[command(flatten)]
    pub(super) switches: SwitchArgs,
    /// Write the fused features and their norms to DIR as .npy
    #[arg(long, value_name = "DIR", help_heading = "Options")]
    pub(super) save_embeddings: Option<PathBuf>,
    /// Score faces that were aligned in another way than the protocol expects; the result says so
    #[arg(long, requires = "sets", help_heading = "Options")]
    pub(super) accept_alignment: bool,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Features made elsewhere")]
pub(super) struct FromFiles {
    /// Features, a row an image, in the order of the pack, of --list, or of the set's own order
    #[arg(long, value_name = "E.npy")]
    pub(super) embeddings: Option<PathBuf>,
    /// Their norms
    #[arg(long, value_name = "N.npy", requires = "embeddings")]
    pub(super) norms: Option<PathBuf>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Where the images and protocol files are")]
pub(super) struct PlaceArgs {
    /// The pack of the set [default: packs/SET]
    #[arg(long, value_name = "FILE")]
    pub(super) pack: Option<PathBuf>,
    /// The root of the set: its protocol files, and without a pack its images
    #[arg(long, value_name = "DIR")]
    pub(super) root: Option<PathBuf>,
    /// A list of the images in order, in place of a pack; paths are relative to the root
    #[arg(long, value_name = "FILE.lst", conflicts_with = "pack")]
    pub(super) list: Option<PathBuf>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Packs of one's own, instead of --set")]
pub(super) struct OwnPacks {
    /// Search the probes in this pack, by labels
    #[arg(long, value_name = "PACK", requires = "probe", conflicts_with_all = ["sets", "pack", "list", "root"])]
    pub(super) gallery: Option<PathBuf>,
    /// The probes; their labels must be 0 or more
    #[arg(long, value_name = "PACK", requires = "gallery")]
    pub(super) probe: Option<PathBuf>,
    /// Nobody's faces, searched beside the gallery
    #[arg(long, value_name = "PACK", requires = "gallery")]
    pub(super) distractor: Option<PathBuf>,
    /// Lines of `position position 0|1` over --pack: ten folds, and TAR at FAR
    #[arg(long, value_name = "FILE", requires = "pack", conflicts_with_all = ["sets", "list", "root"])]
    pub(super) pairs: Option<PathBuf>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "What the model is fed")]
pub(super) struct Feeding {
    /// The order in which it takes the channels [default: its metadata]
    #[arg(long, value_name = "ORDER", value_parser = flags::channel_order, conflicts_with = "embeddings")]
    pub(super) channel_order: Option<ChannelOrder>,
    /// Subtracted from the grey levels of 0 to 255: one number, or three in the order of its channels
    /// [default: its metadata, else 127.5]
    #[arg(long, value_name = "M", value_parser = mean, allow_hyphen_values = true, conflicts_with = "embeddings")]
    pub(super) mean: Option<[f64; 3]>,
    /// What is divided by then [default: its metadata, else 127.5]
    #[arg(long, value_name = "S", value_parser = deviation, conflicts_with = "embeddings")]
    pub(super) std: Option<[f64; 3]>,
    #[arg(
        long,
        value_name = "N",
        value_parser = flags::of(&keys::EVAL_BATCH),
        conflicts_with = "embeddings",
        help = flags::help(&keys::EVAL_BATCH, ", where the graph does not fix it")
    )]
    pub(super) batch: Option<usize>,
    #[arg(
        long,
        value_name = "SECONDS",
        value_parser = flags::of(&keys::EVAL_TIME_LIMIT),
        conflicts_with = "embeddings",
        help = flags::help(&keys::EVAL_TIME_LIMIT, "")
    )]
    pub(super) time_limit: Option<TimeLimit>,
    /// Run the model as it is, and use no features of a rewritten one; else it is rewritten where that was
    /// measured to be faster, with the same numbers but for rounding
    #[arg(long, conflicts_with = "embeddings")]
    pub(super) no_rewrite: bool,
    /// Neither read nor keep features in the cache
    #[arg(long)]
    pub(super) no_cache: bool,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Switches of the protocol, above its preset")]
pub(super) struct SwitchArgs {
    /// Fuse the views by METHOD: norm_weighted_avg, pre_norm_vector_add, average, concat or faceness_score
    #[arg(long, value_name = "METHOD", value_parser = fusion, conflicts_with = "embeddings")]
    pub(super) fusion: Option<Fusion>,
    /// Embed the mirrored image too
    #[arg(long, overrides_with = "no_flip", conflicts_with = "embeddings")]
    pub(super) flip: bool,
    /// Embed the image alone
    #[arg(long, conflicts_with = "embeddings")]
    pub(super) no_flip: bool,
    /// Weigh a face by its norm
    #[arg(long, overrides_with = "no_norm")]
    pub(super) norm: bool,
    /// Weigh faces alike
    #[arg(long)]
    pub(super) no_norm: bool,
    /// Weigh a face by its detector's score
    #[arg(long, overrides_with = "no_detector_score")]
    pub(super) detector_score: bool,
    /// Leave the detector's scores aside
    #[arg(long)]
    pub(super) no_detector_score: bool,
    /// Read the ROC from its end: of equal FARs the highest TAR
    #[arg(long, overrides_with = "no_flipud")]
    pub(super) flipud: bool,
    /// Read the ROC from its beginning: of equal FARs the lowest TAR
    #[arg(long)]
    pub(super) no_flipud: bool,
}

/// How long a batch may take: of the flag, where clap takes an option in an option for another thing.
pub(super) type TimeLimit = Option<Duration>;

/// The sets of one name.
#[derive(Clone)]
pub(super) struct Named(pub(super) Vec<&'static EvalSet>);

fn named_sets(name: &str) -> Result<Named, String> {
    let found = EvalSet::named(name.trim()).map(Named);
    found.ok_or_else(|| format!("expected {}", EvalSet::names().join(", ")))
}

fn fusion(name: &str) -> Result<Fusion, String> {
    let found = Fusion::ALL.iter().find(|(own, _)| *own == name).map(|(_, fusion)| *fusion);
    found.ok_or_else(|| {
        let names: Vec<&str> = Fusion::ALL.iter().map(|(name, _)| *name).collect();
        format!("expected {}", names.join(", "))
    })
}

fn mean(text: &str) -> Result<[f64; 3], String> {
    eval::mean(text).map_err(|expected| format!("expected {expected}"))
}

fn deviation(text: &str) -> Result<[f64; 3], String> {
    eval::deviation(text).map_err(|expected| format!("expected {expected}"))
}
