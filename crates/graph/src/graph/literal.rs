//! Numbers that stand in a graph.

use super::Element;

/// A constant's elements, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub enum Literal {
    /// Floats, rounded to their width by the lowering.
    Float(Vec<f64>),
    /// Integers.
    Int64(Vec<i64>),
}

impl Literal {
    /// What the elements are.
    pub fn element(&self) -> Element {
        match self {
            Self::Float(_) => Element::Float,
            Self::Int64(_) => Element::Int64,
        }
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        match self {
            Self::Float(numbers) => numbers.len(),
            Self::Int64(numbers) => numbers.len(),
        }
    }
}
