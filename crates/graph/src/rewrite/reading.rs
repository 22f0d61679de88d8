//! What the nodes of an old graph become: what follows a convolution is folded into it where that is the
//! same but for rounding, and what is not known stays.

use super::attributes::{float, int, says, sizes};
use super::constants::integers;
use super::held::Held;
use super::layer::Layer;
use super::pass::Pass;
use super::values::{Affine, Image};
use crate::graph::lower::DOMAIN;
use crate::onnx::Node;

/// The version since which a slice has its lists as inputs.
const SLICE: i64 = 10;

/// Operators that do the same to each number, whatever the order of axes.
const POINTWISE: [&str; 10] = [
    "LeakyRelu",
    "Sigmoid",
    "Tanh",
    "HardSigmoid",
    "HardSwish",
    "Elu",
    "Selu",
    "Softplus",
    "Neg",
    "Abs",
];

/// Operators of two images alike, or of an image and a number.
const BINARY: [&str; 4] = ["Add", "Sub", "Mul", "Div"];

impl Pass<'_> {
    /// Takes the next node of the old graph.
    pub(super) fn node(&mut self, node: &Node) {
        let standard = node.domain.is_empty() || node.domain == "ai.onnx";
        let made = (standard && node.output.len() == 1).then(|| self.made(node)).flatten();
        match (made, node.output.first()) {
            (Some(held), Some(output)) => {
                // What was wanted here alone is in the new value.
                for name in &node.input {
                    if self.is_wanted_once(name) {
                        self.held.remove(name);
                    }
                }
                self.held.insert(output.clone(), held);
            }
            _ => {
                node.input.iter().for_each(|name| self.in_planes(name));
                self.nodes.push(node.clone());
            }
        }
    }

    /// What a node makes, where it is one that is known here.
    fn made(&mut self, node: &Node) -> Option<Held> {
        let first = node.input.first()?;
        match node.op_type.as_str() {
            "Conv" => self.convolution(node),
            "BatchNormalization" => {
                let channels = self.shape(first)?[0];
                let affine = Affine::of(node, channels, self.constants)?;
                if let Some(Held::Layer(layer)) = self.alone(first)
                    && layer.is_bare()
                {
                    let layer = layer.then(&affine)?;
                    return Some(Held::Layer(Box::new(layer)));
                }
                Some(Held::Affine(self.image(first)?, affine))
            }
            "PRelu" => {
                let channels = self.shape(first)?[0];
                let slope = self.constants.spread_by_channel(node.input.get(1)?, channels)?;
                if let Some(Held::Layer(mut layer)) = self.alone(first)
                    && layer.is_straight()
                {
                    layer.slope = Some(slope);
                    return Some(Held::Layer(layer));
                }
                let image = self.image(first)?;
                let slope = self.tensor(&[channels], &slope);
                let inputs = vec![image.name, slope];
                Some(Held::Ready(self.push("ChannelPRelu", DOMAIN, inputs, vec![], image.shape)))
            }
            "Add" if node.input.len() == 2 && self.alike(&node.input) => {
                let [a, b] = [&node.input[0], &node.input[1]];
                let folds = |held: Option<Held>| match held {
                    Some(Held::Layer(layer)) if layer.is_bare() => Some(layer),
                    _ => None,
                };
                // A value that is added to itself is wanted twice, so that neither is alone.
                for (own, other) in [(a, b), (b, a)] {
                    if let Some(mut layer) = folds(self.alone(own)) {
                        layer.more = Some(self.image(other)?);
                        return Some(Held::Layer(layer));
                    }
                }
                self.pointwise(node)
            }
            "Relu" | "Clip" => {
                if let Some(Held::Layer(mut layer)) = self.alone(first)
                    && layer.is_straight()
                    && let Some(clip) = self.clip(node)
                {
                    layer.clip = Some(clip);
                    return Some(Held::Layer(layer));
                }
                self.pointwise(node)
            }
            "MaxPool" => self.thinned(node),
            "Identity" => self.same(first),
            "Dropout" => {
                // Of three inputs the last may ask for training.
                (node.input.len() < 3).then(|| self.same(first)).flatten()
            }
            own if POINTWISE.contains(&own) => self.pointwise(node),
            own if BINARY.contains(&own) => {
                self.alike(&node.input).then(|| self.pointwise(node)).flatten()
            }
            _ => None,
        }
    }

    /// A value under another name.
    fn same(&mut self, name: &str) -> Option<Held> {
        self.alone(name).or_else(|| self.image(name).map(Held::Ready))
    }

    /// A convolution, with the normalisation before it where nothing else wants that.
    fn convolution(&mut self, node: &Node) -> Option<Held> {
        let first = node.input.first()?;
        let layer = match self.alone(first) {
            Some(Held::Affine(image, affine)) => {
                Layer::of(node, image, self.constants)?.after(&affine)
            }
            _ => None,
        };
        let layer = match layer {
            Some(layer) => layer,
            None => {
                let shape = self.shape(first)?;
                let known = Image { name: String::new(), shape };
                // Nothing is made for a convolution that stays as it is.
                Layer::of(node, known, self.constants)?;
                Layer::of(node, self.image(first)?, self.constants)?
            }
        };
        self.layers += 1;
        Some(Held::Layer(Box::new(layer)))
    }

    /// A pooling of one pixel, which leaves some out.
    fn thinned(&mut self, node: &Node) -> Option<Held> {
        let first = node.input.first()?;
        let plain = sizes(node, "kernel_shape", 1, [0, 0])? == [1, 1]
            && sizes(node, "pads", 0, [0; 4])? == [0; 4]
            && says(node, "auto_pad", "NOTSET")
            && int(node, "storage_order", 0)? == 0;
        if !plain {
            return None;
        }
        let [down, right] = sizes(node, "strides", 1, [1, 1])?;
        let [channels, height, width] = self.shape(first)?;
        if [down, right] == [1, 1] {
            return self.image(first).map(Held::Ready);
        }
        if self.opset < SLICE {
            return None;
        }
        let image = self.image(first)?;
        let shape = [channels, height.div_ceil(down), width.div_ceil(right)];
        let lists = [[0, 0], [height as i64, width as i64], [1, 2], [down as i64, right as i64]];
        let mut inputs = vec![image.name];
        for list in lists {
            let name = self.fresh("list");
            self.tensors.push(integers(name.clone(), &list));
            inputs.push(name);
        }
        Some(Held::Ready(self.push("Slice", "", inputs, vec![], shape)))
    }

    /// The numbers between which a node brings all.
    fn clip(&self, node: &Node) -> Option<[f32; 2]> {
        if node.op_type == "Relu" {
            return Some([0.0, f32::INFINITY]);
        }
        let bound = |at: usize, name: &str, open: f32| match node.input.get(at) {
            Some(input) if !input.is_empty() => self.constants.number(input),
            // Older nodes have attributes.
            _ => float(node, name, open),
        };
        let bounds = [bound(1, "min", f32::NEG_INFINITY)?, bound(2, "max", f32::INFINITY)?];
        (bounds[0] < bounds[1]).then_some(bounds)
    }

    /// The same node on images in the new order.
    fn pointwise(&mut self, node: &Node) -> Option<Held> {
        let others = node.input.iter().filter(|name| self.shape(name).is_none());
        if !others.clone().all(|name| name.is_empty() || self.constants.is_number(name)) {
            return None;
        }
        let shape = node.input.iter().find_map(|name| self.shape(name))?;
        let inputs = node.input.iter().map(|name| match self.shape(name) {
            Some(_) => self.image(name).map(|image| image.name),
            None => Some(name.clone()),
        });
        let inputs = inputs.collect::<Option<Vec<_>>>()?;
        let attributes = node.attribute.clone();
        Some(Held::Ready(self.push(&node.op_type, "", inputs, attributes, shape)))
    }

    /// Whether these are images of one shape and numbers.
    fn alike(&self, names: &[String]) -> bool {
        let mut shapes: Vec<[usize; 3]> =
            names.iter().filter_map(|name| self.shape(name)).collect();
        let known =
            names.iter().all(|name| self.shape(name).is_some() || self.constants.is_number(name));
        shapes.dedup();
        known && shapes.len() == 1
    }
}
