//! The part of MATLAB's level 5 files that TinyFace's protocol needs: cells of names, and numbers.
//!
//! Format: MathWorks, "MAT-File Format", version 5. No maintained crate reads cell arrays. Only the two
//! variables that are asked for are kept, numbers as the bytes they are in the file: a compressed element
//! may become a thousand times its size, and must not become that and eightfold.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use super::Error;
use crate::fs;
use crate::limits;
use flate2::read::ZlibDecoder;
use std::io::Read;
use std::path::Path;

/// Reads names and ids: a cell array N×1 `names` with a numeric array `ids` beside it, or a cell
/// array N×2 of name and id, the id a text or a number.
///
/// # Errors
/// [`Error::Mat`] with the byte for a damaged file, one of another form, and one that becomes more than
/// the process's budget of inflated bytes.
pub(super) fn read_pairs(path: &Path, names: &str, ids: &str) -> Result<Vec<(String, i64)>, Error> {
    let bytes = fs::map(path)?;
    pairs(&bytes, names, ids, limits::current().inflated).map_err(|fault| Error::Mat {
        path: path.to_path_buf(),
        offset: fault.offset,
        expected: fault.expected,
    })
}

fn pairs(
    bytes: &[u8],
    names: &str,
    ids: &str,
    most_inflated: u64,
) -> Result<Vec<(String, i64)>, Fault> {
    let missing = |expected: String| Fault { offset: 0, expected };
    let found = variables(bytes, [names, ids], most_inflated)?;
    let [Some(Value::Cells(cells)), of_ids] = found else {
        return Err(missing(format!("a cell array {names}")));
    };
    let pairs: Option<Vec<_>> = match of_ids {
        Some(Value::Numbers(numbers)) if numbers.len() == cells.len() => {
            let named = cells.into_iter().zip(numbers.iter());
            named.map(|(name, id)| Some((name.text()?, id as i64))).collect()
        }
        Some(_) => {
            return Err(missing(format!("an array {ids} of as many numbers as {names} has names")));
        }
        None if cells.len().is_multiple_of(2) => {
            // MATLAB stores columns one after another: first all names, then all ids.
            let mut first = cells;
            let second = first.split_off(first.len().div_ceil(2));
            let named = first.into_iter().zip(second);
            named.map(|(name, id)| Some((name.text()?, id.id()?))).collect()
        }
        None => None,
    };
    pairs.ok_or_else(|| missing(format!("{names} to hold names and, in it or in {ids}, numbers")))
}

#[derive(Debug)]
struct Fault {
    offset: u64,
    expected: String,
}

/// A variable, as far as protocols have them.
enum Value {
    Cells(Vec<Cell>),
    Numbers(Numbers),
    Other,
}

/// What stands in a cell.
enum Cell {
    Text(String),
    Number(f64),
}

impl Cell {
    fn text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text),
            Self::Number(_) => None,
        }
    }

    fn id(self) -> Option<i64> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Number(number) => Some(number as i64),
        }
    }
}

const HEADER_BYTES: usize = 128;
const MI_INT8: u32 = 1;
const MI_UINT16: u32 = 4;
const MI_INT32: u32 = 5;
const MI_UINT32: u32 = 6;
const MI_MATRIX: u32 = 14;
const MI_COMPRESSED: u32 = 15;

/// The first variables of these names.
fn variables(
    bytes: &[u8],
    wanted: [&str; 2],
    most_inflated: u64,
) -> Result<[Option<Value>; 2], Fault> {
    let fault = |offset, expected: &str| Fault { offset, expected: expected.to_owned() };
    let (header, _) = bytes
        .split_first_chunk::<HEADER_BYTES>()
        .ok_or_else(|| fault(0, "a MATLAB level 5 header of 128 bytes"))?;
    if !header.ends_with(b"\x00\x01IM") {
        return Err(fault(124, "version 0x0100 and the mark IM of a little-endian MATLAB 5 file"));
    }
    let mut cursor = Cursor { bytes, at: HEADER_BYTES };
    let mut found = [None, None];
    let mut left = most_inflated;
    while cursor.at < bytes.len() {
        let at = cursor.at as u64;
        let (kind, data) = cursor.element(false)?;
        match kind {
            MI_COMPRESSED => {
                let raw = inflated(data, left).map_err(|error| match error {
                    Some(error) => fault(at, &format!("zlib data ({error})")),
                    None => fault(at, &too_much(most_inflated)),
                })?;
                left = left.saturating_sub(raw.len() as u64);
                let mut inner = Cursor { bytes: &raw, at: 0 };
                if let (MI_MATRIX, data) = inner.element(true)? {
                    keep(data, wanted, &mut found)?;
                }
            }
            MI_MATRIX => keep(data, wanted, &mut found)?,
            _ => {}
        }
    }
    Ok(found)
}

fn too_much(most: u64) -> String {
    let setting = limits::INFLATED;
    format!(
        "compressed elements of at most {most} bytes in all; the setting {setting} changes that"
    )
}

/// At most `most` bytes of zlib data; no error of it where there are more.
fn inflated(data: &[u8], most: u64) -> Result<Vec<u8>, Option<std::io::Error>> {
    let mut raw = Vec::new();
    ZlibDecoder::new(data).take(most.saturating_add(1)).read_to_end(&mut raw).map_err(Some)?;
    if raw.len() as u64 > most { Err(None) } else { Ok(raw) }
}

/// Keeps a matrix that is wanted, if it is the first of its name.
fn keep(data: &[u8], wanted: [&str; 2], found: &mut [Option<Value>; 2]) -> Result<(), Fault> {
    let mut cursor = Cursor { bytes: data, at: 0 };
    let Some((class, name)) = head(&mut cursor)? else { return Ok(()) };
    let places = wanted.iter().zip(found);
    if let Some((_, place)) = places.into_iter().find(|(own, _)| own.as_bytes() == name)
        && place.is_none()
    {
        *place = Some(match class {
            CLASS_CELL => Value::Cells(cells(&mut cursor)?),
            CLASS_NUMBERS => Value::Numbers(Numbers::read(&mut cursor)?),
            _ => Value::Other,
        });
    }
    Ok(())
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
/// Stands for the classes 6 to 15.
const CLASS_NUMBERS: u32 = 6;

/// Class and name of a matrix; nothing for an empty one.
fn head<'a>(cursor: &mut Cursor<'a>) -> Result<Option<(u32, &'a [u8])>, Fault> {
    if cursor.bytes.is_empty() {
        return Ok(None);
    }
    let class = match cursor.element(true)? {
        (MI_UINT32, [6..=15, ..]) => CLASS_NUMBERS,
        (MI_UINT32, [class, ..]) => u32::from(*class),
        _ => return Err(cursor.fault("array flags")),
    };
    if cursor.element(true)?.0 != MI_INT32 {
        return Err(cursor.fault("array dimensions"));
    }
    match cursor.element(true)? {
        (MI_INT8, name) => Ok(Some((class, name))),
        _ => Err(cursor.fault("an array name")),
    }
}

fn cells(cursor: &mut Cursor<'_>) -> Result<Vec<Cell>, Fault> {
    let mut found = Vec::new();
    while cursor.at < cursor.bytes.len() {
        let other = cursor.fault("a text or one number in each cell");
        let (MI_MATRIX, data) = cursor.element(true)? else { return Err(other) };
        let mut inner = Cursor { bytes: data, at: 0 };
        let cell = match head(&mut inner)? {
            Some((CLASS_CHAR, _)) => {
                let (kind, data) = inner.element(true)?;
                Cell::Text(text(kind, data))
            }
            Some((CLASS_NUMBERS, _)) => {
                let numbers = Numbers::read(&mut inner)?;
                let mut all = numbers.iter();
                match (all.next(), all.next()) {
                    (Some(number), None) => Cell::Number(number),
                    _ => return Err(other),
                }
            }
            _ => return Err(other),
        };
        found.push(cell);
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

/// Numbers as the file has them.
struct Numbers {
    bytes: Vec<u8>,
    width: usize,
    read: fn(&[u8]) -> f64,
}

/// The first `N` bytes of a word that has as many.
fn word<const N: usize>(bytes: &[u8]) -> [u8; N] {
    bytes.first_chunk().copied().unwrap_or([0; N])
}

/// A type of the format, the bytes of a number of it, and how they are read.
type NumberKind = (u32, usize, fn(&[u8]) -> f64);

const KINDS: [NumberKind; 10] = [
    (1, 1, |bytes| f64::from(i8::from_le_bytes(word(bytes)))),
    (2, 1, |bytes| f64::from(u8::from_le_bytes(word(bytes)))),
    (3, 2, |bytes| f64::from(i16::from_le_bytes(word(bytes)))),
    (4, 2, |bytes| f64::from(u16::from_le_bytes(word(bytes)))),
    (5, 4, |bytes| f64::from(i32::from_le_bytes(word(bytes)))),
    (6, 4, |bytes| f64::from(u32::from_le_bytes(word(bytes)))),
    (7, 4, |bytes| f64::from(f32::from_le_bytes(word(bytes)))),
    (9, 8, |bytes| f64::from_le_bytes(word(bytes))),
    (12, 8, |bytes| i64::from_le_bytes(word(bytes)) as f64),
    (13, 8, |bytes| u64::from_le_bytes(word(bytes)) as f64),
];

impl Numbers {
    fn read(cursor: &mut Cursor<'_>) -> Result<Self, Fault> {
        let (kind, data) = cursor.element(true)?;
        let known = KINDS.iter().find(|(own, _, _)| *own == kind);
        let &(_, width, read) = known.ok_or_else(|| cursor.fault("a numeric element"))?;
        Ok(Self { bytes: data.to_vec(), width, read })
    }

    fn len(&self) -> usize {
        self.iter().len()
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = f64> {
        self.bytes.chunks_exact(self.width).map(self.read)
    }
}

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::*;
    use std::io::Write;

    const WANTED: [&str; 2] = ["probe_set", "probe_ids"];

    #[test]
    fn a_file_cut_anywhere_is_an_error_and_never_a_panic() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/golden/make_rec");
        let path = root.join("tinyface_root/tinyface/Testing_Set/probe_img_ID_pairs.mat");
        let whole = std::fs::read(path).unwrap();
        assert!(variables(&whole, WANTED, 1 << 20).is_ok());
        for length in 0..whole.len() {
            let cut = variables(&whole[..length], WANTED, 1 << 20);
            assert!(cut.map_or(true, |[names, _]| names.is_none()), "cut to {length} bytes");
        }
    }

    /// An element with its tag, padded to eight bytes.
    fn element(kind: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = [kind.to_le_bytes(), (data.len() as u32).to_le_bytes()].concat();
        bytes.extend_from_slice(data);
        bytes.resize(bytes.len().next_multiple_of(8), 0);
        bytes
    }

    /// A variable of class `class`, compressed.
    fn variable(class: u8, name: &str, content: &[u8]) -> Vec<u8> {
        let flags = element(MI_UINT32, &[class, 0, 0, 0, 0, 0, 0, 0]);
        let dimensions = element(MI_INT32, &[1, 0, 0, 0, 1, 0, 0, 0]);
        let parts = [flags, dimensions, element(MI_INT8, name.as_bytes()), content.to_vec()];
        let mut zlib = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::best());
        zlib.write_all(&element(MI_MATRIX, &parts.concat())).unwrap();
        let packed = zlib.finish().unwrap();
        let tag = [MI_COMPRESSED.to_le_bytes(), (packed.len() as u32).to_le_bytes()].concat();
        [tag, packed].concat()
    }

    fn file(variables: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![b' '; HEADER_BYTES - 4];
        bytes.extend_from_slice(b"\x00\x01IM");
        bytes.extend(variables.concat());
        bytes
    }

    #[test]
    fn the_elements_of_a_file_become_no_more_than_its_budget() {
        let zeros = element(1, &vec![0; 1 << 20]);
        let bytes = file(&[variable(6, "a", &zeros), variable(6, "b", &zeros)]);
        assert!(bytes.len() < 5000, "{}", bytes.len());
        let error = |most| variables(&bytes, WANTED, most).err().map(|fault| fault.expected);
        assert_eq!(error(3 << 20), None);
        let text = error(3 << 19).unwrap();
        assert!(
            text.contains("at most 1572864 bytes") && text.contains("limits.inflated"),
            "{text}"
        );
    }

    #[test]
    fn only_the_variables_that_are_asked_for_are_kept() {
        let zeros = element(1, &[0; 64]);
        let bytes = file(&[variable(6, "other", &zeros), variable(6, "probe_ids", &zeros)]);
        let [names, ids] = variables(&bytes, WANTED, 1 << 20).unwrap();
        assert!(names.is_none());
        assert!(matches!(ids, Some(Value::Numbers(numbers)) if numbers.bytes.len() == 64));
    }

    #[test]
    fn a_cell_that_is_neither_a_text_nor_a_number_is_refused_where_it_stands() {
        let cells = element(MI_MATRIX, &[]).repeat(1000);
        let bytes = file(&[variable(1, "probe_set", &cells)]);
        let fault = variables(&bytes, WANTED, 1 << 20).err().unwrap();
        assert!(fault.expected.contains("in each cell"), "{}", fault.expected);
    }
}
