//! Features by the digest of all that decides them, so that scoring again costs nothing.
//!
//! An entry is a folder named by its key: `features.npy`, `norms.npy` and `entry.json`, which is written
//! last and holds the digests of the other two. An entry that is not whole does not exist. The cache's
//! folder is the user's and may be a link; what lies in it is this program's, and no link is followed there.

use super::conventions::Conventions;
use super::embed::ViewFeatures;
use super::error::Error;
use super::face::View;
use super::matrix::Matrix;
use super::model::Model;
use super::results::OutputForm;
use super::selection::Selection;
use super::sets::FACE_PX;
use super::sink::Sink;
use crate::fs;
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
    /// What the model was made into before it was run, if it was: features differ by rounding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rewriting: Option<String>,
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
        pack: &pack::ProvedImages,
        selection: Selection,
        view: View,
        rewriting: Option<&str>,
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
            selection: selection.name(),
            face_px: FACE_PX,
            channel_order: channel_order.name().to_owned(),
            mean,
            std,
            device: device.to_owned(),
            rewriting: rewriting.map(str::to_owned),
        };
        let told = serde_json::to_vec(&facts).expect("facts are texts and numbers by name");
        let key = blake3::hash(&told).to_hex();
        Self { folder: cache.join(&key.as_str()[..32]), facts, lock: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Opens the features that are there; a damaged entry counts as none.
    pub(super) fn open(&self, rows: usize) -> Option<ViewFeatures> {
        let is_own = fs::is_own_folder(&self.folder)
            && FILES.iter().all(|name| fs::is_own_file(&self.path(name)));
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
        fs::make_own_folder(folder)?;
        self.lock = fs::lock_own(&self.path(LOCK))?;
        if self.lock.is_none() {
            return Ok(Sink::memory());
        }
        // What is written next belongs to no entry yet, and what a killed run left to none any more.
        FILES.iter().try_for_each(|name| fs::remove_own(&self.path(name)))?;
        fs::remove_leftovers(folder);
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
        let text =
            serde_json::to_vec_pretty(&entry).expect("an entry is texts and numbers by name");
        Ok(fs::write_whole(&path, &text)?)
    }
}

fn digest(matrix: &Matrix) -> String {
    let bytes = bytemuck::cast_slice(matrix.values());
    blake3::Hasher::new().update_rayon(bytes).finalize().to_string()
}
