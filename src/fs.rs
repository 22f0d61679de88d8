//! Files: a walk whose order is a value, and writes that are whole or absent.

use serde::{Deserialize, Serialize};
use std::fs::{self, File};
use std::io::{self, Write};
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
/// A folder that cannot be read, a link that leads nowhere, a name that no list can hold.
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
                return Err(Error::Io { action: "list", path, source: error.into() });
            }
        };
        let name = entry.file_name().to_string_lossy();
        if name.starts_with('.') {
            found.ignored.hidden += 1;
            if entry.file_type().is_dir() {
                entries.skip_current_dir();
            }
        } else if entry.file_type().is_dir() {
        } else if name.eq_ignore_ascii_case("thumbs.db") {
            found.ignored.thumbs_db += 1;
        } else if !is_picture(&name) {
            found.ignored.other_files += 1;
        } else {
            found.files.push(relative(root, entry.path())?);
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
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let mut beside_name = std::ffi::OsString::from(".");
    beside_name.push(path.file_name().unwrap_or_default());
    beside_name.push(".partial");
    let beside = folder.join(beside_name);
    let written = (|| {
        let mut file = File::create(&beside)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    })();
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        io_error("write", path)(error)
    })?;
    sync_folder(folder)
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
    fn a_link_to_nowhere_is_an_error_that_names_it() {
        let root = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("gone.jpg", root.path().join("a.jpg")).unwrap();
        assert!(walk(root.path()).unwrap_err().to_string().contains("a.jpg"));
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
