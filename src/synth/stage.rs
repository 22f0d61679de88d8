//! A set's folder while it is written: hidden beside its name, renamed when it is whole.

use super::Error;
use crate::fs::{is_own_file, lock_own, make_own_folder, remove_own};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// A folder being written.
pub(super) struct Stage {
    hidden: PathBuf,
    target: PathBuf,
    _mark: File,
}

/// The file that tells a folder of this kind from any other, locked by the process at work.
const MARK: &str = ".qgface-data";

/// Refuses `out/name` if there is something there already.
///
/// # Errors
///
/// [`Error::Exists`] if it is a file or a folder with anything in it; [`Error::Io`].
pub(super) fn check_free(out: &Path, name: &str) -> Result<(), Error> {
    let target = out.join(name);
    let taken = match fs::read_dir(&target) {
        Ok(mut entries) => entries.next().is_some(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => false,
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => true,
        Err(source) => return Err(Error::Io { path: target, source }),
    };
    if taken { Err(Error::Exists { path: target }) } else { Ok(()) }
}

impl Stage {
    /// Starts an empty folder for `out/name`, without what a killed run may have left.
    ///
    /// # Errors
    ///
    /// [`Error::Exists`] if the hidden folder is not one of this kind; [`Error::Busy`] if another
    /// process writes in it; [`Error::Files`].
    pub(super) fn begin(out: &Path, name: &str) -> Result<Stage, Error> {
        let hidden = out.join(format!(".{name}.synth"));
        let mark = hidden.join(MARK);
        make_own_folder(&hidden)?;
        let is_empty = fs::read_dir(&hidden).is_ok_and(|mut entries| entries.next().is_none());
        if !is_empty && !is_own_file(&mark) {
            return Err(Error::Exists { path: hidden });
        }
        let busy = || Error::Busy { path: hidden.clone() };
        let _left = lock_own(&mark)?.ok_or_else(busy)?;
        // Links in it are removed and not followed.
        fs::remove_dir_all(&hidden).map_err(|source| Error::Io { path: hidden.clone(), source })?;
        make_own_folder(&hidden)?;
        let mark = lock_own(&mark)?.ok_or_else(busy)?;
        Ok(Stage { hidden, target: out.join(name), _mark: mark })
    }

    /// Where to write.
    pub(super) fn path(&self) -> &Path {
        &self.hidden
    }

    /// Gives the folder its name.
    pub(super) fn commit(self) -> Result<(), Error> {
        let Stage { hidden, target, _mark } = self;
        remove_own(&hidden.join(MARK))?;
        // Not every system renames onto an empty folder.
        match fs::remove_dir(&target) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Error::Io { path: target, source: error });
            }
            _ => fs::rename(&hidden, &target),
        }
        .map_err(|source| Error::Io { path: target, source })
    }
}

/// Makes the folder `path` and those above it.
pub(super) fn folder(path: &Path) -> Result<(), Error> {
    fs::create_dir_all(path).map_err(|source| Error::Io { path: path.to_owned(), source })
}

/// Writes a whole file.
pub(super) fn file(path: &Path, bytes: impl AsRef<[u8]>) -> Result<(), Error> {
    fs::write(path, bytes).map_err(|source| Error::Io { path: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_has_its_name_only_when_committed_and_starts_empty() {
        let out = tempfile::tempdir().unwrap();
        let killed = Stage::begin(out.path(), "set").unwrap();
        file(&killed.path().join("stale"), b"x").unwrap();
        assert!(matches!(Stage::begin(out.path(), "set"), Err(Error::Busy { .. })));
        drop(killed);
        assert!(!out.path().join("set").exists());

        let stage = Stage::begin(out.path(), "set").unwrap();
        file(&stage.path().join("fresh"), b"x").unwrap();
        stage.commit().unwrap();
        let names: Vec<_> = fs::read_dir(out.path().join("set")).unwrap().collect();
        assert_eq!(names.len(), 1);
        assert!(matches!(check_free(out.path(), "set"), Err(Error::Exists { .. })));
    }

    #[test]
    fn a_hidden_folder_of_somebody_else_is_left_alone() {
        let out = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        file(&elsewhere.path().join("kept"), b"x").unwrap();
        fs::create_dir(out.path().join(".set.synth")).unwrap();
        file(&out.path().join(".set.synth/kept"), b"x").unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), out.path().join(".other.synth")).unwrap();
        assert!(matches!(Stage::begin(out.path(), "set"), Err(Error::Exists { .. })));
        assert!(matches!(Stage::begin(out.path(), "other"), Err(Error::Files(_))));
        assert!(out.path().join(".set.synth/kept").exists());
        assert!(elsewhere.path().join("kept").exists());
    }
}
