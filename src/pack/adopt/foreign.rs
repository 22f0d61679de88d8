//! The image records of a pack made elsewhere.

use crate::datasets::ImageRecords;
use crate::pack::{Error, PackFiles, Part};
use crate::progress::Progress;
use crate::recordio::{self, Header, IndexedReader, Record};
use rayon::prelude::*;

/// Records worked on in parallel before the next are.
pub(super) const AT_A_TIME: usize = 4096;

/// The images of a pack.
pub(super) struct ForeignImages<'a> {
    pub(super) files: &'a PackFiles,
    pub(super) pack: &'a IndexedReader,
    pub(super) images: ImageRecords,
}

impl ForeignImages<'_> {
    pub(super) fn damaged(&self, source: recordio::Error) -> Error {
        Error::Record { path: self.files.path(Part::Rec), source }
    }

    /// Line of the index of the image at `position`.
    fn line(&self, position: usize) -> Result<usize, Error> {
        self.images.position(self.pack, position).map_err(|error| self.damaged(error))
    }

    pub(super) fn key(&self, position: usize) -> Result<u64, Error> {
        let line = self.line(position)?;
        Ok(self.pack.index().key(line).expect("an image has a line"))
    }

    /// Calls `look` with the header and the payload of the image at `position`.
    pub(super) fn look<T, E: From<Error>>(
        &self,
        position: usize,
        look: impl FnOnce(&Record<'_>, &Header, &[u8]) -> Result<T, E>,
    ) -> Result<T, E> {
        let record = self.pack.get(self.line(position)?).map_err(|error| self.damaged(error))?;
        let (header, payload) = record.image().map_err(|error| self.damaged(error))?;
        look(&record, &header, payload)
    }

    /// Positions that are worked on at a time.
    pub(super) fn chunks(&self) -> impl Iterator<Item = Vec<usize>> {
        let count = self.images.count();
        let chunk = move |from| (from..count.min(from + AT_A_TIME)).collect();
        (0..count).step_by(AT_A_TIME).map(chunk)
    }

    /// Calls `work` for all positions in parallel, a chunk after the other, and `take` in their order.
    pub(super) fn each<T: Send, E: Send>(
        &self,
        chunks: impl Iterator<Item = Vec<usize>>,
        progress: &dyn Progress,
        work: impl Fn(usize) -> Result<T, E> + Sync,
        mut take: impl FnMut(usize, T) -> Result<(), E>,
    ) -> Result<(), E> {
        for chunk in chunks {
            let done: Vec<T> =
                chunk.par_iter().map(|&position| work(position)).collect::<Result<_, E>>()?;
            progress.advance(chunk.len() as u64);
            chunk.into_iter().zip(done).try_for_each(|(position, done)| take(position, done))?;
            // Records of other programs lie in any order, so all pages are let go of.
            self.pack.reader().release(0, self.pack.reader().length());
        }
        Ok(())
    }
}
