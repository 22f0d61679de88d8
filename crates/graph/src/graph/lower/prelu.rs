//! Slopes by channel. The gradients multiply by a mask: choosing with `Where` was six times slower.

use super::lowering::Lowering;
use crate::graph::{Node, Op, Value};
use crate::onnx::ElementType;

impl Lowering<'_> {
    /// Where slopes are learned, max(x, 0) + a·min(x, 0): the same numbers to the bit in half the
    /// time. A model that is only run keeps the operator.
    pub(super) fn prelu(&mut self, node: &Node) -> String {
        let slope = self.slope(node, node.inputs[1]);
        let x = self.name(node.inputs[0]);
        let emit = &mut self.emitter;
        if !self.graph.values().any(|(_, node)| node.op == Op::PReluSlopeGradient) {
            return emit.node("PRelu", &[&x, &slope], vec![]);
        }
        let positive = emit.node("Relu", &[&x], vec![]);
        let negative = emit.node("Sub", &[&x, &positive], vec![]);
        let inclined = emit.node("Mul", &[&negative, &slope], vec![]);
        emit.node("Add", &[&positive, &inclined], vec![])
    }

    /// dx = dy + dy⁻·(a − 1), with dy⁻ = dy where x is not positive.
    pub(super) fn prelu_input(&mut self, node: &Node) -> String {
        let [x, slope, dy] = node.inputs[..] else { panic!("three inputs") };
        let negative = self.negative(x, dy);
        let slope = self.slope(node, slope);
        let dy = self.name(dy);
        let emit = &mut self.emitter;
        let one = emit.floats(&[], &[1.0]);
        let less = emit.node("Sub", &[&slope, &one], vec![]);
        let change = emit.node("Mul", &[&negative, &less], vec![]);
        emit.node("Add", &[&dy, &change], vec![])
    }

    /// da = Σ dy⁻·x.
    pub(super) fn prelu_slope(&mut self, node: &Node) -> String {
        let [x, dy] = node.inputs[..] else { panic!("two inputs") };
        let negative = self.negative(x, dy);
        let shape = self.shape(x);
        let x = self.name(x);
        self.product_by_channel("ReduceSum", &negative, &x, shape)
    }

    fn negative(&mut self, x: Value, dy: Value) -> String {
        if let Some(name) = self.negative.get(&(x, dy)) {
            return name.clone();
        }
        let (x_name, dy_name) = (self.name(x), self.name(dy));
        let emit = &mut self.emitter;
        let zero = emit.floats(&[], &[0.0]);
        let mask = emit.node("LessOrEqual", &[&x_name, &zero], vec![]);
        let mask = emit.cast(&mask, ElementType::Float);
        let name = emit.node("Mul", &[&dy_name, &mask], vec![]);
        self.negative.insert((x, dy), name.clone());
        name
    }

    /// The slopes `[C]`, so that they broadcast with the node's images.
    fn slope(&mut self, node: &Node, slope: Value) -> String {
        let mut shape = vec![1; node.shape.len() - 1];
        shape[0] = node.shape[1];
        let slope = self.name(slope);
        self.emitter.reshape(&slope, &shape)
    }
}
