//! Files: a walk whose order is a value, and writes that are whole or absent.

use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// What a walk or a write can fail with.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder refused an operation.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried.
        action: &'static str,
        /// On what.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A name cannot be written into a list.
    #[error(
        "{path:?}: expected a file name of UTF-8 text without tab or line end, so that a list can \
         hold it; rename the file"
    )]
    Name {
        /// The file.
        path: PathBuf,
    },
}

/// Wraps an error of the operating system with what was tried on which path.
pub fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> Error + use<> {
    let path = path.to_path_buf();
    move |source| Error::Io { action, path, source }
}

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
    let file = File::open(path).map_err(io_error("read", path))?;
    if !file.metadata().map_err(io_error("read", path))?.is_file() {
        let found = "expected a file, found something else, such as a folder or a device";
        return Err(io_error("read", path)(io::Error::other(found)));
    }
    #[allow(unsafe_code)]
    // SAFETY: the map is read-only; that the file must not shrink is said in the type's contract.
    let map = unsafe { memmap2::Mmap::map(&file) };
    map.map(Mapped).map_err(io_error("read", path))
}

/// Endings of picture files, in any case.
const PICTURE_ENDINGS: [&str; 3] = ["jpg", "jpeg", "png"];

/// Whether a name ends as pictures do.
pub fn is_picture(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, ending)| {
        PICTURE_ENDINGS.iter().any(|own| own.eq_ignore_ascii_case(ending))
    })
}

/// What a walk passed over, by reason.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema,
)]
pub struct Ignored {
    /// Files and folders whose name begins with a dot.
    pub hidden: u64,
    /// Windows' `Thumbs.db`.
    pub thumbs_db: u64,
    /// Files that are no pictures by their ending.
    pub other_files: u64,
    /// Links that lead back to a folder they lie in.
    pub loops: u64,
}

impl Ignored {
    /// Counts a file or hidden folder that is passed over by its name; false for a picture.
    fn counts(&mut self, name: &str) -> bool {
        let count = if name.starts_with('.') {
            &mut self.hidden
        } else if name.eq_ignore_ascii_case("thumbs.db") {
            &mut self.thumbs_db
        } else if !is_picture(name) {
            &mut self.other_files
        } else {
            return false;
        };
        *count += 1;
        true
    }
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn is_dangling(path: &Path) -> bool {
    path.is_symlink() && !path.exists()
}

/// The pictures below a folder.
#[derive(Debug, Default)]
pub struct Walk {
    /// Paths relative to the folder, with `/`, in byte order.
    pub files: Vec<String>,
    /// What else was there.
    pub ignored: Ignored,
}

/// Lists the pictures below `root`, following links, in the byte order of their relative paths.
///
/// # Errors
/// A folder that cannot be read, a name that no list can hold.
pub fn walk(root: &Path) -> Result<Walk, Error> {
    let mut found = Walk::default();
    let mut entries = walkdir::WalkDir::new(root).follow_links(true).min_depth(1).into_iter();
    while let Some(entry) = entries.next() {
        let entry = match entry {
            Ok(entry) => entry,
            Err(error) if error.loop_ancestor().is_some() => {
                found.ignored.loops += 1;
                continue;
            }
            Err(error) => {
                let path = error.path().unwrap_or(root).to_path_buf();
                if !is_dangling(&path) {
                    let source = error.into_io_error().unwrap_or_else(|| ErrorKind::Other.into());
                    return Err(Error::Io { action: "list", path, source });
                }
                // A picture that leads nowhere is found out when it is read.
                if !found.ignored.counts(&name_of(&path)) {
                    found.files.push(relative(root, &path)?);
                }
                continue;
            }
        };
        let is_folder = entry.file_type().is_dir();
        let name = name_of(entry.path());
        if is_folder && !name.starts_with('.') {
            continue;
        }
        if !found.ignored.counts(&name) {
            found.files.push(relative(root, entry.path())?);
        } else if is_folder {
            entries.skip_current_dir();
        }
    }
    found.files.sort_unstable();
    Ok(found)
}

/// The path of `path` below `root`, as text with `/`.
fn relative(root: &Path, path: &Path) -> Result<String, Error> {
    let below = path.strip_prefix(root).unwrap_or(path);
    let text = below.to_str().filter(|text| !text.contains(['\t', '\n', '\r']));
    Ok(text.ok_or_else(|| Error::Name { path: path.to_path_buf() })?.to_owned())
}

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

    fn touch(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    #[test]
    fn the_order_is_the_byte_order_of_whole_paths() {
        let root = tempfile::tempdir().unwrap();
        for path in ["a/z.jpg", "a.jpg", "a-b/c.JPG", "B.png", "a/0.jpeg", "a/notes.txt"] {
            touch(root.path(), path);
        }
        let walk = walk(root.path()).unwrap();
        assert_eq!(walk.files, ["B.png", "a-b/c.JPG", "a.jpg", "a/0.jpeg", "a/z.jpg"]);
        assert_eq!(walk.ignored.other_files, 1);
    }

    #[test]
    fn hidden_files_and_thumbs_are_counted_and_left_out() {
        let root = tempfile::tempdir().unwrap();
        for path in [".hidden.jpg", ".git/x.jpg", "Thumbs.db", "a.jpg"] {
            touch(root.path(), path);
        }
        let walk = walk(root.path()).unwrap();
        assert_eq!(walk.files, ["a.jpg"]);
        let expected = Ignored { hidden: 2, thumbs_db: 1, ..Ignored::default() };
        assert_eq!(walk.ignored, expected);
    }

    #[cfg(unix)]
    #[test]
    fn links_are_followed_and_loops_are_counted() {
        let root = tempfile::tempdir().unwrap();
        touch(root.path(), "real/a.jpg");
        std::os::unix::fs::symlink("real", root.path().join("link")).unwrap();
        std::os::unix::fs::symlink("..", root.path().join("real/up")).unwrap();
        let walk = walk(root.path()).unwrap();
        assert_eq!(walk.files, ["link/a.jpg", "real/a.jpg"]);
        assert_eq!(walk.ignored.loops, 2);
    }

    #[cfg(unix)]
    #[test]
    fn a_picture_that_is_a_link_to_nowhere_is_listed() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("gone.jpg", root.path().join("a.jpg")).unwrap();
        assert_eq!(walk(root.path()).unwrap().files, ["a.jpg"]);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_to_nowhere_that_is_no_picture_is_counted() {
        let root = tempfile::tempdir().unwrap();
        touch(root.path(), "a.jpg");
        std::os::unix::fs::symlink("user@host.123", root.path().join(".#a.jpg")).unwrap();
        std::os::unix::fs::symlink("gone.txt", root.path().join("notes.txt")).unwrap();
        let ignored = walk(root.path()).unwrap().ignored;
        assert_eq!((ignored.hidden, ignored.other_files), (1, 1));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_the_way_of_a_write_is_not_written_through() {
        let root = tempfile::tempdir().unwrap();
        touch(root.path(), "victim");
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
