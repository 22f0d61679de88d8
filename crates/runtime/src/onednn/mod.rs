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
//! These have the attributes `kernel`, `stride` and `pad`, whole numbers for both edges. `DnnlConvRounded`,
//! `DnnlConvInputGradientRounded` and `DnnlConvWeightGradientRounded` take x and dy in bfloat16 and round w
//! to it; sums, and what they make, are f32 then too.
//!
//! `DnnlLayer` is a convolution of constant kernels with what a network does around it, for inference: of
//! x `[n, h, w, c]`, w `[outputs, c/group, rows, columns]` and bias `[outputs]` it makes w∗x + bias, with
//! what further inputs add, in this order, each where the attribute of its name is 1: `edge` `[outputs, rows,
//! columns]`, what a place of a kernel adds where it lies on the image; `slope` `[outputs]`, by which the sum
//! is multiplied below 0; `more`, an image that is added before. Attributes: `strides` of two, `pads` of four
//! (above, left, below, right), `group`, and `clip` of two numbers, between which all is brought at last. It runs
//! image by image, so that what is made of one depends on no other and on no thread.
//!
//! The runtime's threads do the work, each with the library to itself; how a batch is divided follows
//! from the shape, so that results do not depend on the number of threads.

mod api;
mod attr;
mod constants;
mod convolution;
mod engine;
mod fault;
mod layer;
mod library;
mod operators;
mod primitive;
mod scratch;
mod shape;
mod spread;
mod store;
mod tensor;
mod turn;
mod unfit;
mod work;

#[cfg(test)]
mod tests;

pub use fault::Fault;
pub use library::OneDnn;
pub use unfit::Unfit;

use layer::Layer;
pub(super) use operators::scratch_bytes;

use operators::{Convolution, OPERATORS};
use ort::operator::OperatorDomain;

/// Adds the operators to a domain.
pub(super) fn add_to(
    domain: OperatorDomain,
    library: &OneDnn,
) -> Result<OperatorDomain, ort::Error> {
    let domain = domain.add(Layer { library: library.clone() })?;
    OPERATORS.iter().try_fold(domain, |domain, &(name, pass, factors)| {
        domain.add(Convolution { name, pass, factors, library: library.clone() })
    })
}

/// Whether nodes of this name need the library.
pub(super) fn has(operator: &str) -> bool {
    operator == Layer::NAME || OPERATORS.iter().any(|(name, ..)| *name == operator)
}
