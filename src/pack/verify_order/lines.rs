//! The lines of a `.lst`.

use crate::fs::io_error;
use crate::pack::Error;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The lines of a `.lst`, each with its line feed.
pub(super) struct Lines {
    file: BufReader<File>,
    path: PathBuf,
    /// How many lines were read.
    pub(super) number: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, Error> {
        let file = File::open(path).map_err(io_error("read", path))?;
        Ok(Self { file: BufReader::new(file), path: path.to_path_buf(), number: 0 })
    }

    /// The next line; empty at the end.
    pub(super) fn next_line(&mut self) -> Result<Vec<u8>, Error> {
        let mut line = Vec::new();
        self.file.read_until(b'\n', &mut line).map_err(io_error("read", &self.path))?;
        self.number += 1;
        Ok(line)
    }
}
