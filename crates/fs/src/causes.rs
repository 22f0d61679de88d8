//! An error told where its chain is not kept, and what a file holds told without repeating the file.

use std::borrow::Cow;

/// An error and its causes in one line.
pub fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// Characters of a file's text that an error repeats.
const SHOWN: usize = 200;

/// The beginning of a text, for an error.
///
/// ```
/// assert_eq!(qgface_fs::causes::excerpt("short"), "short");
/// assert!(qgface_fs::causes::excerpt(&"x".repeat(1000)).ends_with('…'));
/// ```
pub fn excerpt(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(SHOWN) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_repeats_no_more_of_a_file_than_a_person_reads() {
        assert_eq!(excerpt("short"), "short");
        let long = excerpt(&"é".repeat(100_000)).into_owned();
        assert_eq!((long.chars().count(), long.ends_with('…')), (SHOWN + 1, true));
    }
}
