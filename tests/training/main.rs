//! Whole steps on ONNX Runtime.

mod defining;
mod exporting;
#[path = "../reference/mod.rs"]
mod reference;
mod refusing;
mod stepping;
mod trial;
