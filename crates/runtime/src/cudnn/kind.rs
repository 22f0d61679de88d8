//! The operators, by what they compute and of what.

use super::shape::Element;
use ort::value::TensorElementType;

/// What an operator computes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    WeightGradient,
    InputGradient,
    BatchNorm,
    BatchNormGradient,
}

/// The operators, by the names that nodes call them by. One name cannot have two elements.
pub(super) const OPERATORS: [(&str, Kind, Element); 8] = [
    ("CudnnConvWeightGradient", Kind::WeightGradient, Element::Float),
    ("CudnnConvWeightGradient16", Kind::WeightGradient, Element::Half),
    ("CudnnConvInputGradient", Kind::InputGradient, Element::Float),
    ("CudnnConvInputGradient16", Kind::InputGradient, Element::Half),
    ("CudnnBatchNorm", Kind::BatchNorm, Element::Float),
    ("CudnnBatchNorm16", Kind::BatchNorm, Element::Half),
    ("CudnnBatchNormGradient", Kind::BatchNormGradient, Element::Float),
    ("CudnnBatchNormGradient16", Kind::BatchNormGradient, Element::Half),
];

/// What an input or output is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Port {
    /// Images or kernels, of the operator's element.
    Whole,
    /// Floats by channel.
    ByChannel,
}

impl Port {
    pub(super) fn element(self, element: Element) -> TensorElementType {
        match self {
            Self::Whole => element.tensor(),
            Self::ByChannel => TensorElementType::Float32,
        }
    }
}

impl Kind {
    pub(super) fn inputs(self) -> &'static [Port] {
        use Port::{ByChannel, Whole};
        match self {
            Self::WeightGradient | Self::InputGradient => &[Whole, Whole],
            Self::BatchNorm => &[Whole, ByChannel, ByChannel],
            Self::BatchNormGradient => &[Whole, ByChannel, Whole, ByChannel, ByChannel],
        }
    }

    pub(super) fn outputs(self) -> &'static [Port] {
        use Port::{ByChannel, Whole};
        match self {
            Self::WeightGradient | Self::InputGradient => &[Whole],
            Self::BatchNorm | Self::BatchNormGradient => &[Whole, ByChannel, ByChannel],
        }
    }
}
