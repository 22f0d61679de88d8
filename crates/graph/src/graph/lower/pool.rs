//! The largest of windows, and its gradient.

use super::emitter::{integer, integers, moves};
use super::lowering::{Lowering, element};
use crate::graph::{Element, Node, Window};
use crate::onnx::{Attribute, ElementType::Float};

impl Lowering<'_> {
    pub(super) fn max_pool_gradient(&mut self, node: &Node, window: Window) -> String {
        let [n, c, h, w] = node.shape[..] else { panic!("no images") };
        let (x, dy) = (self.name(node.inputs[0]), self.name(node.inputs[1]));
        let positions = self.shape(node.inputs[1]).iter().product();
        let emit = &mut self.emitter;
        if window.kernel == 1 && window.pad == 0 {
            // Sub-sampling: dy between zeros, which a transposed convolution by one writes in one
            // pass.
            let ones = emit.floats_of(node.element, &[c, 1, 1, 1], &vec![1.0; c]);
            let more = [h, w].map(|extent| (extent - 1) % window.stride);
            let attributes = vec![
                integer("group", c as i64),
                integers("kernel_shape", &[1, 1]),
                integers("strides", &[window.stride; 2]),
                integers("output_padding", &more),
            ];
            return emit.node("ConvTranspose", &[&dy, &ones], attributes);
        }
        let [_, largest] = emit.outputs::<2>("MaxPool", &[&x], moves(window));
        let largest = emit.reshape(&largest, &[positions]);
        let dy = emit.reshape(&dy, &[positions]);
        // Where windows meet sums are whole, which is also all that a processor has.
        let dy = if node.element == Element::Half { emit.cast(&dy, Float) } else { dy };
        let zero = emit.floats(&[1], &[0.0]);
        let count = emit.numbers(&[(n * c * h * w) as i64]);
        let zeros = emit.node("Expand", &[&zero, &count], vec![]);
        let add = Attribute {
            name: "reduction".to_owned(),
            s: Some("add".into()),
            kind: crate::onnx::AttributeType::String as i32,
            ..Attribute::default()
        };
        let sums = emit.node("ScatterElements", &[&zeros, &largest, &dy], vec![add]);
        let sums = emit.reshape(&sums, &[n, c, h, w]);
        if node.element == Element::Half { emit.cast(&sums, element(node.element)) } else { sums }
    }
}
