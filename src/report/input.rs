//! Result documents from disk. Whoever wrote them, nothing of them is trusted.

use super::Error;
use crate::eval::results::{EvalReport, FORMAT};
use crate::fs::io_error;
use serde::Deserialize;
use std::path::Path;

/// A result document and the name it is told by.
#[derive(Debug, Clone)]
pub struct Evaluation {
    /// The file, or what stands for it.
    pub file: String,
    /// What it says.
    pub report: EvalReport,
}

/// The one field that is asked for before all others.
#[derive(Deserialize)]
struct Head {
    format: Option<serde_json::Value>,
}

/// Reads a file that `eval --format json` wrote.
///
/// # Errors
/// [`Error::File`]; [`Error::Form`] for what is no such JSON; [`Error::Format`] for a document of
/// another kind.
pub fn read(path: &Path) -> Result<Evaluation, Error> {
    let bytes = std::fs::read(path).map_err(io_error("read", path))?;
    let file = path.display().to_string();
    let report = parsed(&bytes, &file)?;
    Ok(Evaluation { file, report })
}

fn parsed(bytes: &[u8], file: &str) -> Result<EvalReport, Error> {
    let form = |source| Error::Form { file: file.to_owned(), source };
    let head: Head = serde_json::from_slice(bytes).map_err(form)?;
    match head.format {
        Some(format) if format == FORMAT => serde_json::from_slice(bytes).map_err(form),
        other => {
            let found = other.map_or_else(|| "none".to_owned(), |format| format.to_string());
            Err(Error::Format { file: file.to_owned(), found })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        let error = parsed(text.as_bytes(), "r.json").unwrap_err();
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        format!("{error}: {}", cause.unwrap_or_default())
    }

    #[test]
    fn what_is_no_result_document_is_named_with_what_was_found() {
        for (text, words) in [
            ("", "r.json: expected a document of results: EOF"),
            ("[1]", "r.json: expected \"format\": \"qgface-data results 1\", found 1"),
            ("{}", "expected \"format\": \"qgface-data results 1\", found none"),
            (r#"{"format": "qgface-data results 2"}"#, "found \"qgface-data results 2\""),
            (r#"{"format": 7}"#, "found 7"),
            (r#"{"format": "qgface-data results 1"}"#, "missing field `tool`"),
        ] {
            assert!(refusal(text).contains(words), "{text}: {}", refusal(text));
        }
        assert!(refusal(&"[".repeat(100_000)).contains("r.json"));
    }
}
