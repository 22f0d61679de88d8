//! Small ONNX models, written here, and drawn sets to evaluate them on.

use crate::program::{done, fixture};
use qgface_data::onnx::{
    Attribute, AttributeType, Dimension, ElementType, Entry, Extent, Graph, Location, Model, Node,
    OperatorSet, Shape, Tensor, TensorType, Type, TypeKind, ValueInfo,
};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// What a small model looks like from outside.
pub(crate) struct Looks {
    /// Pixels an edge of its input.
    pub(crate) edge: i64,
    /// Images a batch; none for any number.
    pub(crate) batch: Option<i64>,
    /// Its outputs.
    pub(crate) outputs: Outputs,
    /// Its metadata.
    pub(crate) metadata: &'static [(&'static str, &'static str)],
}

/// What a small model returns.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outputs {
    /// The means of 49 squares in three channels.
    Raw,
    /// Those as a unit vector, and their length.
    UnitAndNorm,
    /// Both, and the length again.
    Three,
    /// Their difference from themselves, divided by itself.
    NotANumber,
    /// The unit vector alone.
    Unit,
    /// The unit vector, and its length before, negated.
    NegativeNorm,
    /// The means of every image twice.
    Twice,
    /// A tensor of extents that no tensor has.
    BelowZero,
    /// The means, once a loop has ended that never does.
    Never,
    /// The means, multiplied by numbers of a `Constant` that lie in `factors.bin`.
    Scaled,
}

pub(crate) const RGB: &[(&str, &str)] = &[("channel_order", "rgb")];

impl Looks {
    pub(crate) const fn usual(outputs: Outputs) -> Self {
        Self { edge: 112, batch: None, outputs, metadata: RGB }
    }
}

fn node(op: &str, inputs: &[&str], output: &str, attributes: Vec<Attribute>) -> Node {
    Node {
        input: inputs.iter().map(|name| (*name).to_owned()).collect(),
        output: vec![output.to_owned()],
        op_type: op.to_owned(),
        attribute: attributes,
        ..Node::default()
    }
}

fn integers(name: &str, values: &[i64]) -> Attribute {
    Attribute {
        name: name.to_owned(),
        ints: values.to_vec(),
        kind: AttributeType::Ints as i32,
        ..Attribute::default()
    }
}

fn tensor(name: &str, element: ElementType, dims: &[i64], bytes: &[u8]) -> Tensor {
    Tensor {
        name: name.to_owned(),
        dims: dims.to_vec(),
        data_type: element as i32,
        raw_data: bytes.to_vec().into(),
        ..Tensor::default()
    }
}

/// Numbers of 147 features that lie in a file.
pub(crate) fn outside(file: &str) -> Tensor {
    let entry = Entry { key: "location".to_owned(), value: file.to_owned() };
    Tensor {
        external_data: vec![entry],
        data_location: Location::External as i32,
        ..tensor("factors", ElementType::Float, &[147], b"")
    }
}

/// A loop over `raw` that nothing ends.
fn endless() -> Node {
    let scalar = |name: &str, element: ElementType| {
        let shape = Some(Shape { dim: Vec::new() });
        let tensor = TensorType { elem_type: element as i32, shape };
        let r#type = Some(Type { value: Some(TypeKind::Tensor(tensor)), ..Type::default() });
        ValueInfo { name: name.to_owned(), r#type, ..ValueInfo::default() }
    };
    let body = Graph {
        name: "body".to_owned(),
        node: vec![
            node("Identity", &["again"], "still", Vec::new()),
            node("Identity", &["before"], "after", Vec::new()),
        ],
        input: vec![
            scalar("turn", ElementType::Int64),
            scalar("again", ElementType::Bool),
            port("before", &[None, Some(147)]),
        ],
        output: vec![scalar("still", ElementType::Bool), port("after", &[None, Some(147)])],
        ..Graph::default()
    };
    let body = Attribute {
        name: "body".to_owned(),
        g: Some(Box::new(body)),
        kind: AttributeType::Graph as i32,
        ..Attribute::default()
    };
    node("Loop", &["", "always", "raw"], "never", vec![body])
}

fn port(name: &str, extents: &[Option<i64>]) -> ValueInfo {
    let dimension = |extent: &Option<i64>| Dimension {
        value: Some(match extent {
            Some(extent) => Extent::Fixed(*extent),
            None => Extent::Symbol("N".to_owned()),
        }),
        ..Dimension::default()
    };
    let shape = Some(Shape { dim: extents.iter().map(dimension).collect() });
    let tensor = TensorType { elem_type: ElementType::Float as i32, shape };
    let r#type = Some(Type { value: Some(TypeKind::Tensor(tensor)), ..Type::default() });
    ValueInfo { name: name.to_owned(), r#type, ..ValueInfo::default() }
}

/// Writes a model to `path`.
pub(crate) fn write_model(path: &Path, looks: &Looks) {
    let square = looks.edge / 7;
    let squares = [integers("kernel_shape", &[square; 2]), integers("strides", &[square; 2])];
    let mut nodes = vec![
        node("AveragePool", &["input"], "squares", squares.to_vec()),
        node("Flatten", &["squares"], "raw", Vec::new()),
    ];
    let mut unit = || {
        nodes.push(node("ReduceL2", &["raw"], "norm", vec![integers("axes", &[1])]));
        nodes.push(node("Div", &["raw", "norm"], "embedding", Vec::new()));
    };
    let feature = |name: &str| port(name, &[looks.batch, Some(147)]);
    let norm = |name: &str| port(name, &[looks.batch, Some(1)]);
    let outputs = match looks.outputs {
        Outputs::Raw => vec![feature("raw")],
        Outputs::UnitAndNorm => {
            unit();
            vec![feature("embedding"), norm("norm")]
        }
        Outputs::Three => {
            unit();
            nodes.push(node("Identity", &["norm"], "again", Vec::new()));
            vec![feature("embedding"), norm("norm"), norm("again")]
        }
        Outputs::NotANumber => {
            nodes.push(node("Sub", &["raw", "raw"], "zero", Vec::new()));
            nodes.push(node("Div", &["zero", "zero"], "nothing", Vec::new()));
            vec![feature("nothing")]
        }
        Outputs::Unit => {
            unit();
            vec![feature("embedding")]
        }
        Outputs::NegativeNorm => {
            unit();
            nodes.push(node("Neg", &["norm"], "negated", Vec::new()));
            vec![feature("embedding"), norm("negated")]
        }
        Outputs::Twice => {
            let axis = Attribute {
                name: "axis".to_owned(),
                i: Some(0),
                kind: AttributeType::Int as i32,
                ..Attribute::default()
            };
            nodes.push(node("Concat", &["raw", "raw"], "twice", vec![axis]));
            vec![port("twice", &[None, Some(147)])]
        }
        Outputs::BelowZero => {
            unit();
            nodes.push(node("Expand", &["norm", "extents"], "nowhere", Vec::new()));
            vec![port("nowhere", &[None, None])]
        }
        Outputs::Never => {
            nodes.push(endless());
            vec![feature("never")]
        }
        Outputs::Scaled => {
            let value = Attribute {
                name: "value".to_owned(),
                t: Some(Box::new(outside("factors.bin"))),
                kind: AttributeType::Tensor as i32,
                ..Attribute::default()
            };
            nodes.push(node("Constant", &[], "factors", vec![value]));
            nodes.push(node("Mul", &["raw", "factors"], "scaled", Vec::new()));
            vec![feature("scaled")]
        }
    };
    let extents = [1_i64, -3].map(i64::to_le_bytes).concat();
    let edge = Some(looks.edge);
    let graph = Graph {
        name: "squares".to_owned(),
        node: nodes,
        input: vec![port("input", &[looks.batch, Some(3), edge, edge])],
        output: outputs,
        initializer: match looks.outputs {
            Outputs::BelowZero => vec![tensor("extents", ElementType::Int64, &[2], &extents)],
            Outputs::Never => vec![tensor("always", ElementType::Bool, &[], &[1])],
            _ => Vec::new(),
        },
        ..Graph::default()
    };
    let entry = |(key, value): &(&str, &str)| Entry { key: (*key).into(), value: (*value).into() };
    let model = Model {
        ir_version: 8,
        graph: Some(graph),
        opset_import: vec![OperatorSet { domain: String::new(), version: 17 }],
        metadata_props: looks.metadata.iter().map(entry).collect(),
        ..Model::default()
    };
    model.save(path).unwrap();
}

/// A folder with drawn sets below `data/`, their packs in `packs/` and `model.onnx`; made once, and to
/// be read only.
pub(crate) fn drawn() -> &'static Path {
    static DRAWN: OnceLock<PathBuf> = OnceLock::new();
    DRAWN.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("drawn").tempdir().unwrap().keep();
        done(&folder, &["synth", "--out", "data", "--identities", "8", "--images", "2"]);
        for set in ["tinyface", "scface", "ijbb"] {
            done(&folder, &["make-rec", "--dataset", set]);
        }
        for set in ["lfw", "cfp_fp", "agedb_30", "calfw", "cplfw"] {
            done(&folder, &["make-rec", "--dataset", "bin", "--name", set]);
        }
        write_model(&folder.join("model.onnx"), &Looks::usual(Outputs::Raw));
        folder
    })
}

/// A path below [`drawn`], as an argument.
pub(crate) fn drawn_path(path: &str) -> String {
    drawn().join(path).to_str().unwrap().to_owned()
}

/// The published model, and the flags that say what it wants to be fed.
pub(crate) fn mobile_face_net() -> [String; 7] {
    let path = fixture("onnx/MobileFaceNet.onnx");
    let flags = ["--channel-order", "rgb", "--mean", "123.675,116.28,103.53", "--std"];
    let [a, b, c, d, e] = flags.map(str::to_owned);
    [path, a, b, c, d, e, "58.395,57.12,57.375".to_owned()]
}
