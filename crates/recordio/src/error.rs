//! What can be wrong with a `.rec` or an `.idx`, each with the byte where it was found.

use super::format::{MAGIC, MAX_RECORD_BYTES};

/// Damage in a `.rec` file, or between it and its index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file could not be opened, mapped or written.
    #[error("cannot read or write")]
    Io(#[from] std::io::Error),
    /// The `.rec` has no bytes.
    #[error("byte 0: expected a record, found an empty file")]
    Empty,
    /// A part does not begin with the magic word.
    #[error("byte {offset}: expected the record magic {MAGIC:#010x}, found {found:#010x}")]
    BadMagic {
        /// First byte of the part.
        offset: u64,
        /// The word that stands there.
        found: u32,
    },
    /// The file ends inside a part.
    #[error(
        "byte {offset}: expected {expected} bytes of {what}, found {found} before the file ends"
    )]
    Truncated {
        /// Where the missing thing begins.
        offset: u64,
        /// What it is.
        what: &'static str,
        /// Its length.
        expected: u64,
        /// The bytes that are there.
        found: u64,
    },
    /// The continuation flag is none of 0 (whole), 1 (first), 2 (middle), 3 (last).
    #[error("byte {offset}: expected a continuation flag of 0 to 3, found {found}")]
    BadFlag {
        /// First byte of the part.
        offset: u64,
        /// The flag.
        found: u32,
    },
    /// A middle or last part stands where a record must begin.
    #[error(
        "byte {offset}: expected the first part of a record, found a continued part (flag {found})"
    )]
    OrphanPart {
        /// First byte of the part.
        offset: u64,
        /// Its continuation flag.
        found: u32,
    },
    /// A record was begun and another begins, or the file ends, before its last part.
    #[error(
        "byte {offset}: expected the next part of the record begun at byte {start}, found {found}"
    )]
    Unfinished {
        /// Where the next part should stand.
        offset: u64,
        /// First byte of the record.
        start: u64,
        /// What stands there instead.
        found: &'static str,
    },
    /// The bytes that fill a part to a multiple of four are not zero.
    #[error("byte {offset}: expected zero padding after the record, found {found:#04x}")]
    BadPadding {
        /// The byte.
        offset: u64,
        /// Its value.
        found: u8,
    },
    /// A record is shorter than an image header.
    #[error("byte {offset}: expected an image header of 24 bytes, found a record of {found} bytes")]
    ShortHeader {
        /// First byte of the record.
        offset: u64,
        /// Its length.
        found: u64,
    },
    /// A header announces more labels than its record holds.
    #[error("byte {offset}: expected {expected} labels after the header, found room for {found}")]
    ShortLabels {
        /// First byte of the record.
        offset: u64,
        /// Labels announced.
        expected: u64,
        /// Labels that fit.
        found: u64,
    },
    /// A record does not fit the 29 bits of its length.
    #[error("expected a record shorter than {MAX_RECORD_BYTES} bytes, found one of {length}")]
    TooLong {
        /// Its length in bytes.
        length: u64,
    },
    /// An index line points outside the `.rec`.
    #[error(
        "position {position} (key {key}): the index points at byte {offset}, the .rec has {length} \
         bytes"
    )]
    OffsetOutside {
        /// Line of the index, from 0.
        position: u64,
        /// Its key.
        key: u64,
        /// Where it points.
        offset: u64,
        /// Length of the `.rec`.
        length: u64,
    },
    /// There are bytes of the `.rec` that no index line accounts for.
    #[error(
        "byte {offset}: expected {expected}, found {found} or more bytes that the index does not \
         list"
    )]
    Unlisted {
        /// First byte not accounted for.
        offset: u64,
        /// What should stand there.
        expected: &'static str,
        /// Number of bytes.
        found: u64,
    },
    /// No index line has the key.
    #[error("key {key}: not in the index of {count} records")]
    NoSuchKey {
        /// The key looked for.
        key: u64,
        /// Records in the index.
        count: u64,
    },
    /// The index has no such line.
    #[error("position {position}: the index has {count} records, from position 0")]
    NoSuchPosition {
        /// The position looked for.
        position: u64,
        /// Records in the index.
        count: u64,
    },
    /// The index itself is damaged.
    #[error("the index is damaged")]
    Index(#[from] IndexError),
}

/// Damage in an `.idx` file.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// The file could not be read.
    #[error("cannot read the index")]
    Io(#[from] std::io::Error),
    /// A line is not `key TAB offset LF`.
    #[error("byte {offset} (line {line}): expected {expected}, found {found}")]
    BadLine {
        /// The byte in the `.idx`.
        offset: u64,
        /// The line, from 1.
        line: u64,
        /// What should stand there.
        expected: &'static str,
        /// What does.
        found: String,
    },
    /// A key stands twice, and a reader would lose one of the records.
    #[error("byte {offset} (line {line}): key {key} stands already on line {first_line}")]
    DuplicateKey {
        /// First byte of the later line in the `.idx`.
        offset: u64,
        /// The later line, from 1.
        line: u64,
        /// The key.
        key: u64,
        /// The earlier line, from 1.
        first_line: u64,
    },
    /// The index lists nothing.
    #[error("byte 0 (line 1): expected a line of key and offset, found an empty index")]
    Empty,
}
