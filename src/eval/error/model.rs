//! Why a model cannot be run, or not on these images.

use crate::eval::sets::FACE_PX;
use crate::image::ChannelOrder;
use crate::{onnx, runtime};
use std::path::PathBuf;

/// Why a model cannot be run, or not on these images.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A model cannot be read.
    #[error(transparent)]
    Onnx(#[from] onnx::Error),
    /// ONNX Runtime refused.
    #[error(transparent)]
    Runtime(#[from] runtime::Error),
    /// A model is not one of faces.
    #[error("{path}: {fault}")]
    Unfit {
        /// The model.
        path: PathBuf,
        /// What is wrong.
        fault: ModelFault,
    },
    /// Nobody says in which order a model takes the channels.
    #[error(
        "{path}: its metadata does not say in which order it takes the channels, and nothing is guessed"
    )]
    NoChannelOrder {
        /// The model.
        path: PathBuf,
    },
    /// Model and pack disagree about the colours.
    #[error(
        "{path}: its metadata says that it takes {model}, and {pack} declares its pictures as stored {stored}, \
         with red and blue exchanged",
        model = model.name(), stored = stored.name()
    )]
    ColoursDiffer {
        /// The model.
        path: PathBuf,
        /// The order in its metadata.
        model: ChannelOrder,
        /// The pack.
        pack: String,
        /// The order in its manifest.
        stored: ChannelOrder,
    },
}

/// Why a model is not one of faces.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ModelFault {
    /// It wants several inputs.
    #[error("expected one input, found {found}")]
    Inputs {
        /// How many.
        found: usize,
    },
    /// Its input is of another type.
    #[error("expected an input of 32-bit floats, found {found}")]
    InputType {
        /// The type.
        found: String,
    },
    /// Its input is of another shape.
    #[error(
        "expected an input [N, 3, {FACE_PX}, {FACE_PX}], found {found}; the protocols score faces of {FACE_PX} pixels"
    )]
    InputShape {
        /// The shape.
        found: String,
    },
    /// It has no or too many outputs.
    #[error("expected one output (features) or two (unit features, norms), found {found}")]
    Outputs {
        /// How many.
        found: usize,
    },
    /// Its outputs are of other shapes.
    #[error("expected {expected} for {images} images, found an output {name} of shape {found}")]
    OutputShape {
        /// What was expected.
        expected: &'static str,
        /// Images of the batch.
        images: usize,
        /// The output.
        name: String,
        /// Its shape.
        found: String,
    },
    /// Its metadata cannot be read.
    #[error("its metadata {key}: expected {expected}, found {found:?}")]
    Metadata {
        /// The entry.
        key: &'static str,
        /// What was expected.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// Its graph fixes batches that take too much memory.
    #[error(
        "expected batches of at most {most} faces ({mib} MiB), found batches of {found}, fixed in the graph"
    )]
    Batch {
        /// Images a batch at most.
        most: u64,
        /// What so many faces take in memory.
        mib: u64,
        /// Images a batch.
        found: u64,
    },
    /// Its one output is unit vectors, and a protocol weighs by norms.
    #[error(
        "the protocol {protocol} weighs a face by its norm, and the one output is unit vectors"
    )]
    NoNorms {
        /// The protocol.
        protocol: &'static str,
    },
    /// A norm is no length.
    #[error("expected norms above 0, found {found} at position {at}")]
    Norm {
        /// The norm.
        found: String,
        /// The position.
        at: usize,
    },
    /// Two outputs, and the features are no unit vectors.
    #[error(
        "expected unit features beside norms, found a feature of length {found} at position {at}"
    )]
    NotUnit {
        /// Its length.
        found: String,
        /// The position.
        at: usize,
    },
}
