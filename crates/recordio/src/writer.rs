//! Records to a `.rec`, one after another.

use super::{Error, Header, frame};
use std::io::Write;

/// Appends records to a file and knows their offsets.
#[derive(Debug)]
pub struct Writer<W> {
    out: W,
    offset: u64,
    framed: Vec<u8>,
}

impl<W: Write> Writer<W> {
    /// Starts at byte 0 of `out`.
    pub fn new(out: W) -> Self {
        Self { out, offset: 0, framed: Vec::new() }
    }

    /// Goes on at byte `offset` of `out`, where it ends.
    pub fn resume(out: W, offset: u64) -> Self {
        Self { out, offset, framed: Vec::new() }
    }

    /// Writes an image record and returns its offset.
    ///
    /// # Errors
    /// [`Error::TooLong`] and [`Error::Io`].
    pub fn append(&mut self, header: &Header, payload: &[u8]) -> Result<u64, Error> {
        let mut record = header.to_bytes();
        record.extend_from_slice(payload);
        self.append_raw(&record)
    }

    /// Writes a record's bytes, with whatever header they have, and returns its offset.
    ///
    /// # Errors
    /// As [`Writer::append`].
    pub fn append_raw(&mut self, record: &[u8]) -> Result<u64, Error> {
        let mut framed = std::mem::take(&mut self.framed);
        framed.clear();
        frame(record, &mut framed)?;
        let offset = self.append_framed(&framed)?;
        self.framed = framed;
        Ok(offset)
    }

    /// Writes bytes that stand in a `.rec` already, or were cut into parts by [`frame`], and returns their
    /// offset.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn append_framed(&mut self, framed: &[u8]) -> Result<u64, Error> {
        let offset = self.offset;
        self.out.write_all(framed)?;
        self.offset = offset.saturating_add(framed.len() as u64);
        Ok(offset)
    }

    /// Bytes in the file so far.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The output, to be flushed.
    pub fn get_mut(&mut self) -> &mut W {
        &mut self.out
    }

    /// Gives the output back.
    pub fn into_inner(self) -> W {
        self.out
    }
}
