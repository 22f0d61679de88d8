//! The packs of a folder.

use super::error::Error;
use super::files::{PackFiles, Part};
use super::write::{Recovery, recover};
use crate::fs::io_error;
use std::path::Path;

/// The packs of a folder.
#[derive(Debug, Default)]
pub struct Found {
    /// Those with a manifest, in byte order of their stems.
    pub packs: Vec<PackFiles>,
    /// Stems of those that were interrupted and can be resumed.
    pub interrupted: Vec<String>,
}

/// Finds the packs of a folder, after rolling forward what a crash left sealed.
///
/// # Errors
/// A folder that cannot be read; one that is not there holds no packs.
pub fn packs_in(folder: &Path) -> Result<Found, Error> {
    let mut found = Found::default();
    if !folder.exists() {
        return Ok(found);
    }
    let names = |folder: &Path| -> std::io::Result<Vec<String>> {
        let entries = std::fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        Ok(entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect())
    };
    for name in names(folder).map_err(io_error("list", folder))? {
        let stem = name.strip_prefix('.').and_then(|name| name.strip_suffix(".partial"));
        let Some(Ok(files)) = stem.map(|stem| PackFiles::new(folder, stem)) else { continue };
        if recover(&files)? == Recovery::Resumable {
            found.interrupted.push(files.stem);
        }
    }
    let ending = Part::Manifest.ending();
    for name in names(folder).map_err(io_error("list", folder))? {
        if let Some(Ok(files)) = name.strip_suffix(ending).map(|stem| PackFiles::new(folder, stem))
        {
            found.packs.push(files);
        }
    }
    found.packs.sort_by(|a, b| a.stem.cmp(&b.stem));
    found.interrupted.sort();
    Ok(found)
}
