//! A convolution of constant kernels with what a network does around it, as one operator.

mod edge;
mod operator;
mod plan;
mod shape;

#[cfg(test)]
mod tests;

pub(super) use operator::Layer;
pub(super) use plan::{Constants, Plan};
pub(super) use shape::Shape;
