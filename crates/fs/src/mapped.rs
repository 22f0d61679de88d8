//! Files mapped into memory.

use super::{Error, io_error};
use std::fs::File;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The bytes of a file, mapped into memory and read when they are looked at.
///
/// The file must not be shortened while it is open: the operating system would end the process at the
/// first read past the new end.
#[derive(Debug)]
pub struct Mapped(memmap2::Mmap);

impl std::ops::Deref for Mapped {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}

/// Maps the file at `path`; an empty one is no bytes.
///
/// # Errors
/// Whatever the system refuses with.
pub fn map(path: &Path) -> Result<Mapped, Error> {
    // Without waiting, as a pipe would wait for whoever writes into it.
    let opened = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = opened.map_err(io_error("read", path))?;
    if !file.metadata().map_err(io_error("read", path))?.is_file() {
        let found = "expected a file, found something else, such as a folder or a device";
        return Err(io_error("read", path)(io::Error::other(found)));
    }
    #[allow(unsafe_code)]
    // SAFETY: the map is read-only; that the file must not shrink is said in the type's contract.
    let map = unsafe { memmap2::Mmap::map(&file) };
    map.map(Mapped).map_err(io_error("read", path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let pipe = root.path().join("pipe");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert!(map(&pipe).is_err());
    }
}
