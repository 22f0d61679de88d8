//! `*_face_tid_mid.txt`: the template and the media of every face.

use super::error::{Error, excerpt};
use super::number;
use crate::datasets::text::without_mark;

/// Form of a line.
const FORM: &str = "a file name, a template and a media, separated by blanks";

/// What is said of each face, in the order of the lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct FaceLabels<'a> {
    /// File names.
    pub names: Vec<&'a str>,
    /// Templates.
    pub templates: Vec<u64>,
    /// Pictures or videos.
    pub media: Vec<u64>,
}

/// Reads the lines `name template media`.
///
/// # Errors
/// If a line has another form or there is none.
pub fn face_tid_mid(bytes: &[u8]) -> Result<FaceLabels<'_>, Error> {
    let mut labels = FaceLabels::default();
    for (line, text) in (1..).zip(without_mark(bytes).split(|byte| *byte == b'\n')) {
        if text.trim_ascii().is_empty() {
            continue;
        }
        let bad = || Error::Line { line, expected: FORM, found: excerpt(text) };
        let (name, template, media) = parse(text).ok_or_else(bad)?;
        labels.names.push(name);
        labels.templates.push(template);
        labels.media.push(media);
    }
    if labels.names.is_empty() {
        return Err(Error::Empty { expected: FORM });
    }
    Ok(labels)
}

fn parse(line: &[u8]) -> Option<(&str, u64, u64)> {
    let line = line.trim_ascii_start();
    let end = line.iter().position(u8::is_ascii_whitespace)?;
    let (name, rest) = line.split_at_checked(end)?;
    let (template, rest) = number(rest)?;
    let (media, rest) = number(rest)?;
    let name = str::from_utf8(name).ok()?;
    rest.trim_ascii().is_empty().then_some((name, template, media))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_a_name_a_template_and_a_media() {
        let labels = face_tid_mid(b"1.jpg 7 70\r\n\n  2.jpg\t8   80 \n3.jpg 7 71").unwrap();
        assert_eq!(labels.names, ["1.jpg", "2.jpg", "3.jpg"]);
        assert_eq!((labels.templates, labels.media), (vec![7, 8, 7], vec![70, 80, 71]));
    }

    #[test]
    fn a_line_of_another_form_is_refused_with_its_number() {
        for bad in ["1.jpg 7", "1.jpg 7 -1", "1.jpg 7 70 5", "1.jpg x 70", "1.jpg 7 7x", "\u{e9} 1"]
        {
            let text = format!("1.jpg 7 70\n\n{bad}\n");
            let error = face_tid_mid(text.as_bytes()).unwrap_err().to_string();
            assert!(
                error.starts_with("line 3: expected a file name") && error.contains(bad),
                "{error}"
            );
        }
        let huge = b"1.jpg 7 99999999999999999999999";
        assert!(face_tid_mid(huge).is_err() && face_tid_mid(b"\n \n").is_err());
    }
}
