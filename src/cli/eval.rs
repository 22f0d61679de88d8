//! `eval`

use super::model_path::model_path;
use super::output::grouped;
use super::{Context, Error, Outcome};
use qgface_data::eval::results::{EvalReport, SetResult};
use qgface_data::eval::settings::{Fusion, PRESETS, Preset, Protocol, Switches};
use qgface_data::eval::{
    self, EVAL_SETS, EvalSet, FeatureOptions, Flags, ModelOptions, Options, OtherAlignment, Place,
    Task, evaluate,
};
use qgface_data::image::ChannelOrder;
use qgface_data::pack::PackFiles;
use qgface_data::runtime::Device;
use qgface_data::settings::{Section, Settings, keys};
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::time::Duration;

/// Evaluate a model, or features made elsewhere, by the protocols of the field
///
/// Packs are proved first; what the model wants to be fed is read from its metadata, else from flags, and
/// the order of its channels is never guessed. Protocol, switches and colours are told with every number.
#[derive(clap::Args)]
#[command(after_help = help())]
pub(crate) struct Args {
    /// The model, or the folder of a run that has exported one; without it --embeddings gives the features
    #[arg(
        value_name = "MODEL.onnx",
        required_unless_present = "embeddings",
        conflicts_with = "embeddings"
    )]
    model: Option<PathBuf>,
    /// Sets to evaluate, separated by commas (see below)
    #[arg(long = "set", value_name = "NAME", value_delimiter = ',', value_parser = named_sets)]
    sets: Vec<Named>,
    /// The protocol's preset (see below) [default: eval.protocol, adaface]
    #[arg(long, value_name = "P", value_parser = preset)]
    protocol: Option<&'static Preset>,
    /// Where the model runs: cpu or cuda:N; there is no falling back. On the processor it is loaded once a
    /// thread of --jobs, up to four times [default: eval.device, cpu]
    #[arg(long, value_name = "DEVICE", conflicts_with = "embeddings")]
    device: Option<Device>,
    /// Write the results to DIR/results.json too
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    from_files: FromFiles,
    #[command(flatten)]
    place: PlaceArgs,
    #[command(flatten)]
    own: OwnPacks,
    #[command(flatten)]
    feeding: Feeding,
    #[command(flatten)]
    switches: SwitchArgs,
    /// Write the fused features and their norms to DIR as .npy
    #[arg(long, value_name = "DIR", help_heading = "Options")]
    save_embeddings: Option<PathBuf>,
    /// Score faces that were aligned in another way than the protocol expects; the result says so
    #[arg(long, requires = "sets", help_heading = "Options")]
    accept_alignment: bool,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Features made elsewhere")]
struct FromFiles {
    /// Features, a row an image, in the order of the pack, of --list, or of the set's own order
    #[arg(long, value_name = "E.npy")]
    embeddings: Option<PathBuf>,
    /// Their norms
    #[arg(long, value_name = "N.npy", requires = "embeddings")]
    norms: Option<PathBuf>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Where the images and protocol files are")]
struct PlaceArgs {
    /// The pack of the set [default: packs/SET]
    #[arg(long, value_name = "FILE")]
    pack: Option<PathBuf>,
    /// The root of the set: its protocol files, and without a pack its images
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// A list of the images in order, in place of a pack; paths are relative to the root
    #[arg(long, value_name = "FILE.lst", conflicts_with = "pack")]
    list: Option<PathBuf>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Packs of one's own, instead of --set")]
struct OwnPacks {
    /// Search the probes in this pack, by labels
    #[arg(long, value_name = "PACK", requires = "probe", conflicts_with_all = ["sets", "pack", "list", "root"])]
    gallery: Option<PathBuf>,
    /// The probes; their labels must be 0 or more
    #[arg(long, value_name = "PACK", requires = "gallery")]
    probe: Option<PathBuf>,
    /// Nobody's faces, searched beside the gallery
    #[arg(long, value_name = "PACK", requires = "gallery")]
    distractor: Option<PathBuf>,
    /// Lines of `position position 0|1` over --pack: ten folds, and TAR at FAR
    #[arg(long, value_name = "FILE", requires = "pack", conflicts_with_all = ["sets", "list", "root"])]
    pairs: Option<PathBuf>,
}

#[derive(clap::Args)]
#[command(next_help_heading = "What the model is fed")]
struct Feeding {
    /// The order in which it takes the channels [default: its metadata]
    #[arg(long, value_name = "ORDER", value_parser = super::channel_order, conflicts_with = "embeddings")]
    channel_order: Option<ChannelOrder>,
    /// Subtracted from the grey levels of 0 to 255: one number, or three in the order of its channels
    /// [default: its metadata, else 127.5]
    #[arg(long, value_name = "M", value_parser = mean, allow_hyphen_values = true, conflicts_with = "embeddings")]
    mean: Option<[f64; 3]>,
    /// What is divided by then [default: its metadata, else 127.5]
    #[arg(long, value_name = "S", value_parser = deviation, conflicts_with = "embeddings")]
    std: Option<[f64; 3]>,
    /// Images a batch, where the graph does not fix it [default: eval.batch, 32]
    #[arg(long, value_name = "N", value_parser = |text: &str| keys::EVAL_BATCH.parse(text), conflicts_with = "embeddings")]
    batch: Option<usize>,
    /// Seconds that the model may take over a batch; 0 for as long as it likes
    /// [default: eval.time_limit, 600]
    #[arg(long, value_name = "SECONDS", value_parser = time_limit, conflicts_with = "embeddings")]
    time_limit: Option<TimeLimit>,
    /// Neither read nor keep features in the cache
    #[arg(long)]
    no_cache: bool,
}

#[derive(clap::Args)]
#[command(next_help_heading = "Switches of the protocol, above its preset")]
struct SwitchArgs {
    /// Fuse the views by METHOD: norm_weighted_avg, pre_norm_vector_add, average, concat or faceness_score
    #[arg(long, value_name = "METHOD", value_parser = fusion, conflicts_with = "embeddings")]
    fusion: Option<Fusion>,
    /// Embed the mirrored image too
    #[arg(long, overrides_with = "no_flip", conflicts_with = "embeddings")]
    flip: bool,
    /// Embed the image alone
    #[arg(long, conflicts_with = "embeddings")]
    no_flip: bool,
    /// Weigh a face by its norm
    #[arg(long, overrides_with = "no_norm")]
    norm: bool,
    /// Weigh faces alike
    #[arg(long)]
    no_norm: bool,
    /// Weigh a face by its detector's score
    #[arg(long, overrides_with = "no_detector_score")]
    detector_score: bool,
    /// Leave the detector's scores aside
    #[arg(long)]
    no_detector_score: bool,
    /// Read the ROC from its end: of equal FARs the highest TAR
    #[arg(long, overrides_with = "no_flipud")]
    flipud: bool,
    /// Read the ROC from its beginning: of equal FARs the lowest TAR
    #[arg(long)]
    no_flipud: bool,
}

/// How long a batch may take.
#[derive(Debug, Clone, Copy)]
struct TimeLimit(Option<Duration>);

fn time_limit(text: &str) -> Result<TimeLimit, String> {
    keys::EVAL_TIME_LIMIT.parse(text).map(TimeLimit)
}

/// The sets of one name.
#[derive(Clone)]
struct Named(Vec<&'static EvalSet>);

fn named_sets(name: &str) -> Result<Named, String> {
    let found = EvalSet::named(name.trim()).map(Named);
    found.ok_or_else(|| format!("expected {}", EvalSet::names().join(", ")))
}

fn preset(name: &str) -> Result<&'static Preset, String> {
    Preset::find(name).ok_or_else(|| {
        let names: Vec<&str> = PRESETS.iter().map(|preset| preset.name).collect();
        format!("expected {}", names.join(", "))
    })
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

fn help() -> String {
    let set = |set: &EvalSet| format!("  {:<12} {}\n", set.name, set.about);
    let sets: String = EVAL_SETS.iter().map(set).collect();
    let yes = |on: bool| if on { "yes" } else { "no" };
    let row = |preset: &Preset| {
        format!(
            "  {:<12} norm {:<4} detector score {:<4} flipud {:<4} family {}: {}\n",
            preset.name,
            yes(preset.norm),
            yes(preset.detector_score),
            yes(preset.flipud),
            preset.family.name(),
            preset.about
        )
    };
    let presets: String = PRESETS.iter().map(row).collect();
    format!(
        "Sets:\n{sets}  hq           the five verification sets\n  all          scface, tinyface, ijbb and hq\n\n\
         Presets (both views fused by pre_norm_vector_add; the other switches weigh in IJB alone):\n{presets}"
    )
}

/// Of a flag and its opposite, which was said.
fn either(yes: bool, no: bool) -> Option<bool> {
    (yes || no).then_some(yes)
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let settings = context.settings(&[Section::Data, Section::Pack, Section::Eval])?;
    let preset = args.protocol.unwrap_or_else(|| settings.get(&keys::EVAL_PROTOCOL));
    let switches = Switches {
        fusion: args.switches.fusion,
        flip: either(args.switches.flip, args.switches.no_flip),
        norm: either(args.switches.norm, args.switches.no_norm),
        detector_score: either(args.switches.detector_score, args.switches.no_detector_score),
        flipud: either(args.switches.flipud, args.switches.no_flipud),
    };
    let cache = (!args.feeding.no_cache).then(|| settings.get(&keys::EVAL_CACHE));
    let options = Options {
        task: task(&args, &settings)?,
        features: features(&args, &settings, context)?,
        protocol: Protocol::new(preset, &switches),
        batch: args.feeding.batch.unwrap_or_else(|| settings.get(&keys::EVAL_BATCH)),
        jobs: context.jobs,
        cache,
        save: args.save_embeddings.clone(),
        alignment: if args.accept_alignment {
            OtherAlignment::Accept
        } else {
            OtherAlignment::Refuse
        },
    };
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).map_err(qgface_data::fs::io_error("make the folder", out))?;
    }
    let say = |text: &str| context.output.say(text);
    let report = evaluate(&options, context.output.progress(), &say).map_err(Box::new)?;
    for result in &report.results {
        context.output.warn(&result.warnings);
    }
    if let Some(out) = &args.out {
        let text = serde_json::to_vec_pretty(&report).map_err(std::io::Error::from)?;
        qgface_data::fs::write_whole(&out.join("results.json"), &text)?;
    }
    context.output.report(&report, text)?;
    Ok(Outcome::Success)
}

fn features(args: &Args, settings: &Settings, context: &Context) -> Result<FeatureOptions, Error> {
    match (&args.model, &args.from_files.embeddings) {
        (Some(path), _) => Ok(FeatureOptions::Model(ModelOptions {
            path: model_path(path)?,
            flags: Flags {
                channel_order: args.feeding.channel_order,
                mean: args.feeding.mean,
                std: args.feeding.std,
            },
            device: args.device.unwrap_or_else(|| settings.get(&keys::EVAL_DEVICE)),
            threads: NonZeroUsize::new(context.jobs).unwrap_or(NonZeroUsize::MIN),
            time_limit: match args.feeding.time_limit {
                Some(TimeLimit(limit)) => limit,
                None => settings.get(&keys::EVAL_TIME_LIMIT),
            },
        })),
        (None, Some(features)) => Ok(FeatureOptions::Files {
            features: features.clone(),
            norms: args.from_files.norms.clone(),
        }),
        (None, None) => Err(Error::Arguments("expected a model or --embeddings".to_owned())),
    }
}

fn task(args: &Args, settings: &Settings) -> Result<Task, Error> {
    if let Some(path) =
        args.place.pack.as_ref().filter(|path| path.extension() == Some("bin".as_ref()))
    {
        let advice = "expected a pack, found a .bin; name it with --root, or pack it with `qgface-data make-rec \
                      --dataset bin`";
        return Err(Error::Arguments(format!("{}: {advice}", path.display())));
    }
    let pack = args.place.pack.as_deref().map(PackFiles::of).transpose()?;
    let mut sets: Vec<&'static EvalSet> = Vec::new();
    for set in args.sets.iter().flat_map(|named| &named.0) {
        if !sets.iter().any(|known| known.name == set.name) {
            sets.push(set);
        }
    }
    if let (Some(gallery), Some(probe)) = (&args.own.gallery, &args.own.probe) {
        if args.from_files.embeddings.is_some() {
            let told = "--gallery and --probe want a model: --embeddings are of one pack";
            return Err(Error::Arguments(told.to_owned()));
        }
        return Ok(Task::Identification {
            gallery: PackFiles::of(gallery)?,
            probe: PackFiles::of(probe)?,
            distractor: args.own.distractor.as_deref().map(PackFiles::of).transpose()?,
        });
    }
    if let (Some(pairs), Some(pack)) = (&args.own.pairs, &pack) {
        return Ok(Task::Verification { pack: pack.clone(), pairs: pairs.clone() });
    }
    match (&sets[..], pack) {
        ([], Some(pack)) if args.save_embeddings.is_some() => Ok(Task::Features { pack }),
        ([], _) => {
            let told = "expected --set NAME, or --gallery and --probe, or --pack with --pairs or \
                        --save-embeddings";
            Err(Error::Arguments(told.to_owned()))
        }
        (several, pack) => {
            let one = several.len() == 1;
            let bound_to_one = [
                (pack.is_some(), "--pack"),
                (args.place.root.is_some(), "--root"),
                (args.place.list.is_some(), "--list"),
                (args.from_files.embeddings.is_some(), "--embeddings"),
            ];
            if let Some((_, flag)) = bound_to_one.iter().find(|(given, _)| *given && !one) {
                let count = several.len();
                return Err(Error::Arguments(format!("{flag} goes with one set, found {count}")));
            }
            let place = |set: &&'static EvalSet| -> Result<_, Error> {
                let (root, list) = (args.place.root.clone(), args.place.list.clone());
                let usual = settings.eval_place(set)?;
                Ok((*set, Place { pack: pack.clone(), root, list, ..usual }))
            };
            Ok(Task::Sets(several.iter().map(place).collect::<Result<_, _>>()?))
        }
    }
}

pub(super) fn text(report: &EvalReport) -> String {
    let mut text = String::new();
    if let Some(model) = &report.model {
        let runtime = model.runtime.as_deref().unwrap_or("runtime unknown");
        text += &format!("{} ({}, {runtime})\n", model.path, model.device);
    }
    for result in &report.results {
        text += &set_text(result);
    }
    for (name, value) in &report.averages {
        text += &format!("{name} {:.2} %\n", 100.0 * value);
    }
    for file in &report.saved {
        text += &format!("wrote {file}\n");
    }
    text
}

/// Metrics that are no rates.
const PLAIN: [&str; 3] = ["ties", "1n_ties", "threshold"];

fn set_text(result: &SetResult) -> String {
    let settings = &result.settings;
    let yes = |on: bool| if on { "yes" } else { "no" };
    let unknown = || "unknown".to_owned();
    let mut text = format!(
        "{}: protocol {}, {} images{}\n",
        result.set,
        result.protocol_told(),
        grouped(result.images),
        if result.features.cached { ", features from the cache" } else { "" }
    );
    let mut line = |name: &str, value: String| text += &format!("  {name:<24} {value}\n");
    line(
        "switches",
        format!(
            "fusion {}, flip {}, norm {}, detector score {}, flipud {}, channels {}",
            settings.fusion.map_or("unknown", Fusion::name),
            settings.flip.map_or("unknown", yes),
            yes(settings.norm),
            yes(settings.detector_score),
            yes(settings.flipud),
            settings.channel_order.map_or_else(unknown, |order| order.name().to_owned()),
        ),
    );
    if let (Some(mean), Some(std)) = (settings.mean, settings.std) {
        let three = |values: [f64; 3]| values.map(|value| value.to_string()).join(",");
        line("fed", format!("(grey level - {}) / {}", three(mean), three(std)));
    }
    if let Some(alignment) = &result.features.alignment {
        line("faces", alignment.clone());
    }
    let counts = result.counts.iter();
    let counts: Vec<String> =
        counts.map(|(name, count)| format!("{} {}", grouped(*count), counted_name(name))).collect();
    line("counted", counts.join(", "));
    for (name, value) in &result.metrics {
        let told = match PLAIN.contains(&name.as_str()) {
            true => format!("{}", (1e6 * value).round() / 1e6),
            false => format!("{:.2} %", 100.0 * value),
        };
        line(name, told);
    }
    text
}

/// `1n_gallery_1` to `in 1:N gallery 1`.
fn counted_name(name: &str) -> String {
    let plain = name.replace('_', " ");
    match plain.strip_prefix("1n ") {
        Some(gallery) if gallery.starts_with("gallery") => format!("in 1:N {gallery}"),
        Some(what) => format!("1:N {what}"),
        None => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use qgface_data::eval::Kind;

    #[test]
    fn of_a_flag_and_its_opposite_the_said_one_counts() {
        assert_eq!((either(true, false), either(false, true)), (Some(true), Some(false)));
        assert_eq!(either(false, false), None);
    }

    #[test]
    fn every_kind_of_set_is_told_in_the_help() {
        let kinds = [Kind::Identification, Kind::Templates, Kind::Pairs, Kind::ReducedPairs];
        for kind in kinds {
            let set = EVAL_SETS.iter().find(|set| set.kind == kind).unwrap();
            assert!(help().contains(set.about));
        }
    }
}
