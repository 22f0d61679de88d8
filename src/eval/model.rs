//! A model on disk: its digest and conventions at once, the runtime only when images must be embedded.

use super::conventions::{Conventions, decide};
use super::error::{Error, ModelError, ModelFault};
use super::options::{ModelOptions, Say};
use super::rewriting::{self, Load};
use super::sessions::Sessions;
use crate::fs::io_error;
use crate::onnx;
use crate::runtime::Device;
use std::path::Path;

/// A model that can be run.
pub(super) struct Model<'a> {
    options: ModelOptions,
    conventions: Conventions,
    digest: blake3::Hash,
    sessions: Option<Sessions>,
    say: &'a Say<'a>,
}

impl<'a> Model<'a> {
    /// Reads what the model says of itself. `say` hears when the runtime must be fetched.
    pub(super) fn open(options: ModelOptions, say: &'a Say<'a>) -> Result<Self, Error> {
        let model = onnx::Model::open(&options.path).map_err(ModelError::from)?;
        let conventions = decide(&options.path, &model.summary(), &options.flags)?;
        let digest = digest(&options.path, &model)?;
        Ok(Self { options, conventions, digest, sessions: None, say })
    }

    pub(super) fn conventions(&self) -> &Conventions {
        &self.conventions
    }

    pub(super) fn path(&self) -> &Path {
        &self.options.path
    }

    pub(super) fn device(&self) -> Device {
        self.options.device
    }

    /// BLAKE3 of the file and of the files that hold its weights.
    pub(super) fn digest(&self) -> String {
        self.digest.to_string()
    }

    /// Library and version, once it has started.
    pub(super) fn library(&self) -> Option<String> {
        self.sessions.as_ref().map(|sessions| sessions.library.clone())
    }

    /// Starts the runtime and loads the model, once, for work of that size.
    pub(super) fn start(&mut self, load: Load) -> Result<(), Error> {
        if self.sessions.is_none() {
            let subject = rewriting::Subject {
                options: &self.options,
                conventions: &self.conventions,
                digest: self.digest(),
                load,
            };
            self.sessions = Some(rewriting::sessions(&subject, self.say)?);
        }
        Ok(())
    }

    /// Starts the runtime and loads the model as another rank has it, in place of how it is loaded.
    pub(super) fn start_as(&mut self, rewriting: Option<&str>) -> Result<(), Error> {
        if self.sessions.as_ref().is_none_or(|own| own.rewriting != rewriting) {
            self.sessions = Some(rewriting::sessions_as(&self.options, rewriting, self.say)?);
        }
        Ok(())
    }

    /// What the model may be made into before it is run, nothing first.
    pub(super) fn rewritings(&self) -> Vec<Option<&'static str>> {
        rewriting::names(&self.options)
    }

    /// The loaded model.
    ///
    /// # Panics
    /// Before its start.
    pub(super) fn sessions(&self) -> &Sessions {
        self.sessions.as_ref().expect("a model is started before it is run")
    }

    /// Says something to the user.
    pub(super) fn say(&self, text: &str) {
        (self.say)(text);
    }

    pub(super) fn refused(&self, fault: ModelFault) -> ModelError {
        ModelError::Unfit { path: self.options.path.clone(), fault }
    }
}

/// The digest of a model that is one file is the file's; others follow with their lengths, so that numbers
/// that move from one file to the next change it.
fn digest(path: &Path, model: &onnx::Model) -> Result<blake3::Hash, Error> {
    let external = model.external_paths(path).map_err(ModelError::from)?;
    let mut hasher = blake3::Hasher::new();
    hasher.update_mmap_rayon(path).map_err(io_error("read", path))?;
    for path in &external {
        let length = std::fs::metadata(path).map_err(io_error("read", path))?.len();
        hasher.update(&length.to_le_bytes());
        hasher.update_mmap_rayon(path).map_err(io_error("read", path))?;
    }
    Ok(hasher.finalize())
}
