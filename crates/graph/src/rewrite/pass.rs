//! A new graph in the making: what its values are, and the nodes that make them.

use super::attributes::{of_floats, of_int, of_ints};
use super::constants::{Constants, tensor};
use super::held::Held;
use super::layer::Layer;
use super::values::{Affine, Image};
use crate::graph::lower::DOMAIN;
use crate::onnx::{Attribute, Graph, Node, Tensor};
use std::collections::{HashMap, HashSet};

/// The new graph in the making.
pub(super) struct Pass<'a> {
    pub(super) constants: &'a Constants<'a>,
    pub(super) opset: i64,
    /// How often a value of the old graph is wanted.
    uses: HashMap<&'a str, usize>,
    pub(super) held: HashMap<String, Held>,
    /// Values that are there in the order of ONNX, of which the shapes are known.
    pub(super) planes: HashMap<String, [usize; 3]>,
    /// Values of `held` that are there in the order of ONNX too.
    turned: HashSet<String>,
    /// Names of the old graph, which no new value gets.
    names: HashSet<&'a str>,
    /// New names so far.
    named: usize,
    pub(super) nodes: Vec<Node>,
    pub(super) tensors: Vec<Tensor>,
    pub(super) layers: usize,
}

impl<'a> Pass<'a> {
    pub(super) fn new(graph: &'a Graph, constants: &'a Constants<'a>, opset: i64) -> Self {
        let mut uses: HashMap<&str, usize> = HashMap::new();
        let wanted = graph.node.iter().flat_map(|node| &node.input);
        for name in wanted.chain(graph.output.iter().map(|output| &output.name)) {
            *uses.entry(name).or_default() += 1;
        }
        let made = graph.node.iter().flat_map(|node| node.input.iter().chain(&node.output));
        let names = made.chain(graph.initializer.iter().map(|tensor| &tensor.name));
        let names = names.map(String::as_str).collect();
        Self {
            constants,
            opset,
            uses,
            held: HashMap::new(),
            planes: HashMap::new(),
            turned: HashSet::new(),
            names,
            named: 0,
            nodes: Vec::new(),
            tensors: Vec::new(),
            layers: 0,
        }
    }

    /// Channels, height and width of a value, where they are known.
    pub(super) fn shape(&self, name: &str) -> Option<[usize; 3]> {
        self.held.get(name).map(Held::shape).or_else(|| self.planes.get(name).copied())
    }

    /// Whether one node alone wants a value, and once.
    pub(super) fn is_wanted_once(&self, name: &str) -> bool {
        self.uses.get(name) == Some(&1)
    }

    /// What is held back, where nothing else wants it.
    pub(super) fn alone(&self, name: &str) -> Option<Held> {
        self.is_wanted_once(name).then(|| self.held.get(name).cloned()).flatten()
    }

    /// The value in the new order, made if need be.
    pub(super) fn image(&mut self, name: &str) -> Option<Image> {
        let held = match self.held.remove(name) {
            Some(held) => held,
            None => {
                let shape = *self.planes.get(name)?;
                let attributes = vec![of_ints("perm", &[0, 2, 3, 1])];
                let inputs = vec![name.to_owned()];
                Held::Ready(self.push("Transpose", "", inputs, attributes, shape))
            }
        };
        let image = match held {
            Held::Ready(image) => image,
            Held::Affine(image, Affine { scale, shift }) => {
                let channels = [image.shape[0]];
                let inputs = vec![
                    image.name,
                    self.tensor(&channels, &scale),
                    self.tensor(&channels, &shift),
                ];
                self.push("ChannelAffine", DOMAIN, inputs, vec![], image.shape)
            }
            Held::Layer(layer) => self.layer(*layer),
        };
        self.held.insert(name.to_owned(), Held::Ready(image.clone()));
        Some(image)
    }

    pub(super) fn layer(&mut self, layer: Layer) -> Image {
        let shape = layer.shape();
        let Layer { image, kernels, extents, strides, pads, groups, bias, edge, more, slope, clip } =
            layer;
        let [outputs, _, high, wide] = extents;
        let mut attributes =
            vec![of_ints("strides", &strides), of_ints("pads", &pads), of_int("group", groups)];
        let kernels = self.tensor(&extents, &kernels);
        let mut inputs = vec![image.name, kernels, self.tensor(&[outputs], &bias)];
        let mut also = |name: &str, input: String| {
            attributes.push(of_int(name, 1));
            inputs.push(input);
        };
        if let Some(edge) = edge {
            also("edge", self.tensor(&[outputs, high, wide], &edge));
        }
        if let Some(slope) = slope {
            also("slope", self.tensor(&[outputs], &slope));
        }
        if let Some(more) = more {
            also("more", more.name);
        }
        attributes.extend(clip.map(|clip| of_floats("clip", &clip)));
        self.push("DnnlLayer", DOMAIN, inputs, attributes, shape)
    }

    /// Makes a value of the old graph there under its name, in the order of ONNX.
    pub(super) fn in_planes(&mut self, name: &str) {
        if self.turned.contains(name)
            || self.planes.contains_key(name)
            || !self.held.contains_key(name)
        {
            return;
        }
        if let Some(image) = self.image(name) {
            self.turned.insert(name.to_owned());
            let node = self.fresh("planes");
            self.nodes.push(Node {
                input: vec![image.name],
                output: vec![name.to_owned()],
                name: node,
                op_type: "Transpose".to_owned(),
                attribute: vec![of_ints("perm", &[0, 3, 1, 2])],
                ..Node::default()
            });
        }
    }

    pub(super) fn push(
        &mut self,
        operator: &str,
        domain: &str,
        input: Vec<String>,
        attribute: Vec<Attribute>,
        shape: [usize; 3],
    ) -> Image {
        let name = self.fresh(operator);
        self.nodes.push(Node {
            input,
            output: vec![name.clone()],
            name: name.clone(),
            op_type: operator.to_owned(),
            domain: domain.to_owned(),
            attribute,
            ..Node::default()
        });
        Image { name, shape }
    }

    /// A constant of the new graph.
    pub(super) fn tensor(&mut self, extents: &[usize], values: &[f32]) -> String {
        let name = self.fresh("constant");
        self.tensors.push(tensor(name.clone(), extents, values));
        name
    }

    /// A name that nothing has.
    pub(super) fn fresh(&mut self, what: &str) -> String {
        loop {
            let name = format!("pixels {what} {}", self.named);
            self.named += 1;
            if !self.names.contains(name.as_str()) {
                return name;
            }
        }
    }
}
