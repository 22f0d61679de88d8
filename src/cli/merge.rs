//! `merge`

use super::context::{Context, Outcome};
use super::error::Error;
use super::flags::previous;
use super::output::{counted, grouped, sized};
use qgface_data::pack::PackFiles;
use qgface_data::pack::merge::{MergeReport, merge};
use std::path::PathBuf;

/// Join the shards of a pack: the same bytes as if it had never been divided
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The shards, by any of their files or their stems, in any order
    #[arg(value_name = "SHARD", required = true)]
    shards: Vec<PathBuf>,
    /// The pack they become: a path without ending
    #[arg(long, value_name = "STEM")]
    out: PathBuf,
    /// Replace a pack that is there, once the new one is whole
    #[arg(long)]
    overwrite: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let shards: Vec<PackFiles> =
        args.shards.iter().map(|shard| PackFiles::of(shard)).collect::<Result<_, _>>()?;
    let out = PackFiles::of(&args.out)?;
    let report = merge(&shards, &out, previous(args.overwrite), context.output.progress())?;
    context.output.warn(&report.warnings);
    context.output.report(&report, text)?;
    Ok(Outcome::Success)
}

fn text(report: &MergeReport) -> String {
    let shards = counted(report.shards.len() as u64, "shard");
    let mut text = format!("merged {shards}, {}\n", counted(report.count, "image"));
    let mut line = |name: &str, value: String| text += &format!("  {name:<10} {value}\n");
    line("pack", report.pack.clone());
    if let Some(identities) = report.identities {
        line("layout", format!("InsightFace, {}", counted(identities, "identity record")));
    }
    line("bytes", format!("{} ({})", grouped(report.bytes), sized(report.bytes)));
    line("order", report.order.clone());
    for skipped in &report.skipped {
        line("skipped", format!("{}: {}", skipped.path, skipped.reason));
    }
    text
}
