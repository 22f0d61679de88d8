//! Weights to begin with, from a model, a checkpoint, or a file of PyTorch's.

use super::checkpoint::floats;
use super::{Error, Tensor, TrainState};
use crate::fs;
use crate::onnx;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;

/// What was taken from a file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Adopted {
    /// The file.
    pub file: String,
    /// Tensors that were taken.
    pub taken: u64,
    /// Tensors of the file that this network has no place for, by name.
    pub unused: Vec<String>,
}

/// What names of backbones of AdaFace, CVLface and others begin with.
const PREFIXES: [&str; 4] = ["model.", "net.", "module.", "backbone."];

/// What names of this program's backbones begin with.
const BACKBONE: &str = "backbone.";

/// The class columns, which are taken where they are as many.
const KERNEL: &str = "head.kernel";

/// PyTorch's counters of batches, which nothing reads.
const COUNTERS: &str = "num_batches_tracked";

/// Replaces the backbone of a state, and the class columns where the file has them in the same number,
/// by those of a file.
///
/// # Errors
/// [`Error::Init`] where a tensor of the backbone is missing or of another shape: a backbone that is
/// half drawn and half loaded would train and be wrong.
pub fn adopt(state: &mut TrainState, path: &Path) -> Result<Adopted, Error> {
    let mut found: IndexMap<String, Tensor> = IndexMap::new();
    for (name, tensor) in read(path)? {
        found.insert(own_name(&name), tensor);
    }
    let mut adopted = Adopted { file: path.display().to_string(), taken: 0, unused: vec![] };
    for (name, tensor) in &mut state.tensors {
        let required = name.starts_with(BACKBONE);
        if !required && name != KERNEL {
            continue;
        }
        match found.get(name) {
            Some(other) if other.shape == tensor.shape => {
                tensor.data.clone_from(&other.data);
                found.shift_remove(name);
                adopted.taken += 1;
            }
            other if required => {
                let path = path.to_path_buf();
                let (name, expected) = (name.clone(), tensor.shape.clone());
                let found = other.map_or_else(
                    || "none".to_owned(),
                    |tensor| format!("one of {:?}", tensor.shape),
                );
                return Err(Error::Init { path, name, expected, found });
            }
            _ => {}
        }
    }
    let unused = found
        .into_keys()
        .filter(|name| !name.ends_with(COUNTERS) && !name.starts_with("momentum."));
    adopted.unused = unused.collect();
    Ok(adopted)
}

/// The name by which this program knows a tensor.
fn own_name(name: &str) -> String {
    let mut rest = name;
    while let Some(shorter) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter;
    }
    let of_backbone = ["input_layer.", "body.", "output_layer."];
    match of_backbone.iter().any(|part| rest.starts_with(part)) {
        true => format!("{BACKBONE}{rest}"),
        false => rest.to_owned(),
    }
}

/// All tensors of floats of a file.
fn read(path: &Path) -> Result<Vec<(String, Tensor)>, Error> {
    if path.extension() == Some("onnx".as_ref()) {
        return of_model(path);
    }
    let path = match path.is_dir() {
        true => super::checkpoint::open(path)?.path.with_extension("safetensors"),
        false => path.to_path_buf(),
    };
    let bytes = std::fs::read(&path).map_err(fs::io_error("read", &path))?;
    floats(&bytes, &path)
}

fn of_model(path: &Path) -> Result<Vec<(String, Tensor)>, Error> {
    let model = onnx::Model::open(path)?;
    if let Some(file) = model.external_files().first() {
        let found = format!("weights beside the model, in {file}; use the checkpoint instead");
        return Err(Error::Checkpoint { path: path.to_path_buf(), found });
    }
    let weights = model.graph().initializer.iter();
    let floats = weights.filter(|tensor| tensor.data_type == onnx::ElementType::Float as i32);
    let tensors = floats.map(|tensor| {
        let words = tensor.raw_data.as_chunks::<4>().0;
        let data = match tensor.raw_data.is_empty() {
            true => tensor.float_data.clone(),
            false => words.iter().map(|&word| f32::from_le_bytes(word)).collect(),
        };
        let shape = tensor.dims.iter().map(|&extent| usize::try_from(extent).unwrap_or(0));
        (tensor.name.clone(), Tensor { shape: shape.collect(), data })
    });
    // An extent that does not fit the numbers is of no use to anything.
    Ok(tensors.filter(|(_, t)| t.shape.iter().product::<usize>() == t.data.len()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_other_programs_lose_their_prefixes() {
        for (name, own) in [
            ("model.net.input_layer.0.weight", "backbone.input_layer.0.weight"),
            ("body.3.res_layer.1.weight", "backbone.body.3.res_layer.1.weight"),
            ("backbone.output_layer.3.bias", "backbone.output_layer.3.bias"),
            ("head.kernel", "head.kernel"),
            ("momentum.backbone.body.0.x", "momentum.backbone.body.0.x"),
        ] {
            assert_eq!(own_name(name), own);
        }
    }
}
