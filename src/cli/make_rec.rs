//! `make-rec`

use super::context::{Context, Outcome};
use super::error::Error;
use super::flags::{self, WhatThen, codec, previous};
use super::interrupt::interrupted;
use super::output::{counted, grouped, sized};
use qgface_data::datasets::{Alignment, DATASETS, DataSet, LabelFunction};
use qgface_data::pack::{
    self, Encoding, Layout, OnError, PackFiles, PackReport, Recipe, Shard, ShardNumber,
};
use qgface_data::settings::{Section, keys};
use std::path::PathBuf;

/// Pack the images of a data set into a .rec with index, list and manifest
#[derive(clap::Args)]
#[command(after_help = data_set_help())]
pub(crate) struct Args {
    /// Which data set lies under the root (see below)
    #[arg(long, value_name = "NAME", value_parser = flags::data_set)]
    dataset: &'static DataSet,
    /// The folder that holds the set's own folder, or that folder itself; of bin and rec the file
    /// [default: data/NAME]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    #[arg(long, value_name = "DIR", help = flags::help(&keys::PACK_OUT, ""))]
    out: Option<PathBuf>,
    /// What the pack's files are called [default: the data set's name, of bin and rec the file's]
    #[arg(long, value_name = "STEM")]
    name: Option<String>,
    /// The list that gives order, keys and labels (im2rec, face2rec2 or CVLface), for `list`
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// The folder of aligned copies to pack, for tinyface and scface
    #[arg(long, value_name = "NAME")]
    aligned_dir: Option<String>,
    /// Store the files' bytes untouched [default: as pack.encoding says]
    #[arg(long, conflicts_with = "encode")]
    origin: bool,
    /// Decode and encode again: jpeg, jpeg:QUALITY or png; colours are never exchanged
    #[arg(long, value_name = "CODEC", value_parser = codec)]
    encode: Option<Encoding>,
    /// Cut the faces out by their landmarks (scface reads original/, tinyface Testing_Set/); stored as
    /// PNG unless --encode says otherwise
    #[arg(long)]
    align: bool,
    /// Pixels an edge of the aligned faces: a multiple of 112 or 128
    #[arg(long, value_name = "PX", default_value_t = 112, requires = "align")]
    size: u32,
    /// Landmarks in place of the set's own: a csv of path and x1 y1 … x5 y5: left eye, right eye, nose, left
    /// and right corner of the mouth, as seen in the picture; or … x4 y4, the middle of the mouth last
    #[arg(long, value_name = "FILE.csv", requires = "align")]
    landmarks: Option<PathBuf>,
    /// InsightFace's training layout: keys from 1, identity records, key 0, and the file property
    #[arg(long)]
    insightface: bool,
    /// A random order, the same for the same seed; with --insightface whole identities
    #[arg(long, value_name = "SEED")]
    shuffle: Option<u64>,
    /// Pack part I of N equal consecutive parts, I from 0; `merge` joins them
    #[arg(long, value_name = "I/N")]
    shard: Option<ShardNumber>,
    /// Label function: index, identity, parent, rank, regex:EXPRESSION (one group) or csv:FILE
    /// [default: the data set's own]
    #[arg(long, value_name = "FUNCTION")]
    label: Option<LabelFunction>,
    #[arg(long, value_enum, value_name = "WHAT", help = flags::help(&keys::PACK_ON_ERROR, ""))]
    on_error: Option<WhatThen>,
    /// Refuse to begin anew where an interrupted pack is of another plan; one of the same plan is gone on
    /// with in any case
    #[arg(long)]
    resume: bool,
    /// Replace a pack that is there, once the new one is whole
    #[arg(long)]
    overwrite: bool,
    /// List and label the images and stop before the first is read
    #[arg(long)]
    dry_run: bool,
}

fn data_set_help() -> String {
    let line = |set: &&DataSet| format!("  {:<9} {}\n", set.name, set.about);
    let lines: String = DATASETS.iter().map(line).collect();
    format!("Data sets:\n{lines}")
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let settings = context.told_settings(&[Section::Data, Section::Pack])?;
    let set = args.dataset;
    let folder = args.out.unwrap_or_else(|| settings.get(&keys::PACK_OUT));
    let encoding = match (args.origin, args.encode) {
        (true, _) => Encoding::Origin,
        (false, Some(encoding)) => encoding,
        (false, None) => settings.get(&keys::PACK_ENCODING).for_pictures(args.align),
    };
    let on_error = args.on_error.map_or_else(|| settings.get(&keys::PACK_ON_ERROR), OnError::from);
    let named = args.name.as_deref();
    let recipe = Recipe {
        dataset: set,
        root: args.root.unwrap_or_else(|| settings.set_root(set, named.unwrap_or(set.name))),
        list: args.list,
        aligned_dir: args.aligned_dir,
        landmarks: args.landmarks,
        label: args.label,
        encoding,
        align: args.align.then_some(args.size),
        layout: if args.insightface { Layout::Insightface } else { Layout::Plain },
        shuffle: args.shuffle,
        shard: args.shard,
    };
    let name = args.name.unwrap_or_else(|| recipe.default_name());
    let options = pack::Options {
        files: PackFiles::new(&folder, &name)?,
        on_error,
        previous: previous(args.overwrite),
        resume: args.resume,
        stop: interrupted()?,
        dry_run: args.dry_run,
        jobs: context.jobs,
    };
    let report = pack::make_rec(recipe, &options, context.output.progress())?;
    context.output.warn(&report.warnings);
    context.output.report(&report, text)?;
    Ok(if report.interrupted { Outcome::No } else { Outcome::Success })
}

pub(super) fn text(report: &PackReport) -> String {
    let images = counted(report.count, "image");
    let mut text = match report {
        PackReport { dry_run: true, set, .. } => format!("would pack {images} of {set}\n"),
        PackReport { kept: true, set, .. } => {
            format!("kept {images} of {set}: the pack is there already and is proved\n")
        }
        PackReport { interrupted: true, set, .. } => {
            format!("interrupted after {images} of {set}; the same command goes on from there\n")
        }
        PackReport { set, .. } => format!("packed {images} of {set}\n"),
    };
    let [first, last] = &report.first_and_last;
    let mut line = |name: &str, value: String| text += &format!("  {name:<10} {value}\n");
    line("pack", report.pack.clone());
    line("first", first.clone());
    line("last", last.clone());
    line("label", report.label.clone());
    line("encoding", format!("{}, colours as in the sources", report.encoding));
    if let Alignment::Warped { size } = report.alignment {
        line("aligned", format!("by landmarks, to {size}x{size} pixels"));
    }
    if let Some(seed) = report.shuffle {
        line("shuffled", format!("with the seed {seed}"));
    }
    if let Some(shard) = &report.shard {
        let Shard { index, count, first, images, .. } = shard;
        line("shard", format!("{index} of {count}, from image {first} of {images} on"));
    }
    if let (Some(identities), Some(classes)) = (report.identities, report.classes) {
        let identities = counted(identities, "identity record");
        line("layout", format!("InsightFace, {identities}, {} classes", grouped(classes)));
    }
    if !report.dry_run && !report.interrupted {
        line("bytes", format!("{} ({})", grouped(report.bytes), sized(report.bytes)));
        line("order", report.order.clone());
    }
    if report.resumed > 0 && !report.kept {
        line("resumed", format!("{} records were there already", grouped(report.resumed)));
    }
    let ignored = &report.ignored;
    let passed_over = [
        (ignored.hidden, "hidden"),
        (ignored.thumbs_db, "Thumbs.db"),
        (ignored.other_files, "other files"),
        (ignored.loops, "links in a loop"),
    ];
    let counts = passed_over.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> =
        counts.map(|(count, what)| format!("{} {what}", grouped(*count))).collect();
    if !counts.is_empty() {
        line("ignored", counts.join(", "));
    }
    if report.reoriented > 0 {
        let what = "have an EXIF orientation, which is not applied";
        line("turned", format!("{} pictures {what}", grouped(report.reoriented)));
    }
    for skipped in &report.skipped {
        line("skipped", format!("{}: {}", skipped.path, skipped.reason));
    }
    text
}
