//! The images of a pack that was proved first, by position.

use super::proof::ProofError;
use super::records::{RowReader, most_rows};
use super::verify_order::{self, Depth, Difference, SourceTree, verify_order};
use super::{Error, Manifest, PackFiles, Part, Row};
use crate::progress::Progress;
use crate::recordio::{Reader, Record};
use std::borrow::Cow;

/// The images of a pack whose every byte was held against its manifest.
///
/// Memory: a row an image, about 250 bytes and its path.
#[derive(Debug)]
pub struct ProvedImages {
    /// The pack.
    pub files: PackFiles,
    /// What it says of itself.
    pub manifest: Manifest,
    /// A row an image, in order.
    pub rows: Vec<Row>,
    reader: Reader,
}

impl ProvedImages {
    /// Opens the pack and verifies its order and, at full depth, every picture's digest.
    ///
    /// # Errors
    /// [`ProofError::NotInOrder`] with the first difference, and whatever keeps a pack from being read.
    pub fn prove(
        files: &PackFiles,
        depth: Depth,
        progress: &dyn Progress,
    ) -> Result<Self, ProofError> {
        let options = verify_order::Options::new(SourceTree::Aside);
        let order = verify_order(files, &verify_order::Options { depth, ..options }, progress)?;
        if let Some(first) = order.differences.first() {
            let Difference { place, position, expected, found } = first.clone();
            let pack = files.path(Part::Rec);
            let more = order.difference_count.saturating_sub(1);
            return Err(ProofError::NotInOrder { pack, place, position, expected, found, more });
        }
        let manifest = Manifest::open(files)?;
        let mut reader = RowReader::open(&files.path(Part::Records))?;
        let table_bytes = manifest.files.records.bytes;
        let mut rows = Vec::with_capacity(most_rows(manifest.count, table_bytes));
        while let Some(row) = reader.next_row() {
            rows.push(row?);
        }
        let path = files.path(Part::Rec);
        let reader = Reader::open(&path).map_err(|source| Error::Record { path, source })?;
        Ok(Self { files: files.clone(), manifest, rows, reader })
    }

    /// The picture's bytes of the image at `position`.
    ///
    /// # Errors
    /// [`Error::Record`] when the file was damaged since it was proved.
    ///
    /// # Panics
    /// Where there is no such position.
    pub fn bytes(&self, position: usize) -> Result<Cow<'_, [u8]>, Error> {
        let read = self.reader.record_at(self.rows[position].offset);
        let bytes = read.and_then(Record::into_payload);
        bytes.map_err(|source| Error::Record { path: self.files.path(Part::Rec), source })
    }
}
