//! Reductions.

use super::Lowering;
use crate::graph::{Axes, Node};

impl Lowering<'_> {
    /// A reduction in one node; by channel in two, first along the pixels of each plane, which lie
    /// together, then over images: several times faster than over both at once.
    pub(super) fn reduce(&mut self, node: &Node, op: &str, axes: &Axes) -> String {
        let (x, shape) = (node.inputs[0], self.shape(node.inputs[0]));
        if let ([n, c, h, w], [0, 2, 3], false) = (shape, &axes.axes[..], axes.keep) {
            if op == "ReduceMean"
                && let Some((mean, _)) = self.moments.get(&x)
            {
                return mean.clone();
            }
            return self.reduce_by_channel(op, &self.name(x), [*n, *c, h * w]);
        }
        if axes.axes.is_empty() {
            return self.name(x);
        }
        let x = self.name(x);
        self.emitter.reduce(op, &x, axes)
    }

    /// Images `[n, c, pixels]` to `[c]`.
    pub(super) fn reduce_by_channel(&mut self, op: &str, x: &str, shape: [usize; 3]) -> String {
        let planes = self.emitter.reshape(x, &shape);
        let by_plane = self.emitter.reduce_axis(op, &planes, 2);
        self.emitter.reduce_axis(op, &by_plane, 0)
    }
}
