//! The folder of a run: made or taken again, held by one process, and the places of its files.

use crate::fs;
use crate::train::{Error, checkpoint};
use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};

/// The file of a run's settings.
pub const SETTINGS: &str = "config.toml";

/// The file of a run's numbers.
pub const METRICS: &str = "metrics.jsonl";

/// The file that says how a run's steps are made.
pub(super) const TUNING: &str = "tuning.json";

/// The folder of a run's views.
const SAMPLES: &str = "samples";

/// The folder of what validation measured.
const EVAL: &str = "eval";

/// Folders that a run writes into, and checkpoints are removed from.
const OWN_FOLDERS: [&str; 4] = [checkpoint::FOLDER, SAMPLES, EVAL, "plots"];

/// A run's folder, which no other process trains in as long as this lives.
#[derive(Debug)]
pub(super) struct RunFolder {
    path: PathBuf,
    /// Nothing where another process of the run holds it.
    _lock: Option<File>,
}

impl RunFolder {
    /// Makes the folder of a new run below `runs`: `name`, or `preset` and the first number that is
    /// free. The folder of a run that broke off before its first checkpoint is taken again.
    ///
    /// # Errors
    /// [`Error::RunExists`], [`Error::RunBusy`] and [`Error::Files`].
    pub(super) fn make(runs: &Path, name: Option<&str>, preset: &str) -> Result<Self, Error> {
        std::fs::create_dir_all(runs).map_err(fs::io_error("make the folder", runs))?;
        if let Some(name) = name {
            return Self::make_named(runs.join(name));
        }
        for number in 1u32.. {
            match Self::make_named(runs.join(format!("{preset}-{number}"))) {
                Err(Error::RunExists { .. } | Error::RunBusy { .. }) => {}
                made => return made,
            }
        }
        Err(Error::RunExists { run: runs.to_path_buf() })
    }

    fn make_named(path: PathBuf) -> Result<Self, Error> {
        match std::fs::create_dir(&path) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
                if !is_unbegun(&path) {
                    return Err(Error::RunExists { run: path });
                }
            }
            Err(error) => return Err(fs::io_error("make the folder", &path)(error).into()),
        }
        Self::open(path)
    }

    /// Takes the folder of a run that is there.
    ///
    /// # Errors
    /// [`Error::RunBusy`], and [`Error::Files`] where a part of it leads elsewhere.
    pub(super) fn open(path: PathBuf) -> Result<Self, Error> {
        let lock = File::open(&path).map_err(fs::io_error("open", &path))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::RunBusy { run: path }),
            Err(TryLockError::Error(error)) => {
                return Err(fs::io_error("lock", &path)(error).into());
            }
        }
        let below = OWN_FOLDERS.map(|name| path.join(name));
        below.iter().try_for_each(|folder| fs::check_own_folder(folder))?;
        // Whoever holds the lock is the only one at work here.
        fs::remove_leftovers(&path);
        below.iter().for_each(|folder| fs::remove_leftovers(folder));
        Ok(Self { path, _lock: Some(lock) })
    }

    /// The folder that another rank of the run has taken.
    pub(super) fn of_first_rank(path: PathBuf) -> Self {
        Self { path, _lock: None }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn settings(&self) -> PathBuf {
        self.path.join(SETTINGS)
    }

    /// What is kept of how the run's steps are made.
    pub(super) fn tuning(&self) -> PathBuf {
        self.path.join(TUNING)
    }

    pub(super) fn metrics(&self) -> PathBuf {
        self.path.join(METRICS)
    }

    /// Where the exported backbone of a finished run lies.
    pub(super) fn model(&self) -> PathBuf {
        self.path.join("model.onnx")
    }

    /// Where checkpoints lie; made where it is not there.
    pub(super) fn checkpoints(&self) -> Result<PathBuf, Error> {
        self.made(checkpoint::FOLDER)
    }

    /// Where validation's documents lie; made where it is not there.
    pub(super) fn evaluations(&self) -> Result<PathBuf, Error> {
        self.made(EVAL)
    }

    /// Where sheets of views lie; made where it is not there.
    pub(super) fn samples(&self) -> Result<PathBuf, Error> {
        self.made(SAMPLES)
    }

    fn made(&self, name: &str) -> Result<PathBuf, Error> {
        let folder = self.path.join(name);
        std::fs::create_dir_all(&folder).map_err(fs::io_error("make the folder", &folder))?;
        Ok(folder)
    }
}

/// Whether a folder, and no link to one, holds nothing, or a run without a checkpoint.
fn is_unbegun(folder: &Path) -> bool {
    let is_empty = || std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none());
    let is_run = || folder.join(SETTINGS).is_file();
    fs::is_own_folder(folder) && (is_run() || is_empty()) && !checkpoint::any(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(folder: &RunFolder) -> &str {
        folder.path().file_name().unwrap().to_str().unwrap()
    }

    #[test]
    fn a_run_without_a_name_takes_the_first_number_that_is_free() {
        let runs = tempfile::tempdir().unwrap();
        let first = RunFolder::make(runs.path(), None, "d").unwrap();
        let second = RunFolder::make(runs.path(), None, "d").unwrap();
        assert_eq!((name(&first), name(&second)), ("d-1", "d-2"));
    }

    #[test]
    fn a_folder_is_held_by_one_process_and_taken_again_while_no_checkpoint_is_there() {
        let runs = tempfile::tempdir().unwrap();
        let held = RunFolder::make(runs.path(), Some("a"), "d").unwrap();
        let busy = RunFolder::make(runs.path(), Some("a"), "d").unwrap_err();
        assert!(matches!(busy, Error::RunBusy { .. }), "{busy}");
        std::fs::write(held.settings(), "").unwrap();
        drop(held);
        let again = RunFolder::make(runs.path(), Some("a"), "d").unwrap();
        std::fs::write(again.checkpoints().unwrap().join("step-00000001.json"), "{}").unwrap();
        drop(again);
        let there = RunFolder::make(runs.path(), Some("a"), "d").unwrap_err();
        assert!(matches!(there, Error::RunExists { .. }), "{there}");
    }

    #[test]
    fn a_folder_of_something_else_and_one_that_leads_elsewhere_are_refused() {
        let runs = tempfile::tempdir().unwrap();
        let other = runs.path().join("other");
        std::fs::create_dir(&other).unwrap();
        std::fs::write(other.join("notes.txt"), "").unwrap();
        let refused = RunFolder::make(runs.path(), Some("other"), "d").unwrap_err();
        assert!(matches!(refused, Error::RunExists { .. }), "{refused}");

        let run = runs.path().join("run");
        std::fs::create_dir(&run).unwrap();
        std::os::unix::fs::symlink(&other, run.join(EVAL)).unwrap();
        let refused = RunFolder::open(run).unwrap_err();
        assert!(matches!(refused, Error::Files(_)), "{refused}");
        assert!(other.join("notes.txt").exists());
    }
}
