//! Whole steps on ONNX Runtime.

mod defining;
mod exporting;
#[path = "../installed.rs"]
mod installed;
#[path = "../reference/mod.rs"]
mod reference;
mod refusing;
mod rows;
mod stepping;
mod trial;
