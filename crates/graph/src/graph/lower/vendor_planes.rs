//! Images in planes, where a device's library has the gradients of convolutions and the normalisations
//! of training: its operators take the place of ONNX's, and all else stays.

use super::batch_norm_gradient::BatchNormGradient;
use super::emitter::{float, integer};
use super::layout::{DOMAIN, moved};
use super::lowering::Lowering;
use crate::graph::{Element, Node, Op, Value};

/// The name of an operator on images of an element: one name cannot have two.
fn form(operator: &str, element: Element) -> String {
    format!("{operator}{}", if element == Element::Half { "16" } else { "" })
}

impl Lowering<'_> {
    /// For each node, whether an output depends on it.
    pub(super) fn live(&self) -> Vec<bool> {
        let Some(vendor) = &self.vendor else { return self.graph.live() };
        let mut live = vec![false; self.graph.nodes().len()];
        for (_, output) in self.graph.outputs() {
            live[output.index()] = true;
        }
        for (value, node) in self.graph.values().rev() {
            if live[value.index()] {
                vendor.read(value, node).iter().for_each(|read| live[read.index()] = true);
            }
        }
        live
    }

    /// Lowers a node to what the device's library has, where it has it.
    ///
    /// Returns whether it did.
    pub(super) fn by_vendor(&mut self, value: Value, node: &Node) -> bool {
        match self.made_by_vendor(value, node) {
            Some(name) => _ = self.names.insert(value, name),
            None => return false,
        }
        true
    }

    fn made_by_vendor(&mut self, value: Value, node: &Node) -> Option<String> {
        let vendor = self.vendor.as_ref()?;
        if let Some((own, part)) = vendor.part(value) {
            return Some(self.batch_norm_gradient(&own, part));
        }
        if let Some(forward) = vendor.statistic(value, node) {
            let [mean, inverse] = vendor.saved.get(&forward)?.clone();
            return Some(match node.op {
                Op::BatchVariance => self.variance(forward, &inverse),
                _ => mean,
            });
        }
        match &node.op {
            Op::ConvInputGradient(window, [height, width]) => {
                let mut attributes = moved(*window);
                attributes
                    .extend([integer("height", *height as i64), integer("width", *width as i64)]);
                let [w, dy] = [0, 1].map(|at| self.name(node.inputs[at]));
                let own = form("CudnnConvInputGradient", node.element);
                let [dx] = self.emitter.outputs_of(DOMAIN, &own, &[&w, &dy], attributes);
                Some(dx)
            }
            Op::ConvWeightGradient(window) => {
                let [x, dy] = [0, 1].map(|at| self.name(node.inputs[at]));
                let (own, attributes) =
                    (form("CudnnConvWeightGradient", node.element), moved(*window));
                let [dw] = self.emitter.outputs_of(DOMAIN, &own, &[&x, &dy], attributes);
                Some(dw)
            }
            Op::BatchNormTraining { epsilon } if node.shape.len() == 4 => {
                let read = [0, 1, 2].map(|at| self.name(node.inputs[at]));
                let read = read.each_ref().map(String::as_str);
                let attributes = vec![float("epsilon", *epsilon)];
                let [y, mean, inverse] =
                    self.emitter.outputs_of(DOMAIN, "CudnnBatchNorm", &read, attributes);
                self.vendor.as_mut()?.saved.insert(value, [mean, inverse]);
                Some(y)
            }
            _ => None,
        }
    }

    fn batch_norm_gradient(&mut self, own: &BatchNormGradient, part: usize) -> String {
        let known = |lowering: &Self| {
            lowering.vendor.as_ref().and_then(|vendor| vendor.made.get(&own.dx)).cloned()
        };
        let made = known(self).unwrap_or_else(|| {
            let [x, gamma, dy] = [own.x, own.gamma, own.dy].map(|value| self.name(value));
            let vendor = self.vendor.as_mut().expect("asked of the library's operators alone");
            let [mean, inverse] = vendor.saved[&own.forward].clone();
            let attributes = vec![float("epsilon", own.epsilon)];
            let read = [&*x, &*gamma, &*dy, &*mean, &*inverse];
            let made: [String; 3] =
                self.emitter.outputs_of(DOMAIN, "CudnnBatchNormGradient", &read, attributes);
            vendor.made.insert(own.dx, made.clone());
            made
        });
        made[part].clone()
    }

    /// 1/r² − ε, which rounding does not make less than 0.
    fn variance(&mut self, forward: Value, inverse: &str) -> String {
        let Op::BatchNormTraining { epsilon } = self.graph.node(forward).op else {
            panic!("no normalisation")
        };
        let emit = &mut self.emitter;
        let squared = emit.node("Mul", &[inverse, inverse], vec![]);
        let sum = emit.node("Reciprocal", &[&squared], vec![]);
        let epsilon = emit.floats(&[], &[epsilon]);
        let variance = emit.node("Sub", &[&sum, &epsilon], vec![]);
        emit.node("Relu", &[&variance], vec![])
    }
}
