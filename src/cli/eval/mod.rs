//! `eval`

mod args;
mod help;
mod options;
mod text;

pub(crate) use args::Args;

use super::context::{Context, Outcome};
use super::error::Error;
use options::options;
use qgface_data::eval::{assist, evaluate};
use qgface_data::settings::Section;
use std::time::Duration;
use text::text;

/// Longer than anything is scored.
const LONG: Duration = Duration::from_secs(30 * 24 * 3600);

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let settings = context.told_settings(&[Section::Data, Section::Pack, Section::Eval])?;
    let options = options(&args, settings, context)?;
    if let Some(out) = &args.out {
        std::fs::create_dir_all(out).map_err(qgface_data::fs::io_error("make the folder", out))?;
    }
    let say = |text: &str| context.output.say(text);
    // Others wait as long as the first one scores.
    context.group.set_patience(LONG);
    if context.group.rank() > 0 {
        assist(&options, &say).map_err(Box::new)?;
        return Ok(Outcome::Success);
    }
    let report = evaluate(&options, context.output.progress(), &say).map_err(Box::new)?;
    for result in &report.results {
        let warnings: Vec<String> =
            result.warnings.iter().map(|warning| warning.text.clone()).collect();
        context.output.warn(&warnings);
    }
    if let Some(out) = &args.out {
        let text = serde_json::to_vec_pretty(&report).map_err(std::io::Error::from)?;
        qgface_data::fs::write_whole(&out.join("results.json"), &text)?;
    }
    context.output.report(&report, text)?;
    Ok(Outcome::Success)
}
