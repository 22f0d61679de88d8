//! Models rewritten in pixels, beside the same models as they are.

use super::super::super::{Error, Runtime, Session};
use super::super::library::OneDnn;
use qgface_fs::causes::chain;
use qgface_graph::onnx::{
    Attribute, AttributeType, Dimension, ElementType, Extent, Graph, Model, Node, OperatorSet,
    Shape, Tensor, TensorType, Type, TypeKind, ValueInfo,
};
use qgface_graph::rewrite::pixels;
use std::num::NonZeroUsize;
use std::path::Path;

/// What sums of some thousand products in another order may differ by, of the largest number.
const BOUND: f32 = 2e-5;

fn runtime() -> Option<Runtime> {
    let onednn = OneDnn::installed()?;
    Some(Runtime::installed()?.with_onednn(Some(onednn)))
}

/// Numbers from −1 to 1 that look drawn.
fn numbers(seed: usize, count: usize) -> Vec<f32> {
    let mut state = (seed as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 40) as f32 / (1 << 23) as f32 - 1.0
    };
    (0..count).map(|_| next()).collect()
}

fn ints(name: &str, ints: &[usize]) -> Attribute {
    let ints = ints.iter().map(|&own| own as i64).collect();
    let kind = AttributeType::Ints as i32;
    Attribute { name: name.into(), ints, kind, ..Attribute::default() }
}

fn int(name: &str, own: usize) -> Attribute {
    let kind = AttributeType::Int as i32;
    Attribute { name: name.into(), i: Some(own as i64), kind, ..Attribute::default() }
}

/// A network in the making: the value that came last, and its channels.
struct Net {
    image: [usize; 3],
    channels: usize,
    last: String,
    nodes: Vec<Node>,
    tensors: Vec<Tensor>,
    outputs: Vec<String>,
}

impl Net {
    fn new(image: [usize; 3]) -> Self {
        let (nodes, tensors, outputs) = (Vec::new(), Vec::new(), Vec::new());
        Self { image, channels: image[0], last: "x".into(), nodes, tensors, outputs }
    }

    fn constant(&mut self, extents: &[usize], values: Vec<f32>) -> String {
        let name = format!("c{}", self.tensors.len());
        assert_eq!(values.len(), extents.iter().product::<usize>());
        self.tensors.push(Tensor {
            name: name.clone(),
            dims: extents.iter().map(|&own| own as i64).collect(),
            data_type: ElementType::Float as i32,
            float_data: values,
            ..Tensor::default()
        });
        name
    }

    fn drawn(&mut self, extents: &[usize]) -> String {
        let values = numbers(self.tensors.len(), extents.iter().product());
        self.constant(extents, values)
    }

    fn node(mut self, operator: &str, inputs: &[&str], attribute: Vec<Attribute>) -> Self {
        let output = format!("v{}", self.nodes.len());
        let input = [self.last.as_str()].iter().chain(inputs).map(|&own| own.to_owned()).collect();
        self.nodes.push(Node {
            input,
            output: vec![output.clone()],
            name: output.clone(),
            op_type: operator.into(),
            attribute,
            ..Node::default()
        });
        self.last = output;
        self
    }

    fn conv(
        mut self,
        outputs: usize,
        kernel: [usize; 2],
        stride: usize,
        pads: [usize; 4],
        groups: usize,
    ) -> Self {
        let [high, wide] = kernel;
        let weights = self.drawn(&[outputs, self.channels / groups, high, wide]);
        let bias = self.drawn(&[outputs]);
        self.channels = outputs;
        let attributes =
            vec![ints("strides", &[stride; 2]), ints("pads", &pads), int("group", groups)];
        self.node("Conv", &[&weights, &bias], attributes)
    }

    fn norm(mut self) -> Self {
        let c = self.channels;
        let own: Vec<String> = (0..3).map(|_| self.drawn(&[c])).collect();
        let positive = numbers(self.tensors.len(), c).iter().map(|own| own.abs() + 0.3).collect();
        let variance = self.constant(&[c], positive);
        self.node("BatchNormalization", &[&own[0], &own[1], &own[2], &variance], vec![])
    }

    fn prelu(mut self) -> Self {
        let slope = self.drawn(&[self.channels, 1, 1]);
        self.node("PRelu", &[&slope], vec![])
    }

    fn add(self, other: &str) -> Self {
        self.node("Add", &[other], vec![])
    }

    fn thin(self, stride: usize) -> Self {
        self.node(
            "MaxPool",
            &[],
            vec![ints("kernel_shape", &[1, 1]), ints("strides", &[stride; 2])],
        )
    }

    fn model(mut self) -> Model {
        self.outputs.push(self.last);
        let port = |name: &str, extents: Option<Vec<Option<usize>>>| {
            let known = |own: Option<usize>| {
                let value = match own {
                    Some(own) => Extent::Fixed(own as i64),
                    None => Extent::Symbol("n".into()),
                };
                Dimension { value: Some(value), ..Dimension::default() }
            };
            let shape = extents.map(|own| Shape { dim: own.into_iter().map(known).collect() });
            let kind = TypeKind::Tensor(TensorType { elem_type: ElementType::Float as i32, shape });
            let r#type = Some(Type { value: Some(kind), ..Type::default() });
            ValueInfo { name: name.into(), r#type, ..ValueInfo::default() }
        };
        let image = [None].into_iter().chain(self.image.map(Some)).collect();
        let graph = Graph {
            name: "net".into(),
            node: self.nodes,
            initializer: self.tensors,
            input: vec![port("x", Some(image))],
            output: self.outputs.iter().map(|name| port(name, None)).collect(),
            ..Graph::default()
        };
        let opset_import = vec![OperatorSet { domain: String::new(), version: 17 }];
        Model { ir_version: 8, graph: Some(graph), opset_import, ..Model::default() }
    }
}

/// A block as IR-18 has them, of a value whose channels it keeps or not.
fn block(net: Net, outputs: usize, stride: usize) -> Net {
    let (entry, inputs) = (net.last.clone(), net.channels);
    let mut net = match outputs == inputs {
        true => net.thin(stride),
        false => net.conv(outputs, [1, 1], stride, [0; 4], 1).norm(),
    };
    let short = std::mem::replace(&mut net.last, entry);
    net.channels = inputs;
    let net = net.norm().conv(outputs, [3, 3], 1, [1; 4], 1).norm().prelu();
    net.conv(outputs, [3, 3], stride, [1; 4], 1).norm().add(&short)
}

/// Networks and how many nodes of them are layers.
fn networks() -> Vec<(&'static str, Net, usize)> {
    let net = Net::new;
    let ir =
        block(block(net([3, 14, 14]).conv(16, [3, 3], 1, [1; 4], 1).norm().prelu(), 16, 2), 24, 2);
    let bottleneck = {
        let net = net([3, 13, 17]).conv(8, [3, 3], 2, [1; 4], 1).norm().prelu();
        let entry = net.last.clone();
        let net = net.conv(16, [1, 1], 1, [0; 4], 1).norm().prelu();
        let net = net.conv(16, [3, 3], 1, [1; 4], 16).norm().node("Relu", &[], vec![]);
        let net = net.conv(8, [1, 1], 1, [0; 4], 1).norm().add(&entry);
        net.conv(12, [7, 9], 1, [0; 4], 4).norm()
    };
    let mut clipped = net([3, 5, 5]).conv(7, [3, 3], 1, [1; 4], 1);
    let (low, high) = (clipped.constant(&[], vec![-0.5]), clipped.constant(&[], vec![0.75]));
    let clipped = clipped.node("Clip", &[&low, &high], vec![]);
    let twice = net([3, 6, 6]).conv(5, [3, 3], 1, [1; 4], 1);
    let again = twice.last.clone();
    vec![
        ("one channel", net([1, 1, 1]).conv(1, [1, 1], 1, [0; 4], 1), 1),
        ("odd edges", net([3, 7, 5]).conv(5, [3, 2], 2, [1, 0, 0, 1], 1).prelu(), 1),
        (
            "a normalisation before and after",
            net([2, 6, 9]).norm().conv(3, [3, 3], 2, [1; 4], 1).norm(),
            1,
        ),
        ("a normalisation without an edge", net([4, 6, 6]).norm().conv(6, [3, 3], 1, [0; 4], 2), 1),
        (
            "a normalisation before groups",
            net([4, 6, 6]).norm().conv(8, [3, 3], 1, [1, 0, 2, 1], 4).prelu(),
            1,
        ),
        (
            "a normalisation alone at the end",
            net([3, 6, 6]).conv(5, [3, 3], 1, [1; 4], 1).prelu().norm(),
            1,
        ),
        ("slopes before a sum", twice.prelu().add(&again), 1),
        ("clipped", clipped, 1),
        ("blocks", ir, 6),
        ("a bottleneck", bottleneck, 5),
        (
            "an operator that is not known",
            net([3, 6, 6])
                .conv(5, [3, 3], 1, [1; 4], 1)
                .node("GlobalAveragePool", &[], vec![])
                .node("Flatten", &[], vec![]),
            1,
        ),
    ]
}

/// What the model makes as it is and rewritten, of so many images.
fn both(
    runtime: &Runtime,
    model: &Model,
    image: [usize; 3],
    images: usize,
    threads: usize,
) -> [Vec<f32>; 2] {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("m.onnx");
    model.save(&path).unwrap();
    let threads = NonZeroUsize::new(threads).unwrap();
    let new = pixels(model, image).unwrap();
    let own = Session::open_rewritten(runtime, &path, &new, threads).unwrap();
    let [c, h, w] = image;
    let faces = numbers(99, images * c * h * w);
    [runtime.open(&path, threads).unwrap(), own].map(|mut session| {
        let mut made = session.run(&faces, &[images, c, h, w]).unwrap();
        made.remove(0).data
    })
}

#[test]
fn a_rewritten_network_is_the_same_but_for_rounding() {
    let Some(runtime) = runtime() else { return };
    for (name, net, layers) in networks() {
        let image = net.image;
        let model = net.model();
        let new = pixels(&model, image).unwrap();
        let count = new.graph().node.iter().filter(|node| node.op_type == "DnnlLayer").count();
        assert_eq!(count, layers, "{name}");
        for (images, threads) in [(1, 1), (3, 2)] {
            let [expected, found] = both(&runtime, &model, image, images, threads);
            assert_eq!(expected.len(), found.len(), "{name}");
            let largest = expected.iter().fold(0.0_f32, |most, own| most.max(own.abs()));
            for (a, b) in expected.iter().zip(&found) {
                assert!((a - b).abs() <= BOUND * largest, "{name}, {images} images: {a} {b}");
            }
        }
    }
}

#[test]
fn what_is_made_of_an_image_depends_on_no_other_image_and_no_thread() {
    let Some(runtime) = runtime() else { return };
    let (_, net, _) = networks().into_iter().find(|(name, ..)| *name == "blocks").unwrap();
    let image = net.image;
    let model = net.model();
    let [_, alone] = both(&runtime, &model, image, 1, 1);
    let [_, among] = both(&runtime, &model, image, 3, 2);
    assert!(among.starts_with(&alone));
}

#[test]
fn a_layer_whose_kernels_are_fed_or_do_not_fit_is_refused_by_name() {
    let Some(runtime) = runtime() else { return };
    let model = Net::new([3, 5, 5]).conv(4, [3, 3], 1, [1; 4], 1).model();
    let new = pixels(&model, [3, 5, 5]).unwrap();
    let open = |change: &dyn Fn(&mut Graph)| -> Result<Session, Error> {
        let mut model = new.clone();
        change(model.graph.as_mut().unwrap());
        Session::open_rewritten(&runtime, Path::new("m.onnx"), &model, NonZeroUsize::MIN)
    };
    let said = |done: Result<Session, Error>| chain(&done.unwrap_err());
    let layer =
        |graph: &mut Graph| graph.node.iter().position(|node| node.op_type == "DnnlLayer").unwrap();
    let told = said(open(&|graph| {
        let at = layer(graph);
        // A value that is computed, where kernels are expected.
        graph.node[at].input[1] = graph.node[at].input[0].clone();
    }));
    assert!(told.contains("expected a constant as input 1"), "{told}");
    let told = said(open(&|graph| {
        let at = layer(graph);
        graph.node[at].attribute.retain(|own| own.name != "pads");
    }));
    assert!(told.contains("expected 4 numbers from 0"), "{told}");
    let mut session = open(&|graph| {
        let at = layer(graph);
        graph.node[at].attribute.retain(|own| own.name != "group");
        graph.node[at].attribute.push(int("group", 2));
    })
    .unwrap();
    let told = chain(&session.run(&[0.0; 75], &[1, 3, 5, 5]).unwrap_err());
    assert!(told.contains("expected images that the kernels fit"), "{told}");
}
