//! `runtime tune`

use super::context::{Context, Outcome};
use super::error::Error;
use qgface_data::runtime::{OnMissing, Runtime, tuning_table};
use qgface_data::settings::{Given, keys};
use qgface_data::train::Config;
use qgface_data::train::tuning::{Site, Table, TuneReport, tune, with_library};
use std::num::NonZeroUsize;

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Settings of the run to come, as `train` takes them: backbone.width=0.5, batch=16 …
    #[arg(value_name = "KEY=VALUE")]
    settings: Vec<String>,
    /// Its network: ir18, ir34, ir50 or ir100 [default: backbone.architecture]
    #[arg(long, value_name = "NETWORK")]
    network: Option<String>,
    /// Measure anew what the table has
    #[arg(long)]
    again: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let say = |text: &str| context.output.say(text);
    let mut settings = context.settings()?.clone();
    for assignment in &args.settings {
        settings.assign(assignment)?;
    }
    if let Some(network) = args.network {
        settings.give(&keys::BACKBONE_ARCHITECTURE, Given::One(network), "--network")?;
    }
    let config = Config::new(&settings)?;
    let precision = config.precision_here().map_err(Box::new)?;
    let rows = config.batch * config.views.len();
    let site = Site::new(config.backbone, rows).in_precision(precision);
    let runtime = Runtime::start(config.device, OnMissing::Install, &say)?;
    let runtime = with_library(runtime, &say).map_err(Box::new)?;
    let threads = NonZeroUsize::new(context.jobs).unwrap_or(NonZeroUsize::MIN);
    let mut table = Table::read(tuning_table(), &say);
    let report = tune(&runtime, threads, &site, &mut table, args.again, &say).map_err(Box::new)?;
    table.write().map_err(Box::new)?;
    context.output.report(&report, TuneReport::to_string)?;
    Ok(Outcome::Success)
}
