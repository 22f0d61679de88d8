//! Writes MATLAB 5 files of the two kinds of variable TinyFace's protocol uses.
//!
//! Format: MathWorks, "MAT-File Format", level 5. Little-endian, one element a variable;
//! an element is a type, a length in bytes, and data padded with zeros to 8 bytes.

use std::io::{self, Write};

use flate2::Compression;
use flate2::write::ZlibEncoder;

/// A column of values.
pub(super) enum Column<'a> {
    /// An N×1 cell array of strings.
    Names(&'a [String]),
    /// An N×1 array of uint16.
    Numbers(&'a [u16]),
}

/// How the variables lie in the file.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Storage {
    Plain,
    /// Each variable is one zlib stream, as MATLAB saves by default.
    Compressed,
}

const INT8: u32 = 1;
const UINT16: u32 = 4;
const INT32: u32 = 5;
const UINT32: u32 = 6;
const MATRIX: u32 = 14;
const COMPRESSED: u32 = 15;
const UTF8: u32 = 16;

const CELL_CLASS: u32 = 1;
const CHAR_CLASS: u32 = 4;
const UINT16_CLASS: u32 = 11;

/// The bytes of a file with these variables.
///
/// # Errors
///
/// When the compressor does.
pub(super) fn mat(variables: &[(&str, Column<'_>)], storage: Storage) -> io::Result<Vec<u8>> {
    let mut file = header();
    for (name, column) in variables {
        let element = match column {
            Column::Names(names) => cells(name, names),
            Column::Numbers(numbers) => uint16(name, numbers),
        };
        match storage {
            Storage::Plain => file.extend(element),
            Storage::Compressed => {
                let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
                encoder.write_all(&element)?;
                let packed = encoder.finish()?;
                file.extend(tag(COMPRESSED, packed.len()));
                file.extend(packed);
            }
        }
    }
    Ok(file)
}

/// 116 bytes of text, no subsystem data, version 0x0100, and "IM": little-endian.
fn header() -> Vec<u8> {
    let mut header = b"MATLAB 5.0 MAT-file, written by qgface-data synth".to_vec();
    header.resize(116, b' ');
    header.resize(124, 0);
    header.extend([0x00, 0x01, b'I', b'M']);
    header
}

fn tag(kind: u32, length: usize) -> [u8; 8] {
    let mut tag = [0; 8];
    tag[..4].copy_from_slice(&kind.to_le_bytes());
    tag[4..].copy_from_slice(&(length as u32).to_le_bytes());
    tag
}

fn element(kind: u32, data: &[u8]) -> Vec<u8> {
    let mut element = tag(kind, data.len()).to_vec();
    element.extend(data);
    element.resize(element.len().next_multiple_of(8), 0);
    element
}

/// A matrix: its class, its two dimensions, its name, and its content's elements.
fn matrix(class: u32, rows: usize, columns: usize, name: &str, content: &[u8]) -> Vec<u8> {
    let dimensions = [rows as u32, columns as u32].map(u32::to_le_bytes).concat();
    let mut body = element(UINT32, &[class.to_le_bytes(), [0; 4]].concat());
    body.extend(element(INT32, &dimensions));
    body.extend(element(INT8, name.as_bytes()));
    body.extend(content);
    element(MATRIX, &body)
}

fn cells(name: &str, names: &[String]) -> Vec<u8> {
    let cell =
        |text: &String| matrix(CHAR_CLASS, 1, text.len(), "", &element(UTF8, text.as_bytes()));
    let content: Vec<u8> = names.iter().flat_map(cell).collect();
    matrix(CELL_CLASS, names.len(), 1, name, &content)
}

fn uint16(name: &str, numbers: &[u16]) -> Vec<u8> {
    let data: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
    matrix(UINT16_CLASS, numbers.len(), 1, name, &element(UINT16, &data))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    fn word(bytes: &[u8], at: usize) -> u32 {
        u32::from_le_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
    }

    /// The elements of `bytes`: type and data, without the padding.
    fn elements(mut bytes: &[u8]) -> Vec<(u32, &[u8])> {
        let mut found = Vec::new();
        while !bytes.is_empty() {
            let (kind, length) = (word(bytes, 0), word(bytes, 4) as usize);
            found.push((kind, &bytes[8..8 + length]));
            let padded = if kind == COMPRESSED { length } else { length.next_multiple_of(8) };
            bytes = &bytes[8 + padded..];
        }
        found
    }

    #[test]
    fn a_plain_file_holds_its_names_and_numbers() {
        let names = ["1_1.jpg".to_owned(), "12_345.jpg".to_owned()];
        let variables = [("set", Column::Names(&names)), ("ids", Column::Numbers(&[1, 12]))];
        let file = mat(&variables, Storage::Plain).unwrap();
        assert!(file.starts_with(b"MATLAB 5.0 MAT-file"));
        assert_eq!(file[124..128], [0x00, 0x01, b'I', b'M']);

        let found = elements(&file[128..]);
        assert_eq!(found.len(), 2);
        let set = elements(found[0].1);
        assert_eq!(set[0], (UINT32, &[1, 0, 0, 0, 0, 0, 0, 0][..]));
        assert_eq!(set[1], (INT32, &[2, 0, 0, 0, 1, 0, 0, 0][..]));
        assert_eq!(set[2], (INT8, &b"set"[..]));
        assert_eq!(elements(set[4].1)[3], (UTF8, &b"12_345.jpg"[..]));
        assert_eq!(elements(found[1].1)[3], (UINT16, &[1, 0, 12, 0][..]));
    }

    #[test]
    fn a_compressed_file_unpacks_to_the_plain_one() {
        let names = ["7_1.jpg".to_owned()];
        let variables = || [("probe_set", Column::Names(&names)), ("ids", Column::Numbers(&[7]))];
        let plain = mat(&variables(), Storage::Plain).unwrap();
        let packed = mat(&variables(), Storage::Compressed).unwrap();
        let mut unpacked = packed[..128].to_vec();
        for (kind, data) in elements(&packed[128..]) {
            assert_eq!(kind, COMPRESSED);
            flate2::read::ZlibDecoder::new(data).read_to_end(&mut unpacked).unwrap();
        }
        assert_eq!(unpacked, plain);
    }
}
