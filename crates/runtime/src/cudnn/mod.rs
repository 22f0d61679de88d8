//! cuDNN: gradients of convolutions, and normalisation in training, for CUDA, as operators of ONNX
//! Runtime's in the domain `qgface`.
//!
//! The library is the one that the runtime's CUDA provider uses; nothing else needs it, and there are
//! operators of ONNX alone for the same.
//!
//! | operator | inputs | outputs | more attributes |
//! |---|---|---|---|
//! | `CudnnConvWeightGradient` | x, dy | dw | `kernel`, `stride`, `pad` |
//! | `CudnnConvInputGradient` | w, dy | dx | the same, and `height`, `width` of x |
//! | `CudnnBatchNorm` | x, γ, β | y, mean, 1/√(variance + ε) | `epsilon` |
//! | `CudnnBatchNormGradient` | x, γ, dy, mean, 1/√(variance + ε) | dx, dγ, dβ | `epsilon` |
//!
//! Images are `[images, channels, height, width]` and kernels PyTorch's `[outputs, inputs, kernel,
//! kernel]`; with the attribute `channels_last` of 1 they are `[images, height, width, channels]` and
//! `[outputs, kernel, kernel, inputs]`. They are floats, or, in the operators whose names end with 16,
//! halves; what is by channel is always floats.
//!
//! The work is put behind the runtime's own stream, through its own handle where it lends one, in memory
//! of its own allocator. The algorithms are deterministic, so that a run comes to the same bits on the
//! same card with the same libraries. Floats are rounded to TF32 where the runtime's own convolutions
//! are: by its default they are, on cards that can.

mod api;
mod attributes;
mod constants;
mod convolution;
mod descriptor;
mod fault;
mod handle;
mod kind;
mod library;
mod normalization;
mod operator;
mod place;
mod shape;
mod store;
mod unfit;

#[cfg(test)]
mod tests;

pub use library::Cudnn;
pub use unfit::Unfit;

use kind::OPERATORS;
use operator::Own;
use ort::operator::OperatorDomain;
use place::{Cuda, Place};
use std::sync::Arc;
use store::Store;

/// Adds the operators to the domain of a session on CUDA.
pub(super) fn add_to(domain: OperatorDomain, library: &Cudnn) -> ort::Result<OperatorDomain> {
    add_at(domain, library, Box::new(Cuda))
}

fn add_at(
    domain: OperatorDomain,
    library: &Cudnn,
    place: Box<dyn Place>,
) -> ort::Result<OperatorDomain> {
    let store = Arc::new(Store::new(&library.api, place));
    OPERATORS.iter().try_fold(domain, |domain, &(name, kind, element)| {
        domain.add(Own { name, kind, element, store: Arc::clone(&store) })
    })
}

/// Names of the operators, all of which run on CUDA alone.
pub fn cudnn_operators() -> impl Iterator<Item = &'static str> {
    OPERATORS.iter().map(|(name, ..)| *name)
}
