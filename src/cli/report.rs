//! `report`

use super::context::{Context, Outcome};
use super::error::Error;
use super::output::{self, Format};
use qgface_data::report;
use std::path::{Path, PathBuf};

/// Set measured numbers beside the published ones, with the settings that made them and, as html, their
/// curves
///
/// Takes what `eval --format json` wrote; of several files, each model and protocol is a row, and where
/// one set was measured more than once its curves are drawn over each other.
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The results
    #[arg(value_name = "RESULT.json", required = true)]
    results: Vec<PathBuf>,
    /// Write the report to FILE and not to stdout; without --format in the form of its ending: .html, .md,
    /// .csv, .json, else text
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let read = |path: &PathBuf| report::read(path);
    let evaluations = args.results.iter().map(read).collect::<Result<Vec<_>, _>>()?;
    let document = report::document(&evaluations)?;
    let format = match (context.format, &args.out) {
        (None, Some(file)) => by_ending(file),
        (format, _) => form(format),
    };
    match args.out {
        Some(file) => {
            report::write(&document, format, &file)?;
            context.output.say(&format!("wrote {}", file.display()));
        }
        None => output::write(&report::render(&document, format)?)?,
    }
    Ok(Outcome::Success)
}

fn by_ending(file: &Path) -> report::Format {
    match file.extension().and_then(|ending| ending.to_str()) {
        Some("html" | "htm") => report::Format::Html,
        Some("md") => report::Format::Markdown,
        Some("csv") => report::Format::Csv,
        Some("json") => report::Format::Json,
        _ => report::Format::Text,
    }
}

fn form(format: Option<Format>) -> report::Format {
    match format {
        None | Some(Format::Text) => report::Format::Text,
        Some(Format::Json) => report::Format::Json,
        Some(Format::Markdown) => report::Format::Markdown,
        Some(Format::Csv) => report::Format::Csv,
        Some(Format::Html) => report::Format::Html,
    }
}
