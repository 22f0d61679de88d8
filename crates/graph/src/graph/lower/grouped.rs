//! Convolutions of channels in groups, and their two gradients.

use super::convolution::transposed;
use super::emitter::{integer, moves};
use super::lowering::Lowering;
use crate::graph::{Node, Window};

impl Lowering<'_> {
    pub(super) fn grouped_conv(&mut self, node: &Node, window: Window, groups: usize) -> String {
        let [x, w] = [0, 1].map(|at| self.name(node.inputs[at]));
        let mut attributes = moves(window);
        attributes.push(integer("group", groups as i64));
        self.emitter.node("Conv", &[&x, &w], attributes)
    }

    pub(super) fn grouped_conv_input(
        &mut self,
        node: &Node,
        window: Window,
        groups: usize,
        x: [usize; 2],
    ) -> String {
        let [w, dy] = [0, 1].map(|at| self.name(node.inputs[at]));
        let mut attributes = transposed(window, x);
        attributes.push(integer("group", groups as i64));
        self.emitter.node("ConvTranspose", &[&dy, &w], attributes)
    }

    /// A product for each image and group of dy and of what the taps of a kernel meet in x.
    pub(super) fn grouped_conv_weight(
        &mut self,
        node: &Node,
        window: Window,
        groups: usize,
    ) -> String {
        let (x, dy) = (node.inputs[0], node.inputs[1]);
        let ([n, i, ..], [_, o, rows, columns]) = (self.shape(x), self.shape(dy)) else {
            panic!("no images")
        };
        let (i_part, o_part, pixels) = (i / groups, o / groups, rows * columns);
        let Window { kernel, stride, pad } = window;
        let taps = kernel * kernel;
        let (x, dy) = (self.name(x), self.name(dy));
        let emit = &mut self.emitter;
        let padded = if pad == 0 { x } else { emit.pad(&x, [pad; 2], [pad; 2]) };
        let met: Vec<String> = (0..taps)
            .map(|tap| {
                let part =
                    |axis, start, count| (axis, start, start + (count - 1) * stride + 1, stride);
                let parts = [part(2, tap / kernel, *rows), part(3, tap % kernel, *columns)];
                let met = emit.slice(&padded, &parts);
                emit.reshape(&met, &[*n, groups, i_part, 1, pixels])
            })
            .collect();
        let met = if taps == 1 { met[0].clone() } else { emit.concat(&met, 3) };
        let met = emit.reshape(&met, &[*n, groups, i_part * taps, pixels]);
        let dy = emit.reshape(&dy, &[*n, groups, o_part, pixels]);
        let products = emit.matmuls(&dy, false, &met, true, 4);
        let sum = emit.reduce_axis("ReduceSum", &products, 0);
        emit.reshape(&sum, &[*o, i_part, kernel, kernel])
    }
}
