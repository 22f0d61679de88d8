//! How images lie, and what is known of those with their channels last.

use super::emitter::integer;
use crate::graph::{Axes, Graph, Value, Width, Window};
use crate::onnx::Attribute;
use std::collections::HashMap;

/// The domain of the program's own operators.
pub const DOMAIN: &str = "qgface";

/// How a model has images between its operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Layout {
    /// `[N, C, H, W]`, in operators of ONNX alone.
    #[default]
    Planes,
    /// `[N, H, W, C]` where that is read and made, in the program's own operators of [`DOMAIN`].
    Pixels,
    /// The same, but that convolutions multiply in bfloat16, and images that they alone read are in it; sums
    /// and all else are in 32 bits.
    RoundedPixels,
    /// `[N, C, H, W]`, with the gradients of convolutions and the normalisations of training in operators
    /// that CUDA's library computes, and ONNX's else.
    VendorPlanes,
}

impl Layout {
    /// Whether its operators have floats of a width.
    pub fn has(self, width: Width) -> bool {
        match self {
            Self::Planes | Self::VendorPlanes => true,
            Self::Pixels | Self::RoundedPixels => width == Width::Whole,
        }
    }
}

/// Names of what is known of images with channels last.
#[derive(Default)]
pub(super) struct Pixels {
    pub(super) names: HashMap<Value, String>,
    /// The same in bfloat16.
    pub(super) roundings: HashMap<Value, String>,
    /// Sums by channel of dy, and of x·dy, by x and dy.
    pub(super) sums: HashMap<(Value, Value), [String; 2]>,
    /// Gradients of slopes, by x and dy.
    pub(super) slopes: HashMap<(Value, Value), String>,
    /// Whether convolutions multiply in bfloat16.
    pub(super) rounded: bool,
    /// How many nodes and outputs read a value.
    pub(super) uses: HashMap<Value, usize>,
}

impl Pixels {
    /// None where images lie in planes.
    pub(super) fn of(graph: &Graph, layout: Layout) -> Option<Self> {
        let rounded = match layout {
            Layout::Planes | Layout::VendorPlanes => return None,
            Layout::Pixels => false,
            Layout::RoundedPixels => true,
        };
        let live = graph.live();
        let nodes = graph.values().filter(|(value, _)| live[value.index()]);
        let read = nodes.flat_map(|(_, node)| node.inputs.iter().copied());
        let mut uses = HashMap::new();
        for value in read.chain(graph.outputs().iter().map(|(_, value)| *value)) {
            *uses.entry(value).or_insert(0) += 1;
        }
        Some(Self { uses, rounded, ..Self::default() })
    }
}

/// The axes over which what is left is by channel.
pub(super) fn by_channel() -> Axes {
    Axes { axes: vec![0, 2, 3], keep: false }
}

/// The axes over which what is left is one number a channel of each image.
pub(super) fn of_image() -> Axes {
    Axes { axes: vec![2, 3], keep: true }
}

/// The attributes of our own operators that move a window.
pub(super) fn moved(window: Window) -> Vec<Attribute> {
    let Window { kernel, stride, pad } = window;
    let named = [("kernel", kernel), ("stride", stride), ("pad", pad)];
    named.map(|(name, value)| integer(name, value as i64)).into()
}
