//! What is to be lowered: an operator on tensors of given extents, where several ways are good.

use super::layout::Layout;
use crate::graph::{Element, Graph, Node, Op, Window};
use std::collections::BTreeMap;
use std::fmt;

/// Names of formulations, by the problem as it is written.
pub type Formulations = BTreeMap<String, String>;

/// How a graph is lowered.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Arrangement {
    /// How images lie.
    pub layout: Layout,
    /// How problems are solved; one that is not here by the built-in rule.
    pub formulations: Formulations,
}

impl From<Layout> for Arrangement {
    /// The layout, with built-in formulations.
    fn from(layout: Layout) -> Self {
        Self { layout, formulations: Formulations::new() }
    }
}

/// More images at a time are solved as so many are.
pub const MOST_IMAGES: usize = 16;

/// An operator, the extents that its good form depends on, and how images lie.
///
/// Written it is the key of a table: `ConvWeightGradient 3/1+1 of 16x64x56x56, 16x64x56x56 in planes`,
/// the window as kernel, stride and padding, and no more than [`MOST_IMAGES`] images.
#[derive(Debug, Clone, PartialEq)]
pub struct Problem {
    pub(super) op: Op,
    /// Of the inputs that matter, as the graph has them.
    pub(super) extents: Vec<Vec<usize>>,
    pub(super) layout: Layout,
}

impl Problem {
    /// Of a node; none where there is one way only.
    pub fn of(graph: &Graph, node: &Node, layout: Layout) -> Option<Self> {
        let mattering = match node.op {
            // What the device's library computes has one way, and so have the others there.
            _ if layout == Layout::VendorPlanes => return None,
            Op::ConvWeightGradient(_) | Op::ConvInputGradient(..) => 2,
            Op::Conv(_) if layout != Layout::Planes => 2,
            Op::BatchNormTraining { .. } | Op::PRelu | Op::PReluInputGradient => 1,
            _ => return None,
        };
        // Half as wide there is one way.
        if node.element != Element::Float {
            return None;
        }
        let inputs = node.inputs.iter().take(mattering);
        let extents: Vec<_> = inputs.map(|&input| graph.node(input).shape.clone()).collect();
        let images = extents.iter().all(|extents| extents.len() == 4);
        images.then(|| Self { op: node.op.clone(), extents, layout })
    }

    /// Of an operator whose good form depends on one image; none for what is no image.
    pub(super) fn of_image(op: Op, extents: &[usize], layout: Layout) -> Option<Self> {
        (extents.len() == 4).then(|| Self { op, extents: vec![extents.to_vec()], layout })
    }

    /// The input that is kernels, which lie in one way everywhere.
    pub(super) fn kernel(&self) -> Option<usize> {
        match self.op {
            Op::Conv(_) => Some(1),
            Op::ConvInputGradient(..) => Some(0),
            _ => None,
        }
    }

    /// How images lie.
    pub fn layout(&self) -> Layout {
        self.layout
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.op.name())?;
        if let Op::Conv(window)
        | Op::ConvInputGradient(window, _)
        | Op::ConvWeightGradient(window) = self.op
        {
            let Window { kernel, stride, pad } = window;
            write!(f, " {kernel}/{stride}+{pad}")?;
        }
        for (at, extents) in self.extents.iter().enumerate() {
            let (images, others) = extents.split_first().expect("four extents");
            let is_kernel = self.kernel() == Some(at);
            let first = if is_kernel { *images } else { MOST_IMAGES.min(*images) };
            write!(f, "{} {first}", if at == 0 { " of" } else { "," })?;
            others.iter().try_for_each(|extent| write!(f, "x{extent}"))?;
        }
        if let Op::ConvInputGradient(_, [height, width]) = self.op {
            write!(f, " for {height}x{width}")?;
        }
        f.write_str(match self.layout {
            Layout::Planes => " in planes",
            Layout::VendorPlanes => " in vendor planes",
            Layout::Pixels => " in pixels",
            Layout::RoundedPixels => " in rounded pixels",
        })
    }
}
