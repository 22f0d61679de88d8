//! `demo`

use super::output::counted;
use super::{Context, Error, Outcome, synth, verify_order};
use qgface_data::demo::{DemoReport, Options, demo};
use std::path::PathBuf;

/// Draw faces in every layout, pack every set, prove every order: a tour in one command
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where data/, packs/ and qgface.toml go
    #[arg(long, value_name = "DIR", default_value = "demo")]
    out: PathBuf,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let options = Options { out: args.out, jobs: context.jobs };
    let report = demo(&options, context.output.progress())?;
    context.output.report(&report, text)?;
    Ok(if report.order.in_order { Outcome::Success } else { Outcome::No })
}

fn text(report: &DemoReport) -> String {
    let there = || "the faces were drawn already\n".to_owned();
    let mut text = report.synth.as_ref().map_or_else(there, synth::text);
    for pack in &report.packs {
        text += &format!("packed {} of {}\n", counted(pack.count, "image"), pack.set);
    }
    text += &verify_order::text(&report.order);
    text + &format!(
        "\nNow try, in {}:\n  qgface-data verify-order\n  qgface-data make-rec --dataset tinyface \
         --origin\n  qgface-data inspect packs/ijbb 7\n",
        report.out
    )
}
