//! `align`

use super::context::{Context, Outcome};
use super::error::Error;
use super::flags::{self, WhatThen, codec, previous};
use super::output::counted;
use qgface_data::datasets::DataSet;
use qgface_data::pack::align::{AlignReport, Options, align};
use qgface_data::pack::{Encoding, Recipe};
use qgface_data::settings::Section;
use std::path::PathBuf;

/// Write aligned copies of a set's pictures as files, cut out by their landmarks
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Which data set lies under the root; any folder of pictures with --landmarks is a `folder`
    #[arg(long, value_name = "NAME", value_parser = flags::data_set)]
    dataset: &'static DataSet,
    /// The folder that holds the set's own folder, or that folder itself [default: data/NAME]
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Where the files go; nothing is written outside this folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Landmarks in place of the set's own: a csv of path and x1 y1 … x5 y5: left eye, right eye, nose, left
    /// and right corner of the mouth, as seen in the picture; or … x4 y4, the middle of the mouth last
    #[arg(long, value_name = "FILE.csv")]
    landmarks: Option<PathBuf>,
    /// The list that names the pictures, for `list`
    #[arg(long, value_name = "FILE")]
    list: Option<PathBuf>,
    /// Pixels an edge: a multiple of 112 or 128
    #[arg(long, value_name = "PX", default_value_t = 112)]
    size: u32,
    /// How the files are encoded: jpeg, jpeg:QUALITY or png
    #[arg(long, value_name = "CODEC", value_parser = codec, default_value = "png")]
    encode: Encoding,
    /// What an image that cannot be aligned does
    #[arg(long, value_enum, value_name = "WHAT", default_value_t = WhatThen::Stop)]
    on_error: WhatThen,
    /// Replace files that are there with other bytes
    #[arg(long)]
    overwrite: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let set = args.dataset;
    let root = match args.root {
        Some(root) => root,
        None => context.told_settings(&[Section::Data])?.set_root(set, set.name),
    };
    let recipe = Recipe {
        list: args.list,
        landmarks: args.landmarks,
        encoding: args.encode,
        align: Some(args.size),
        // Labels are not written, and these need no names.
        label: Some(qgface_data::datasets::LabelFunction::Index),
        ..Recipe::new(set, root)
    };
    let options = Options {
        out: args.out,
        on_error: args.on_error.into(),
        previous: previous(args.overwrite),
        jobs: context.jobs,
    };
    let report = align(recipe, &options, context.output.progress())?;
    context.output.warn(&report.warnings);
    context.output.report(&report, text)?;
    Ok(Outcome::Success)
}

fn text(report: &AlignReport) -> String {
    let AlignReport { set, out, files, size, encoding, skipped, .. } = report;
    let files = counted(*files, "picture");
    let mut text =
        format!("aligned {files} of {set} to {size}x{size} pixels, {encoding}, in {out}\n");
    for skipped in skipped {
        text += &format!("  skipped    {}: {}\n", skipped.path, skipped.reason);
    }
    text
}
