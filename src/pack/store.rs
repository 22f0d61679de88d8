//! The images of a pack for reading in any order, each held against its digest when it is read.

use super::digest::{OrderDigest, digest_file};
use super::proof::ProofError;
use super::records::{RowReader, most_rows};
use super::write::recover;
use super::{Error, Manifest, PackFiles, Part};
use crate::recordio::{Reader, Record};
use std::borrow::Cow;
use std::collections::BTreeMap;

/// A pack whose order was proved as it was opened, and whose pictures are proved one by one.
///
/// Memory: 48 bytes an image, and some for every size of pictures.
#[derive(Debug)]
pub struct Store {
    /// The pack.
    pub files: PackFiles,
    /// What it says of itself.
    pub manifest: Manifest,
    entries: Vec<Entry>,
    /// The first position of every size that occurs.
    sizes: BTreeMap<Size, usize>,
    reader: Reader,
}

/// Width and height in pixels.
type Size = (u32, u32);

#[derive(Debug)]
struct Entry {
    offset: u64,
    digest: blake3::Hash,
    label: u32,
}

/// Labels are below this, where `f32` holds every whole number.
const LABELS: f32 = 16_777_216.0;

impl Store {
    /// Opens a pack: its manifest, its table of records and the digest of its order must agree, and
    /// every label must be a class.
    ///
    /// # Errors
    /// [`Error::NoManifest`] with what to do, [`ProofError::NotInOrder`], [`ProofError::NoClass`].
    pub fn open(files: &PackFiles) -> Result<Self, ProofError> {
        recover(files)?;
        let manifest = Manifest::open(files)?;
        let table = files.path(Part::Records);
        let found = digest_file(&table)?;
        if found != manifest.files.records {
            let expected = &manifest.files.records;
            let (expected, found) = (expected.blake3.clone(), found.blake3);
            return Err(not_in_order(files, table.display().to_string(), None, expected, found));
        }
        let mut rows = RowReader::open(&table)?;
        let mut order = OrderDigest::default();
        let mut entries = Vec::with_capacity(most_rows(manifest.count, found.bytes));
        let mut sizes = BTreeMap::new();
        while let Some(row) = rows.next_row() {
            let row = row?;
            order.add(&row);
            let label = row.label.class();
            if !((0.0..LABELS).contains(&label) && label.fract() == 0.0) {
                let (label, path) = (row.label.to_string(), row.path);
                return Err(ProofError::NoClass { pack: files.path(Part::Rec), path, label });
            }
            sizes.entry((row.width, row.height)).or_insert(entries.len());
            entries.push(Entry { offset: row.offset, digest: row.digest, label: label as u32 });
        }
        let found = order.finish();
        if found != manifest.order {
            let expected = manifest.order.clone();
            return Err(not_in_order(files, "the order".to_owned(), None, expected, found));
        }
        let path = files.path(Part::Rec);
        let reader = Reader::open(&path).map_err(|source| Error::Record { path, source })?;
        let (expected, found) = (manifest.files.rec.bytes, reader.length());
        if expected != found {
            let (expected, found) = (format!("{expected} bytes"), format!("{found}"));
            return Err(not_in_order(files, "the .rec".to_owned(), None, expected, found));
        }
        Ok(Self { files: files.clone(), manifest, entries, sizes, reader })
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The first image that the table gives another size: position, width and height.
    pub fn first_of_other_size(&self, size: (u32, u32)) -> Option<(usize, u32, u32)> {
        let others = self.sizes.iter().filter(|(own, _)| **own != size);
        others.map(|(&(width, height), &position)| (position, width, height)).min()
    }

    /// The class of the image at `position`.
    ///
    /// # Panics
    /// Where there is no such position.
    pub fn label(&self, position: usize) -> u32 {
        self.entries[position].label
    }

    /// The path of the image at `position`, read from the table: for errors.
    pub fn name(&self, position: usize) -> String {
        let rows = RowReader::open(&self.files.path(Part::Records));
        let row = rows.ok().and_then(|mut rows| {
            (0..position).try_for_each(|_| rows.next_row().map(|_| ()))?;
            rows.next_row()?.ok()
        });
        row.map_or_else(|| format!("position {position}"), |row| row.path)
    }

    /// The picture's bytes of the image at `position`, after they were held against its digest.
    ///
    /// # Errors
    /// [`Error::Record`] for damaged framing, [`ProofError::NotInOrder`] for other bytes than those that
    /// were packed.
    ///
    /// # Panics
    /// Where there is no such position.
    pub fn bytes(&self, position: usize) -> Result<Cow<'_, [u8]>, ProofError> {
        let entry = &self.entries[position];
        let read = self.reader.record_at(entry.offset).and_then(Record::into_payload);
        let bytes =
            read.map_err(|source| Error::Record { path: self.files.path(Part::Rec), source })?;
        let found = blake3::hash(&bytes);
        if found != entry.digest {
            let place = format!("image {}", self.name(position));
            let (expected, found) = (entry.digest.to_string(), found.to_string());
            let position = Some(position as u64);
            return Err(not_in_order(&self.files, place, position, expected, found));
        }
        Ok(bytes)
    }
}

fn not_in_order(
    files: &PackFiles,
    place: String,
    position: Option<u64>,
    expected: String,
    found: String,
) -> ProofError {
    ProofError::NotInOrder {
        pack: files.path(Part::Rec),
        place,
        position,
        expected,
        found,
        more: 0,
    }
}
