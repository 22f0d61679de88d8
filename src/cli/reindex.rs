//! `reindex`

use super::context::{Context, Outcome};
use super::error::Error;
use super::flags::previous;
use super::output::grouped;
use qgface_data::pack::reindex::{ReindexReport, reindex};
use std::path::PathBuf;

/// Make the index of a .rec again from its records: keys are the headers' ids
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The .rec
    #[arg(value_name = "FILE.rec")]
    rec: PathBuf,
    /// Replace an index that is there
    #[arg(long)]
    overwrite: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let report = reindex(&args.rec, previous(args.overwrite), context.output.progress())?;
    context.output.report(&report, text)?;
    Ok(Outcome::Success)
}

fn text(report: &ReindexReport) -> String {
    let verb = if report.unchanged { "the index was right already:" } else { "indexed" };
    format!("{verb} {} records, {}\n", grouped(report.count), report.index)
}
