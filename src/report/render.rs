//! The report in one of its forms.

use super::document::ReportDocument;
use super::error::Error;
use super::{csv, html, markdown, text};
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
