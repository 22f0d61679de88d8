//! The part of MATLAB's level 5 files that TinyFace's protocol needs: cells of names, and numbers.
//!
//! Format: MathWorks, "MAT-File Format", version 5. No maintained crate reads cell arrays. Only the two
//! variables that are asked for are kept, numbers as the bytes they are in the file: a compressed element
//! may become a thousand times its size, and must not become that and eightfold.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod elements;

use super::Error;
use crate::fs;
use crate::limits;
use elements::{
    CLASS_CELL, CLASS_NUMBERS, Cell, Cursor, Fault, MI_COMPRESSED, MI_MATRIX, Numbers, cells, head,
};
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

/// A variable, as far as protocols have them.
enum Value {
    Cells(Vec<Cell>),
    Numbers(Numbers),
    Other,
}

const HEADER_BYTES: usize = 128;
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

#[cfg(test)]
#[allow(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
mod tests {
    use super::elements::{MI_INT8, MI_INT32, MI_UINT32};
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
