//! What can be wrong with a protocol file.

/// A protocol file that is not as it should be; the caller adds the path.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A line has another form.
    #[error("line {line}: expected {expected}, found {found:?}")]
    Line {
        /// From 1.
        line: u64,
        /// The form of a line.
        expected: &'static str,
        /// The line, or its beginning.
        found: String,
    },
    /// The file has no line that is not blank.
    #[error("expected at least one line of {expected}, found none")]
    Empty {
        /// The form of a line.
        expected: &'static str,
    },
    /// A template has two subjects.
    #[error("line {line}: expected subject {expected} of template {template}, found {found}")]
    TwoSubjects {
        /// From 1.
        line: u64,
        /// The template.
        template: u64,
        /// The subject of an earlier line.
        expected: i64,
        /// The subject of this line.
        found: i64,
    },
    /// The file is not csv.
    #[error("cannot read as csv")]
    Csv(#[from] csv::Error),
    /// Templates have no face.
    #[error(
        "expected a face of every template, found none of template {first} and of {others} others"
    )]
    NoFace {
        /// The first of them.
        first: u64,
        /// How many other templates have none.
        others: usize,
    },
}

/// The beginning of a line, for an error.
pub(super) fn excerpt(line: &[u8]) -> String {
    const SHOWN: usize = 80;
    String::from_utf8_lossy(line.trim_ascii()).chars().take(SHOWN).collect()
}
