//! Why there is no report.

use super::plot;
use crate::eval::results;
use crate::fs;

/// What a report can fail with.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read or written.
    #[error(transparent)]
    File(#[from] fs::Error),
    /// A file is no JSON, or JSON of another form.
    #[error("{file}: expected a document of results")]
    Form {
        /// The file.
        file: String,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// A document of another kind or version.
    #[error(
        "{file}: expected \"format\": {expected:?}, found {found}",
        expected = results::FORMAT
    )]
    Format {
        /// The file.
        file: String,
        /// What it says it is.
        found: String,
    },
    /// A document without numbers.
    #[error("{file}: expected at least one entry in \"results\", found none")]
    Empty {
        /// The file.
        file: String,
    },
    /// A number that cannot be one.
    #[error("{file}: {place}: expected {expected}, found {found}")]
    Value {
        /// The file.
        file: String,
        /// The set, and what of it.
        place: String,
        /// What it must be.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// A figure could not be drawn.
    #[error(transparent)]
    Plot(#[from] plot::Error),
    /// The table of values could not be written.
    #[error("cannot write the report as csv")]
    Csv(#[source] std::io::Error),
    /// The document could not be written.
    #[error("cannot write the report as JSON")]
    Json(#[source] serde_json::Error),
    /// The numbers of a run cannot be read.
    #[error(transparent)]
    Run(#[from] Box<crate::train::Error>),
}
