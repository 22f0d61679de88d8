//! What a picture file says of itself, and whether it is all there, without decoding it.

use super::{Error, Format, MAX_EDGE_PX};
use image::metadata::Orientation;
use memchr::memchr;

/// A picture's format and size.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Probe {
    /// JPEG or PNG, by content.
    pub format: Format,
    /// Pixels in a row, as stored.
    pub width: u32,
    /// Rows, as stored.
    pub height: u32,
    /// Whether EXIF data asks viewers to turn or mirror the picture.
    pub reoriented: bool,
}

/// Reads size and orientation and checks that the file reaches its end mark: for JPEG every segment
/// and a final EOI, for PNG every chunk with its checksum and IEND. Bytes after the end are allowed.
///
/// # Errors
/// [`Error::Empty`], [`Error::UnknownFormat`], [`Error::Damaged`] and [`Error::TooLarge`].
pub fn probe(bytes: &[u8]) -> Result<Probe, Error> {
    let found = if bytes.starts_with(b"\xff\xd8") {
        jpeg(bytes)?
    } else if bytes.starts_with(PNG_SIGNATURE) {
        png(bytes)?
    } else if bytes.is_empty() {
        return Err(Error::Empty);
    } else {
        let start = bytes.get(..bytes.len().min(8)).unwrap_or(bytes);
        return Err(Error::UnknownFormat { found: format!("\"{}\"", start.escape_ascii()) });
    };
    let Probe { width, height, .. } = found;
    if width > MAX_EDGE_PX || height > MAX_EDGE_PX {
        return Err(Error::TooLarge { width, height });
    }
    Ok(found)
}

fn damaged(offset: usize, what: impl Into<String>) -> Error {
    Error::Damaged { offset: offset as u64, what: what.into() }
}

/// A cursor that names its byte when the file ends too soon.
struct Bytes<'a> {
    all: &'a [u8],
    at: usize,
}

impl<'a> Bytes<'a> {
    fn take(&mut self, count: usize, what: &str) -> Result<&'a [u8], Error> {
        let rest = self.all.get(self.at..).unwrap_or_default();
        let taken = rest.get(..count).ok_or_else(|| {
            damaged(self.at, format!("expected {count} bytes of {what}, found {}", rest.len()))
        })?;
        self.at += count;
        Ok(taken)
    }

    fn u16(&mut self, what: &str) -> Result<usize, Error> {
        Ok(self.take(2, what)?.iter().fold(0, |sum, &byte| sum << 8 | usize::from(byte)))
    }

    fn u32(&mut self, what: &str) -> Result<u32, Error> {
        Ok(self.take(4, what)?.iter().fold(0, |sum, &byte| sum << 8 | u32::from(byte)))
    }

    /// Goes to the next JPEG marker and returns its code.
    fn marker(&mut self) -> Result<u8, Error> {
        loop {
            let rest = self.all.get(self.at..).unwrap_or_default();
            let end =
                || damaged(self.all.len(), "expected a JPEG marker, found the end of the file");
            let mark = memchr(0xff, rest).ok_or_else(end)?;
            let fill = rest[mark..].iter().take_while(|&&byte| byte == 0xff).count();
            let code = *rest.get(mark + fill).ok_or_else(end)?;
            self.at += mark + fill + 1;
            // A stuffed zero and the restart marks belong to the coded picture.
            if code != 0 && !(0xd0..=0xd7).contains(&code) {
                return Ok(code);
            }
        }
    }
}

fn jpeg(all: &[u8]) -> Result<Probe, Error> {
    let mut bytes = Bytes { all, at: 2 };
    let mut size = None;
    let mut scans = 0;
    let mut reoriented = false;
    loop {
        let code = bytes.marker()?;
        let start = bytes.at;
        match code {
            0xd9 => break,
            0x01 | 0xd8 => continue,
            _ => {}
        }
        let length = bytes.u16("a segment's length")?;
        let short =
            || damaged(start, format!("expected a segment length from 2 on, found {length}"));
        let body = length.checked_sub(2).ok_or_else(short)?;
        let segment = bytes.take(body, "a JPEG segment")?;
        match code {
            0xc0..=0xcf if !matches!(code, 0xc4 | 0xc8 | 0xcc) => {
                size = Some(frame_size(segment, start)?)
            }
            0xda => scans += 1,
            0xe1 => reoriented |= segment.strip_prefix(b"Exif\0\0").is_some_and(asks_to_turn),
            _ => {}
        }
    }
    let none =
        |what: &str| damaged(bytes.at, format!("expected {what} before the end mark, found none"));
    let (width, height) = size.ok_or_else(|| none("a frame header"))?;
    if scans == 0 {
        return Err(none("a scan"));
    }
    Ok(Probe { format: Format::Jpeg, width, height, reoriented })
}

fn frame_size(segment: &[u8], offset: usize) -> Result<(u32, u32), Error> {
    match segment {
        [_, h1, h0, w1, w0, ..] => {
            let height = u32::from(u16::from_be_bytes([*h1, *h0]));
            let width = u32::from(u16::from_be_bytes([*w1, *w0]));
            if width == 0 || height == 0 {
                return Err(damaged(offset, format!("expected a size, found {width}x{height}")));
            }
            Ok((width, height))
        }
        _ => Err(damaged(offset, "expected a frame header of at least 5 bytes")),
    }
}

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

fn png(all: &[u8]) -> Result<Probe, Error> {
    let mut bytes = Bytes { all, at: PNG_SIGNATURE.len() };
    let mut size = None;
    let mut reoriented = false;
    loop {
        let start = bytes.at;
        let length = bytes.u32("a chunk's length")? as usize;
        let kind_at = bytes.at;
        let kind = bytes.take(4, "a chunk's type")?;
        let data = bytes.take(length, "a PNG chunk")?;
        let stated = bytes.u32("a chunk's checksum")?;
        let found = crc32fast::hash(&all[kind_at..kind_at + 4 + length]);
        if stated != found {
            let what = format!(
                "chunk {} states checksum {stated:08x}, its bytes have {found:08x}",
                kind.escape_ascii()
            );
            return Err(damaged(start, what));
        }
        match (kind, size) {
            (b"IHDR", _) => size = Some(header_size(data, start)?),
            (_, None) => return Err(damaged(start, "expected the chunk IHDR first")),
            (b"eXIf", _) => reoriented |= asks_to_turn(data),
            (b"IEND", Some((width, height))) => {
                return Ok(Probe { format: Format::Png, width, height, reoriented });
            }
            _ => {}
        }
    }
}

fn header_size(data: &[u8], offset: usize) -> Result<(u32, u32), Error> {
    let mut bytes = Bytes { all: data, at: 0 };
    match (bytes.u32("the width"), bytes.u32("the height")) {
        (Ok(width), Ok(height)) if width > 0 && height > 0 => Ok((width, height)),
        _ => Err(damaged(offset, "expected a width and a height of at least 1 in IHDR")),
    }
}

fn asks_to_turn(exif: &[u8]) -> bool {
    Orientation::from_exif_chunk(exif).is_some_and(|found| found != Orientation::NoTransforms)
}
