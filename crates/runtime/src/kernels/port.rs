//! Inputs and outputs of operators, as a table has them.

use super::number::Number;
use ort::Error;
use ort::value::{Shape, SymbolicDimensions, TensorElementType, ValueType};

/// What shape an input or output has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// That of all images of the node; channels are its last extent.
    Image,
    /// `[channels]`.
    Channels,
    /// `[]`.
    Number,
}

/// An input or output.
#[derive(Debug, Clone, Copy)]
pub(super) struct Port {
    /// What errors call it.
    pub(super) name: &'static str,
    /// What shape it has.
    pub(super) extent: Extent,
    /// Whether it may be left out.
    pub(super) optional: bool,
    /// What its numbers are.
    pub(super) element: TensorElementType,
}

impl Port {
    /// An image.
    pub(super) const fn image(name: &'static str) -> Self {
        Self::floats(name, Extent::Image)
    }

    /// Numbers by channel.
    pub(super) const fn channels(name: &'static str) -> Self {
        Self::floats(name, Extent::Channels)
    }

    /// A number.
    pub(super) const fn number(name: &'static str) -> Self {
        Self::floats(name, Extent::Number)
    }

    const fn floats(name: &'static str, extent: Extent) -> Self {
        Self { name, extent, optional: false, element: TensorElementType::Float32 }
    }

    /// The same, of other numbers.
    pub(super) const fn of<N: Number>(self) -> Self {
        Self { element: N::ELEMENT, ..self }
    }

    /// The same, which may be left out.
    pub(super) const fn optional(self) -> Self {
        Self { optional: true, ..self }
    }
}

/// The type of an output, as far as those of the inputs tell.
pub(super) fn output_type(
    ports: &[Port],
    inputs: &[ValueType],
    output: &Port,
) -> Option<ValueType> {
    // A tensor of a number and one of an unknown shape look alike here.
    let known = |kind: &ValueType| kind.tensor_shape().is_some_and(|shape| !shape.is_empty());
    let given = |wanted| {
        let mut given = ports.iter().zip(inputs).filter(|(port, _)| port.extent == wanted);
        given.next().map(|(_, kind)| kind).filter(|kind| known(kind))
    };
    let image = given(Extent::Image)?;
    match output.extent {
        Extent::Number => None,
        Extent::Image => match image.clone() {
            ValueType::Tensor { shape, dimension_symbols, .. } => {
                Some(ValueType::Tensor { ty: output.element, shape, dimension_symbols })
            }
            _ => None,
        },
        Extent::Channels => given(Extent::Channels).cloned().or_else(|| {
            let channels = image.tensor_shape()?.last().copied()?;
            let dimension_symbols = SymbolicDimensions::new([String::new()]);
            let (ty, shape) = (TensorElementType::Float32, Shape::new([channels]));
            Some(ValueType::Tensor { ty, shape, dimension_symbols })
        }),
    }
}

/// A refusal by the operator's name.
pub(super) fn refuse(operator: &str, place: &str, expected: &str, found: &str) -> Error {
    Error::new(format!("{operator}: {place}: expected {expected}, found {found}"))
}
