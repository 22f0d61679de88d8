//! Weights to begin with, from a model, a checkpoint, or a file of PyTorch's.

use super::checkpoint::floats;
use super::names::KERNEL;
use super::{Error, Tensor, TrainState};
use crate::fs;
use crate::onnx;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use std::ops::Range;
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

/// Names of the backbone that are told where a file has none of them.
const NAMED: usize = 3;

/// What stands for hidden patches in training; a model that is run has no place for it, and it stays as drawn
/// where a file lacks it.
const HIDDEN: &str = ".mask_token";

/// PyTorch's counters of batches, which nothing reads.
const COUNTERS: &str = "num_batches_tracked";

/// Replaces the backbone of a state, and the class columns where the file has `classes` of them, by those of
/// a file; of columns those of `own`, which the state has.
///
/// # Errors
/// [`Error::Names`] where no tensor has a name of a backbone's; [`Error::Init`] where one of the backbone is
/// missing or of another shape: a backbone that is half drawn and half loaded would train and be wrong.
pub fn adopt(
    state: &mut TrainState,
    path: &Path,
    own: Range<usize>,
    classes: usize,
) -> Result<Adopted, Error> {
    let mut found: IndexMap<String, Tensor> = IndexMap::new();
    for (name, tensor) in read(path)? {
        found.insert(own_name(&name, state), tensor);
    }
    if found.keys().all(|name| !name.starts_with(BACKBONE)) {
        let (path, count) = (path.to_path_buf(), found.len());
        let first = found.into_keys().next();
        let own = state.tensors.keys().filter_map(|name| name.strip_prefix(BACKBONE));
        let expected = own.take(NAMED).collect::<Vec<_>>().join(", ");
        return Err(Error::Names { path, expected, count, first });
    }
    let mut adopted = Adopted { file: path.display().to_string(), taken: 0, unused: vec![] };
    for (name, tensor) in &mut state.tensors {
        if !name.starts_with(BACKBONE) && name != KERNEL {
            continue;
        }
        if name == KERNEL {
            let whole = found.get(name).filter(|other| other.shape.last() == Some(&classes));
            let columns = whole.and_then(|whole| whole.columns(&own));
            if let Some(columns) = columns.filter(|columns| columns.shape == tensor.shape) {
                *tensor = columns;
                found.shift_remove(name);
                adopted.taken += 1;
            }
            continue;
        }
        match found.get(name) {
            Some(other) if other.shape == tensor.shape => {
                tensor.data.clone_from(&other.data);
                found.shift_remove(name);
                adopted.taken += 1;
            }
            None if name.ends_with(HIDDEN) => {}
            other => {
                let path = path.to_path_buf();
                let (name, expected) = (name.clone(), tensor.shape.clone());
                let found = other.map_or_else(
                    || "none".to_owned(),
                    |tensor| format!("one of {:?}", tensor.shape),
                );
                return Err(Error::Init { path, name, expected, found });
            }
        }
    }
    let unused = found
        .into_keys()
        .filter(|name| !name.ends_with(COUNTERS) && !name.starts_with("momentum."));
    adopted.unused = unused.collect();
    Ok(adopted)
}

/// The name by which this program knows a tensor, if it is one of the network of a state.
fn own_name(name: &str, state: &TrainState) -> String {
    let mut rest = name;
    while let Some(shorter) = PREFIXES.iter().find_map(|prefix| rest.strip_prefix(prefix)) {
        rest = shorter;
    }
    let own = format!("{BACKBONE}{rest}");
    if state.tensors.contains_key(&own) { own } else { rest.to_owned() }
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
    if is_pickled(&bytes) {
        return Err(Error::Pickled { path });
    }
    floats(&bytes, &path)
}

/// Whether bytes begin as what `torch.save` writes: a zip of pickles, or in older versions a pickle of
/// protocol 2 and later.
fn is_pickled(bytes: &[u8]) -> bool {
    bytes.starts_with(b"PK\x03\x04") || matches!(bytes, [0x80, 2..=5, ..])
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
    Ok(tensors.filter(|(_, tensor)| count(&tensor.shape) == Some(tensor.data.len())).collect())
}

/// How many numbers extents hold, if that is a number.
fn count(shape: &[usize]) -> Option<usize> {
    shape.iter().try_fold(1_usize, |count, &extent| count.checked_mul(extent))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extents_whose_product_no_number_holds_are_of_no_numbers() {
        assert_eq!([&[2, 3][..], &[], &[0, 5]].map(count), [Some(6), Some(1), Some(0)]);
        assert!(count(&[1 << 32, 1 << 32, 1 << 32]).is_none());
    }

    #[test]
    fn names_of_other_programs_lose_their_prefixes() {
        let mut state = TrainState::default();
        for own in ["backbone.input_layer.0.weight", "backbone.layer1.0.bn1.bias", "head.kernel"] {
            state.tensors.insert(own.to_owned(), Tensor { shape: vec![], data: vec![0.0] });
        }
        for (name, own) in [
            ("model.net.input_layer.0.weight", "backbone.input_layer.0.weight"),
            ("module.layer1.0.bn1.bias", "backbone.layer1.0.bn1.bias"),
            ("backbone.input_layer.0.weight", "backbone.input_layer.0.weight"),
            ("head.kernel", "head.kernel"),
            ("body.3.res_layer.1.weight", "body.3.res_layer.1.weight"),
            ("momentum.backbone.input_layer.0.weight", "momentum.backbone.input_layer.0.weight"),
        ] {
            assert_eq!(own_name(name, &state), own);
        }
    }

    #[test]
    fn what_pytorch_saves_is_told_by_its_first_bytes() {
        for bytes in [&b"PK\x03\x04data"[..], b"\x80\x02}q\0", b"\x80\x04\x95"] {
            assert!(is_pickled(bytes), "{bytes:?}");
        }
        assert!(!is_pickled(b"\x10\0\0\0\0\0\0\0{}") && !is_pickled(b"") && !is_pickled(b"\x80"));
    }

    #[test]
    fn extents_whose_product_no_number_holds_are_of_no_use() {
        assert_eq!(
            (count(&[2, 3]), count(&[usize::MAX, 2]), count(&[0])),
            (Some(6), None, Some(0))
        );
    }
}
