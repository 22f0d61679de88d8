//! Where a pack is written before it exists, and how it comes to exist.
//!
//! Everything is written in the hidden folder `.STEM.partial` beside the pack. When all of it is
//! durable, the manifest is renamed inside that folder: the pack is *sealed*. From then on it is rolled
//! forward by whoever comes next, whatever happens: the old manifest is removed, the files are renamed
//! into place, the new manifest last. Before it is sealed, the old pack is untouched, and the folder can
//! be resumed or thrown away.

use crate::fs::{
    create_own, io_error, is_named, is_own_file, is_own_folder, lock_own, make_own_folder,
    remove_leftovers, remove_own, sync_folder,
};
use crate::pack::manifest::Provenance;
use crate::pack::{Error, Manifest, PackFiles, Part};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;

/// What [`recover`] found beside a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recovery {
    /// Nothing to do.
    Clean,
    /// A sealed pack was rolled forward.
    RolledForward,
    /// An interrupted pack lies there and can be resumed.
    Resumable,
    /// Another process is writing the pack.
    Busy,
}

/// The hidden folder, held by this process alone.
#[derive(Debug)]
pub(in crate::pack) struct Staging {
    files: PackFiles,
    folder: PathBuf,
    _lock: File,
}

const LOCK: &str = "lock";

/// Name of the settings an interrupted pack was made with.
pub(in crate::pack) const SETTINGS: &str = "settings.json";

/// Name of the rows of an interrupted pack while they are written anew.
pub(in crate::pack) const KEPT_ROWS: &str = "records.kept";

/// Name of the digests of the pictures' sources, where those are encoded anew.
pub(in crate::pack) const SOURCES: &str = "sources";

/// Name of the manifest before it is sealed.
const UNSEALED: &str = "manifest.unsealed";

impl Staging {
    /// Makes or enters the folder and locks it; nothing while another process holds it.
    pub(in crate::pack) fn enter(files: &PackFiles) -> Result<Option<Self>, Error> {
        let folder = files.staging();
        let path = folder.join(LOCK);
        loop {
            make_own_folder(&folder)?;
            match lock_own(&path) {
                Ok(None) => return Ok(None),
                Ok(Some(lock)) if is_named(&lock, &path) => {
                    return Ok(Some(Self { files: files.clone(), folder, _lock: lock }));
                }
                // Its last holder removed the lock, or the folder, in between.
                Ok(Some(_)) => {}
                Err(_) if !folder.exists() => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Where a part is written.
    pub(in crate::pack) fn path(&self, part: Part) -> PathBuf {
        let name = part.ending().trim_start_matches('.');
        self.folder.join(if part == Part::Manifest { "manifest.json" } else { name })
    }

    /// Where a file that is not part of the pack is written.
    pub(in crate::pack) fn beside(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The folder itself.
    pub(in crate::pack) fn folder(&self) -> &PathBuf {
        &self.folder
    }

    fn is_sealed(&self) -> bool {
        is_own_file(&self.path(Part::Manifest))
    }

    /// Writes the manifest durably and seals the pack; the other files are durable already.
    pub(in crate::pack) fn seal(&self, manifest: &[u8]) -> Result<(), Error> {
        let unsealed = self.folder.join(UNSEALED);
        let mut file = create_own(&unsealed)?;
        let written = file.write_all(manifest).and_then(|()| file.sync_all());
        written.map_err(io_error("write", &unsealed))?;
        sync_folder(&self.folder)?;
        let sealed = self.path(Part::Manifest);
        fs::rename(&unsealed, &sealed).map_err(io_error("write", &sealed))?;
        Ok(sync_folder(&self.folder)?)
    }

    /// Renames a sealed pack into place; can be repeated from any point it was interrupted at.
    pub(in crate::pack) fn commit(self) -> Result<(), Error> {
        self.remove_stale_extras()?;
        remove_own(&self.files.path(Part::Manifest))?;
        sync_folder(&self.files.folder)?;
        let stated = Manifest::read(&self.path(Part::Manifest));
        let is_stated =
            |part: &Part| stated.as_ref().is_ok_and(|manifest| manifest.files.of(*part).is_some());
        let extra = Part::EXTRA.into_iter().filter(is_stated);
        let [before @ .., manifest] = Part::ALL;
        for part in before.into_iter().chain(extra).chain([manifest]) {
            let (from, to) = (self.path(part), self.files.path(part));
            if part == Part::Manifest {
                sync_folder(&self.files.folder)?;
            }
            if from.is_symlink() {
                return Err(crate::fs::Error::NotOwn { path: from, found: "a link" }.into());
            }
            match fs::rename(&from, &to) {
                Err(error) if error.kind() == ErrorKind::NotFound && part != Part::Manifest => {}
                renamed => renamed.map_err(io_error("write", &to))?,
            }
        }
        sync_folder(&self.files.folder)?;
        self.discard()
    }

    /// Removes the files that only the old pack has, while its manifest still names them.
    fn remove_stale_extras(&self) -> Result<(), Error> {
        let Ok(old) = Manifest::read(&self.files.path(Part::Manifest)) else { return Ok(()) };
        let new = Manifest::read(&self.path(Part::Manifest))?;
        // What came with a pack made elsewhere is not this program's to remove.
        let own = old.source == Provenance::List;
        let stale =
            |part: &Part| own && old.files.of(*part).is_some() && new.files.of(*part).is_none();
        let stale = Part::EXTRA.into_iter().filter(stale);
        Ok(stale.map(|part| self.files.path(part)).try_for_each(|path| remove_own(&path))?)
    }

    /// What this program writes in the folder. The manifest comes first, so that a folder with a part
    /// missing never looks sealed.
    fn contents(&self) -> impl Iterator<Item = PathBuf> {
        let parts = Part::ALL.into_iter().rev().chain(Part::EXTRA).map(|part| self.path(part));
        parts.chain([SETTINGS, KEPT_ROWS, SOURCES, UNSEALED].map(|name| self.folder.join(name)))
    }

    /// Removes what an interrupted run left, so that none of it gets into another pack.
    pub(in crate::pack) fn clear(&self) -> Result<(), Error> {
        let mut left = self.contents().filter(|path| path.symlink_metadata().is_ok());
        Ok(left.try_for_each(|path| remove_own(&path))?)
    }

    /// Removes what this program writes in the folder, and the folder if nothing else is in it.
    pub(in crate::pack) fn discard(self) -> Result<(), Error> {
        // The lock goes last, so that what an interrupt leaves is seen to be left over.
        self.contents().chain([self.folder.join(LOCK)]).try_for_each(|path| remove_own(&path))?;
        // Somebody else's file in it keeps it.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}

/// Brings a pack to a whole state after a crash: every command that opens packs calls this first.
///
/// # Errors
/// [`Error::Files`] when a rename is refused; the next call tries again.
pub fn recover(files: &PackFiles) -> Result<Recovery, Error> {
    let folder = files.staging();
    remove_leftovers(&files.folder);
    if !is_own_folder(&folder) || !is_own_file(&folder.join(LOCK)) {
        // An interrupt right after it was made leaves it empty; another's folder is not ours to touch.
        let _ = fs::remove_dir(&folder);
        return Ok(Recovery::Clean);
    }
    let Some(staging) = Staging::enter(files)? else { return Ok(Recovery::Busy) };
    if staging.is_sealed() {
        staging.commit()?;
        return Ok(Recovery::RolledForward);
    }
    if is_own_file(&staging.path(Part::Rec)) {
        return Ok(Recovery::Resumable);
    }
    staging.discard()?;
    Ok(Recovery::Clean)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> (tempfile::TempDir, PackFiles) {
        let folder = tempfile::tempdir().unwrap();
        let files = PackFiles::new(folder.path(), "p").unwrap();
        (folder, files)
    }

    #[test]
    fn a_second_process_is_refused_while_the_first_writes() {
        let (_folder, files) = files();
        let first = Staging::enter(&files).unwrap().unwrap();
        assert!(Staging::enter(&files).unwrap().is_none());
        assert_eq!(recover(&files).unwrap(), Recovery::Busy);
        first.discard().unwrap();
        assert_eq!(recover(&files).unwrap(), Recovery::Clean);
    }

    #[test]
    fn a_sealed_pack_is_rolled_forward_from_every_point_of_the_commit() {
        for renamed in 0..=4 {
            let (_folder, files) = files();
            Part::ALL.iter().for_each(|&part| fs::write(files.path(part), "old").unwrap());
            let staging = Staging::enter(&files).unwrap().unwrap();
            Part::ALL[..4].iter().for_each(|&part| fs::write(staging.path(part), "new").unwrap());
            staging.seal(b"new").unwrap();
            fs::remove_file(files.path(Part::Manifest)).unwrap();
            for part in &Part::ALL[..renamed] {
                fs::rename(staging.path(*part), files.path(*part)).unwrap();
            }
            drop(staging);
            assert_eq!(recover(&files).unwrap(), Recovery::RolledForward);
            for part in Part::ALL {
                assert_eq!(
                    fs::read(files.path(part)).unwrap(),
                    b"new",
                    "{part:?}, {renamed} renamed"
                );
            }
            assert!(!files.staging().exists());
        }
    }
}
