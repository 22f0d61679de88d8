//! The parts of a record: their heads, and how a record is cut into them.

use super::Error;
use super::format::{MAGIC, MAX_RECORD_BYTES};

/// Bytes of a part's head.
pub(super) const HEAD_BYTES: u64 = 8;

const WORD: usize = 4;

/// The bits of a length that padding makes zero.
const PADDING_MASK: u64 = 3;

/// What a part is of its record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Continuation {
    Whole,
    First,
    Middle,
    Last,
}

impl Continuation {
    /// The number in the top three bits of the length word.
    pub(super) fn flag(self) -> u32 {
        match self {
            Self::Whole => 0,
            Self::First => 1,
            Self::Middle => 2,
            Self::Last => 3,
        }
    }
}

/// Reads a part's head: its continuation and its length in bytes.
pub(super) fn parse_head(head: [u8; 8], offset: u64) -> Result<(Continuation, u64), Error> {
    let [a, b, c, d, e, f, g, h] = head;
    let magic = u32::from_le_bytes([a, b, c, d]);
    if magic != MAGIC {
        return Err(Error::BadMagic { offset, found: magic });
    }
    let word = u32::from_le_bytes([e, f, g, h]);
    let continuation = match word >> 29 {
        0 => Continuation::Whole,
        1 => Continuation::First,
        2 => Continuation::Middle,
        3 => Continuation::Last,
        found => return Err(Error::BadFlag { offset, found }),
    };
    Ok((continuation, u64::from(word & 0x1fff_ffff)))
}

/// Appends `record` to `out` as it stands in a `.rec`: parted at every magic word at a multiple of
/// four from the record's own start, and padded.
///
/// # Errors
/// [`Error::TooLong`] from [`MAX_RECORD_BYTES`] on.
pub fn frame(record: &[u8], out: &mut Vec<u8>) -> Result<(), Error> {
    if record.len() as u64 >= MAX_RECORD_BYTES {
        return Err(Error::TooLong { length: record.len() as u64 });
    }
    let magic = MAGIC.to_le_bytes();
    let (words, tail) = record.as_chunks::<WORD>();
    let mut begun = false;
    let mut rest = words;
    while let Some(at) = rest.iter().position(|word| *word == magic) {
        let (before, from_magic) = rest.split_at(at);
        let continuation = if begun { Continuation::Middle } else { Continuation::First };
        push_part(continuation, before.as_flattened(), &[], out);
        begun = true;
        rest = from_magic.split_first().map_or(&[], |(_, after)| after);
    }
    let continuation = if begun { Continuation::Last } else { Continuation::Whole };
    push_part(continuation, rest.as_flattened(), tail, out);
    Ok(())
}

fn push_part(continuation: Continuation, words: &[u8], tail: &[u8], out: &mut Vec<u8>) {
    let length = words.len().saturating_add(tail.len());
    out.extend_from_slice(&MAGIC.to_le_bytes());
    out.extend_from_slice(&(continuation.flag() << 29 | length as u32).to_le_bytes());
    out.extend_from_slice(words);
    out.extend_from_slice(tail);
    out.resize(out.len().saturating_add(padding(length as u64) as usize), 0);
}

/// Zeros after a part of `length` bytes.
pub(super) fn padding(length: u64) -> u64 {
    length.wrapping_neg() & PADDING_MASK
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_padded_to_four_bytes() {
        let mut out = Vec::new();
        frame(b"abcde", &mut out).unwrap();
        assert_eq!(out, b"\x0a\x23\xd7\xce\x05\0\0\0abcde\0\0\0");
    }

    #[test]
    fn an_aligned_magic_parts_the_record_and_is_dropped() {
        let mut out = Vec::new();
        frame(b"\x0a\x23\xd7\xcex", &mut out).unwrap();
        assert_eq!(out, b"\x0a\x23\xd7\xce\0\0\0\x20\x0a\x23\xd7\xce\x01\0\0\x60x\0\0\0");
    }

    #[test]
    fn an_unaligned_magic_stays() {
        let mut out = Vec::new();
        frame(b"x\x0a\x23\xd7\xce", &mut out).unwrap();
        assert_eq!(out, b"\x0a\x23\xd7\xce\x05\0\0\0x\x0a\x23\xd7\xce\0\0\0");
    }
}
