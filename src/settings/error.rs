//! Why settings cannot be used.

use std::path::PathBuf;

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the settings {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{path}: expected TOML: {found}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser says, and where.
        found: String,
    },
    /// A key is not known.
    #[error("{origin}: no setting is called {key}; the nearest is {nearest}")]
    Unknown {
        /// Where it stands.
        origin: String,
        /// The key.
        key: String,
        /// The known key that is most like it.
        nearest: String,
    },
    /// A value cannot be what its key needs.
    #[error("{origin}: {key}: expected {expected}, found {found:?}")]
    Value {
        /// Where it stands.
        origin: String,
        /// The key.
        key: String,
        /// What was expected.
        expected: String,
        /// The value.
        found: String,
    },
}
