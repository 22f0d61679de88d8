//! Steps of training, from the gradient of one operator to a whole step on ONNX Runtime.

#[path = "../reference/cases/mod.rs"]
mod cases;
mod defining;
mod exchanging;
mod exporting;
mod forecast;
mod gradients;
mod halved;
#[path = "../installed.rs"]
mod installed;
mod laid;
mod lowering;
mod networks;
mod placement;
mod program;
#[path = "../reference/mod.rs"]
mod reference;
mod refusing;
mod rows;
#[path = "../reference/run.rs"]
mod run;
mod runtime;
mod sampled;
mod solving;
mod stepping;
mod together;
mod torch;
mod trial;
