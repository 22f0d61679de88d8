//! `init`

use super::context::{Context, Outcome};
use super::error::Error;
use qgface_data::fs;
use qgface_data::settings::{self, InitReport};
use std::path::Path;

/// Write a commented qgface.toml into the working directory
#[derive(clap::Args)]
pub(crate) struct Args {
    /// Replace a qgface.toml that is there
    #[arg(long)]
    overwrite: bool,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let path = Path::new(settings::FILE_NAME);
    if path.exists() && !args.overwrite {
        let name = settings::FILE_NAME;
        return Err(Error::Arguments(format!("{name} is there already; --overwrite replaces it")));
    }
    fs::write_whole(path, settings::template(&[], &[]).as_bytes())?;
    let report = InitReport { settings: settings::FILE_NAME.to_owned() };
    context.output.report(&report, |report| format!("wrote {}\n", report.settings))?;
    Ok(Outcome::Success)
}
