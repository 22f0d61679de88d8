//! `synth`

use super::context::{Context, Outcome};
use super::error::Error;
use super::output::grouped;
use qgface_data::synth::{Options, SynthReport, synth};
use std::path::PathBuf;

/// Draw faces in the TinyFace, SCface, IJB-B, .bin and folder layouts, for trying and testing
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Where the sets go
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Training identities; the test sets have max(10, N/4) others
    #[arg(long, value_name = "N", default_value_t = 200)]
    identities: u32,
    /// Images of each training identity
    #[arg(long, value_name = "M", default_value_t = 20)]
    images: u32,
    /// Another seed, other faces
    #[arg(long, value_name = "S", default_value_t = 0)]
    seed: u64,
    /// Edge of the aligned pictures, in pixels
    #[arg(long, value_name = "PX", default_value_t = 112)]
    size: u32,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let Args { out, identities, images, seed, size } = args;
    let options = Options { out, identities, images, seed, size };
    let report = synth(&options, context.output.progress())?;
    context.output.report(&report, text)?;
    Ok(Outcome::Success)
}

pub(super) fn text(report: &SynthReport) -> String {
    let mut text = format!("drew faces from seed {} in {}\n", report.seed, report.out);
    for set in &report.sets {
        text += &format!(
            "  {:<10} {:>6} images of {:>4} identities  {}\n",
            set.name,
            grouped(set.images),
            grouped(u64::from(set.identities)),
            set.path
        );
    }
    text
}
