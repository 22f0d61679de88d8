//! A typed graph of operators: what a training step computes, before anything runs it.
//!
//! A [`Builder`] appends nodes and infers their shapes; `autodiff` appends the gradients;
//! [`lower()`] writes standard ONNX. Every node makes one value, all extents are known, and floats
//! have no width here: the lowering makes them 32 bits wide, the evaluator of the tests computes
//! with 64. [`narrowed`] gives 16 bits to those that bear it. A new operator is a row in each of
//! `op.rs`, `shape.rs`, `narrow.rs`, `autodiff/rules/mod.rs`, `lower/lowering.rs` and the evaluator.

mod builder;
mod literal;
pub mod lower;
mod narrow;
mod node;
mod op;
mod shape;
mod value;
mod world;

pub use builder::Builder;
pub use literal::Literal;
pub use lower::lower;
pub use narrow::narrowed;
pub use node::{Graph, Node, Width};
pub use op::{Axes, Op, Window};
pub use value::{Element, Value};
pub use world::{Reduction, World};
