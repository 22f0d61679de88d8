//! A `.rec` mapped into memory: record by record from the front, or any record by position or key.

use super::format::MAGIC;
use super::part::{Continuation, HEAD_BYTES, padding, parse_head};
use super::{Error, Header, Index};
use std::borrow::Cow;
use std::fs::File;
use std::path::Path;

/// A mapped `.rec`.
///
/// The file must not be shortened while it is open: the operating system would end the process at the
/// first read past the new end. Packs are replaced by renaming, which leaves an open file whole.
#[derive(Debug)]
pub struct Reader {
    map: memmap2::Mmap,
}

/// One record, its parts joined.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record<'a> {
    /// First byte of its first part.
    pub offset: u64,
    /// First byte after its padding.
    pub end: u64,
    /// Its bytes; borrowed from the file when it has one part.
    pub bytes: Cow<'a, [u8]>,
}

/// Where a part of a record lies, to look at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Part {
    /// Continuation flag, 0 to 3.
    pub flag: u32,
    /// Bytes without head and padding.
    pub length: u64,
}

impl Record<'_> {
    /// Parts the record into header and payload.
    ///
    /// # Errors
    /// [`Error::ShortHeader`] and [`Error::ShortLabels`].
    pub fn image(&self) -> Result<(Header, &[u8]), Error> {
        Header::parse(&self.bytes, self.offset)
    }

    /// The error of bytes after this record that no line of the index accounts for.
    pub fn unlisted_after(&self) -> Error {
        Error::Unlisted { offset: self.end, expected: "an indexed record", found: 1 }
    }
}

impl<'a> Record<'a> {
    /// The payload behind the header, borrowed where the record is.
    ///
    /// # Errors
    /// As [`Record::image`].
    pub fn into_payload(self) -> Result<Cow<'a, [u8]>, Error> {
        Ok(match self.bytes {
            Cow::Borrowed(bytes) => Cow::Borrowed(Header::parse(bytes, self.offset)?.1),
            Cow::Owned(bytes) => Cow::Owned(Header::parse(&bytes, self.offset)?.1.to_vec()),
        })
    }
}

impl Reader {
    /// Maps the file at `path`.
    ///
    /// # Errors
    /// [`Error::Io`], and [`Error::Empty`] for a file of no bytes.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path)?;
        if file.metadata()?.len() == 0 {
            return Err(Error::Empty);
        }
        #[allow(unsafe_code)]
        // SAFETY: the map is read-only; that the file must not shrink is said in the type's contract.
        let map = unsafe { memmap2::Mmap::map(&file) }?;
        Ok(Self { map })
    }

    /// Length of the file in bytes.
    pub fn length(&self) -> u64 {
        self.map.len() as u64
    }

    /// The file's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.map
    }

    /// Reads the record whose first part begins at `offset`.
    ///
    /// # Errors
    /// Any damage of its framing, with the byte.
    pub fn record_at(&self, offset: u64) -> Result<Record<'_>, Error> {
        let (continuation, bytes, mut end) = self.part_at(offset)?;
        match continuation {
            Continuation::Whole => return Ok(Record { offset, end, bytes: Cow::Borrowed(bytes) }),
            Continuation::First => {}
            Continuation::Middle | Continuation::Last => {
                return Err(Error::OrphanPart { offset, found: continuation.flag() });
            }
        }
        let mut joined = bytes.to_vec();
        loop {
            if end == self.length() {
                let found = "the end of the file";
                return Err(Error::Unfinished { offset: end, start: offset, found });
            }
            let (continuation, bytes, next) = self.part_at(end)?;
            if matches!(continuation, Continuation::Whole | Continuation::First) {
                let found = "the start of another record";
                return Err(Error::Unfinished { offset: end, start: offset, found });
            }
            joined.extend_from_slice(&MAGIC.to_le_bytes());
            joined.extend_from_slice(bytes);
            end = next;
            if continuation == Continuation::Last {
                return Ok(Record { offset, end, bytes: Cow::Owned(joined) });
            }
        }
    }

    /// Goes through all records from the front.
    pub fn records(&self) -> Records<'_> {
        Records { reader: self, next: 0 }
    }

    /// The parts of the record at `offset`.
    ///
    /// # Errors
    /// As [`Reader::record_at`].
    pub fn parts_at(&self, offset: u64) -> Result<Vec<Part>, Error> {
        let record_end = self.record_at(offset)?.end;
        let mut parts = Vec::new();
        let mut at = offset;
        while at < record_end {
            let (continuation, bytes, end) = self.part_at(at)?;
            parts.push(Part { flag: continuation.flag(), length: bytes.len() as u64 });
            at = end;
        }
        Ok(parts)
    }

    /// Lets the operating system drop the pages of `[from, to)` from this process's memory; they are
    /// read again from the file if needed. Keeps a pass over a large pack in bounded memory.
    pub fn release(&self, from: u64, to: u64) {
        let length = to.min(self.length()).saturating_sub(from);
        #[allow(unsafe_code)]
        // SAFETY: the map is a read-only view of a file, so dropped pages come back unchanged. A
        // refusal by the system only leaves the pages where they are.
        let _ = unsafe {
            self.map.unchecked_advise_range(
                memmap2::UncheckedAdvice::DontNeed,
                from as usize,
                length as usize,
            )
        };
    }

    /// Lets go of the pages between `released` and `end` once many have gathered, for a pass from the
    /// front; returns how many bytes that were.
    pub fn release_behind(&self, released: &mut u64, end: u64) -> u64 {
        let gathered = end.saturating_sub(*released);
        if gathered <= GATHERED_BYTES {
            return 0;
        }
        self.release(*released, end);
        *released = end;
        gathered
    }

    /// Reads one part: what it is, its bytes, and the first byte after its padding.
    fn part_at(&self, offset: u64) -> Result<(Continuation, &[u8], u64), Error> {
        let head = self.slice(offset, HEAD_BYTES, "a record head")?;
        let head = *head.first_chunk::<8>().expect("a head has eight bytes");
        let (continuation, length) = parse_head(head, offset)?;
        let start = offset.saturating_add(HEAD_BYTES);
        let bytes = self.slice(start, length, "record data")?;
        let pad_at = start.saturating_add(length);
        let pad = self.slice(pad_at, padding(length), "padding")?;
        if let Some((at, &found)) = pad.iter().enumerate().find(|(_, byte)| **byte != 0) {
            return Err(Error::BadPadding { offset: pad_at.saturating_add(at as u64), found });
        }
        Ok((continuation, bytes, pad_at.saturating_add(pad.len() as u64)))
    }

    fn slice(&self, offset: u64, length: u64, what: &'static str) -> Result<&[u8], Error> {
        let rest = usize::try_from(offset).ok().and_then(|from| self.map.get(from..));
        let rest = rest.unwrap_or_default();
        let wanted = usize::try_from(length).ok().and_then(|length| rest.get(..length));
        wanted.ok_or(Error::Truncated { offset, what, expected: length, found: rest.len() as u64 })
    }
}

/// Bytes that stay mapped behind a pass.
const GATHERED_BYTES: u64 = 64 << 20;

/// Iterates over the records of a [`Reader`]; ends after the first error.
#[derive(Debug)]
pub struct Records<'a> {
    reader: &'a Reader,
    next: u64,
}

impl<'a> Iterator for Records<'a> {
    type Item = Result<Record<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.next >= self.reader.length() {
            return None;
        }
        let record = self.reader.record_at(self.next);
        self.next = record.as_ref().map_or(u64::MAX, |record| record.end);
        Some(record)
    }
}

/// A `.rec` with its `.idx`.
#[derive(Debug)]
pub struct IndexedReader {
    reader: Reader,
    index: Index,
}

impl IndexedReader {
    /// Opens both files; memory is that of the index alone.
    ///
    /// # Errors
    /// Damage of the index, an offset outside the `.rec`, and bytes before the first or after the last
    /// record that no line lists.
    pub fn open(rec: &Path, idx: &Path) -> Result<Self, Error> {
        let index = Index::open(idx)?;
        let opened = Self { reader: Reader::open(rec)?, index };
        opened.check_bounds()?;
        Ok(opened)
    }

    fn check_bounds(&self) -> Result<(), Error> {
        let length = self.reader.length();
        let outside = self.index.offsets().iter().position(|&offset| offset >= length);
        if let Some(position) = outside {
            let listed = "the position is one of the index";
            let key = self.index.key(position).expect(listed);
            let offset = self.index.offset(position).expect(listed);
            return Err(Error::OffsetOutside { position: position as u64, key, offset, length });
        }
        let first = self.index.offsets().iter().min().copied().unwrap_or_default();
        if first > 0 {
            return Err(Error::Unlisted { offset: 0, expected: "an indexed record", found: first });
        }
        let last = self.index.offsets().iter().max().copied().unwrap_or_default();
        let end = self.reader.record_at(last)?.end;
        if end < length {
            let expected = "the end of the file";
            let found = length.saturating_sub(end);
            return Err(Error::Unlisted { offset: end, expected, found });
        }
        Ok(())
    }

    /// The mapped `.rec`.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// Reads the record on line `position` of the index, from 0.
    ///
    /// # Errors
    /// [`Error::NoSuchPosition`] or damage of the record.
    pub fn get(&self, position: usize) -> Result<Record<'_>, Error> {
        let count = self.index.len() as u64;
        let offset = self
            .index
            .offset(position)
            .ok_or(Error::NoSuchPosition { position: position as u64, count })?;
        self.reader.record_at(offset)
    }

    /// Reads the record with `key`.
    ///
    /// # Errors
    /// [`Error::NoSuchKey`] or damage of the record.
    pub fn get_key(&self, key: u64) -> Result<Record<'_>, Error> {
        let count = self.index.len() as u64;
        let position = self.index.position(key).ok_or(Error::NoSuchKey { key, count })?;
        self.get(position)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Writer;
    use std::io::Write;

    fn mapped(bytes: &[u8]) -> Reader {
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(bytes).unwrap();
        Reader::open(file.path()).unwrap()
    }

    #[test]
    fn records_come_back_with_the_magic_words_inside_them() {
        let magic = MAGIC.to_le_bytes();
        let records =
            [vec![], b"abc".to_vec(), magic.to_vec(), [magic, magic].concat(), vec![7; 1 << 20]];
        let mut writer = Writer::new(Vec::new());
        records.iter().for_each(|record| _ = writer.append_raw(record).unwrap());
        let reader = mapped(&writer.into_inner());
        let read: Vec<_> = reader.records().map(|record| record.unwrap().bytes).collect();
        assert_eq!(read, records);
    }

    #[test]
    fn a_record_without_its_last_part_is_an_error_and_not_lost() {
        let reader = mapped(b"\x0a\x23\xd7\xce\x04\0\0\x20abcd");
        let error = reader.records().next().unwrap().unwrap_err();
        assert!(matches!(error, Error::Unfinished { offset: 12, start: 0, .. }), "{error}");
    }

    #[test]
    fn a_length_beyond_the_file_allocates_nothing() {
        let reader = mapped(b"\x0a\x23\xd7\xce\xff\xff\xff\x1f1234");
        let error = reader.record_at(0).unwrap_err();
        assert!(matches!(error, Error::Truncated { offset: 8, found: 4, .. }), "{error}");
    }
}
