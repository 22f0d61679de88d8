//! Reads what stands behind an opcode, and says which opcode it was when the file ends there.

use super::Error;
use super::payload::{Payload, Spelling};
use super::value::shown;

/// A place in the file, and the opcode at work.
pub(super) struct Cursor<'a> {
    file: &'a [u8],
    /// First byte not yet read.
    next: usize,
    /// Where the opcode stands.
    offset: usize,
    /// What it is called.
    opcode: &'static str,
    /// First byte after the last frame.
    frame_end: usize,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(file: &'a [u8]) -> Self {
        Self { file, next: 0, offset: 0, opcode: "", frame_end: 0 }
    }

    pub(super) fn file(&self) -> &'a [u8] {
        self.file
    }

    /// Where the opcode at work stands.
    pub(super) fn offset(&self) -> u64 {
        self.offset as u64
    }

    /// Takes the next opcode.
    pub(super) fn opcode(&mut self) -> Result<u8, Error> {
        self.offset = self.next;
        self.opcode = "the pickle";
        Ok(self.unsigned(1)? as u8)
    }

    pub(super) fn name_opcode(&mut self, name: &'static str) {
        self.opcode = name;
    }

    /// Takes the length of a frame: so many bytes of opcodes, to be read ahead at once.
    pub(super) fn frame(&mut self) -> Result<(), Error> {
        if self.offset < self.frame_end {
            return Err(self.expected("no other frame around it", "one".to_owned()));
        }
        let length = self.unsigned(8)?;
        self.frame_end = self.next.saturating_add(self.peek(length)?.len());
        Ok(())
    }

    /// Checks that the opcode at work ends in its frame, as every writer has it; behind one that does
    /// not Python would go on at another byte.
    pub(super) fn check_frame(&self) -> Result<(), Error> {
        if self.offset < self.frame_end && self.next > self.frame_end {
            let end = |byte: usize| format!("an end at byte {byte}");
            return Err(self.expected(&end(self.frame_end), end(self.next)));
        }
        Ok(())
    }

    /// The next `count` bytes, which stay to be read.
    fn peek(&self, count: u64) -> Result<&'a [u8], Error> {
        let rest = self.rest();
        let wanted = usize::try_from(count).ok().and_then(|count| rest.get(..count));
        wanted.ok_or_else(|| self.truncated(count))
    }

    fn take(&mut self, count: u64) -> Result<&'a [u8], Error> {
        let taken = self.peek(count)?;
        self.next = self.next.saturating_add(taken.len());
        Ok(taken)
    }

    fn rest(&self) -> &'a [u8] {
        self.file.get(self.next..).unwrap_or_default()
    }

    /// Checks that nothing is left.
    pub(super) fn end(&self) -> Result<(), Error> {
        match self.rest() {
            [] => Ok(()),
            rest => Err(Error::Trailing { offset: self.next as u64, found: rest.len() as u64 }),
        }
    }

    /// Takes the line up to the next line feed, which it leaves out.
    pub(super) fn line(&mut self) -> Result<&'a [u8], Error> {
        let rest = self.rest().len() as u64;
        let length = memchr::memchr(b'\n', self.rest());
        let line = self.take(length.map_or(rest, |length| length as u64))?;
        self.take(1)?;
        Ok(line)
    }

    /// The number that `line` spells.
    pub(super) fn number<T: std::str::FromStr>(&self, line: &[u8]) -> Result<T, Error> {
        let number = std::str::from_utf8(line).ok().and_then(|text| text.parse().ok());
        number
            .ok_or_else(|| self.expected("a number", format!("'{}'", shown(line.iter().copied()))))
    }

    /// Takes a line that numbers an entry of the memo.
    pub(super) fn key_line(&mut self) -> Result<u64, Error> {
        let line = self.line()?;
        self.number(line)
    }

    /// Takes a little-endian number of `width` bytes.
    pub(super) fn unsigned(&mut self, width: u64) -> Result<u64, Error> {
        Ok(self.take(width)?.iter().rev().fold(0, |sum, &byte| sum << 8 | u64::from(byte)))
    }

    /// Takes a little-endian number of up to 8 bytes in two's complement.
    pub(super) fn signed(&mut self, width: u64) -> Result<i64, Error> {
        let digits = self.take(width)?;
        let negative = digits.last().is_some_and(|&byte| byte >= 0x80);
        let mut word = if negative { [0xff; 8] } else { [0; 8] };
        word.iter_mut().zip(digits).for_each(|(place, digit)| *place = *digit);
        Ok(i64::from_le_bytes(word))
    }

    /// Takes a length of `width` bytes and leaps over that many.
    pub(super) fn sized(&mut self, width: u64, spelling: Spelling) -> Result<Payload, Error> {
        let length = self.unsigned(width)?;
        let start = self.next;
        let length = self.take(length)?.len();
        Payload::measure(self.file, start, length, spelling)
    }

    /// Takes a line of text.
    pub(super) fn unicode_line(&mut self) -> Result<Payload, Error> {
        let start = self.next;
        let length = self.line()?.len();
        Payload::measure(self.file, start, length, Spelling::RawUnicodeEscape)
    }

    /// Takes a line that is a string in quotes.
    pub(super) fn quoted_line(&mut self) -> Result<Payload, Error> {
        let start = self.next.saturating_add(1);
        match self.line()? {
            [b'\'', literal @ .., b'\''] | [b'"', literal @ .., b'"'] => {
                Payload::measure(self.file, start, literal.len(), Spelling::Repr)
            }
            line => {
                let found = shown(line.iter().copied());
                Err(self.expected("a string in quotes", found))
            }
        }
    }

    /// The error of an opcode that found something else than it works on.
    pub(super) fn expected(&self, expected: &str, found: String) -> Error {
        let expected = format!("{expected} for {}", self.opcode);
        Error::Expected { offset: self.offset(), expected, found }
    }

    fn truncated(&self, expected: u64) -> Error {
        let (offset, found) = (self.next as u64, self.rest().len() as u64);
        Error::Truncated { offset, opcode: self.opcode, expected, found }
    }
}
