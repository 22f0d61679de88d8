//! The part of MATLAB's level 5 files that TinyFace's protocol needs: cells of names, and numbers.
//!
//! Format: MathWorks, "MAT-File Format", version 5. No maintained crate reads cell arrays.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::Error;
use crate::fs;
use flate2::read::ZlibDecoder;
use std::io::Read;
use std::path::Path;

/// An element larger than this when decompressed is refused; TinyFace's are below one MiB.
const MAX_ELEMENT_BYTES: u64 = 256 << 20;

/// Cells within cells deeper than this are refused; names lie at depth 2.
const MAX_DEPTH: u32 = 8;

/// Reads names and ids: a cell array N×1 `names` with a numeric array `ids` beside it, or a cell
/// array N×2 of name and id, the id a text or a number.
///
/// # Errors
/// [`Error::Mat`] with the byte for a damaged file or one of another form.
pub(super) fn read_pairs(path: &Path, names: &str, ids: &str) -> Result<Vec<(String, i64)>, Error> {
    let bytes = std::fs::read(path).map_err(fs::io_error("read", path))?;
    let wrong = |fault: Fault| Error::Mat {
        path: path.to_path_buf(),
        offset: fault.offset,
        expected: fault.expected,
    };
    let variables = variables(&bytes).map_err(wrong)?;
    let find = |name: &str| {
        variables.iter().find(|variable| variable.name == name).map(|variable| &variable.value)
    };
    let missing = |what: String| wrong(Fault { offset: 0, expected: what });
    let Some(Value::Cells(cells)) = find(names) else {
        return Err(missing(format!("a cell array {names}")));
    };
    let text = |value: &Value| match value {
        Value::Text(text) => Some(text.clone()),
        _ => None,
    };
    let pairs: Option<Vec<_>> = match find(ids) {
        Some(Value::Numbers(numbers)) if numbers.len() == cells.len() => {
            cells.iter().zip(numbers).map(|(name, id)| Some((text(name)?, *id as i64))).collect()
        }
        Some(_) => {
            return Err(missing(format!("an array {ids} of as many numbers as {names} has names")));
        }
        None if cells.len().is_multiple_of(2) => {
            // MATLAB stores columns one after another: first all names, then all ids.
            let (first, second) = cells.split_at(cells.len().div_ceil(2));
            let id = |value: &Value| match value {
                Value::Text(text) => text.trim().parse().ok(),
                Value::Numbers(numbers) => match numbers[..] {
                    [number] => Some(number as i64),
                    _ => None,
                },
                _ => None,
            };
            first.iter().zip(second).map(|(name, of)| Some((text(name)?, id(of)?))).collect()
        }
        None => None,
    };
    pairs.ok_or_else(|| missing(format!("{names} to hold names and, in it or in {ids}, numbers")))
}

struct Fault {
    offset: u64,
    expected: String,
}

struct Variable {
    name: String,
    value: Value,
}

enum Value {
    Cells(Vec<Value>),
    Text(String),
    Numbers(Vec<f64>),
    Other,
}

const HEADER_BYTES: usize = 128;
const MI_INT8: u32 = 1;
const MI_UINT16: u32 = 4;
const MI_INT32: u32 = 5;
const MI_UINT32: u32 = 6;
const MI_MATRIX: u32 = 14;
const MI_COMPRESSED: u32 = 15;

fn variables(bytes: &[u8]) -> Result<Vec<Variable>, Fault> {
    let fault = |offset, expected: &str| Fault { offset, expected: expected.to_owned() };
    let (header, _) = bytes
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or_else(|| fault(0, "a MATLAB level 5 header of 128 bytes"))?;
    if !header.ends_with(b"\x00\x01IM") {
        return Err(fault(124, "version 0x0100 and the mark IM of a little-endian MATLAB 5 file"));
    }
    let mut cursor = Cursor { bytes, at: HEADER_BYTES };
    let mut found = Vec::new();
    while cursor.at < bytes.len() {
        let at = cursor.at as u64;
        let (kind, data) = cursor.element(false)?;
        match kind {
            MI_COMPRESSED => {
                let mut raw = Vec::new();
                let limit = MAX_ELEMENT_BYTES;
                ZlibDecoder::new(data)
                    .take(limit)
                    .read_to_end(&mut raw)
                    .map_err(|error| fault(at, &format!("zlib data ({error})")))?;
                if raw.len() as u64 == limit {
                    return Err(fault(at, "an element below 256 MiB"));
                }
                let mut inner = Cursor { bytes: &raw, at: 0 };
                if let (MI_MATRIX, data) = inner.element(true)? {
                    found.push(matrix(data, 0)?);
                }
            }
            MI_MATRIX => found.push(matrix(data, 0)?),
            _ => {}
        }
    }
    Ok(found)
}

/// A reader of tagged elements.
struct Cursor<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Cursor<'a> {
    fn fault(&self, expected: impl Into<String>) -> Fault {
        Fault { offset: self.at as u64, expected: expected.into() }
    }

    fn take(&mut self, count: usize) -> Result<&'a [u8], Fault> {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        let taken = rest
            .get(..count)
            .ok_or_else(|| self.fault(format!("{count} bytes, found {}", rest.len())))?;
        self.at = self.at.saturating_add(count);
        Ok(taken)
    }

    fn u32(&mut self) -> Result<u32, Fault> {
        Ok(self.take(4)?.iter().rev().fold(0, |sum, &byte| sum << 8 | u32::from(byte)))
    }

    /// Reads an element's type and data; `padded` elements end at a multiple of eight.
    fn element(&mut self, padded: bool) -> Result<(u32, &'a [u8]), Fault> {
        let word = self.u32()?;
        let small = word >> 16;
        if small > 0 {
            if small > 4 {
                return Err(
                    self.fault(format!("a small element of at most 4 bytes, found {small}"))
                );
            }
            let data = self.take(4)?;
            return Ok((word & 0xffff, data.get(..small as usize).unwrap_or_default()));
        }
        let length = self.u32()? as usize;
        let data = self.take(length)?;
        if padded {
            let rest = self.bytes.len().saturating_sub(self.at);
            self.at = self.at.saturating_add((length.wrapping_neg() & 7).min(rest));
        }
        Ok((word, data))
    }
}

const CLASS_CELL: u32 = 1;
const CLASS_CHAR: u32 = 4;

fn matrix(data: &[u8], depth: u32) -> Result<Variable, Fault> {
    let mut cursor = Cursor { bytes: data, at: 0 };
    if data.is_empty() {
        return Ok(Variable { name: String::new(), value: Value::Other });
    }
    if depth > MAX_DEPTH {
        return Err(cursor.fault(format!("cells nested at most {MAX_DEPTH} deep")));
    }
    let class = match cursor.element(true)? {
        (MI_UINT32, [class, ..]) => u32::from(*class),
        _ => return Err(cursor.fault("array flags")),
    };
    if cursor.element(true)?.0 != MI_INT32 {
        return Err(cursor.fault("array dimensions"));
    }
    let name = match cursor.element(true)? {
        (MI_INT8, name) => String::from_utf8_lossy(name).into_owned(),
        _ => return Err(cursor.fault("an array name")),
    };
    let value = match class {
        CLASS_CELL => Value::Cells(cells(&mut cursor, depth)?),
        CLASS_CHAR => {
            let (kind, data) = cursor.element(true)?;
            Value::Text(text(kind, data))
        }
        6..=15 => {
            let (kind, data) = cursor.element(true)?;
            let numbers = numbers(kind, data);
            Value::Numbers(numbers.ok_or_else(|| cursor.fault("a numeric element"))?)
        }
        _ => Value::Other,
    };
    Ok(Variable { name, value })
}

fn cells(cursor: &mut Cursor<'_>, depth: u32) -> Result<Vec<Value>, Fault> {
    let mut found = Vec::new();
    while cursor.at < cursor.bytes.len() {
        match cursor.element(true)? {
            (MI_MATRIX, data) => found.push(matrix(data, depth.saturating_add(1))?.value),
            _ => return Err(cursor.fault("a matrix in each cell")),
        }
    }
    Ok(found)
}

fn text(kind: u32, data: &[u8]) -> String {
    if kind == MI_UINT16 {
        let units: Vec<u16> =
            data.as_chunks::<2>().0.iter().map(|&pair| u16::from_le_bytes(pair)).collect();
        return String::from_utf16_lossy(&units);
    }
    String::from_utf8_lossy(data).into_owned()
}

fn numbers(kind: u32, data: &[u8]) -> Option<Vec<f64>> {
    let words2 = || data.as_chunks::<2>().0.iter();
    let words4 = || data.as_chunks::<4>().0.iter();
    let words8 = || data.as_chunks::<8>().0.iter();
    Some(match kind {
        1 => data.iter().map(|&byte| f64::from(byte as i8)).collect(),
        2 => data.iter().map(|&byte| f64::from(byte)).collect(),
        3 => words2().map(|&word| f64::from(i16::from_le_bytes(word))).collect(),
        4 => words2().map(|&word| f64::from(u16::from_le_bytes(word))).collect(),
        5 => words4().map(|&word| f64::from(i32::from_le_bytes(word))).collect(),
        6 => words4().map(|&word| f64::from(u32::from_le_bytes(word))).collect(),
        7 => words4().map(|&word| f64::from(f32::from_le_bytes(word))).collect(),
        9 => words8().map(|&word| f64::from_le_bytes(word)).collect(),
        12 => words8().map(|&word| i64::from_le_bytes(word) as f64).collect(),
        13 => words8().map(|&word| u64::from_le_bytes(word) as f64).collect(),
        _ => return None,
    })
}

#[cfg(test)]
#[allow(clippy::indexing_slicing)]
mod tests {
    use super::*;

    #[test]
    fn a_file_cut_anywhere_is_an_error_and_never_a_panic() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/make_rec");
        let path = root.join("tinyface_root/tinyface/Testing_Set/probe_img_ID_pairs.mat");
        let whole = std::fs::read(path).unwrap();
        assert!(variables(&whole).is_ok());
        for length in 0..whole.len() {
            let cut = variables(&whole[..length]);
            assert!(cut.map_or(true, |found| found.is_empty()), "cut to {length} bytes");
        }
    }
}
