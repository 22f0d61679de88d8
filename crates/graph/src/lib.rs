//! Graphs of operators, their gradients, and the ONNX models that they become.
//!
//! [`graph`] builds what is computed, [`autodiff`] appends the gradients of a scalar, and
//! [`onnx`] holds the format's messages, for writing models and for reading those of others. Nothing
//! here computes.
#![warn(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    clippy::print_stderr
)]

pub mod autodiff;
pub mod graph;
pub mod onnx;
