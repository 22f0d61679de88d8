//! What a value of the old graph is in the new one.

use super::layer::Layer;
use super::values::{Affine, Image};

/// What a value of the old graph is in the new one.
#[derive(Debug, Clone)]
pub(super) enum Held {
    /// It is there.
    Ready(Image),
    /// It is made when something wants it that it cannot be folded into.
    Layer(Box<Layer>),
    /// As above.
    Affine(Image, Affine),
}

impl Held {
    pub(super) fn shape(&self) -> [usize; 3] {
        match self {
            Self::Ready(image) | Self::Affine(image, _) => image.shape,
            Self::Layer(layer) => layer.shape(),
        }
    }
}
