//! A pack's records, whoever made it.

use super::error::Error;
use super::files::{PackFiles, Part};
use crate::recordio::{self, IndexedReader};

/// Opens the records of a pack, made here or elsewhere.
///
/// # Errors
/// [`Error::NoFile`], and damage under the path of the file that has it.
pub(super) fn open(files: &PackFiles) -> Result<IndexedReader, Error> {
    let (rec, idx) = (files.path(Part::Rec), files.path(Part::Idx));
    if let Some(path) = [&rec, &idx].into_iter().find(|path| !path.exists()) {
        return Err(Error::NoFile { path: path.clone() });
    }
    IndexedReader::open(&rec, &idx).map_err(|source| {
        let path = if matches!(source, recordio::Error::Index(_)) { idx } else { rec };
        Error::Record { path, source }
    })
}
