//! `export`

use super::context::{Context, Outcome};
use super::error::Error;
use qgface_data::train::{self, ExportReport};
use std::path::PathBuf;

/// Write a checkpoint's backbone as an ONNX model, with what it is fed in its metadata
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Either file of a checkpoint, or a run's folder for its last one
    checkpoint: PathBuf,
    /// The model
    #[arg(long, value_name = "MODEL.onnx")]
    out: PathBuf,
    /// Replace a model that is there
    #[arg(long)]
    overwrite: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let out = args.out.display().to_string();
    if args.out.exists() && !args.overwrite {
        let told = format!("{out} is there already; --overwrite replaces it");
        return Err(Error::Arguments(told));
    }
    let model = train::export_checkpoint(&args.checkpoint).map_err(Box::new)?;
    model.save(&args.out).map_err(|error| Box::new(train::Error::from(error)))?;
    let report = ExportReport { model: out };
    context.output.report(&report, |report| format!("wrote {}\n", report.model))?;
    Ok(Outcome::Success)
}
