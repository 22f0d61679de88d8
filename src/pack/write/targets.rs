//! Where a pack goes: what must not lie there, and the folders that are made for it.

use super::error::WriteError;
use super::staging::{Recovery, Staging, recover};
use crate::fs::io_error;
use crate::pack::manifest::{Manifest, Provenance};
use crate::pack::{Error, PackFiles, Part, Previous};
use std::path::{Path, PathBuf};

/// Brings what a crash left to a whole state before a pack is written.
///
/// # Errors
/// [`WriteError::Busy`] while another process writes it.
pub(in crate::pack) fn recover_for_writing(files: &PackFiles) -> Result<Recovery, WriteError> {
    match recover(files)? {
        Recovery::Busy => Err(WriteError::Busy { path: files.staging() }),
        found => Ok(found),
    }
}

/// Takes the hidden folder of a pack for this process.
///
/// # Errors
/// [`WriteError::Busy`] while another process holds it.
pub(in crate::pack) fn claim(files: &PackFiles) -> Result<Staging, WriteError> {
    Staging::enter(files)?.ok_or_else(|| WriteError::Busy { path: files.staging() })
}

/// The folders that were not there before a run, outermost first.
pub(in crate::pack) struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    pub(in crate::pack) fn make(folder: &Path) -> Result<Self, Error> {
        let absent = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let mut made: Vec<PathBuf> =
            folder.ancestors().take_while(absent).map(Path::to_path_buf).collect();
        made.reverse();
        std::fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
        Ok(Self(made))
    }

    /// Removes those that are empty.
    pub(in crate::pack) fn remove(&self) {
        self.0.iter().rev().for_each(|folder| _ = std::fs::remove_dir(folder));
    }
}

/// Refuses parts in whose place a folder lies, or a file that must be kept.
pub(in crate::pack) fn check_free(
    files: &PackFiles,
    parts: impl IntoIterator<Item = Part>,
    previous: Previous,
) -> Result<(), WriteError> {
    for path in parts.into_iter().map(|part| files.path(part)) {
        if path.is_dir() {
            return Err(WriteError::InTheWay { path });
        }
        if previous == Previous::Keep && path.symlink_metadata().is_ok() {
            return Err(WriteError::Exists { path });
        }
    }
    Ok(())
}

/// Refuses to replace the `property` of another pack.
pub(in crate::pack) fn check_property(files: &PackFiles) -> Result<(), WriteError> {
    let path = files.path(Part::Property);
    if path.is_dir() {
        return Err(WriteError::InTheWay { path });
    }
    let own = || {
        let manifest = Manifest::open(files);
        manifest.is_ok_and(|own| own.source == Provenance::List && own.files.property.is_some())
    };
    if path.symlink_metadata().is_ok() && !own() {
        return Err(WriteError::PropertyTaken { path });
    }
    Ok(())
}
