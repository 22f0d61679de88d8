//! Bytes of a pickle that stay in the file, and the four ways in which they are spelt there.

use super::Error;
use std::borrow::Cow;

/// Where the bytes of one image stand in the file, and how they are spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::datasets) struct Payload {
    start: usize,
    length: usize,
    size: usize,
    spelling: Spelling,
}

/// How bytes are spelt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Spelling {
    /// As they are.
    Raw,
    /// As the characters U+0000 to U+00FF in UTF-8: Python 3 in protocols 1 and 2.
    Utf8,
    /// As these characters in Latin-1, some as `\u005c`: Python 3 in protocol 0.
    RawUnicodeEscape,
    /// As in a literal of Python 2, without its quotes: Python 2 in protocol 0.
    Repr,
}

impl Payload {
    /// Measures what stands at `start` for `length` bytes.
    ///
    /// # Errors
    /// [`Error::Expected`] with the byte that the spelling does not have.
    pub(super) fn measure(
        file: &[u8],
        start: usize,
        length: usize,
        spelling: Spelling,
    ) -> Result<Self, Error> {
        let payload = Self { start, length, size: length, spelling };
        if spelling == Spelling::Raw {
            return Ok(payload);
        }
        let mut decoder = payload.decoder(file);
        let size = decoder.by_ref().count();
        match decoder.rest {
            [] => Ok(Self { size, ..payload }),
            [byte, ..] => Err(Error::Expected {
                offset: start.saturating_add(length).saturating_sub(decoder.rest.len()) as u64,
                expected: spelling.characters().to_owned(),
                found: format!("the byte {byte:#04x}"),
            }),
        }
    }

    /// How many bytes they are.
    pub(in crate::datasets) fn size(&self) -> usize {
        self.size
    }

    /// The bytes; borrowed from `file`, the one that was parsed, where they stand there as they are.
    ///
    /// # Errors
    /// [`Error::Truncated`] for another file that is shorter.
    pub(in crate::datasets) fn bytes<'a>(&self, file: &'a [u8]) -> Result<Cow<'a, [u8]>, Error> {
        let stored = self.stored(file).ok_or_else(|| Error::Truncated {
            offset: self.start as u64,
            opcode: "an image",
            expected: self.length as u64,
            found: file.len().saturating_sub(self.start) as u64,
        })?;
        // Every escape is longer than its byte, so with as many bytes as characters there is none.
        if self.size == self.length {
            return Ok(Cow::Borrowed(stored));
        }
        let mut bytes = Vec::with_capacity(self.size);
        bytes.extend(self.decoder(file));
        Ok(Cow::Owned(bytes))
    }

    /// Goes through the bytes.
    pub(super) fn decoder<'a>(&self, file: &'a [u8]) -> Decoder<'a> {
        let rest = self.stored(file).unwrap_or_default();
        Decoder { rest, spelling: self.spelling }
    }

    /// Whether the bytes are those of `word`.
    pub(super) fn is(&self, file: &[u8], word: &str) -> bool {
        self.size == word.len() && self.decoder(file).eq(word.bytes())
    }

    fn stored<'a>(&self, file: &'a [u8]) -> Option<&'a [u8]> {
        file.get(self.start..self.start.checked_add(self.length)?)
    }
}

impl Spelling {
    fn characters(self) -> &'static str {
        match self {
            Self::Raw => "bytes",
            Self::Utf8 => "UTF-8 text of characters up to U+00FF",
            Self::RawUnicodeEscape => "text of characters up to U+00FF, a backslash as \\u005c",
            Self::Repr => "a string as python 2 prints it",
        }
    }
}

/// The bytes of a payload; it ends before `rest` does where the spelling is broken.
pub(super) struct Decoder<'a> {
    rest: &'a [u8],
    spelling: Spelling,
}

impl Iterator for Decoder<'_> {
    type Item = u8;

    fn next(&mut self) -> Option<u8> {
        let (byte, rest) = match self.spelling {
            Spelling::Raw => self.rest.split_first().map(|(&byte, rest)| (byte, rest)),
            Spelling::Utf8 => utf8(self.rest),
            Spelling::RawUnicodeEscape => raw_unicode_escape(self.rest),
            Spelling::Repr => repr(self.rest),
        }?;
        self.rest = rest;
        Some(byte)
    }
}

/// U+0080 to U+00FF are `110000ab 10cdefgh` for `abcdefgh`.
fn utf8(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [ascii @ ..0x80, rest @ ..] => Some((*ascii, rest)),
        [lead @ 0xc2..=0xc3, next @ 0x80..=0xbf, rest @ ..] => {
            Some((lead << 6 | next & 0b0011_1111, rest))
        }
        _ => None,
    }
}

fn raw_unicode_escape(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [b'\\', b'u', b'0', b'0', high, low, rest @ ..] => Some((hex(*high, *low)?, rest)),
        [b'\\', ..] | [] => None,
        [byte, rest @ ..] => Some((*byte, rest)),
    }
}

fn repr(text: &[u8]) -> Option<(u8, &[u8])> {
    match text {
        [b'\\', b'x', high, low, rest @ ..] => Some((hex(*high, *low)?, rest)),
        [b'\\', b'n', rest @ ..] => Some((b'\n', rest)),
        [b'\\', b'r', rest @ ..] => Some((b'\r', rest)),
        [b'\\', b't', rest @ ..] => Some((b'\t', rest)),
        [b'\\', byte @ (b'\\' | b'\'' | b'"'), rest @ ..] => Some((*byte, rest)),
        [b'\\', ..] | [] => None,
        [byte, rest @ ..] => Some((*byte, rest)),
    }
}

fn hex(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}
