//! `*_template_pair_label.txt`: which templates are compared, eight to sixteen million lines.

use super::error::{Error, excerpt};
use super::number;
use crate::datasets::text::without_mark;
use rayon::prelude::*;

/// Form of a line.
const FORM: &str =
    "two templates below 4294967296 and 1 (same) or 0 (other person), separated by blanks";
/// Bytes a thread reads at a time.
const PIECE_BYTES: usize = 1 << 20;

/// Pairs of templates in the order of the lines.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TemplatePairs {
    /// Numbers of the two templates.
    pub templates: Vec<(u32, u32)>,
    /// Whether they are of one person.
    pub same: Vec<bool>,
}

/// Reads the lines `template template label`, in parallel; for a while this takes twice the memory of
/// the result.
///
/// # Errors
/// If a line has another form (the first of them is named) or there is none.
pub fn template_pair_label(bytes: &[u8]) -> Result<TemplatePairs, Error> {
    let bytes = without_mark(bytes);
    let pieces = pieces(bytes);
    // A wrong line is given back by its place, because only the whole file knows its number.
    let read: Vec<Result<TemplatePairs, usize>> =
        pieces.par_iter().map(|&(start, piece)| read(piece).map_err(|at| start + at)).collect();
    let count = read.iter().flatten().map(|piece| piece.same.len()).sum();
    let mut pairs =
        TemplatePairs { templates: Vec::with_capacity(count), same: Vec::with_capacity(count) };
    for piece in read {
        let piece = piece.map_err(|at| bad_line(bytes, at))?;
        pairs.templates.extend_from_slice(&piece.templates);
        pairs.same.extend_from_slice(&piece.same);
    }
    if pairs.same.is_empty() {
        return Err(Error::Empty { expected: FORM });
    }
    Ok(pairs)
}

/// Whole lines of about [`PIECE_BYTES`], each piece with its place.
fn pieces(bytes: &[u8]) -> Vec<(usize, &[u8])> {
    let mut pieces = Vec::new();
    let (mut start, mut rest) = (0, bytes);
    while !rest.is_empty() {
        let beyond = rest.get(PIECE_BYTES..).unwrap_or_default();
        let end = memchr::memchr(b'\n', beyond).map_or(rest.len(), |at| PIECE_BYTES + at + 1);
        let (piece, more) = rest.split_at(end);
        pieces.push((start, piece));
        start += end;
        rest = more;
    }
    pieces
}

/// The pairs of a piece, or the place of the first line of another form.
fn read(piece: &[u8]) -> Result<TemplatePairs, usize> {
    // A line has at least six bytes.
    let most = piece.len() / 6 + 1;
    let mut pairs =
        TemplatePairs { templates: Vec::with_capacity(most), same: Vec::with_capacity(most) };
    let mut start = 0;
    for line in piece.split(|byte| *byte == b'\n') {
        match parse(line) {
            Some((first, second, same)) => {
                pairs.templates.push((first, second));
                pairs.same.push(same);
            }
            None if line.trim_ascii().is_empty() => {}
            None => return Err(start),
        }
        start += line.len() + 1;
    }
    Ok(pairs)
}

fn parse(line: &[u8]) -> Option<(u32, u32, bool)> {
    let (first, rest) = number(line)?;
    let (second, rest) = number(rest)?;
    let (label, rest) = number(rest)?;
    let (first, second) = (u32::try_from(first).ok()?, u32::try_from(second).ok()?);
    (label <= 1 && rest.trim_ascii().is_empty()).then_some((first, second, label == 1))
}

fn bad_line(bytes: &[u8], at: usize) -> Error {
    let (before, from) = bytes.split_at(at);
    let end = memchr::memchr(b'\n', from).unwrap_or(from.len());
    let found = excerpt(from.get(..end).unwrap_or_default());
    let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
    Error::Line { line, expected: FORM, found }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_two_templates_and_a_label() {
        let pairs = template_pair_label(b"1 2 0\r\n\n 30\t4  1 \n4294967295 0 1").unwrap();
        assert_eq!(pairs.templates, [(1, 2), (30, 4), (u32::MAX, 0)]);
        assert_eq!(pairs.same, [false, true, true]);
    }

    #[test]
    fn pieces_are_joined_in_order() {
        let lines = 300_000u32;
        let text: String =
            (0..lines).map(|i| format!("{i} {} {}\n", i * 7 % 1000, i % 2)).collect();
        assert!(text.len() > 3 * PIECE_BYTES);
        let pairs = template_pair_label(text.as_bytes()).unwrap();
        let expected: Vec<_> = (0..lines).map(|i| (i, i * 7 % 1000)).collect();
        assert_eq!(pairs.templates, expected);
        assert!((0..lines).zip(pairs.same).all(|(i, same)| same == (i % 2 == 1)));
    }

    #[test]
    fn the_first_line_of_another_form_is_refused_with_its_number() {
        for bad in ["1 2", "1 2 2", "1 2 0 0", "1 -2 0", "4294967296 2 0", "1.0 2 0", "a"] {
            let good = "12 3456 0\n".repeat(250_000);
            let text = format!("{good}{bad}\n{good}{bad} 9\n");
            let error = template_pair_label(text.as_bytes()).unwrap_err().to_string();
            assert!(error.starts_with("line 250001: expected two templates"), "{error}");
            assert!(error.contains(&format!("{bad:?}")), "{error}");
        }
        assert!(template_pair_label(b" \n").is_err());
    }
}
