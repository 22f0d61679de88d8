//! Slopes by channel.

use super::lowering::{Lowering, element};
use super::ways::Ways;
use crate::graph::{Node, Op, Value};

/// ONNX's own operator.
const PRELU: &str = "PRelu";

/// max(x, 0) + a·min(x, 0): the same numbers to the bit.
const HALVES: &str = "halves";

/// Gradients of what is not positive are chosen.
const CHOSEN: &str = "chosen";

/// The same, by a product with zeros and ones; choosing was six times slower where that was measured.
const MASKED: &str = "masked";

/// Names of the ways to apply slopes that are learned, the reference first, and of the built-in one.
pub(super) fn ways() -> Ways {
    Ways { names: vec![PRELU, HALVES], built_in: HALVES }
}

/// The same of their gradients.
pub(super) fn gradient_ways() -> Ways {
    Ways { names: vec![CHOSEN, MASKED], built_in: MASKED }
}

impl Lowering<'_> {
    /// A model that is only run keeps the operator.
    pub(super) fn prelu(&mut self, node: &Node) -> String {
        let slope = self.slope(node, node.inputs[1]);
        let x = self.name(node.inputs[0]);
        let is_learned = self.graph.values().any(|(_, node)| node.op == Op::PReluSlopeGradient);
        let keeps = !is_learned || self.chosen(node) == Some(PRELU);
        let emit = &mut self.emitter;
        if keeps {
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
        let one = emit.floats_of(node.element, &[], &[1.0]);
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
        let chosen = self.chosen_for_slopes(x) == Some(CHOSEN);
        let (x_name, dy_name) = (self.name(x), self.name(dy));
        let made = self.graph.node(x).element;
        let emit = &mut self.emitter;
        let zero = emit.floats_of(made, &[], &[0.0]);
        let mask = emit.node("LessOrEqual", &[&x_name, &zero], vec![]);
        let name = match chosen {
            true => emit.node("Where", &[&mask, &dy_name, &zero], vec![]),
            false => {
                let mask = emit.cast(&mask, element(made));
                emit.node("Mul", &[&dy_name, &mask], vec![])
            }
        };
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
