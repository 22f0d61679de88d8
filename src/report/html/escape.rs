//! Text as it stands in the page.

use crate::report::names::plain;

/// Sentences below what they are of.
pub(super) fn notes(notes: &[String]) -> String {
    let lines: String = notes.iter().map(|note| format!("<li>{}</li>\n", escape(note))).collect();
    if lines.is_empty() { lines } else { format!("<ul class=\"notes\">\n{lines}</ul>\n") }
}

/// The text as it stands in an element or an attribute.
pub(super) fn escape(text: &str) -> String {
    let mut escaped = String::new();
    for letter in plain(text).chars() {
        match letter {
            '&' => escaped += "&amp;",
            '<' => escaped += "&lt;",
            '>' => escaped += "&gt;",
            '"' => escaped += "&quot;",
            letter => escaped.push(letter),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signs_of_html_are_shown_as_they_are() {
        assert_eq!(escape("a<b>&\""), "a&lt;b&gt;&amp;&quot;");
    }
}
