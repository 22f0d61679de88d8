//! The pictures below a folder, in an order that is a value.

use super::Error;
use serde::{Deserialize, Serialize};
use std::io::ErrorKind;
use std::path::Path;

/// Endings of picture files, in any case.
const PICTURE_ENDINGS: [&str; 3] = ["jpg", "jpeg", "png"];

/// Whether a name ends as pictures do.
///
/// ```
/// assert!(qgface_fs::is_picture("999_1.JPG"));
/// assert!(!qgface_fs::is_picture("Thumbs.db"));
/// ```
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
    /// Pictures whose names no list can hold: other than UTF-8, or with a tab or a line end. What cannot
    /// be shown of them is replaced.
    pub unlisted: Vec<String>,
    /// What else was there.
    pub ignored: Ignored,
}

/// Lists the pictures below `root`, following links, in the byte order of their relative paths.
///
/// # Errors
/// A folder that cannot be read.
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
                    found.take(root, &path);
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
            found.take(root, entry.path());
        } else if is_folder {
            entries.skip_current_dir();
        }
    }
    found.files.sort_unstable();
    found.unlisted.sort_unstable();
    Ok(found)
}

impl Walk {
    /// Takes the picture at `path` by its path below `root`.
    fn take(&mut self, root: &Path, path: &Path) {
        let below = path.strip_prefix(root).unwrap_or(path);
        match below.to_str().filter(|text| !text.contains(['\t', '\n', '\r'])) {
            Some(text) => self.files.push(text.to_owned()),
            None => self.unlisted.push(below.to_string_lossy().into_owned()),
        }
    }
}

/// Endings that are told.
const ENDINGS: usize = 4;

/// How many files of which ending lie below `root`, the most frequent first, such as `8,280 files .pgm`: for
/// whoever finds no picture there.
pub fn endings(root: &Path) -> Vec<String> {
    let files = walkdir::WalkDir::new(root).follow_links(true).into_iter().flatten();
    let mut counts = std::collections::BTreeMap::new();
    for file in files.filter(|entry| entry.file_type().is_file()) {
        let ending = file.path().extension().map(|own| own.to_string_lossy().to_lowercase());
        *counts.entry(ending.unwrap_or_default()).or_insert(0u64) += 1;
    }
    let mut counts: Vec<(String, u64)> = counts.into_iter().collect();
    counts.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    let told = |(ending, count): &(String, u64)| match ending.is_empty() {
        true => format!("{count} files without an ending"),
        false => format!("{count} files .{ending}"),
    };
    counts.iter().take(ENDINGS).map(told).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

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
    fn names_that_no_list_can_hold_are_all_told() {
        use std::os::unix::ffi::OsStrExt;
        let root = tempfile::tempdir().unwrap();
        for name in
            [&b"a.jpg"[..], b"tab\there.jpg", b"line\nend.jpg", b"latin\xe9.jpg", b"n\t.txt"]
        {
            fs::write(root.path().join(std::ffi::OsStr::from_bytes(name)), "").unwrap();
        }
        let walk = walk(root.path()).unwrap();
        assert_eq!(walk.files, ["a.jpg"]);
        assert_eq!(walk.unlisted, ["latin\u{fffd}.jpg", "line\nend.jpg", "tab\there.jpg"]);
    }
}
