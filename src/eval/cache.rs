//! Features by the digest of all that decides them, so that scoring again costs nothing.
//!
//! An entry is a folder named by its key: `features.npy`, `norms.npy` and `entry.json`, which is written
//! last and holds the digests of the other two. An entry that is not whole does not exist. The cache's
//! folder is the user's and may be a link; what lies in it is this program's, and no link is followed there.

use super::Error;
use super::conventions::Conventions;
use super::embed::{Selection, View, ViewFeatures};
use super::matrix::Matrix;
use super::model::Model;
use super::results::OutputForm;
use super::sets::FACE_PX;
use super::sink::Sink;
use crate::fs::{self, io_error};
use crate::no_follow;
use crate::pack;
use crate::runtime::Device;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Changes when the same facts would give other features.
const FORM: &str = "qgface-data features 1";

/// The files of an entry, the last one last.
const FEATURES: &str = "features.npy";
const NORMS: &str = "norms.npy";
const ENTRY: &str = "entry.json";
const FILES: [&str; 3] = [FEATURES, NORMS, ENTRY];

/// Held while an entry is written.
const LOCK: &str = "lock";

/// All that decides the features of one view of a pack.
#[derive(Debug, Serialize, Deserialize, PartialEq)]
struct Facts {
    form: String,
    model: String,
    /// The digest of the manifest, which holds those of the pictures.
    pack: String,
    view: String,
    selection: String,
    face_px: u32,
    channel_order: String,
    mean: [f64; 3],
    std: [f64; 3],
    device: String,
}

/// What an entry says of itself.
#[derive(Debug, Serialize, Deserialize)]
struct Entry {
    facts: Facts,
    output: OutputForm,
    features: String,
    norms: String,
    runtime: Option<String>,
}

/// The place of one view of one pack.
pub(super) struct Slot {
    folder: PathBuf,
    facts: Facts,
    /// Held while this process writes the entry.
    lock: Option<File>,
}

impl Slot {
    /// The place below the cache's folder.
    pub(super) fn new(
        cache: &Path,
        model: &Model<'_>,
        pack: &pack::Images,
        selection: Selection,
        view: View,
    ) -> Self {
        let Conventions { channel_order, mean, std, .. } = *model.conventions();
        let device = match model.device() {
            Device::Cpu => "cpu",
            Device::Cuda(_) => "cuda",
        };
        let facts = Facts {
            form: FORM.to_owned(),
            model: model.digest(),
            pack: pack.manifest.digest.clone(),
            view: view.name().to_owned(),
            selection: format!("{selection:?}"),
            face_px: FACE_PX,
            channel_order: channel_order.name().to_owned(),
            mean,
            std,
            device: device.to_owned(),
        };
        let key = blake3::hash(&serde_json::to_vec(&facts).unwrap_or_default()).to_hex();
        Self { folder: cache.join(&key.as_str()[..32]), facts, lock: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Opens the features that are there; a damaged entry counts as none.
    pub(super) fn open(&self, rows: usize) -> Option<ViewFeatures> {
        let is_own = no_follow::is_folder(&self.folder)
            && FILES.iter().all(|name| no_follow::is_file(&self.path(name)));
        if !is_own {
            return None;
        }
        let text = std::fs::read(self.path(ENTRY)).ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        let features = Matrix::open(&self.path(FEATURES)).ok()?;
        let norms = Matrix::open(&self.path(NORMS)).ok()?;
        let whole = entry.facts == self.facts
            && features.len() == rows
            && norms.len() == rows
            && digest(&features) == entry.features
            && digest(&norms) == entry.norms;
        let Entry { output: form, runtime, .. } = entry;
        whole.then_some(ViewFeatures { features, norms, form, runtime, unkept: None })
    }

    /// Where new features go: into files, or into memory while another process writes this entry.
    pub(super) fn sink(&mut self, rows: usize) -> Result<Sink, Error> {
        let folder = &self.folder;
        let cache = folder.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(cache).map_err(io_error("make the folder", cache))?;
        no_follow::make_folder(folder).map_err(io_error("make the folder", folder))?;
        let lock = self.path(LOCK);
        let file = no_follow::open_lock(&lock).map_err(io_error("write", &lock))?;
        if file.try_lock().is_err() {
            return Ok(Sink::memory());
        }
        self.lock = Some(file);
        // What is written next belongs to no entry yet, and what a killed run left to none any more.
        let entries = std::fs::read_dir(&self.folder).map_err(io_error("list", &self.folder))?;
        for entry in entries.flatten().filter(|entry| is_own(&entry.file_name().to_string_lossy()))
        {
            let path = entry.path();
            std::fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
        Ok(Sink::files(&self.path(FEATURES), &self.path(NORMS), rows))
    }

    /// Makes the written features an entry; nothing where they went into memory.
    pub(super) fn commit(self, features: &ViewFeatures) -> Result<(), Error> {
        if self.lock.is_none() {
            return Ok(());
        }
        let entry = Entry {
            output: features.form,
            features: digest(&features.features),
            norms: digest(&features.norms),
            runtime: features.runtime.clone(),
            facts: self.facts,
        };
        let path = self.folder.join(ENTRY);
        Ok(fs::write_whole(&path, &serde_json::to_vec_pretty(&entry).unwrap_or_default())?)
    }
}

/// Whether this program writes a file of the name into an entry: its files, and those before they have
/// their names. The lock stays.
fn is_own(name: &str) -> bool {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let half = name.strip_prefix('.').and_then(|name| name.strip_suffix(".partial"));
    let is_half = |half: &str| match (half.rsplit_once('.'), half.strip_prefix("qgface-")) {
        (Some((file, process)), _) => FILES.contains(&file) && is_number(process),
        (None, Some(process)) => is_number(process),
        (None, None) => false,
    };
    FILES.contains(&name) || half.is_some_and(is_half)
}

fn digest(matrix: &Matrix) -> String {
    let bytes = bytemuck::cast_slice(matrix.values());
    blake3::Hasher::new().update_rayon(bytes).finalize().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_this_program_writes_are_its_own() {
        for name in [
            "features.npy",
            "norms.npy",
            "entry.json",
            ".features.npy.7.partial",
            ".qgface-12.partial",
        ] {
            assert!(is_own(name), "{name}");
        }
        for name in [
            "lock",
            "notes.txt",
            ".features.npy.partial",
            ".mine.7.partial",
            ".qgface-x.partial",
            ".partial",
        ] {
            assert!(!is_own(name), "{name}");
        }
    }
}
