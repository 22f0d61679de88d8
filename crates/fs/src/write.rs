//! Writes that are whole or absent.

use super::beside::{Beside, folder_of};
use super::{Error, io_error};
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

/// Makes the entries of a folder durable.
///
/// # Errors
/// Whatever the system refuses with.
pub fn sync_folder(folder: &Path) -> Result<(), Error> {
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io_error("make durable the folder", folder))
}

/// Writes `bytes` to `path`, whole or not at all: beside it, synced, then renamed over it.
///
/// ```
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("facts.json");
/// qgface_fs::write_whole(&path, b"old")?;
/// qgface_fs::write_whole(&path, b"new")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"new");
/// # Ok::<(), qgface_fs::Error>(())
/// ```
///
/// # Errors
/// Whatever the system refuses with; then `path` is as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    write_parts(path, &[bytes])
}

/// Writes `parts` one behind the other to `path`, whole or not at all.
///
/// # Errors
/// As [`write_whole`].
pub fn write_parts(path: &Path, parts: &[impl AsRef<[u8]>]) -> Result<(), Error> {
    let mut file = Beside::create(path)?;
    let written = parts.iter().try_for_each(|part| file.write_all(part.as_ref()));
    written.map_err(io_error("write", path))?;
    name_durably(file, path)
}

/// Copies the file `from` to `to`, whole or not at all.
///
/// # Errors
/// As [`write_whole`].
pub fn copy_whole(from: &Path, to: &Path) -> Result<(), Error> {
    let mut source = File::open(from).map_err(io_error("read", from))?;
    let mut file = Beside::create(to)?;
    io::copy(&mut source, &mut file).map_err(io_error("write", to))?;
    name_durably(file, to)
}

/// Writes `bytes` to `path` through a file beside it, without waiting for the disk.
///
/// # Errors
/// As [`write_whole`].
pub fn write_renamed(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    let mut file = Beside::create(path)?;
    file.write_all(bytes).map_err(io_error("write", path))?;
    file.rename()
}

fn name_durably(file: Beside, path: &Path) -> Result<(), Error> {
    file.sync()?;
    file.rename()?;
    sync_folder(folder_of(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_failed_write_leaves_nothing_beside_the_target() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("taken");
        fs::create_dir(&target).unwrap();
        assert!(write_whole(&target, b"x").is_err());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
