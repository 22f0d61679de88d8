//! The gradient of a convolution by its images.

use super::Lowering;
use super::emitter::{integers, moves};
use crate::graph::{Node, Window};

/// From this height on, a convolution with the kernels turned is faster than a transposed one.
const LARGE: usize = 28;

impl Lowering<'_> {
    pub(super) fn conv_input(
        &mut self,
        node: &Node,
        window: Window,
        [height, width]: [usize; 2],
    ) -> String {
        let (w, dy) = (self.name(node.inputs[0]), self.name(node.inputs[1]));
        let weights = self.shape(node.inputs[0]);
        let Window { kernel, stride, pad } = window;
        if stride == 1 && height >= LARGE && pad < kernel {
            let turned = self.turned(&w, weights);
            let window = Window { pad: kernel - 1 - pad, ..window };
            return self.emitter.conv(&dy, &turned, window);
        }
        // Rows and columns at the end that no window reaches.
        let left = [height, width].map(|extent| (extent + 2 * pad - kernel) % stride);
        let mut attributes = moves(window);
        attributes.push(integers("output_padding", &left));
        self.emitter.node("ConvTranspose", &[&dy, &w], attributes)
    }

    /// Kernels `[O, I, k, k]` as `[I, O, k, k]`, each turned by half a circle.
    fn turned(&mut self, w: &str, shape: &[usize]) -> String {
        let [o, i, k, _] = shape[..] else { panic!("no kernels: {shape:?}") };
        let swapped = self.emitter.transpose(w, &[1, 0, 2, 3]);
        if k == 1 {
            return swapped;
        }
        let flat = self.emitter.reshape(&swapped, &[i, o, k * k]);
        let backwards: Vec<i32> = (0..(k * k) as i32).rev().collect();
        let backwards = self.emitter.positions(&[k * k], &backwards);
        let attributes = vec![super::integer("axis", 2)];
        let turned = self.emitter.node("Gather", &[&flat, &backwards], attributes);
        self.emitter.reshape(&turned, &[i, o, k, k])
    }
}
