//! Tensors by name, as a safetensors file holds them.

use super::facts::FORMAT;
use crate::train::{Error, Tensor};
use safetensors::tensor::{Dtype, SafeTensors, TensorView, serialize};
use std::collections::HashMap;
use std::path::Path;

/// The bytes of a file of tensors.
pub(super) fn encoded<'t>(
    tensors: impl Iterator<Item = (&'t str, &'t Tensor)>,
    path: &Path,
) -> Result<Vec<u8>, Error> {
    let bad = |found: String| Error::Checkpoint { path: path.to_path_buf(), found };
    let views = tensors.map(|(name, tensor)| {
        let view =
            TensorView::new(Dtype::F32, tensor.shape.clone(), bytemuck::cast_slice(&tensor.data));
        Ok((name, view.map_err(|error| bad(format!("{name}: {error}")))?))
    });
    let views = views.collect::<Result<Vec<_>, Error>>()?;
    let told = HashMap::from([("format".to_owned(), FORMAT.to_owned())]);
    serialize(views, Some(told)).map_err(|error| bad(error.to_string()))
}

/// All tensors of floats of a file, widened or narrowed to 32 bits; others are left out.
///
/// # Errors
/// [`Error::Checkpoint`] for what is no safetensors file.
pub(in crate::train) fn floats(bytes: &[u8], path: &Path) -> Result<Vec<(String, Tensor)>, Error> {
    let bad = |error: safetensors::SafeTensorError| Error::Checkpoint {
        path: path.to_path_buf(),
        found: format!("no safetensors file: {error}"),
    };
    let file = SafeTensors::deserialize(bytes).map_err(bad)?;
    let mut found = Vec::new();
    for (name, view) in file.tensors() {
        let bytes = view.data();
        let data: Vec<f32> = match view.dtype() {
            Dtype::F32 => {
                bytes.as_chunks::<4>().0.iter().map(|&word| f32::from_le_bytes(word)).collect()
            }
            Dtype::F64 => bytes
                .as_chunks::<8>()
                .0
                .iter()
                .map(|&word| f64::from_le_bytes(word) as f32)
                .collect(),
            Dtype::F16 => bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&word| half::f16::from_le_bytes(word).to_f32())
                .collect(),
            Dtype::BF16 => bytes
                .as_chunks::<2>()
                .0
                .iter()
                .map(|&word| half::bf16::from_le_bytes(word).to_f32())
                .collect(),
            _ => continue,
        };
        found.push((name, Tensor { shape: view.shape().to_vec(), data }));
    }
    // In an order of their own whatever the file's is.
    found.sort_by(|(a, _), (b, _)| a.cmp(b));
    Ok(found)
}
