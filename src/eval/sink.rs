//! Where the features of a view go while they are made: into memory, or into files of the cache.
//!
//! Nobody waits for the cache: where its disk is full, what was written is read back and all goes on in
//! memory.

use super::error::Error;
use super::matrix::{Matrix, MatrixWriter};
use crate::causes::chain;
use std::path::{Path, PathBuf};

/// Takes features and norms.
pub(super) enum Sink {
    /// Into memory: 4 bytes a number.
    Memory(Box<Memory>),
    /// Into files, which have their names once they are whole.
    Files(Box<Files>),
}

/// See [`Sink::Memory`].
#[derive(Default)]
pub(super) struct Memory {
    features: Vec<f32>,
    norms: Vec<f32>,
    /// Why they are not in files, where they were to be.
    unkept: Option<String>,
}

/// See [`Sink::Files`].
pub(super) struct Files {
    paths: [PathBuf; 2],
    rows: usize,
    writers: Option<[MatrixWriter; 2]>,
}

/// What a sink has taken.
pub(super) struct Filled {
    pub(super) features: Matrix,
    pub(super) norms: Matrix,
    /// Why they are not in files, where they were to be.
    pub(super) unkept: Option<String>,
}

impl Sink {
    /// Memory alone.
    pub(super) fn memory() -> Self {
        Self::Memory(Box::default())
    }

    /// Files for `rows` rows.
    pub(super) fn files(features: &Path, norms: &Path, rows: usize) -> Self {
        let paths = [features.to_path_buf(), norms.to_path_buf()];
        Self::Files(Box::new(Files { paths, rows, writers: None }))
    }

    /// Takes rows.
    ///
    /// # Errors
    /// A file that cannot be written and not be read back either.
    pub(super) fn append(&mut self, features: &[f32], norms: &[f32]) -> Result<(), Error> {
        match self {
            Self::Memory(memory) => memory.take(features, norms),
            Self::Files(files) => {
                if let Err(error) = files.append(features, norms) {
                    let mut memory = files.recover(&error)?;
                    // Files that could not be begun have not taken these rows either.
                    if memory.norms.is_empty() {
                        memory.take(features, norms);
                    }
                    *self = Self::Memory(Box::new(memory));
                }
            }
        }
        Ok(())
    }

    /// What was taken, of `rows` images.
    ///
    /// # Errors
    /// As [`Sink::append`].
    pub(super) fn finish(self, rows: usize) -> Result<Filled, Error> {
        let memory = match self {
            Self::Memory(memory) => *memory,
            Self::Files(mut files) => match files.finish() {
                Ok(()) => {
                    let [features, norms] = &files.paths;
                    let (features, norms) = (Matrix::open(features)?, Matrix::open(norms)?);
                    return Ok(Filled { features, norms, unkept: None });
                }
                Err(error) => files.recover(&error)?,
            },
        };
        let Memory { features, norms, unkept } = memory;
        let width = features.len() / rows.max(1);
        let features = Matrix::new(features, width.max(1));
        Ok(Filled { features, norms: Matrix::new(norms, 1), unkept })
    }
}

impl Memory {
    fn take(&mut self, features: &[f32], norms: &[f32]) {
        self.features.extend_from_slice(features);
        self.norms.extend_from_slice(norms);
    }
}

impl Files {
    fn append(&mut self, features: &[f32], norms: &[f32]) -> Result<(), Error> {
        let width = features.len() / norms.len().max(1);
        let Self { paths: [path, norms_path], rows, writers } = self;
        let [of_features, of_norms] = match writers {
            Some(writers) => writers,
            none => none.insert([
                MatrixWriter::create(path, *rows, width)?,
                MatrixWriter::create(norms_path, *rows, 1)?,
            ]),
        };
        // Both take the rows before either may fail, so that both have as many.
        of_features.take(features);
        of_norms.take(norms);
        of_features.settle()?;
        of_norms.settle()
    }

    fn finish(&mut self) -> Result<(), Error> {
        self.writers.iter_mut().flatten().try_for_each(MatrixWriter::finish)
    }

    /// All that was taken, into memory, after `error` of the files.
    fn recover(&mut self, error: &Error) -> Result<Memory, Error> {
        let mut memory = Memory { unkept: Some(chain(error)), ..Memory::default() };
        if let Some([features, norms]) = self.writers.take() {
            memory.features = features.recover()?;
            memory.norms = norms.recover()?;
        }
        Ok(memory)
    }
}
