//! The gradient of a convolution by its images.

use super::emitter::{Emitter, integers, moves};
use super::{Lowering, integer};
use crate::graph::{Node, Window};

/// From this height on, a convolution with the kernels turned is faster than a transposed one, which
/// reads all kernels anew for each image.
const LARGE: usize = 28;

impl Lowering<'_> {
    pub(super) fn conv_input(
        &mut self,
        node: &Node,
        window: Window,
        [height, width]: [usize; 2],
    ) -> String {
        let (w, dy) = (self.name(node.inputs[0]), self.name(node.inputs[1]));
        let ([o, i, ..], [n, _, rows, columns]) =
            (self.shape(node.inputs[0]), self.shape(node.inputs[1]))
        else {
            panic!("no images")
        };
        let Window { kernel, stride, pad } = window;
        if stride == 1 && pad < kernel {
            let window = Window { pad: kernel - 1 - pad, ..window };
            if height >= LARGE {
                let kernels = self.emitter.transpose(&w, &[1, 0, 2, 3]);
                let kernels = turned(&mut self.emitter, &kernels, [*i, *o, kernel, kernel]);
                return self.emitter.conv(&dy, &kernels, window);
            }
            // Images that are smaller than the kernels are turned in their place.
            if n * rows * columns < i * kernel * kernel {
                let kernels = self.emitter.transpose(&w, &[1, 0, 2, 3]);
                let dy = turned(&mut self.emitter, &dy, [*n, *o, *rows, *columns]);
                let dx = self.emitter.conv(&dy, &kernels, window);
                return turned(&mut self.emitter, &dx, [*n, *i, height, width]);
            }
        }
        // Rows and columns at the end that no window reaches.
        let left = [height, width].map(|extent| (extent + 2 * pad - kernel) % stride);
        let mut attributes = moves(window);
        attributes.push(integers("output_padding", &left));
        self.emitter.node("ConvTranspose", &[&dy, &w], attributes)
    }
}

/// Every plane turned by half a circle.
fn turned(emit: &mut Emitter, planes: &str, shape: [usize; 4]) -> String {
    let [n, c, height, width] = shape;
    let pixels = height * width;
    if pixels == 1 {
        return planes.to_owned();
    }
    let flat = emit.reshape(planes, &[n, c, pixels]);
    let backwards: Vec<i32> = (0..pixels as i32).rev().collect();
    let backwards = emit.positions(&[pixels], &backwards);
    let turned = emit.node("Gather", &[&flat, &backwards], vec![integer("axis", 2)]);
    emit.reshape(&turned, &shape)
}
