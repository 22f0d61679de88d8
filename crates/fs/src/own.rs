//! Files and folders that this program makes for itself in places where others may write too: the
//! hidden folder of a pack, locks, caches.
//!
//! A link that lies where such a file or folder belongs was not made by this program. Nothing here
//! writes, empties or removes anything through one.

use super::{Error, io_error};
use std::fs::{self, File, FileType, Metadata, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

/// Makes the folder, and those above it; one that is there is taken.
///
/// # Errors
/// [`Error::NotOwn`] where a link or a file lies in its place; whatever the system refuses with.
pub fn make_own_folder(path: &Path) -> Result<(), Error> {
    if let Some(above) = path.parent() {
        fs::create_dir_all(above).map_err(io_error("make the folder", above))?;
    }
    match fs::create_dir(path) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => match own(path) {
            Some(found) if found.is_dir() => Ok(()),
            found => Err(refused("make the folder", path, found, error)),
        },
        made => made.map_err(io_error("make the folder", path)),
    }
}

/// Makes a new, empty file for writing. A file or a link of its name is removed first.
///
/// # Errors
/// Whatever the system refuses with.
pub fn create_own(path: &Path) -> Result<File, Error> {
    loop {
        let created = File::options().write(true).create_new(true).open(path);
        match created {
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                remove_own(path)?;
            }
            created => return created.map_err(io_error("make", path)),
        }
    }
}

/// Opens a file for reading and going on writing.
///
/// # Errors
/// [`Error::NotOwn`] for what is no file, a link for example; whatever the system refuses with.
pub fn open_own(path: &Path) -> Result<File, Error> {
    opened(path, File::options().read(true).write(true))
}

/// Opens a file to lock, or makes it; its bytes stay as they are.
///
/// # Errors
/// [`Error::NotOwn`] for what is no file, a link for example; whatever the system refuses with.
pub fn open_lock(path: &Path) -> Result<File, Error> {
    opened(path, File::options().write(true).create(true).truncate(false))
}

/// Opens the file, or makes it, and locks it; nothing while another process holds it.
///
/// # Errors
/// As [`open_lock`].
pub fn lock_own(path: &Path) -> Result<Option<File>, Error> {
    let file = open_lock(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(io_error("lock", path)(error)),
    }
}

/// Removes a file, or a link and not what it leads to; one that is gone is no error.
///
/// # Errors
/// Whatever the system refuses with.
pub fn remove_own(path: &Path) -> Result<(), Error> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(io_error("remove", path)(error)),
        _ => Ok(()),
    }
}

/// Whether a file lies here, and no link to one.
pub fn is_own_file(path: &Path) -> bool {
    own(path).is_some_and(|found| found.is_file())
}

/// Whether a folder lies here, and no link to one.
pub fn is_own_folder(path: &Path) -> bool {
    own(path).is_some_and(|found| found.is_dir())
}

/// Refuses what is there and no folder of its own: a run's folder, say, that somebody else prepared.
///
/// # Errors
/// [`Error::NotOwn`] for a link or a file in the folder's place.
pub fn check_own_folder(path: &Path) -> Result<(), Error> {
    match own(path).map(|found| found.file_type()) {
        Some(kind) if !kind.is_dir() => {
            Err(Error::NotOwn { path: path.to_path_buf(), found: name_of(kind) })
        }
        _ => Ok(()),
    }
}

/// Whether `path` is still the name of the file that is open.
pub fn is_named(open: &File, path: &Path) -> bool {
    let same =
        |open: Metadata, named: Metadata| (open.ino(), open.dev()) == (named.ino(), named.dev());
    open.metadata().ok().zip(own(path)).is_some_and(|(open, named)| same(open, named))
}

fn own(path: &Path) -> Option<Metadata> {
    path.symlink_metadata().ok()
}

/// The error of what lies in the place of a file or folder; that of the system where nothing does.
fn refused(
    action: &'static str,
    path: &Path,
    found: Option<Metadata>,
    error: std::io::Error,
) -> Error {
    match found.map(|found| found.file_type()) {
        Some(kind) => Error::NotOwn { path: path.to_path_buf(), found: name_of(kind) },
        None => io_error(action, path)(error),
    }
}

fn name_of(kind: FileType) -> &'static str {
    match kind {
        kind if kind.is_symlink() => "a link",
        kind if kind.is_dir() => "a folder",
        kind if kind.is_file() => "a file",
        _ => "a device or pipe",
    }
}

fn opened(path: &Path, options: &mut fs::OpenOptions) -> Result<File, Error> {
    // Without waiting, as a pipe would wait for its other end.
    options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    let file = options.open(path).map_err(|error| {
        let other = own(path).filter(|found| !found.is_file());
        refused("open", path, other, error)
    })?;
    let kind = file.metadata().map_err(io_error("open", path))?.file_type();
    if kind.is_file() {
        return Ok(file);
    }
    Err(Error::NotOwn { path: path.to_path_buf(), found: name_of(kind) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::symlink;

    /// A folder with a file `victim`, a folder `tree` with a file in it, and a link to each and to nowhere.
    fn trap() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        let at = |name: &str| root.path().join(name);
        fs::write(at("victim"), "kept").unwrap();
        fs::create_dir(at("tree")).unwrap();
        fs::write(at("tree/file"), "kept").unwrap();
        for (target, name) in [("victim", "file"), ("tree", "folder"), ("gone", "nowhere")] {
            symlink(target, at(name)).unwrap();
        }
        root
    }

    fn assert_untouched(root: &Path) {
        assert_eq!(fs::read(root.join("victim")).unwrap(), b"kept");
        assert_eq!(fs::read(root.join("tree/file")).unwrap(), b"kept");
        assert!(!root.join("gone").exists());
    }

    #[test]
    fn a_file_is_made_in_the_place_of_a_link_and_not_through_it() {
        let root = trap();
        for name in ["file", "nowhere", "new"] {
            create_own(&root.path().join(name)).unwrap();
            assert!(is_own_file(&root.path().join(name)), "{name}");
        }
        assert_untouched(root.path());
    }

    #[test]
    fn a_link_is_not_opened_nor_locked_nor_taken_for_a_folder() {
        let root = trap();
        let at = |name: &str| root.path().join(name);
        for name in ["file", "nowhere"] {
            assert!(matches!(open_own(&at(name)), Err(Error::NotOwn { .. })), "{name}");
            assert!(matches!(lock_own(&at(name)), Err(Error::NotOwn { .. })), "{name}");
        }
        assert!(matches!(make_own_folder(&at("folder")), Err(Error::NotOwn { .. })));
        assert!(matches!(check_own_folder(&at("folder")), Err(Error::NotOwn { .. })));
        assert!(check_own_folder(&at("absent")).is_ok() && check_own_folder(&at("tree")).is_ok());
        assert!(!is_own_folder(&at("folder")) && !is_own_file(&at("file")));
        assert_untouched(root.path());
    }

    #[test]
    fn a_pipe_in_the_place_of_a_lock_is_refused_and_not_waited_for() {
        let root = tempfile::tempdir().unwrap();
        let lock = root.path().join("lock");
        assert!(std::process::Command::new("mkfifo").arg(&lock).status().unwrap().success());
        let error = lock_own(&lock).unwrap_err();
        assert!(error.to_string().contains("found a device or pipe"), "{error}");
    }

    #[test]
    fn removing_a_link_leaves_what_it_leads_to() {
        let root = trap();
        for name in ["file", "folder", "nowhere"] {
            remove_own(&root.path().join(name)).unwrap();
        }
        assert_untouched(root.path());
        assert_eq!(fs::read_dir(root.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_lock_is_held_by_one() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("lock");
        let held = lock_own(&path).unwrap().unwrap();
        assert!(lock_own(&path).unwrap().is_none());
        assert!(is_named(&held, &path));
        remove_own(&path).unwrap();
        assert!(!is_named(&held, &path));
    }
}
