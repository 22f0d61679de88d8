//! Features by the digest of all that decides them, so that scoring again costs nothing.
//!
//! An entry is a folder named by its key: `features.npy`, `norms.npy` and `entry.json`, which is written
//! last and holds the digests of the other two. An entry that is not whole does not exist.

use super::Error;
use super::conventions::Conventions;
use super::embed::{Selection, Sink, View, ViewFeatures};
use super::matrix::Matrix;
use super::model::Model;
use super::results::OutputForm;
use super::sets::FACE_PX;
use crate::fs::{self, io_error};
use crate::pack;
use crate::runtime::Device;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Changes when the same facts would give other features.
const FORM: &str = "qgface-data features 1";

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
        let text = std::fs::read(self.path("entry.json")).ok()?;
        let entry: Entry = serde_json::from_slice(&text).ok()?;
        let features = Matrix::open(&self.path("features.npy")).ok()?;
        let norms = Matrix::open(&self.path("norms.npy")).ok()?;
        let whole = entry.facts == self.facts
            && features.len() == rows
            && norms.len() == rows
            && digest(&features) == entry.features
            && digest(&norms) == entry.norms;
        let Entry { output: form, runtime, .. } = entry;
        whole.then_some(ViewFeatures { features, norms, form, runtime })
    }

    /// Where new features go: into files, or into memory while another process writes this entry.
    pub(super) fn sink(&mut self, rows: usize) -> Result<Sink, Error> {
        let refused = |what| io_error(what, &self.folder);
        std::fs::create_dir_all(&self.folder).map_err(refused("make the folder"))?;
        let lock = self.path("lock");
        let file = File::create(&lock).map_err(io_error("write", &lock))?;
        if file.try_lock().is_err() {
            return Ok(Sink::memory());
        }
        self.lock = Some(file);
        // What is written next belongs to no entry yet, and what a killed run left to none any more.
        let entries = std::fs::read_dir(&self.folder).map_err(refused("list"))?;
        for entry in entries.flatten().filter(|entry| entry.file_name() != "lock") {
            let path = entry.path();
            std::fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
        Ok(Sink::files(&self.path("features.npy"), &self.path("norms.npy"), rows))
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
        let path = self.folder.join("entry.json");
        Ok(fs::write_whole(&path, &serde_json::to_vec_pretty(&entry).unwrap_or_default())?)
    }
}

fn digest(matrix: &Matrix) -> String {
    let bytes = bytemuck::cast_slice(matrix.values());
    blake3::Hasher::new().update_rayon(bytes).finalize().to_string()
}
