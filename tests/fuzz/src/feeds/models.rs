//! Arrays, models and weights.

use super::{Fed, parted, put, put_once, told};
use qgface_data::eval::Matrix;
use qgface_data::onnx::Model;
use qgface_data::train::{Tensor, TrainState, adopt, checkpoint};
use std::path::Path;

/// A `.npy`: as many numbers as the shape says.
pub(super) fn npy(bytes: &[u8]) -> Fed {
    let matrix = Matrix::open(&put("a.npy", bytes)).map_err(told)?;
    assert!(matrix.width > 0);
    assert_eq!(matrix.values().len(), matrix.len() * matrix.width);
    assert!(matrix.values().len() <= bytes.len());
    Ok(())
}

/// An ONNX model: what is parsed and written again has the same summary.
pub(super) fn onnx(bytes: &[u8]) -> Fed {
    let path = Path::new("a.onnx");
    let model = Model::parse(bytes.to_vec().into(), path).map_err(told)?;
    let summary = model.summary();
    for file in model.external_files() {
        assert!(file.len() <= bytes.len());
    }
    let written = model.to_bytes(path).map_err(told)?;
    let again = Model::parse(written.into(), path).map_err(told)?;
    assert_eq!(format!("{:?}", again.summary()), format!("{summary:?}"));
    Ok(())
}

/// A state to be replaced by what a file holds.
fn state() -> TrainState {
    let tensor = Tensor { shape: vec![2, 2], data: vec![0.0; 4] };
    let tensors =
        ["backbone.body.0.weight", "head.kernel"].map(|name| (name.to_owned(), tensor.clone()));
    TrainState { tensors: tensors.into_iter().collect() }
}

/// Weights to begin with, as safetensors or, behind `ONNX`, as a model.
pub(super) fn weights(bytes: &[u8]) -> Fed {
    let path = match bytes.strip_prefix(b"ONNX") {
        Some(model) => put("w.onnx", model),
        None => put("w.safetensors", bytes),
    };
    let mut state = state();
    let adopted = adopt(&mut state, &path, 0..2, 2).map_err(told)?;
    assert!(adopted.taken > 0);
    assert!(state.tensors.values().all(|tensor| tensor.data.len() == 4));
    Ok(())
}

/// A checkpoint: its facts, and behind the mark its tensors, of which the facts hold the digest.
pub(super) fn checkpoint(bytes: &[u8]) -> Fed {
    let (facts, tensors) = parted(bytes, b"\n--\n");
    let digest = blake3::hash(tensors).to_string();
    let text = String::from_utf8_lossy(facts).replace("DIGEST", &digest);
    let path = put("run/checkpoints/step-00000001.json", text.as_bytes());
    put("run/checkpoints/step-00000001.safetensors", tensors);
    let _ = put_once("run/checkpoints/other.txt", b"");
    let folder = path.parent().and_then(Path::parent).unwrap();
    let _ = checkpoint::any(folder);
    let opened = checkpoint::open(folder).map_err(told)?;
    for tensor in opened.state.tensors.values() {
        assert_eq!(tensor.shape.iter().product::<usize>(), tensor.data.len());
    }
    Ok(())
}
