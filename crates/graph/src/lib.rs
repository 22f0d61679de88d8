//! Graphs of operators, their gradients, and the ONNX models that they become.
//!
//! [`graph`] builds what is computed, [`autodiff`] appends the gradients of a scalar, and
//! [`onnx`] holds the format's messages, for writing models and for reading those of others;
//! [`rewrite`] makes models of others' that are faster. Nothing here computes.
//!
//! ```
//! use qgface_graph::autodiff::backward;
//! use qgface_graph::graph::{Builder, Element, lower};
//!
//! // mean((x·w − y)²) and its gradient by w, as a model that any ONNX Runtime runs.
//! let mut g = Builder::new();
//! let x = g.input("x", Element::Float, &[8, 3]);
//! let w = g.input("w", Element::Float, &[3, 1]);
//! let y = g.input("y", Element::Float, &[8, 1]);
//! let predicted = g.matmul(x, w);
//! let difference = g.sub(predicted, y);
//! let squares = g.mul(difference, difference);
//! let loss = g.mean(squares);
//! let gradient = backward(&mut g, loss, &[w])[0].expect("the loss depends on w");
//! let graph = g.finish(vec![("loss".to_owned(), loss), ("gradient".to_owned(), gradient)]);
//! let model = lower(&graph, "regression");
//! assert_eq!(model.graph().output.len(), 2);
//! ```
#![warn(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

pub mod autodiff;
pub mod graph;
pub mod onnx;
pub mod rewrite;
