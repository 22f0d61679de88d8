//! ONNX models: the messages of the format, reading files that nobody vouches for, and what a model
//! says of itself.
//!
//! The messages are written by hand from `onnx.proto` (ONNX 1.23), so that building needs no protoc; they
//! hold everything that models of images and training steps use, for reading and for writing. Nothing
//! here computes: that is `runtime`'s work.

mod error;
mod external;
mod model;
mod proto;
mod summary;
mod values;
mod wire;

pub use error::Error;
pub use proto::{
    Attribute, AttributeType, Dimension, ElementType, Entry, Extent, Function, Graph, Location,
    MapType, Model, Node, OperatorSet, OptionalType, SequenceType, Shape, SparseTensor, Tensor,
    TensorType, TrainingInfo, Type, TypeKind, ValueInfo,
};
pub use summary::{Extents, NodeName, Port, Summary, normalises_inside};
pub use values::{Unknown, Value};
