//! `demo`

use super::context::{Context, Outcome, environment};
use super::error::Error;
use super::interrupt::interrupted;
use super::output::counted;
use super::{synth, train, verify_order};
use qgface_data::demo::{DemoReport, Options, demo};
use qgface_data::eval::results::EvalReport;
use qgface_data::eval::sets::{AGEDB_30, CALFW, CFP_FP, CPLFW, CRLFW, IJBB, LFW, SCFACE, TINYFACE};
use qgface_data::eval::{EvalSet, Measure};
use qgface_data::metrics::table::{ACCURACY, DISTANCE, RANK, REDUCED, TAR};
use qgface_data::metrics::{Rate, per_cent};
use qgface_data::pack::stats::{ChannelStats, Verdict};
use std::path::PathBuf;

/// Draw faces in every layout, pack every set, prove every order, count, train a small network, evaluate it:
/// a tour in one command
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where data/, packs/, runs/, model.onnx, report.html and qgface.toml go
    #[arg(long, value_name = "DIR", default_value = "demo")]
    out: PathBuf,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let stop = interrupted()?;
    let report = demo(&Options {
        out: args.out,
        jobs: context.jobs,
        environment: environment().collect(),
        progress: context.output.progress(),
        say: &|text| context.output.say(text),
        stop: &stop,
    })?;
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
    text += &train::text(&report.train);
    text += &table(report);
    text + &format!(
        "\nThe numbers beside the published ones: {}\nNow try, in {}:\n  qgface-data verify-order\n  \
         qgface-data make-rec --dataset tinyface --origin\n  qgface-data inspect packs/ijbb 7\n  \
         qgface-data stats packs/tinyface --plot tinyface.png\n  qgface-data eval model.onnx --set ijbb\n",
        report.report, report.out
    )
}

/// What a newcomer is shown of an evaluation, and what it says.
const SHOWN: [(Measure, &str); 12] = [
    (Measure::of_set(&TINYFACE, RANK.at(1)), "TinyFace: the right person comes first"),
    (Measure::of_set(&SCFACE, DISTANCE.at(1)), "SCface, from afar: the right person comes first"),
    (Measure::of_set(&SCFACE, DISTANCE.at(2)), "SCface, nearer"),
    (Measure::of_set(&SCFACE, DISTANCE.at(3)), "SCface, near"),
    (
        Measure::of_set(&IJBB, TAR.at_rate(Rate::one_in_ten_to(1))),
        "IJB-B: same people found, one in ten others let through",
    ),
    (accuracy(&LFW), "LFW: same person or not (guessing: 50 %)"),
    (accuracy(&CFP_FP), "CFP-FP, frontal and profile"),
    (accuracy(&AGEDB_30), "AgeDB-30, thirty years apart"),
    (accuracy(&CALFW), "CALFW, across ages"),
    (accuracy(&CPLFW), "CPLFW, across poses"),
    (Measure::of_set(&CRLFW, REDUCED.at(8)), "CR-LFW, one picture of 8x8 pixels"),
    (Measure::of_set(&CRLFW, REDUCED.at(20)), "CR-LFW, one picture of 20x20 pixels"),
];

const fn accuracy(set: &'static EvalSet) -> Measure {
    Measure::of_set(set, ACCURACY.metric())
}

/// The table at the end: what was learned, beside the network as it began.
fn table(report: &DemoReport) -> String {
    let number = |report: &EvalReport, measure: Measure| {
        let value = report.value(measure);
        value.map_or_else(|| "–".to_owned(), |value| format!("{:.1} %", per_cent(value)))
    };
    let mut text =
        format!("\n{:<58}{:>10}{:>10}\n", "on faces of other people", "untrained", "learned");
    for (measure, says) in SHOWN {
        let [before, after] =
            [&report.untrained, &report.eval].map(|report| number(report, measure));
        text += &format!("  {says:<56}{before:>10}{after:>10}\n");
    }
    text
}
