//! Whole steps on ONNX Runtime.

mod defining;
mod exporting;
#[path = "../reference/mod.rs"]
mod reference;
mod refusing;
mod rows;
mod stepping;
mod trial;
