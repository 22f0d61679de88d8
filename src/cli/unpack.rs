//! `unpack`

use super::context::{Context, Outcome};
use super::error::Error;
use super::flags::previous;
use super::output::grouped;
use qgface_data::pack::PackFiles;
use qgface_data::pack::unpack::{UnpackReport, unpack};
use std::path::PathBuf;

/// Write the pictures of a pack as files again, under their own paths
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The pack, by any of its files or its stem
    #[arg(value_name = "PACK")]
    pack: PathBuf,
    /// Where the files go; nothing is written outside this folder
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Replace files that are there with other bytes
    #[arg(long)]
    overwrite: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let files = PackFiles::of(&args.pack)?;
    let report = unpack(&files, &args.out, previous(args.overwrite), context.output.progress())?;
    context.output.report(&report, text)?;
    Ok(Outcome::Success)
}

fn text(report: &UnpackReport) -> String {
    let mut text = format!(
        "unpacked {} files to {}, named by {}\n",
        grouped(report.files),
        report.out,
        report.names
    );
    if report.without_picture > 0 {
        text += &format!("  {} records have no picture\n", grouped(report.without_picture));
    }
    text
}
