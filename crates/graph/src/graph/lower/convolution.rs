//! What the formulations of a convolution's two gradients share: extents, and a row for each way.

use super::emitter::{Emitter, integers, moves};
use crate::graph::{Node, Window};
use crate::onnx::Attribute;

/// The extents that all formulations speak of.
#[derive(Clone, Copy)]
pub(super) struct Extents {
    pub(super) n: usize,
    pub(super) i: usize,
    pub(super) o: usize,
    /// Height and width of x.
    pub(super) x: [usize; 2],
    /// Height and width of dy.
    pub(super) dy: [usize; 2],
    pub(super) window: Window,
}

/// A way to compute a gradient of dy and the other factor.
pub(super) struct Way {
    pub(super) name: &'static str,
    /// Whether a window can be met so.
    pub(super) fits: fn(Window) -> bool,
    pub(super) lower: fn(&mut Emitter, &str, &str, Extents) -> String,
}

/// Names of the ways that a window can be met by.
pub(super) fn fitting(ways: &[Way], window: Window) -> Vec<&'static str> {
    ways.iter().filter(|own| (own.fits)(window)).map(|own| own.name).collect()
}

/// The way of a name.
///
/// # Panics
/// Where there is none that the window of the node can be met by.
pub(super) fn named<'w>(ways: &'w [Way], name: &str, window: Window, node: &Node) -> &'w Way {
    let way = ways.iter().find(|own| own.name == name && (own.fits)(window));
    way.unwrap_or_else(|| panic!("{name}: no way to lower {}", node.name))
}

/// The parameters of the transposed convolution from dy to x of height and width.
pub(super) fn transposed(window: Window, x: [usize; 2]) -> Vec<Attribute> {
    let Window { kernel, stride, pad } = window;
    // Rows and columns at the end that no window reaches.
    let left = x.map(|extent| (extent + 2 * pad - kernel) % stride);
    let mut attributes = moves(window);
    attributes.push(integers("output_padding", &left));
    attributes
}
