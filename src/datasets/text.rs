//! Text files of a set, read whole.

use super::Error;
use crate::fs;
use std::path::Path;

/// Text without the mark that editors on Windows put in front of UTF-8.
pub(super) fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text)
}

/// Reads a text file whole.
pub(super) fn read_text(path: &Path) -> Result<String, Error> {
    let mut bytes = std::fs::read(path).map_err(fs::io_error("read", path))?;
    bytes.drain(..bytes.len() - without_mark(&bytes).len());
    String::from_utf8(bytes).map_err(|error| {
        let good = error.utf8_error().valid_up_to();
        let before = &error.as_bytes()[..good];
        Error::BadLine {
            path: path.to_path_buf(),
            line: before.iter().filter(|&&byte| byte == b'\n').count() as u64 + 1,
            expected: "UTF-8 text",
            found: format!("other bytes at byte {good}"),
        }
    })
}
