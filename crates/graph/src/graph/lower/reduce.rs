//! Reductions.

use super::lowering::Lowering;
use crate::graph::{Axes, Node};

/// From so many pixels on, a plane is large.
const LARGE_PLANE: usize = 2048;

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
            let x = self.name(x);
            return self.reduce_by_channel(op, &x, [*n, *c, h * w]);
        }
        if axes.axes.is_empty() {
            return self.name(x);
        }
        let x = self.name(x);
        self.emitter.reduce(op, &x, axes)
    }

    pub(super) fn product_mean(&mut self, node: &Node) -> String {
        let [x, y] = node.inputs[..] else { panic!("two inputs") };
        let shape = self.shape(x);
        let (x, y) = (self.name(x), self.name(y));
        self.product_by_channel("ReduceMean", &x, &y, shape)
    }

    /// x·y of two values of a shape, reduced by channel. On large planes as matrix products of a row
    /// and a column each, which write nothing as large as a plane: twice as fast.
    pub(super) fn product_by_channel(
        &mut self,
        op: &str,
        x: &str,
        y: &str,
        shape: &[usize],
    ) -> String {
        let (n, c, pixels) = (shape[0], shape[1], shape[2..].iter().product());
        if pixels < LARGE_PLANE {
            let product = self.emitter.node("Mul", &[x, y], vec![]);
            return self.reduce_by_channel(op, &product, [n, c, pixels]);
        }
        let emit = &mut self.emitter;
        let rows = emit.reshape(x, &[n * c, 1, pixels]);
        let columns = emit.reshape(y, &[n * c, 1, pixels]);
        let columns = emit.transpose(&columns, &[0, 2, 1]);
        let products = emit.matmul(&rows, &columns);
        let products = emit.reshape(&products, &[n, c]);
        let reduced = emit.reduce_axis(op, &products, 0);
        if op == "ReduceSum" {
            return reduced;
        }
        let share = emit.floats(&[], &[1.0 / pixels as f64]);
        emit.node("Mul", &[&reduced, &share], vec![])
    }

    /// Images `[n, c, pixels]` to `[c]`.
    pub(super) fn reduce_by_channel(&mut self, op: &str, x: &str, shape: [usize; 3]) -> String {
        let planes = self.emitter.reshape(x, &shape);
        let by_plane = self.emitter.reduce_axis(op, &planes, 2);
        self.emitter.reduce_axis(op, &by_plane, 0)
    }
}
