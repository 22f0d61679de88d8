//! `inspect`

use super::context::{Context, Outcome};
use super::error::Error;
use super::output::{grouped, sized};
use qgface_data::pack::PackFiles;
use qgface_data::pack::inspect::{InspectReport, RecordReport, inspect};
use std::path::PathBuf;

/// Look at a pack, made here or elsewhere, or at one of its records
#[derive(clap::Args)]
pub(crate) struct Args {
    /// The pack, by any of its files or its stem
    #[arg(value_name = "PACK")]
    pack: PathBuf,
    /// Show the record with this key instead of the first ones
    #[arg(value_name = "KEY")]
    key: Option<u64>,
    /// Write a PNG of pictures spread evenly over the pack, in its order
    #[arg(long, value_name = "FILE.png")]
    sheet: Option<PathBuf>,
}

pub(crate) fn run(args: Args, context: &Context) -> Result<Outcome, Error> {
    let report = inspect(&PackFiles::of(&args.pack)?, args.key, args.sheet.as_deref())?;
    context.output.report(&report, text)?;
    Ok(Outcome::Success)
}

fn text(report: &InspectReport) -> String {
    let mut text = format!(
        "{}: {} records, {}, index {} in memory\n",
        report.pack,
        grouped(report.count),
        sized(report.bytes),
        sized(report.index_memory_bytes)
    );
    match &report.manifest {
        None => text += "  no manifest: this pack was made elsewhere or is unfinished\n",
        Some(manifest) => {
            let mut line = |name: &str, value: &str| text += &format!("  {name:<10} {value}\n");
            line("set", &manifest.set);
            line("made by", &manifest.tool);
            line("label", &manifest.label);
            line("layout", &format!("{:?}", manifest.layout).to_lowercase());
            let encoding = manifest.encoding.map(|encoding| encoding.to_string());
            line("encoding", encoding.as_deref().unwrap_or("not known, made elsewhere"));
            line("colours", &format!("{:?} stored", manifest.stored_channel_order).to_lowercase());
            line("alignment", &manifest.alignment.to_string());
            line("order", &manifest.order);
            line("skipped", &manifest.skipped.len().to_string());
        }
    }
    report.records.iter().for_each(|record| text += &record_text(record));
    if let Some(sheet) = &report.sheet {
        text += &format!("  wrote {sheet}\n");
    }
    text
}

fn record_text(record: &RecordReport) -> String {
    let labels: Vec<String> = record.label.iter().map(f32::to_string).collect();
    let parts: Vec<String> = record.parts.iter().map(u64::to_string).collect();
    format!(
        "  key {} (position {}): byte {}, parts of {} bytes, flag {}, label {}, id {}, id2 {}\n    \
         {} bytes, {}, BLAKE3 {}{}\n",
        record.key,
        record.position,
        record.offset,
        parts.join(" + "),
        record.flag,
        labels.join(" "),
        record.id,
        record.id2,
        record.payload_bytes,
        record.picture,
        record.digest,
        record.path.as_ref().map_or(String::new(), |path| format!("\n    {path}")),
    )
}
