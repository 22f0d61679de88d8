//! `runtime check`

use super::context::{Context, Outcome};
use super::error::Error;
use super::flags;
use qgface_data::fs;
use qgface_data::runtime::Device;
use qgface_data::settings::keys;
use qgface_data::train::check::{CheckReport, Options, check};
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(clap::Args)]
pub(crate) struct Args {
    #[arg(
        long,
        value_name = "DEVICE",
        value_parser = flags::of(&keys::TRAIN_DEVICE),
        help = "cpu, or cuda:N for the GPU of that number [default: cpu]"
    )]
    device: Option<Device>,
    /// Let a small network stand for IR-18 and IR-50: a minute in place of many
    #[arg(long)]
    quick: bool,
    /// Write the report as JSON to a file, too, to be sent to the developers
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let options = Options {
        device: args.device.unwrap_or(Device::Cpu),
        quick: args.quick,
        threads: NonZeroUsize::new(context.jobs).unwrap_or(NonZeroUsize::MIN),
    };
    let say = |text: &str| context.output.say(text);
    let report = check(&options, &say).map_err(Box::new)?;
    if let Some(file) = &args.save {
        let text = serde_json::to_vec_pretty(&report).map_err(std::io::Error::from)?;
        fs::write_whole(file, &text)?;
    }
    context.output.report(&report, CheckReport::to_string)?;
    Ok(if report.is_right() { Outcome::Success } else { Outcome::No })
}
