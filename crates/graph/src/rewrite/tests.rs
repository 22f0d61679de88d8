//! Which models are rewritten, and which are left alone. That numbers are the same is tested where models
//! are run, in the crate `runtime`.

use super::{Refusal, pixels};
use crate::graph::lower::DOMAIN;
use crate::onnx::{
    Attribute, Dimension, ElementType, Entry, Extent, Function, Graph, Location, Model, Node,
    OperatorSet, Shape, Tensor, TensorType, Type, TypeKind, ValueInfo,
};
use std::path::Path;

const FACE: [usize; 3] = [3, 4, 4];

fn port(name: &str, element: ElementType, extents: &[Option<i64>]) -> ValueInfo {
    let known =
        |own: &Option<i64>| Dimension { value: own.map(Extent::Fixed), ..Default::default() };
    let shape = Some(Shape { dim: extents.iter().map(known).collect() });
    let kind = TypeKind::Tensor(TensorType { elem_type: element as i32, shape });
    let r#type = Some(Type { value: Some(kind), ..Type::default() });
    ValueInfo { name: name.into(), r#type, ..ValueInfo::default() }
}

fn tensor(name: &str, dims: &[i64]) -> Tensor {
    let count = dims.iter().product::<i64>() as usize;
    Tensor {
        name: name.into(),
        dims: dims.to_vec(),
        data_type: ElementType::Float as i32,
        float_data: vec![0.5; count],
        ..Tensor::default()
    }
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Node {
    Node {
        op_type: operator.into(),
        input: inputs.iter().map(|&own| own.into()).collect(),
        output: vec![output.into()],
        ..Node::default()
    }
}

/// A convolution of one pixel, slopes, and a head that is not known.
fn model() -> Model {
    let graph = Graph {
        name: "net".into(),
        node: vec![
            node("Conv", &["x", "w"], "a"),
            node("PRelu", &["a", "s"], "b"),
            node("Flatten", &["b"], "y"),
        ],
        initializer: vec![tensor("w", &[2, 3, 1, 1]), tensor("s", &[2, 1, 1])],
        input: vec![port("x", ElementType::Float, &[None, Some(3), Some(4), Some(4)])],
        output: vec![port("y", ElementType::Float, &[None, None])],
        ..Graph::default()
    };
    let opset_import = vec![OperatorSet { domain: String::new(), version: 17 }];
    Model { ir_version: 8, graph: Some(graph), opset_import, ..Model::default() }
}

fn changed(change: impl Fn(&mut Model)) -> Result<Model, Refusal> {
    let mut model = model();
    change(&mut model);
    pixels(&model, FACE)
}

fn operators(model: &Model) -> Vec<&str> {
    model.graph().node.iter().map(|node| node.op_type.as_str()).collect()
}

fn graph(model: &mut Model) -> &mut Graph {
    model.graph.as_mut().unwrap()
}

#[test]
fn a_layer_has_what_follows_it_and_what_is_not_known_gets_planes() {
    let new = changed(|_| ()).unwrap();
    assert_eq!(operators(&new), ["Transpose", "DnnlLayer", "Transpose", "Flatten"]);
    assert_eq!(
        (&new.graph().input, &new.graph().output),
        (&model().graph().input, &model().graph().output)
    );
    // Kernels, no bias, slopes; what the old nodes had is gone.
    assert_eq!(new.graph().initializer.len(), 3);
    let domains: Vec<&str> = new.opset_import.iter().map(|own| own.domain.as_str()).collect();
    assert_eq!(domains, ["", DOMAIN]);
}

#[test]
fn a_value_that_is_wanted_twice_is_not_folded_away() {
    let new = changed(|model| graph(model).output.push(port("a", ElementType::Float, &[None; 4])));
    let expected = ["Transpose", "DnnlLayer", "ChannelPRelu", "Transpose", "Flatten", "Transpose"];
    assert_eq!(operators(&new.unwrap()), expected);
}

#[test]
fn a_constant_may_have_other_names_and_be_listed_as_an_input() {
    let new = changed(|model| {
        let graph = graph(model);
        graph.node[0].input[1] = "other".into();
        graph.node.insert(0, node("Identity", &["w"], "other"));
        graph.input.push(port("w", ElementType::Float, &[Some(2), Some(3), Some(1), Some(1)]));
    });
    let new = new.unwrap();
    assert!(operators(&new).contains(&"DnnlLayer"));
    assert_eq!(new.graph().input.len(), 1);
}

#[test]
fn what_is_not_read_here_is_left_alone_and_said() {
    let said = |change: &dyn Fn(&mut Model)| changed(change).unwrap_err().to_string();
    let version = said(&|model| model.opset_import[0].version = 6);
    assert_eq!(version, "expected operators of version 7 to 24, found 6");
    let half = |model: &mut Model| {
        graph(model).input[0] = port("x", ElementType::Float16, &[None, Some(3), Some(4), Some(4)]);
    };
    assert!(said(&half).ends_with("found x of Float16"), "{}", said(&half));
    let edge = |model: &mut Model| {
        graph(model).input[0] = port("x", ElementType::Float, &[None, Some(3), Some(4), Some(5)]);
    };
    assert!(said(&edge).ends_with("found [?, 3, 4, 5]"), "{}", said(&edge));
    let outside = said(&|model| {
        let own = &mut graph(model).initializer[0];
        own.data_location = Location::External as i32;
        own.external_data = vec![Entry { key: "location".into(), value: "w".into() }];
    });
    assert_eq!(outside, "expected the weights in the model, found them in other files");
    let function =
        said(&|model| model.functions.push(Function { name: "f".into(), ..Default::default() }));
    assert!(function.ends_with("found the function f"), "{function}");
    let nested = said(&|model| {
        let g = Some(Box::new(Graph::default()));
        graph(model).node[2].attribute.push(Attribute { g, ..Attribute::default() });
    });
    assert!(nested.ends_with("found a node Flatten"), "{nested}");
    let own = said(&|model| graph(model).node[0].domain = DOMAIN.into());
    assert!(own.ends_with("found a node Conv"), "{own}");
}

#[test]
fn a_convolution_that_no_layer_is_stays_as_it_is() {
    let nothing = |change: &dyn Fn(&mut Model)| assert_eq!(changed(change), Err(Refusal::Nothing));
    let ints = |name: &str, ints: &[i64]| Attribute {
        name: name.into(),
        ints: ints.to_vec(),
        ..Attribute::default()
    };
    nothing(&|model| graph(model).initializer[0].data_type = ElementType::Float16 as i32);
    nothing(&|model| graph(model).initializer[0].dims = vec![2, 3, 1, -1]);
    nothing(&|model| _ = graph(model).initializer[0].float_data.pop());
    nothing(&|model| graph(model).initializer[0].float_data[0] = f32::NAN);
    nothing(&|model| graph(model).node[0].attribute.push(ints("dilations", &[2, 2])));
    nothing(&|model| graph(model).node[0].attribute.push(ints("strides", &[0, 1])));
    nothing(&|model| graph(model).node[0].attribute.push(ints("pads", &[1 << 40, 0, 0, 0])));
    nothing(&|model| graph(model).node[0].attribute.push(ints("pads", &[2, 0, 0, 0])));
    nothing(&|model| graph(model).node[0].domain = "com.other".into());
    nothing(&|model| {
        let group = Attribute { name: "group".into(), i: Some(-1), ..Attribute::default() };
        graph(model).node[0].attribute.push(group);
    });
}

#[test]
fn every_changed_byte_is_rewritten_or_refused_without_a_panic() {
    let bytes = model().to_bytes(Path::new("m.onnx")).unwrap();
    for at in 0..bytes.len() {
        for value in [0, 1, 2, 8, 127, 128, 255] {
            let mut changed = bytes.clone();
            changed[at] = value;
            if let Ok(model) = Model::parse(changed.into(), Path::new("m.onnx")) {
                _ = pixels(&model, FACE);
            }
        }
    }
}
