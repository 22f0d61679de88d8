//! Files written below a folder and nowhere else, whatever their names say.

use super::Previous;
use crate::fs;
use std::path::{Component, Path, PathBuf};

/// Why a file is not written below a folder.
#[derive(Debug, thiserror::Error)]
pub enum InsideError {
    /// A file or folder refused.
    #[error(transparent)]
    Files(#[from] fs::Error),
    /// A path of a pack would lead out of the folder it is unpacked to.
    #[error("position {position}: the pack names the path {path:?}, which leads out of the folder")]
    Escapes {
        /// Position in the pack.
        position: u64,
        /// The path.
        path: String,
    },
    /// A link stands where a folder must be made, and may lead out of the folder.
    #[error("{path}: expected a folder or nothing, found a link")]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// Another file lies there.
    #[error("{path} is there already")]
    Exists {
        /// The file.
        path: PathBuf,
    },
}

/// Makes the folder that files are written below, and finds it.
pub(super) fn make_root(out: &Path) -> Result<PathBuf, InsideError> {
    std::fs::create_dir_all(out).map_err(fs::io_error("make the folder", out))?;
    Ok(out.canonicalize().map_err(fs::io_error("find", out))?)
}

/// Writes a file under `name` below `root`, and nowhere else.
pub(super) fn write_inside(
    root: &Path,
    name: &str,
    position: u64,
    bytes: &[u8],
    previous: Previous,
) -> Result<(), InsideError> {
    write(root, &inside(root, name, position)?, bytes, previous)
}

/// The path of `name` below `root`, refused when it is absolute, climbs, or is empty.
fn inside(root: &Path, name: &str, position: u64) -> Result<PathBuf, InsideError> {
    let path = Path::new(name);
    let plain = path.components().all(|part| matches!(part, Component::Normal(_)));
    if !plain || name.is_empty() || name.ends_with('/') || name.contains('\0') {
        return Err(InsideError::Escapes { position, path: name.to_owned() });
    }
    Ok(root.join(path))
}

/// Writes one file, making its folders; a link among them that leads out of `root` is refused.
fn write(root: &Path, target: &Path, bytes: &[u8], previous: Previous) -> Result<(), InsideError> {
    let folder = target.parent().unwrap_or(root);
    let mut made = root.to_path_buf();
    for part in folder.strip_prefix(root).unwrap_or(Path::new("")).components() {
        made.push(part);
        if made.symlink_metadata().is_ok_and(|found| found.is_symlink()) {
            return Err(InsideError::Link { path: made });
        }
        if !made.is_dir() {
            std::fs::create_dir(&made).map_err(fs::io_error("make the folder", &made))?;
        }
    }
    let there = target.symlink_metadata().is_ok();
    if there && previous == Previous::Keep && !std::fs::read(target).is_ok_and(|old| old == bytes) {
        return Err(InsideError::Exists { path: target.to_path_buf() });
    }
    Ok(fs::write_renamed(target, bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_leads_out_is_refused() {
        let root = Path::new("/out");
        for name in ["../x", "/etc/x", "a/../../x", "", "a/", "./../x", "a\0b"] {
            assert!(inside(root, name, 3).is_err(), "{name:?}");
        }
        assert_eq!(inside(root, "a/b.jpg", 3).unwrap(), Path::new("/out/a/b.jpg"));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_inside_the_folder_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        std::os::unix::fs::symlink(elsewhere.path(), root.join("a")).unwrap();
        assert!(write(&root, &root.join("a/x.jpg"), b"x", Previous::Keep).is_err());
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 0);
    }
}
