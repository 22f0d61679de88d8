//! Results for people: figures of what was counted and measured, and the report that sets measured
//! numbers beside published ones. Reads results and never runs anything.
//!
//! [`read`] takes what `eval --format json` wrote, [`document()`] merges it into rows and tables, and
//! [`render`] writes those in a [`Format`].

mod check;
mod csv;
mod curves;
mod document;
mod error;
mod grid;
mod histograms;
mod html;
mod input;
mod markdown;
mod names;
mod notes;
pub mod pack_stats;
pub mod plot;
pub mod published;
mod rows;
mod sections;
mod table;
mod text;
pub mod training;

pub use document::{
    Column, FORMAT, MeasuredRow, ReportDocument, RowKind, RowResult, Source, Table, TableRow,
};
pub use error::Error;
pub use input::{Evaluation, read};
pub use table::document;

use crate::fs;
use std::path::Path;

/// The forms of a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Aligned columns for a terminal.
    Text,
    /// Tables as GitHub shows them.
    Markdown,
    /// One line a value.
    Csv,
    /// A [`ReportDocument`].
    Json,
    /// One page that needs no other file, with figures.
    Html,
}

/// Returns the report in `format`.
///
/// # Errors
/// [`Error::Plot`], [`Error::Csv`] and [`Error::Json`], where a library refuses to write.
pub fn render(document: &ReportDocument, format: Format) -> Result<String, Error> {
    match format {
        Format::Text => Ok(text::render(document)),
        Format::Markdown => Ok(markdown::render(document)),
        Format::Csv => csv::render(document),
        Format::Json => Ok(serde_json::to_string_pretty(document).map_err(Error::Json)? + "\n"),
        Format::Html => html::render(document),
    }
}

/// Writes the report to `path`, whole or not at all.
///
/// # Errors
/// As [`render`], and whatever the system refuses with.
pub fn write(document: &ReportDocument, format: Format, path: &Path) -> Result<(), Error> {
    Ok(fs::write_whole(path, render(document, format)?.as_bytes())?)
}
