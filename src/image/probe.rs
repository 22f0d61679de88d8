//! What a picture file says of itself, and whether it is all there, without decoding it.

use super::{Error, Format, MAX_EDGE_PX};
use crate::limits::{self, Limits};
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
/// [`Error::Empty`], [`Error::UnknownFormat`], [`Error::Damaged`], and [`Error::TooLarge`],
/// [`Error::TooManyPixels`] and [`Error::TooManyScans`] for one beyond the budgets of this process.
pub fn probe(bytes: &[u8]) -> Result<Probe, Error> {
    probe_within(bytes, &limits::current())
}

/// The same within other budgets.
///
/// # Errors
/// As [`probe`].
pub fn probe_within(bytes: &[u8], limits: &Limits) -> Result<Probe, Error> {
    let found = if bytes.starts_with(b"\xff\xd8") {
        jpeg(bytes, limits.scans)?
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
    if u64::from(width) * u64::from(height) > limits.pixels {
        return Err(Error::TooManyPixels { width, height, limit: limits.pixels });
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

fn jpeg(all: &[u8], most_scans: u64) -> Result<Probe, Error> {
    let mut bytes = Bytes { all, at: 2 };
    let mut size = None;
    let mut scans = 0u64;
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
                // Decoders differ in which of two they believe.
                if size.is_some() {
                    return Err(damaged(start, "expected one frame header, found a second"));
                }
                size = Some(frame_size(segment, start)?)
            }
            0xda => {
                scans += 1;
                if scans > most_scans {
                    return Err(Error::TooManyScans { offset: start as u64, limit: most_scans });
                }
            }
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

/// One chunk of a PNG.
struct Chunk<'a> {
    /// Where its length stands.
    start: usize,
    kind: &'a [u8],
    data: &'a [u8],
    checksum: u32,
}

impl<'a> Bytes<'a> {
    fn chunk(&mut self) -> Result<Chunk<'a>, Error> {
        let start = self.at;
        let length = self.u32("a chunk's length")? as usize;
        let kind = self.take(4, "a chunk's type")?;
        let data = self.take(length, "a PNG chunk")?;
        Ok(Chunk { start, kind, data, checksum: self.u32("a chunk's checksum")? })
    }
}

impl Chunk<'_> {
    fn check(&self, all: &[u8]) -> Result<(), Error> {
        let kind_at = self.start + 4;
        let found = crc32fast::hash(&all[kind_at..kind_at + 4 + self.data.len()]);
        match self.checksum == found {
            true => Ok(()),
            false => Err(damaged(
                self.start,
                format!(
                    "chunk {} states checksum {:08x}, its bytes have {found:08x}",
                    self.kind.escape_ascii(),
                    self.checksum
                ),
            )),
        }
    }

    /// Whether it decides what the pixels are: colour profiles, texts and animations do not.
    fn makes_pixels(&self) -> bool {
        let is_critical = self.kind.first().is_some_and(u8::is_ascii_uppercase);
        is_critical || self.kind == b"tRNS"
    }
}

fn png(all: &[u8]) -> Result<Probe, Error> {
    let mut bytes = Bytes { all, at: PNG_SIGNATURE.len() };
    let mut size = None;
    let mut reoriented = false;
    loop {
        let chunk = bytes.chunk()?;
        chunk.check(all)?;
        let Chunk { start, kind, data, .. } = chunk;
        match (kind, size) {
            (b"IHDR", None) => size = Some(header_size(data, start)?),
            (b"IHDR", Some(_)) => {
                return Err(damaged(start, "expected one chunk IHDR, found a second"));
            }
            (_, None) => return Err(damaged(start, "expected the chunk IHDR first")),
            (b"PLTE", _) => check_palette(data, start)?,
            (b"eXIf", _) => reoriented |= asks_to_turn(data),
            (b"IEND", Some((width, height))) => {
                return Ok(Probe { format: Format::Png, width, height, reoriented });
            }
            _ => {}
        }
    }
}

/// Bytes of an entry of a palette, and the most entries.
const ENTRY_BYTES: usize = 3;
const MOST_ENTRIES: usize = 256;

/// Refuses a palette that ends inside an entry, which a decoder may take for one, or that has too many.
fn check_palette(data: &[u8], offset: usize) -> Result<(), Error> {
    let entries = data.len() / ENTRY_BYTES;
    match data.len().is_multiple_of(ENTRY_BYTES) && (1..=MOST_ENTRIES).contains(&entries) {
        true => Ok(()),
        false => {
            let found = data.len();
            let expected =
                format!("expected 1 to {MOST_ENTRIES} entries of {ENTRY_BYTES} bytes in PLTE");
            Err(damaged(offset, format!("{expected}, found {found} bytes")))
        }
    }
}

/// A PNG without the chunks that decide no pixel, some of which a decoder would inflate whatever they
/// become.
///
/// # Errors
/// [`Error::Damaged`] where a chunk is cut short.
pub(super) fn png_pixel_chunks(all: &[u8]) -> Result<Vec<u8>, Error> {
    let mut bytes = Bytes { all, at: PNG_SIGNATURE.len() };
    let mut kept = Vec::with_capacity(all.len());
    kept.extend_from_slice(PNG_SIGNATURE);
    loop {
        let chunk = bytes.chunk()?;
        if chunk.makes_pixels() {
            kept.extend_from_slice(&all[chunk.start..bytes.at]);
        }
        if chunk.kind == b"IEND" {
            return Ok(kept);
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

#[cfg(test)]
mod tests {
    use super::*;

    /// A grey JPEG of one scan, with what stands before its end mark.
    fn jpeg_with(more: &[u8]) -> Vec<u8> {
        let tables = [&b"\xff\xdb\0\x43\0"[..], &[1; 64]].concat();
        let frame = b"\xff\xc0\0\x0b\x08\0\x08\0\x08\x01\x01\x11\0";
        let scan = b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\0";
        [&b"\xff\xd8"[..], &tables, frame, scan, more, b"\xff\xd9"].concat()
    }

    #[test]
    fn a_second_frame_header_is_refused() {
        assert!(probe(&jpeg_with(b"")).is_ok());
        let error =
            probe(&jpeg_with(b"\xff\xc0\0\x0b\x08\x9c\x40\x9c\x40\x01\x01\x11\0")).unwrap_err();
        assert!(error.to_string().contains("found a second"), "{error}");
    }

    #[test]
    fn a_picture_beyond_a_budget_is_refused_with_the_setting_that_changes_it() {
        let jpeg = jpeg_with(b"\xff\xda\0\x08\x01\x01\0\0\x3f\0\0");
        let within = |pixels, scans| {
            let limits = Limits { pixels, scans, inflated: 0 };
            probe_within(&jpeg, &limits).map_err(|error| error.to_string())
        };
        assert!(within(64, 2).is_ok());
        let error = within(63, 2).unwrap_err();
        assert!(
            error.contains("8x8, 64 pixels; at most 63") && error.contains("limits.pixels"),
            "{error}"
        );
        let error = within(64, 1).unwrap_err();
        assert!(error.contains("scan 2") && error.contains("limits.scans"), "{error}");
    }

    fn chunk(kind: &[u8], data: &[u8]) -> Vec<u8> {
        let body = [kind, data].concat();
        let checksum = crc32fast::hash(&body).to_be_bytes();
        [&(data.len() as u32).to_be_bytes()[..], &body, &checksum].concat()
    }

    #[test]
    fn a_palette_that_ends_inside_an_entry_is_refused() {
        let header = chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 3, 0, 0, 0]);
        let with = |palette: &[u8]| {
            let parts = [header.clone(), chunk(b"PLTE", palette), chunk(b"IEND", b"")];
            probe(&[PNG_SIGNATURE, &parts.concat()].concat()).map_err(|error| error.to_string())
        };
        assert!(with(&[0; 6]).is_ok() && with(&[0; 768]).is_ok());
        for length in [0, 1, 49, 771] {
            let error = with(&vec![0; length]).unwrap_err();
            assert!(error.contains("entries of 3 bytes in PLTE"), "{length}: {error}");
        }
    }

    #[test]
    fn a_decoder_sees_the_chunks_alone_that_make_pixels() {
        let header = chunk(b"IHDR", &[0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
        let parts =
            [header.clone(), chunk(b"iCCP", b"x"), chunk(b"tRNS", b"y"), chunk(b"IEND", b"")];
        let whole = [PNG_SIGNATURE, &parts.concat()].concat();
        let kept = [PNG_SIGNATURE, &parts[0], &parts[2], &parts[3]].concat();
        assert_eq!(png_pixel_chunks(&whole).unwrap(), kept);
        let twice = [PNG_SIGNATURE, &header, &header, &parts[3]].concat();
        assert!(probe(&twice).unwrap_err().to_string().contains("found a second"));
    }
}
