//! The published MPICH, for machines without an MPI: its launcher, and the library of the ranks.

use super::Error;
use super::install::install_release;
use super::places::{Places, State};
use super::release::MPICH;
use std::path::{Path, PathBuf};

/// MPICH in the program's cache.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mpich {
    folder: PathBuf,
}

impl Mpich {
    /// The one that is installed and whole.
    pub fn installed() -> Option<Self> {
        let cache = Places::from_environment().cache?;
        let whole = cache.state(&MPICH) == State::Whole;
        whole.then(|| Self { folder: cache.folder(&MPICH) })
    }

    /// Puts it into the cache, unless it is there and whole. `say` is told what is being done.
    ///
    /// # Errors
    /// As [`crate::install`].
    pub fn install(say: &dyn Fn(&str)) -> Result<Self, Error> {
        let library = install_release(&MPICH, say)?;
        Ok(Self { folder: library.parent().unwrap_or(Path::new("")).to_path_buf() })
    }

    /// The program that starts ranks.
    pub fn mpiexec(&self) -> PathBuf {
        self.folder.join("mpiexec")
    }

    /// The library that ranks load.
    pub fn library(&self) -> PathBuf {
        self.folder.join(MPICH.library)
    }
}
