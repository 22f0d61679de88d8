//! This program's own files in folders that others can write to, reached through no link.
//!
//! A lock, a cache entry or a half-made folder is this program's because it made it: a link under such a
//! name leads to what somebody else owns, and opening, emptying or clearing that is refused.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Opens a lock file, made if there is none; its bytes stay as they are.
///
/// # Errors
/// A link or anything else that is no file in its place; whatever the system refuses with.
pub(crate) fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    // Without waiting, since a FIFO would wait for a reader.
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path).map_err(|error| match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() => odd("a file or nothing", &found),
        _ => error,
    })?;
    let found = file.metadata()?;
    if found.is_file() { Ok(file) } else { Err(odd("a file or nothing", &found)) }
}

/// Makes a new file for writing. What lies there, a link perhaps, is removed and never written through.
///
/// # Errors
/// A folder in its place; whatever the system refuses with.
pub(crate) fn create(path: &Path) -> io::Result<File> {
    loop {
        match OpenOptions::new().write(true).read(true).create_new(true).open(path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => fs::remove_file(path)?,
            opened => return opened,
        }
    }
}

/// Makes a folder, unless it is there; what its path goes through may be links, it itself may not.
///
/// # Errors
/// A link or a file in its place; whatever the system refuses with.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            let found = fs::symlink_metadata(path)?;
            if found.is_dir() { Ok(()) } else { Err(odd("a folder or nothing", &found)) }
        }
        made => made,
    }
}

/// Whether a path is a folder and no link to one.
pub(crate) fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// Whether a path is a file and no link to one.
pub(crate) fn is_file(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_file())
}

/// Refuses what is there and no folder of its own: a run's folder, say, that somebody else prepared.
///
/// # Errors
/// A link or a file in the folder's place.
pub(crate) fn check_folder(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if !found.is_dir() => Err(odd("a folder or nothing", &found)),
        _ => Ok(()),
    }
}

fn odd(expected: &str, found: &fs::Metadata) -> io::Error {
    let kind = match found.file_type() {
        kind if kind.is_symlink() => "a link",
        kind if kind.is_dir() => "a folder",
        kind if kind.is_file() => "a file",
        _ => "a device or pipe",
    };
    io::Error::other(format!("expected {expected}, found {kind}; remove it"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    #[test]
    fn a_lock_is_opened_through_no_link_and_keeps_its_bytes() {
        let root = tempfile::tempdir().unwrap();
        let (victim, lock) = (root.path().join("victim"), root.path().join("lock"));
        fs::write(&victim, "kept").unwrap();
        symlink(&victim, &lock).unwrap();
        let error = open_lock(&lock).unwrap_err();
        assert!(error.to_string().contains("found a link"), "{error}");
        fs::remove_file(&lock).unwrap();
        fs::write(&lock, "kept").unwrap();
        open_lock(&lock).unwrap();
        assert_eq!([victim, lock].map(|path| fs::read(path).unwrap()), [b"kept", b"kept"]);
    }

    #[test]
    fn a_pipe_in_place_of_a_lock_is_refused_and_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let lock = root.path().join("lock");
        assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success());
        let error = open_lock(&lock).unwrap_err();
        assert!(error.to_string().contains("found a device or pipe"), "{error}");
    }

    #[test]
    fn a_new_file_takes_the_place_of_a_link() {
        let root = tempfile::tempdir().unwrap();
        let (victim, link) = (root.path().join("victim"), root.path().join("link"));
        fs::write(&victim, "kept").unwrap();
        symlink(&victim, &link).unwrap();
        create(&link).unwrap();
        assert!(is_file(&link) && fs::read(victim).unwrap() == b"kept");
    }

    #[test]
    fn a_link_to_a_folder_is_no_folder() {
        let root = tempfile::tempdir().unwrap();
        let link = root.path().join("link");
        symlink(root.path(), &link).unwrap();
        assert!(make_folder(&link).is_err() && check_folder(&link).is_err() && !is_folder(&link));
        let own = root.path().join("own");
        make_folder(&own).unwrap();
        assert!(make_folder(&own).is_ok() && check_folder(&own).is_ok() && is_folder(&own));
    }
}
