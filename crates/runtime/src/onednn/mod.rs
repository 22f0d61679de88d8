//! oneDNN: convolutions for the processor as operators of ONNX Runtime's, in the domain `qgface`.
//!
//! The library is optional and loaded while the program runs; nothing else needs it. Images lie as
//! `[images, height, width, channels]`, kernels as PyTorch's `[outputs, inputs, kernel, kernel]`, all of
//! them floats:
//!
//! | operator | inputs | output | more attributes |
//! |---|---|---|---|
//! | `DnnlConv` | x, w | y | |
//! | `DnnlConvInputGradient` | w, dy | dx | `height`, `width` of x |
//! | `DnnlConvWeightGradient` | x, dy | dw | |
//!
//! All have the attributes `kernel`, `stride` and `pad`, whole numbers for both edges, and may have
//! `rounded`: 1 has what is multiplied rounded to bfloat16 first, sums are in f32 then too.
//!
//! The runtime's threads do the work, each with the library to itself; how a batch is divided follows
//! from the shape, so that results do not depend on the number of threads.

mod api;
mod constants;
mod convolution;
mod engine;
mod fault;
mod library;
mod operators;
mod primitive;
mod scratch;
mod shape;
mod store;
mod tensor;
mod unfit;
mod work;

#[cfg(test)]
mod tests;

pub use fault::Fault;
pub use library::OneDnn;
pub use unfit::Unfit;

use operators::{Convolution, OPERATORS};
use ort::operator::OperatorDomain;

/// Adds the operators to a domain.
pub(super) fn add_to(
    domain: OperatorDomain,
    library: &OneDnn,
) -> Result<OperatorDomain, ort::Error> {
    OPERATORS.iter().try_fold(domain, |domain, &(name, pass)| {
        domain.add(Convolution { name, pass, library: library.clone() })
    })
}

/// Whether nodes of this name need the library.
pub(super) fn has(operator: &str) -> bool {
    OPERATORS.iter().any(|(name, _)| *name == operator)
}
