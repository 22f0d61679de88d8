//! The model that a path names: the file itself, or what a run has exported.

use super::error::Error;
use qgface_data::train::SETTINGS;
use std::path::{Path, PathBuf};

/// The file of a run's exported backbone.
const EXPORTED: &str = "model.onnx";

/// The file of the model at `path`; of a run's folder, what it exported at its end.
///
/// # Errors
/// A folder of no run, and one of a run that has exported nothing yet.
pub(super) fn model_path(path: &Path) -> Result<PathBuf, Error> {
    let exported = path.join(EXPORTED);
    if !path.is_dir() || exported.is_file() {
        return Ok(if path.is_dir() { exported } else { path.to_path_buf() });
    }
    let told = path.display();
    Err(Error::Arguments(match path.join(SETTINGS).is_file() {
        true => format!(
            "{told}: expected a run that has come to its end, found one without {EXPORTED}; `qgface-data train \
             --resume {told}` goes on with it, and `qgface-data export {told} --out MODEL.onnx` writes the \
             model of its last checkpoint"
        ),
        false => format!(
            "{told}: expected a model's file or the folder of a run, found a folder without {EXPORTED} and \
             {SETTINGS}"
        ),
    }))
}
