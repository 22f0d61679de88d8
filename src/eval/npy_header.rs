//! The header of a `.npy`: a Python dictionary of three keys, read by a grammar that has no nesting, and
//! written as NumPy does.
//!
//! Format: NumPy, "NEP 1 — A simple file format for NumPy arrays". Features need no types of several
//! fields, so what descends is left out: a parser of all Python literals can be kept busy for hours by a
//! hundred brackets.

/// What every `.npy` begins with, before its version.
const MAGIC: &[u8] = b"\x93NUMPY";

/// Bytes of a header that is read: type, order and shape take a hundred.
const MOST_BYTES: usize = 4096;

/// Axes of an array that is read.
const MOST_AXES: usize = 8;

/// What an array is.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header<'a> {
    /// NumPy's name of the type, as `<f4`.
    pub(super) descr: &'a str,
    /// Whether columns stand one after the other.
    pub(super) fortran_order: bool,
    /// The extents.
    pub(super) shape: Vec<u64>,
}

/// The header of a file, and the byte where its numbers begin; else what was found in its place.
pub(super) fn parse(file: &[u8]) -> Result<(Header<'_>, usize), String> {
    let rest = file.strip_prefix(MAGIC).ok_or("a file that does not begin as one")?;
    let (length, text) = match rest {
        [1, _, a, b, text @ ..] => (usize::from(u16::from_le_bytes([*a, *b])), text),
        [2 | 3, _, a, b, c, d, text @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]) as usize, text),
        _ => return Err("a version of the format that is not known".to_owned()),
    };
    let header = text.get(..length).ok_or("a header that is cut short")?;
    if length > MOST_BYTES {
        return Err("a header that is too long".to_owned());
    }
    let text_of = std::str::from_utf8(header).map_err(|_| "a header that is no text")?;
    let at = file.len() - text.len() + length;
    Ok((dictionary(&mut Words { rest: text_of.trim_end() })?, at))
}

/// Numbers behind a header begin at a multiple of this.
const ALIGNMENT: usize = 64;

/// The header of a matrix of little-endian f32, row by row, byte for byte as NumPy's `save` writes it.
pub(super) fn of_matrix(rows: usize, width: usize) -> Vec<u8> {
    let keys = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {width}), }}");
    // Magic, version, and the length that is written in two bytes; the header ends in a line feed.
    let before = MAGIC.len() + 4;
    let length = (before + keys.len() + 1).next_multiple_of(ALIGNMENT) - before;
    let written = u16::try_from(length).expect("two extents take less than a hundred bytes");
    let text = format!("{keys:<0$}\n", length - 1);
    [MAGIC, &[1, 0], &written.to_le_bytes(), text.as_bytes()].concat()
}

/// What is left of the text.
struct Words<'a> {
    rest: &'a str,
}

impl<'a> Words<'a> {
    fn other(&self, expected: &str) -> String {
        let found: String = self.rest.chars().take(12).collect();
        format!("another header: expected {expected} at {found:?}")
    }

    /// Passes over a mark and the blanks before it, if it is next.
    fn take(&mut self, mark: &str) -> bool {
        let rest = self.rest.trim_start().strip_prefix(mark);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn expect(&mut self, mark: &str) -> Result<(), String> {
        if self.take(mark) { Ok(()) } else { Err(self.other(mark)) }
    }

    /// A text in quotation marks of either kind, without escapes.
    fn quoted(&mut self) -> Result<&'a str, String> {
        let mark = ["'", "\""].into_iter().find(|mark| self.take(mark));
        let parted = mark.and_then(|mark| self.rest.split_once(mark));
        let (text, rest) = parted.ok_or_else(|| self.other("a text in quotation marks"))?;
        self.rest = rest;
        Ok(text)
    }

    fn flag(&mut self) -> Result<bool, String> {
        match (self.take("True"), self.take("False")) {
            (true, _) => Ok(true),
            (_, true) => Ok(false),
            _ => Err(self.other("True or False")),
        }
    }

    /// Numbers in round brackets, each but a single one with or without a comma behind it; Python 2 wrote
    /// an L there.
    fn shape(&mut self) -> Result<Vec<u64>, String> {
        self.expect("(")?;
        let mut extents = Vec::new();
        while !self.take(")") {
            let rest = self.rest.trim_start();
            let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
            let (number, rest) = rest.split_at(digits);
            let number = number.parse().map_err(|_| self.other("an extent"))?;
            if extents.len() == MOST_AXES {
                return Err(format!("a shape of more than {MOST_AXES} axes"));
            }
            extents.push(number);
            self.rest = rest.strip_prefix('L').unwrap_or(rest);
            if !self.take(",") {
                self.expect(")")?;
                break;
            }
        }
        let product = extents.iter().filter(|extent| **extent > 0);
        match product.copied().try_fold(1u64, u64::checked_mul) {
            Some(_) => Ok(extents),
            None => Err("a shape that no file can hold".to_owned()),
        }
    }
}

fn dictionary<'a>(words: &mut Words<'a>) -> Result<Header<'a>, String> {
    let (mut descr, mut order, mut shape) = (None, None, None);
    words.expect("{")?;
    while !words.take("}") {
        let key = words.quoted()?;
        words.expect(":")?;
        let first = match key {
            "descr" if words.rest.trim_start().starts_with('[') => {
                return Err("a type of several fields".to_owned());
            }
            "descr" => descr.replace(words.quoted()?).is_none(),
            "fortran_order" => order.replace(words.flag()?).is_none(),
            "shape" => shape.replace(words.shape()?).is_none(),
            other => return Err(format!("another header: a key {other:?}")),
        };
        if !first {
            return Err(format!("another header: {key} twice"));
        }
        if !words.take(",") {
            words.expect("}")?;
            break;
        }
    }
    if !words.rest.is_empty() {
        return Err(words.other("the end"));
    }
    let missing = |key: &str| format!("another header: no {key}");
    Ok(Header {
        descr: descr.ok_or_else(|| missing("descr"))?,
        fortran_order: order.ok_or_else(|| missing("fortran_order"))?,
        shape: shape.ok_or_else(|| missing("shape"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Vec<u8> {
        let length = (text.len() as u16).to_le_bytes();
        [MAGIC, &[1, 0], &length, text.as_bytes(), b"rest"].concat()
    }

    fn found(text: &str) -> Result<(String, bool, Vec<u64>), String> {
        let file = file(text);
        let (header, at) = parse(&file)?;
        assert_eq!(&file[at..], b"rest");
        Ok((header.descr.to_owned(), header.fortran_order, header.shape))
    }

    #[test]
    fn the_three_keys_stand_in_any_order_as_any_numpy_writes_them() {
        let expected = Ok(("<f4".to_owned(), false, vec![3, 4]));
        for text in [
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }   \n",
            "{\"shape\":(3,4),\"descr\":\"<f4\",\"fortran_order\":False}",
            "{'descr': '<f4', 'fortran_order': False, 'shape': (3L, 4L), }",
        ] {
            assert_eq!(found(text), expected, "{text}");
        }
        let vector = found("{'descr': '|b1', 'fortran_order': True, 'shape': (7,), }");
        assert_eq!(vector, Ok(("|b1".to_owned(), true, vec![7])));
        let number = found("{'descr': '<f8', 'fortran_order': False, 'shape': (), }");
        assert_eq!(number, Ok(("<f8".to_owned(), false, vec![])));
    }

    #[test]
    fn a_matrix_begins_as_numpy_saves_it() {
        // The beginning of `numpy.save` of zeros of the shape (2, 3), NumPy 2.4.
        let keys = "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }";
        let expected = [MAGIC, b"\x01\0v\0", keys.as_bytes(), &[b' '; 58], b"\n"].concat();
        assert_eq!(of_matrix(2, 3), expected);
        for (rows, width) in [(0, 1), (19_593, 512), (1 << 31, 1 << 31)] {
            let header = of_matrix(rows, width);
            assert_eq!(header.len() % ALIGNMENT, 0);
            let text = std::str::from_utf8(&header[MAGIC.len() + 4..]).unwrap();
            let (found, _) = parse(&header).unwrap();
            assert_eq!(found.shape, [rows as u64, width as u64], "{text}");
        }
    }

    #[test]
    fn a_header_with_brackets_inside_brackets_is_refused_at_once() {
        for deep in ["[".repeat(3000), "(".repeat(3000), "{".repeat(3000)] {
            for key in ["descr", "shape", "fortran_order", "x"] {
                assert!(found(&format!("{{'{key}': {deep}")).is_err());
            }
            assert!(found(&deep).is_err());
        }
    }

    #[test]
    fn what_is_not_the_three_keys_once_is_refused() {
        for (text, words) in [
            ("{'descr': '<f4', 'fortran_order': False}", "no shape"),
            ("{'descr': '<f4', 'descr': '<f4'}", "descr twice"),
            ("{'descr': [('a', '<f4')], }", "several fields"),
            ("{'shape': (99999999999, 99999999999)}", "no file can hold"),
            ("{'shape': (-1,)}", "an extent"),
            ("{'shape': (1, 1, 1, 1, 1, 1, 1, 1, 1)}", "axes"),
            ("{'fortran_order': 1}", "True or False"),
            ("{} x", "the end"),
        ] {
            let error = found(text).unwrap_err();
            assert!(error.contains(words), "{text}: {error}");
        }
    }
}
