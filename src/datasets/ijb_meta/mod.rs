//! IJB's protocol files: which faces are a template, which templates are compared, who is who in 1:N.
//!
//! All are read from bytes that the caller maps. Words are separated by any number of blanks, lines may end in
//! CRLF, blank lines are passed over and the last line may lack its end; anything else that is not as
//! it should be is an error with its line.

mod error;
mod faces;
mod pairs;
mod rows;
mod subjects;

pub use error::Error;
pub use faces::{FaceLabels, face_tid_mid};
pub use pairs::{TemplatePairs, template_pair_label};
pub use rows::TemplateRows;
pub use subjects::{TemplateSubject, template_subjects};

/// A line's first whole number, and what follows it; leading blanks are passed over.
fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let text = text.trim_ascii_start();
    let (mut value, mut rest) = (0u64, text);
    while let [byte @ b'0'..=b'9', more @ ..] = rest {
        value = value.checked_mul(10)?.checked_add(u64::from(byte.wrapping_sub(b'0')))?;
        rest = more;
    }
    let ends = rest.first().is_none_or(u8::is_ascii_whitespace);
    (rest.len() < text.len() && ends).then_some((value, rest))
}
