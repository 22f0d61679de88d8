//! A file that is written beside its place and renamed there when it is whole.

use super::own::is_named;
use super::{Error, io_error};
use std::fs::{self, File};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

const PREFIX: &str = ".qgface-";
const SUFFIX: &str = ".partial";

/// Digits of the number in a name.
const DIGITS: usize = 16;

/// A new file in the folder of its place. It goes with the value unless it was given its name.
///
/// Its name is a random number, as processes of two machines that share the folder may have one number;
/// a lock on it tells a file at work from one that a killed process left.
#[derive(Debug)]
pub struct Beside {
    file: File,
    beside: PathBuf,
    place: PathBuf,
}

impl Beside {
    /// Makes the file.
    ///
    /// # Errors
    /// Whatever the system refuses with.
    pub fn create(place: &Path) -> Result<Self, Error> {
        let folder = folder_of(place);
        let made = loop {
            let path = folder.join(name());
            match File::options().read(true).write(true).create_new(true).open(&path) {
                // Whoever removes leftovers may have taken it for one before it was locked.
                Ok(file) if file.try_lock().is_err() || !is_named(&file, &path) => {}
                Ok(file) => break Ok((file, path)),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => break Err(error),
            }
        };
        let (file, beside) = made.map_err(io_error("write", place))?;
        Ok(Self { file, beside, place: place.to_path_buf() })
    }

    /// Makes the bytes durable.
    ///
    /// # Errors
    /// Whatever the system refuses with.
    pub fn sync(&self) -> Result<(), Error> {
        self.file.sync_all().map_err(io_error("make durable", &self.place))
    }

    /// Gives the file its name, in place of what has it.
    ///
    /// # Errors
    /// Whatever the system refuses with; then the place is as it was.
    pub fn rename(&self) -> Result<(), Error> {
        fs::rename(&self.beside, &self.place).map_err(io_error("write", &self.place))
    }
}

impl Write for Beside {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Read for Beside {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        self.file.read(into)
    }
}

impl Seek for Beside {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Once it has its name, nothing lies there any more.
        let _ = fs::remove_file(&self.beside);
    }
}

/// A name that no other process has drawn.
fn name() -> String {
    let number = RandomState::new().build_hasher().finish();
    format!("{PREFIX}{number:0DIGITS$x}{SUFFIX}")
}

fn is_name(name: &str) -> bool {
    let number = name.strip_prefix(PREFIX).and_then(|rest| rest.strip_suffix(SUFFIX));
    number.is_some_and(|number| {
        number.len() == DIGITS && number.bytes().all(|digit| digit.is_ascii_hexdigit())
    })
}

/// Removes from `folder` the files of this kind that killed processes left; those at work stay, and so
/// does what the system refuses to remove.
pub fn remove_leftovers(folder: &Path) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        if !entry.file_name().to_str().is_some_and(is_name) {
            continue;
        }
        let path = entry.path();
        let Ok(file) = super::own::open_own(&path) else { continue };
        if file.try_lock().is_ok() && is_named(&file, &path) {
            let _ = fs::remove_file(&path);
        }
    }
}

/// The folder that a file lies in.
pub(super) fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let names = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
        names.map(|name| name.into_string().unwrap()).collect()
    }

    #[test]
    fn two_files_for_one_place_have_names_of_their_own() {
        let root = tempfile::tempdir().unwrap();
        let place = root.path().join("place");
        let (mut first, mut second) =
            (Beside::create(&place).unwrap(), Beside::create(&place).unwrap());
        first.write_all(b"first").unwrap();
        second.write_all(b"second").unwrap();
        first.rename().unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"first");
        second.rename().unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"second");
        assert_eq!(names(root.path()), ["place"]);
    }

    #[test]
    fn a_killed_process_leftover_is_removed_and_what_is_at_work_is_not() {
        let root = tempfile::tempdir().unwrap();
        let left = root.path().join(".qgface-0123456789abcdef.partial");
        let foreign = [".qgface-notes.partial", ".qgface-0123456789abcdef.partial.bak"];
        fs::write(&left, "half").unwrap();
        foreign.iter().for_each(|name| fs::write(root.path().join(name), "kept").unwrap());
        let at_work = Beside::create(&root.path().join("place")).unwrap();
        remove_leftovers(root.path());
        assert!(!left.exists() && at_work.beside.exists());
        assert!(foreign.iter().all(|name| root.path().join(name).exists()));
    }

    #[test]
    fn a_file_without_a_name_goes_with_its_value() {
        let root = tempfile::tempdir().unwrap();
        drop(Beside::create(&root.path().join("place")).unwrap());
        assert!(names(root.path()).is_empty());
    }
}
