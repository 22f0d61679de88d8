//! Why images get no labels.

use std::path::PathBuf;

/// Why an image gets no label.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// A function's text is of no known form.
    #[error(
        "expected a label function index, identity, parent, rank, regex:EXPRESSION (with one group) \
         or csv:FILE, found {found:?}"
    )]
    Unknown {
        /// The text.
        found: String,
    },
    /// The expression is not valid.
    #[error("cannot use {expression:?} as a regular expression: {reason}")]
    Expression {
        /// The text.
        expression: String,
        /// Why not.
        reason: String,
    },
    /// The expression has more or fewer groups than one.
    #[error("{expression:?}: expected a regular expression with one group, found {found}")]
    Groups {
        /// The text.
        expression: String,
        /// Its groups.
        found: usize,
    },
    /// The set's names do not tell identities.
    #[error("names of this set do not tell identities")]
    NoIdentities,
    /// A path has no label.
    #[error("{path}: no label in it (expected {expected})")]
    None {
        /// The image.
        path: String,
        /// What was looked for.
        expected: String,
    },
    /// Two folders side by side are the same number, so two identities would become one.
    #[error("the folders {first} and {second} are the same number; rename one")]
    SameNumber {
        /// One folder.
        first: String,
        /// The other.
        second: String,
    },
    /// A label is not a number a record can hold.
    #[error(
        "{path}: expected a number as label, one that a 32-bit float holds exactly, found {found:?}"
    )]
    NotExact {
        /// The image or the file.
        path: String,
        /// The text.
        found: String,
    },
    /// The csv cannot be read.
    #[error("{path}: cannot read the labels")]
    Csv {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: csv::Error,
    },
    /// The csv lacks a column or doubles a path.
    #[error("{path}: expected {expected}, found {found}")]
    CsvForm {
        /// The file.
        path: PathBuf,
        /// What it should have.
        expected: &'static str,
        /// What it has.
        found: String,
    },
}
