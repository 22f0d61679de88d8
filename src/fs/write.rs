//! Writes that are whole or absent.

use super::{Error, io_error};
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

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
/// # Errors
/// Whatever the system refuses with; then `path` is as it was.
pub fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    rename_into_place(path, |file| {
        file.write_all(bytes)?;
        file.sync_all()
    })?;
    sync_folder(folder_of(path))
}

/// Writes `parts` one behind the other to `path`, whole or not at all.
///
/// # Errors
/// As [`write_whole`].
pub fn write_parts(path: &Path, parts: &[impl AsRef<[u8]>]) -> Result<(), Error> {
    rename_into_place(path, |file| {
        parts.iter().try_for_each(|part| file.write_all(part.as_ref()))?;
        file.sync_all()
    })?;
    sync_folder(folder_of(path))
}

/// Copies the file `from` to `to`, whole or not at all.
///
/// # Errors
/// As [`write_whole`].
pub fn copy_whole(from: &Path, to: &Path) -> Result<(), Error> {
    let mut source = File::open(from).map_err(io_error("read", from))?;
    rename_into_place(to, |file| {
        io::copy(&mut source, file)?;
        file.sync_all()
    })?;
    sync_folder(folder_of(to))
}

/// Writes `bytes` to `path` through a file beside it, without waiting for the disk.
///
/// # Errors
/// As [`write_whole`].
pub fn write_renamed(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    rename_into_place(path, |file| file.write_all(bytes))
}

fn rename_into_place(
    path: &Path,
    fill: impl FnOnce(&mut File) -> io::Result<()>,
) -> Result<(), Error> {
    let (mut file, beside) = create_beside(folder_of(path)).map_err(io_error("write", path))?;
    fill(&mut file).and_then(|()| fs::rename(&beside, path)).map_err(|error| {
        let _ = fs::remove_file(&beside);
        io_error("write", path)(error)
    })
}

/// Makes a new file of a short name in `folder`. What lies there under that name, a link perhaps, is
/// removed and never written through.
fn create_beside(folder: &Path) -> io::Result<(File, PathBuf)> {
    let path = folder.join(format!(".qgface-{}.partial", std::process::id()));
    loop {
        match File::options().write(true).create_new(true).open(&path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::remove_file(&path)?,
            opened => return Ok((opened?, path)),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_way_of_a_write_is_not_written_through() {
        let root = tempfile::tempdir().unwrap();
        fs::write(root.path().join("victim"), "").unwrap();
        let beside = root.path().join(format!(".qgface-{}.partial", std::process::id()));
        std::os::unix::fs::symlink("victim", beside).unwrap();
        write_whole(&root.path().join("new"), b"x").unwrap();
        assert_eq!(fs::read(root.path().join("victim")).unwrap(), b"");
    }

    #[test]
    fn a_failed_write_leaves_nothing_beside_the_target() {
        let root = tempfile::tempdir().unwrap();
        let target = root.path().join("taken");
        fs::create_dir(&target).unwrap();
        assert!(write_whole(&target, b"x").is_err());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 1);
    }
}
