//! The gradient of a convolution by its images.

use super::emitter::{Emitter, integer, integers, moves};
use super::lowering::Lowering;
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
        let images_are_smaller = n * rows * columns < i * kernel * kernel;
        if stride == 1 && pad < kernel && (height >= LARGE || images_are_smaller) {
            let emit = &mut self.emitter;
            let kernels = emit.transpose(&w, &[1, 0, 2, 3]);
            let window = Window { pad: kernel - 1 - pad, ..window };
            if height >= LARGE {
                let kernels = turned(emit, &kernels, [*i, *o, kernel, kernel]);
                return emit.conv(&dy, &kernels, window);
            }
            // The images are turned in the kernels' place.
            let dy = turned(emit, &dy, [*n, *o, *rows, *columns]);
            let dx = emit.conv(&dy, &kernels, window);
            return turned(emit, &dx, [*n, *i, height, width]);
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
