//! Operators of our own for what only moves memory in a training step, run by the stock runtime on
//! the processor: normalisation, slopes and their gradients in one pass each, and the update in place.
//!
//! Images are f32 and lie with their channels last, `[n, h, w, c]`, so that an operator sees rows of
//! `c` floats; any other number of axes before the last will do. Domain `qgface`:
//!
//! | operator | inputs | outputs | attributes |
//! |---|---|---|---|
//! | `ChannelMoments` | x | mean, biased variance | |
//! | `ChannelAffine` | x, scale, shift, more (optional) | scale·x + shift, + more | |
//! | `ChannelPRelu` | x, slope | x, or slope·x where x ≤ 0 | |
//! | `ChannelPReluGradient` | x, slope, dy | dx, Σ dy·x over x ≤ 0 | |
//! | `ChannelProducts` | dy, x | Σ dy, Σ dy·x | |
//! | `ChannelCombine` | x, dy, p, q, r, more (optional) | p·dy + q·x + r, + more | |
//! | `ChannelRound` | x | x in bfloat16 | |
//! | `MomentumUpdate` | parameter, momentum, gradient, rate `[]` | new parameter, new momentum | `momentum`, `weight_decay` |
//!
//! `ChannelAffineRounded`, `ChannelPReluRounded` and `ChannelCombineRounded` make the same in bfloat16: to the
//! nearest, of two to the even one.
//!
//! What is by channel is `[c]`. An input that is left out is left out of the node's list, not named
//! "". What is not above 0 counts as below, numbers that are none included.
//!
//! Results are the same to the bit for every number of threads and on every machine: the order of
//! additions follows from the shape, sums of f32 are short and added in f64, and nothing is fused.

mod affine;
mod call;
mod combine;
mod formula;
mod image;
mod moments;
mod number;
mod operator;
mod port;
mod prelu;
mod round;
mod rows;
mod update;
mod vector;
mod widest;
#[cfg(target_arch = "x86_64")]
mod x86;

#[cfg(test)]
mod testing;

use half::bf16;
use operator::Custom;
use ort::operator::OperatorDomain;

/// Adds the operators to a domain.
///
/// # Errors
/// Whatever the runtime refuses with.
pub(super) fn add_to(domain: OperatorDomain) -> Result<OperatorDomain, ort::Error> {
    domain
        .add(Custom::<moments::Moments>::new())?
        .add(Custom::<affine::ChannelAffine<f32>>::new())?
        .add(Custom::<affine::ChannelAffine<bf16>>::new())?
        .add(Custom::<prelu::ChannelPRelu<f32>>::new())?
        .add(Custom::<prelu::ChannelPRelu<bf16>>::new())?
        .add(Custom::<prelu::Gradient>::new())?
        .add(Custom::<combine::Products>::new())?
        .add(Custom::<combine::ChannelCombine<f32>>::new())?
        .add(Custom::<combine::ChannelCombine<bf16>>::new())?
        .add(Custom::<round::Round>::new())?
        .add(Custom::<update::Update>::new())
}
