//! What a model may be made into.

use super::super::sets::FACE_PX;
use crate::onnx;
use crate::rewrite::{self, Refusal};

/// Makes a model into another.
pub(super) type Rewrite = fn(&onnx::Model, [usize; 3]) -> Result<onnx::Model, Refusal>;

/// What a model may be made into, by name.
pub(super) const CANDIDATES: [(&str, Rewrite); 1] = [("pixels", rewrite::pixels)];

/// Channels, height and width of a face.
pub(super) const FACE: [usize; 3] = [3, FACE_PX as usize, FACE_PX as usize];
