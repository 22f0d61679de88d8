//! A file that is hashed as it is written.

use crate::fs::{create_own, io_error, open_own};
use crate::pack::Error;
use crate::pack::digest::FileDigest;
use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};

/// Buffers, hashes and writes one file of a pack.
pub(in crate::pack) struct Output {
    file: File,
    path: PathBuf,
    buffer: Vec<u8>,
    hasher: blake3::Hasher,
    bytes: u64,
}

/// Bytes gathered before they are hashed and written.
const BUFFER_BYTES: usize = 1 << 20;

impl Output {
    /// Starts the file anew.
    pub(in crate::pack) fn create(path: &Path) -> Result<Self, Error> {
        let file = create_own(path)?;
        let buffer = Vec::with_capacity(BUFFER_BYTES);
        let hasher = blake3::Hasher::new();
        Ok(Self { file, path: path.to_path_buf(), buffer, hasher, bytes: 0 })
    }

    /// Goes on after the first `keep` bytes of the file and drops what follows them.
    pub(in crate::pack) fn resume(path: &Path, keep: u64) -> Result<Self, Error> {
        let mut hasher = blake3::Hasher::new();
        let mut file = open_own(path)?;
        let read = file.set_len(keep).and_then(|()| std::io::copy(&mut file, &mut hasher));
        read.map_err(io_error("go on writing", path))?;
        let buffer = Vec::with_capacity(BUFFER_BYTES);
        Ok(Self { file, path: path.to_path_buf(), buffer, hasher, bytes: keep })
    }

    /// Whether enough has gathered to be written.
    pub(in crate::pack) fn is_full(&self) -> bool {
        self.buffer.len() >= BUFFER_BYTES
    }

    pub(in crate::pack) fn append(&mut self, bytes: &[u8]) {
        self.buffer.extend_from_slice(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// Hands the buffer to the operating system.
    pub(in crate::pack) fn flush(&mut self) -> Result<(), Error> {
        self.hasher.update(&self.buffer);
        self.file.write_all(&self.buffer).map_err(io_error("write", &self.path))?;
        self.buffer.clear();
        Ok(())
    }

    /// Makes the file durable and tells its length and digest.
    pub(in crate::pack) fn finish(mut self) -> Result<FileDigest, Error> {
        self.flush()?;
        self.file.sync_all().map_err(io_error("make durable", &self.path))?;
        Ok(FileDigest { bytes: self.bytes, blake3: self.hasher.finalize().to_string() })
    }
}

/// Gathers bytes, which cannot fail; [`Output::flush`] hands them on and says which file refused them.
impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.append(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Writes a small file of a pack durably.
pub(in crate::pack) fn write_small(path: &Path, text: &str) -> Result<FileDigest, Error> {
    let mut output = Output::create(path)?;
    output.append(text.as_bytes());
    output.finish()
}
