//! What nodes make and read.

/// A value of a graph: the number of the node that makes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Value(pub(super) u32);

impl Value {
    /// Position of its node in [`Graph::nodes`](super::Graph::nodes).
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// What the elements of a value are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Element {
    /// A float, of the width that the lowering chooses.
    Float,
    /// A float of 16 bits, where [`narrowed`](super::narrowed) has put one.
    Half,
    /// A 64-bit integer.
    Int64,
    /// True or false.
    Bool,
}

impl Element {
    /// Whether it is a float, of either width.
    pub fn is_float(self) -> bool {
        match self {
            Self::Float | Self::Half => true,
            Self::Int64 | Self::Bool => false,
        }
    }
}
