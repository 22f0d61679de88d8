//! `demo`

use super::output::counted;
use super::{Context, Error, Outcome, eval, synth, verify_order};
use qgface_data::demo::{DemoReport, Options, demo};
use qgface_data::pack::stats::{ChannelStats, Verdict};
use std::path::PathBuf;

/// Draw faces in every layout, pack every set, prove every order, count, evaluate a small published model:
/// a tour in one command
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where data/, packs/, model.onnx, report.html and qgface.toml go
    #[arg(long, value_name = "DIR", default_value = "demo")]
    out: PathBuf,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let options = Options { out: args.out, jobs: context.jobs };
    let say = |text: &str| context.output.say(text);
    let report = demo(&options, context.output.progress(), &say)?;
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
    text += "channels, red green blue: mean and deviation, and what the skin says\n";
    for pack in &report.stats.packs {
        let ChannelStats { mean, deviation, .. } = &pack.channels;
        let three = |values: &[f64; 3]| values.map(|value| format!("{value:6.1}")).join(" ");
        let said = match pack.skin.verdict {
            Verdict::AsDeclared => "as declared",
            Verdict::Swapped => "SWAPPED",
            Verdict::Unknown => "cannot tell",
        };
        let numbers = format!("{}  {}", three(mean), three(deviation));
        text += &format!("  {:<32} {numbers}  {said}\n", pack.pack);
    }
    text += &eval::text(&report.eval);
    text + &format!(
        "\nThe numbers beside the published ones: {}\nNow try, in {}:\n  qgface-data verify-order\n  \
         qgface-data make-rec --dataset tinyface --origin\n  qgface-data inspect packs/ijbb 7\n  \
         qgface-data stats packs/tinyface --plot tinyface.png\n  qgface-data eval model.onnx --set ijbb\n",
        report.report, report.out
    )
}
