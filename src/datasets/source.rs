//! Where the bytes of a list's images are: files, a verification pickle, or the records of a pack.

use super::insightface::ImageRecords;
use super::pickle::{self, Payload};
use crate::fs::Mapped;
use crate::recordio::{self, IndexedReader};
use std::borrow::Cow;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// What holds the images of a list.
#[derive(Debug)]
pub enum ImageSource {
    /// Every image is a file.
    Files,
    /// A verification pickle, and where its pictures stand in it.
    Pickle(PickledImages),
    /// The image records of a pack.
    Records(PackedImages),
}

/// The pictures of a verification pickle.
#[derive(Debug)]
pub struct PickledImages {
    pub(super) file: Mapped,
    pub(super) images: Vec<Payload>,
}

/// The pictures of a pack.
#[derive(Debug)]
pub struct PackedImages {
    pub(super) pack: IndexedReader,
    pub(super) images: ImageRecords,
}

/// Why the bytes of an image cannot be had.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SourceError {
    /// It is a folder, a pipe or a device.
    #[error("expected a file, found something else, such as a folder or a pipe")]
    NotAFile,
    /// Its file cannot be read.
    #[error("cannot read the file")]
    Read(#[from] std::io::Error),
    /// Its place in the pickle is damaged.
    #[error(transparent)]
    Pickle(#[from] pickle::Error),
    /// Its record is damaged.
    #[error(transparent)]
    Record(#[from] recordio::Error),
}

impl ImageSource {
    /// The bytes of an image: of its file, or of picture `stored` of the container.
    pub(super) fn bytes(
        &self,
        file: impl FnOnce() -> PathBuf,
        stored: u32,
    ) -> Result<Cow<'_, [u8]>, SourceError> {
        let at = stored as usize;
        match self {
            Self::Files => read_file(&file()).map(Cow::Owned),
            Self::Pickle(pickle) => Ok(pickle.images[at].bytes(&pickle.file)?),
            Self::Records(packed) => {
                let position = packed.images.position(&packed.pack, at)?;
                Ok(packed.pack.get(position)?.into_payload()?)
            }
        }
    }
}

/// Reads a file whole, and nothing but a file: opening a pipe would wait for its other end.
fn read_file(path: &Path) -> Result<Vec<u8>, SourceError> {
    let found = std::fs::metadata(path)?;
    if !found.is_file() {
        return Err(SourceError::NotAFile);
    }
    // One byte more, so that the end is seen without growing.
    let mut bytes = Vec::with_capacity(usize::try_from(found.len()).unwrap_or(0).saturating_add(1));
    // `take` keeps `read_to_end` from asking for the length a second time.
    File::open(path)?.take(u64::MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The ending of a picture's file, by its first bytes; whether the rest is whole is found out when it is
/// packed.
pub(super) fn ending(picture: &[u8]) -> &'static str {
    if picture.starts_with(b"\x89PNG") { "png" } else { "jpg" }
}
