//! Whether a shared library's file is whole.
//!
//! The system's loader maps a library without looking at the file's length, and a process that touches
//! the part that is missing is killed; so the length is checked before anything is loaded.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

/// Why a file is no library to load.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// It cannot be read.
    #[error("cannot read it")]
    Io(#[from] io::Error),
    /// It is something else than a file.
    #[error("expected a file, found a folder or device")]
    NotAFile,
    /// It is no library, or one for another machine.
    #[error("expected a 64-bit shared library for this machine, found {found}")]
    Foreign {
        /// What it is.
        found: String,
    },
    /// The file ends before the library does.
    #[error("expected {expected} bytes or more, found {found}; the library is cut short")]
    CutShort {
        /// Where the library ends.
        expected: u64,
        /// Length of the file.
        found: u64,
    },
}

const HEADER_BYTES: usize = 64;
const SEGMENT_BYTES: u64 = 56;
/// 64 bits, least byte first, version 1.
const IDENTITY: &[u8] = b"\x7fELF\x02\x01\x01";
const LOAD: u32 = 1;
/// The number of this machine in the header.
const MACHINE: u16 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };

fn word<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    bytes.get(at..).and_then(|rest| rest.first_chunk()).copied().unwrap_or([0; N])
}

/// Checks that the library at `path` is for this machine and that its file holds all its segments. On
/// systems whose libraries have another format only that it is a file.
///
/// # Errors
/// What it is instead.
pub fn check(path: &Path) -> Result<(), Error> {
    let mut file = File::open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(Error::NotAFile);
    }
    if !cfg!(target_os = "linux") {
        return Ok(());
    }
    let length = metadata.len();
    let mut header = Vec::new();
    Read::by_ref(&mut file).take(HEADER_BYTES as u64).read_to_end(&mut header)?;
    if !header.starts_with(IDENTITY) || header.len() < HEADER_BYTES {
        return Err(Error::Foreign { found: format!("{length} bytes of another format") });
    }
    let machine = u16::from_le_bytes(word(&header, 18));
    if machine != MACHINE {
        return Err(Error::Foreign { found: format!("one for machine {machine} of the ELF list") });
    }
    let table = u64::from_le_bytes(word(&header, 32));
    let count = u64::from(u16::from_le_bytes(word(&header, 56)));
    let mut expected = table.saturating_add(count.saturating_mul(SEGMENT_BYTES));
    if expected <= length {
        file.seek(SeekFrom::Start(table))?;
        for _ in 0..count {
            let mut segment = [0; SEGMENT_BYTES as usize];
            file.read_exact(&mut segment)?;
            if u32::from_le_bytes(word(&segment, 0)) == LOAD {
                let (start, bytes) = (word(&segment, 8), word(&segment, 32));
                let end = u64::from_le_bytes(start).saturating_add(u64::from_le_bytes(bytes));
                expected = expected.max(end);
            }
        }
    }
    if expected > length {
        return Err(Error::CutShort { expected, found: length });
    }
    Ok(())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_library_is_whole_until_a_byte_of_a_segment_is_missing() {
        let own = std::env::current_exe().unwrap();
        check(&own).unwrap();
        let copy = tempfile::NamedTempFile::new().unwrap();
        let whole = std::fs::read(own).unwrap();
        for length in [HEADER_BYTES, HEADER_BYTES * 2, 4096] {
            std::fs::write(copy.path(), whole.get(..length).unwrap()).unwrap();
            let error = check(copy.path()).unwrap_err();
            assert!(matches!(error, Error::CutShort { .. }), "{length}: {error}");
        }
        std::fs::write(copy.path(), whole.get(..HEADER_BYTES - 1).unwrap()).unwrap();
        assert!(matches!(check(copy.path()), Err(Error::Foreign { .. })));
    }
}
