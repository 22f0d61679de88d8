//! The messages of `onnx.proto`, named without their suffix `Proto`.
//!
//! Fields that only other tools use (quantisation annotations, device configurations) are not listed:
//! reading passes over them. Whatever may hold a tensor is listed, used here or not, so that no file
//! that a model names is overlooked.

use prost::bytes::Bytes;

/// A model: a graph and what is said of it (`ModelProto`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Model {
    /// Version of the format; never 0.
    #[prost(int64, tag = "1")]
    pub ir_version: i64,
    /// The tool that wrote it.
    #[prost(string, tag = "2")]
    pub producer_name: String,
    /// That tool's version.
    #[prost(string, tag = "3")]
    pub producer_version: String,
    /// The namespace of the model's name.
    #[prost(string, tag = "4")]
    pub domain: String,
    /// The model's own version.
    #[prost(int64, tag = "5")]
    pub model_version: i64,
    /// A text for people.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// The graph.
    #[prost(message, optional, tag = "7")]
    pub graph: Option<Graph>,
    /// The operator sets that the nodes are of.
    #[prost(message, repeated, tag = "8")]
    pub opset_import: Vec<OperatorSet>,
    /// Named facts: for an export of ours, the order of channels and the normalisation.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Entry>,
    /// How it is trained on, for tools that do.
    #[prost(message, repeated, tag = "20")]
    pub training_info: Vec<TrainingInfo>,
    /// Functions that nodes call as operators.
    #[prost(message, repeated, tag = "25")]
    pub functions: Vec<Function>,
}

/// How a model is trained on (`TrainingInfoProto`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct TrainingInfo {
    /// Makes the first values.
    #[prost(message, optional, tag = "1")]
    pub initialization: Option<Graph>,
    /// A step.
    #[prost(message, optional, tag = "2")]
    pub algorithm: Option<Graph>,
    /// What the first values are put into.
    #[prost(message, repeated, tag = "3")]
    pub initialization_binding: Vec<Entry>,
    /// What the outputs of a step are put into.
    #[prost(message, repeated, tag = "4")]
    pub update_binding: Vec<Entry>,
}

/// An operator made of others (`FunctionProto`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Function {
    /// Its name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// Names of the values it reads.
    #[prost(string, repeated, tag = "4")]
    pub input: Vec<String>,
    /// Names of the values it makes.
    #[prost(string, repeated, tag = "5")]
    pub output: Vec<String>,
    /// Names of the parameters it must be given.
    #[prost(string, repeated, tag = "6")]
    pub attribute: Vec<String>,
    /// The nodes, each after those it reads.
    #[prost(message, repeated, tag = "7")]
    pub node: Vec<Node>,
    /// A text for people.
    #[prost(string, tag = "8")]
    pub doc_string: String,
    /// The operator sets that its nodes are of.
    #[prost(message, repeated, tag = "9")]
    pub opset_import: Vec<OperatorSet>,
    /// Its own operator set.
    #[prost(string, tag = "10")]
    pub domain: String,
    /// Parameters that have a value where none is given.
    #[prost(message, repeated, tag = "11")]
    pub attribute_proto: Vec<Attribute>,
    /// Types of values inside.
    #[prost(message, repeated, tag = "12")]
    pub value_info: Vec<ValueInfo>,
    /// Which of several functions of one name.
    #[prost(string, tag = "13")]
    pub overload: String,
    /// Named facts.
    #[prost(message, repeated, tag = "14")]
    pub metadata_props: Vec<Entry>,
}

/// Nodes, constants and ports (`GraphProto`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Graph {
    /// The nodes, each after those it reads.
    #[prost(message, repeated, tag = "1")]
    pub node: Vec<Node>,
    /// A name; a checker refuses a graph without one.
    #[prost(string, tag = "2")]
    pub name: String,
    /// Constant tensors by name.
    #[prost(message, repeated, tag = "5")]
    pub initializer: Vec<Tensor>,
    /// A text for people.
    #[prost(string, tag = "10")]
    pub doc_string: String,
    /// What is fed in; older models list their initialisers here too.
    #[prost(message, repeated, tag = "11")]
    pub input: Vec<ValueInfo>,
    /// What comes out.
    #[prost(message, repeated, tag = "12")]
    pub output: Vec<ValueInfo>,
    /// Types of values inside.
    #[prost(message, repeated, tag = "13")]
    pub value_info: Vec<ValueInfo>,
    /// Constant tensors that are mostly zeros.
    #[prost(message, repeated, tag = "15")]
    pub sparse_initializer: Vec<SparseTensor>,
    /// Named facts.
    #[prost(message, repeated, tag = "16")]
    pub metadata_props: Vec<Entry>,
}

/// One operator at work (`NodeProto`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Node {
    /// Names of the values read; an empty name is an argument left out.
    #[prost(string, repeated, tag = "1")]
    pub input: Vec<String>,
    /// Names of the values made.
    #[prost(string, repeated, tag = "2")]
    pub output: Vec<String>,
    /// The node's name, for people.
    #[prost(string, tag = "3")]
    pub name: String,
    /// The operator.
    #[prost(string, tag = "4")]
    pub op_type: String,
    /// Its parameters.
    #[prost(message, repeated, tag = "5")]
    pub attribute: Vec<Attribute>,
    /// A text for people.
    #[prost(string, tag = "6")]
    pub doc_string: String,
    /// The operator's set; empty for the standard one.
    #[prost(string, tag = "7")]
    pub domain: String,
    /// Which of several functions of one name.
    #[prost(string, tag = "8")]
    pub overload: String,
    /// Named facts.
    #[prost(message, repeated, tag = "9")]
    pub metadata_props: Vec<Entry>,
}

/// A parameter of a node (`AttributeProto`); the field that `kind` names is set.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Attribute {
    /// The parameter's name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// A float.
    #[prost(float, optional, tag = "2")]
    pub f: Option<f32>,
    /// An integer.
    #[prost(int64, optional, tag = "3")]
    pub i: Option<i64>,
    /// Text, as bytes.
    #[prost(bytes = "bytes", optional, tag = "4")]
    pub s: Option<Bytes>,
    /// A tensor.
    #[prost(message, optional, boxed, tag = "5")]
    pub t: Option<Box<Tensor>>,
    /// A graph, the body of a loop or a branch.
    #[prost(message, optional, boxed, tag = "6")]
    pub g: Option<Box<Graph>>,
    /// Floats; the format wants them unpacked.
    #[prost(float, repeated, packed = "false", tag = "7")]
    pub floats: Vec<f32>,
    /// Integers; the format wants them unpacked.
    #[prost(int64, repeated, packed = "false", tag = "8")]
    pub ints: Vec<i64>,
    /// Texts.
    #[prost(bytes = "bytes", repeated, tag = "9")]
    pub strings: Vec<Bytes>,
    /// Tensors.
    #[prost(message, repeated, tag = "10")]
    pub tensors: Vec<Tensor>,
    /// Graphs.
    #[prost(message, repeated, tag = "11")]
    pub graphs: Vec<Graph>,
    /// A text for people.
    #[prost(string, tag = "13")]
    pub doc_string: String,
    /// Which field is set.
    #[prost(enumeration = "AttributeType", tag = "20")]
    pub kind: i32,
    /// In a function, the parameter of the function that stands here.
    #[prost(string, tag = "21")]
    pub ref_attr_name: String,
    /// A tensor that is mostly zeros.
    #[prost(message, optional, boxed, tag = "22")]
    pub sparse_tensor: Option<Box<SparseTensor>>,
    /// Tensors that are mostly zeros.
    #[prost(message, repeated, tag = "23")]
    pub sparse_tensors: Vec<SparseTensor>,
}

/// What an attribute holds (`AttributeProto.AttributeType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum AttributeType {
    Undefined = 0,
    Float = 1,
    Int = 2,
    String = 3,
    Tensor = 4,
    Graph = 5,
    Floats = 6,
    Ints = 7,
    Strings = 8,
    Tensors = 9,
    Graphs = 10,
    SparseTensor = 11,
    SparseTensors = 12,
    TypeProto = 13,
    TypeProtos = 14,
}

/// A constant (`TensorProto`). Its numbers are in `raw_data`, or in the field of its type, or in a file
/// beside the model.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Tensor {
    /// The extents.
    #[prost(int64, repeated, tag = "1")]
    pub dims: Vec<i64>,
    /// The [`ElementType`].
    #[prost(enumeration = "ElementType", tag = "2")]
    pub data_type: i32,
    /// 32-bit floats.
    #[prost(float, repeated, tag = "4")]
    pub float_data: Vec<f32>,
    /// Integers of at most 32 bits, bools and 16-bit floats.
    #[prost(int32, repeated, tag = "5")]
    pub int32_data: Vec<i32>,
    /// Texts.
    #[prost(bytes = "bytes", repeated, tag = "6")]
    pub string_data: Vec<Bytes>,
    /// 64-bit integers.
    #[prost(int64, repeated, tag = "7")]
    pub int64_data: Vec<i64>,
    /// The tensor's name.
    #[prost(string, tag = "8")]
    pub name: String,
    /// The numbers, little-endian, in row-major order. Borrowed from the file when the model is opened.
    #[prost(bytes = "bytes", tag = "9")]
    pub raw_data: Bytes,
    /// 64-bit floats.
    #[prost(double, repeated, tag = "10")]
    pub double_data: Vec<f64>,
    /// Unsigned integers of 32 and 64 bits.
    #[prost(uint64, repeated, tag = "11")]
    pub uint64_data: Vec<u64>,
    /// A text for people.
    #[prost(string, tag = "12")]
    pub doc_string: String,
    /// `location`, `offset` and `length` of the numbers when they lie in a file of their own.
    #[prost(message, repeated, tag = "13")]
    pub external_data: Vec<Entry>,
    /// Where the numbers lie.
    #[prost(enumeration = "Location", tag = "14")]
    pub data_location: i32,
    /// Named facts.
    #[prost(message, repeated, tag = "16")]
    pub metadata_props: Vec<Entry>,
}

/// A constant that is mostly zeros (`SparseTensorProto`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct SparseTensor {
    /// The numbers that are not zero; their name is the constant's.
    #[prost(message, optional, tag = "1")]
    pub values: Option<Tensor>,
    /// Where they stand.
    #[prost(message, optional, tag = "2")]
    pub indices: Option<Tensor>,
    /// The extents.
    #[prost(int64, repeated, tag = "3")]
    pub dims: Vec<i64>,
}

/// Where a tensor's numbers lie (`TensorProto.DataLocation`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
pub enum Location {
    /// In the model.
    Default = 0,
    /// In the file that `external_data` names, relative to the model.
    External = 1,
}

/// Types of numbers (`TensorProto.DataType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, prost::Enumeration)]
#[repr(i32)]
#[allow(missing_docs)]
pub enum ElementType {
    Undefined = 0,
    Float = 1,
    Uint8 = 2,
    Int8 = 3,
    Uint16 = 4,
    Int16 = 5,
    Int32 = 6,
    Int64 = 7,
    String = 8,
    Bool = 9,
    Float16 = 10,
    Double = 11,
    Uint32 = 12,
    Uint64 = 13,
    Complex64 = 14,
    Complex128 = 15,
    Bfloat16 = 16,
    Float8E4m3fn = 17,
    Float8E4m3fnuz = 18,
    Float8E5m2 = 19,
    Float8E5m2fnuz = 20,
    Uint4 = 21,
    Int4 = 22,
    Float4E2m1 = 23,
}

/// A value's name and type (`ValueInfoProto`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct ValueInfo {
    /// The name.
    #[prost(string, tag = "1")]
    pub name: String,
    /// The type.
    #[prost(message, optional, tag = "2")]
    pub r#type: Option<Type>,
    /// A text for people.
    #[prost(string, tag = "3")]
    pub doc_string: String,
    /// Named facts.
    #[prost(message, repeated, tag = "4")]
    pub metadata_props: Vec<Entry>,
}

/// The type of a value (`TypeProto`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Type {
    /// The type itself.
    #[prost(oneof = "TypeKind", tags = "1, 4, 5, 9")]
    pub value: Option<TypeKind>,
    /// A meaning the format knows, such as IMAGE.
    #[prost(string, tag = "6")]
    pub denotation: String,
}

/// The types that a value can have (`TypeProto.value`).
#[derive(Clone, PartialEq, prost::Oneof)]
pub enum TypeKind {
    /// A tensor.
    #[prost(message, tag = "1")]
    Tensor(TensorType),
    /// A sequence.
    #[prost(message, boxed, tag = "4")]
    Sequence(Box<SequenceType>),
    /// A map.
    #[prost(message, boxed, tag = "5")]
    Map(Box<MapType>),
    /// A value or nothing.
    #[prost(message, boxed, tag = "9")]
    Optional(Box<OptionalType>),
}

/// Type of a tensor (`TypeProto.Tensor`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct TensorType {
    /// The [`ElementType`].
    #[prost(enumeration = "ElementType", tag = "1")]
    pub elem_type: i32,
    /// The extents; absent when even their number is unknown.
    #[prost(message, optional, tag = "2")]
    pub shape: Option<Shape>,
}

/// Type of a sequence (`TypeProto.Sequence`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct SequenceType {
    /// Type of its elements.
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<Type>>,
}

/// Type of a map (`TypeProto.Map`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct MapType {
    /// The [`ElementType`] of its keys.
    #[prost(enumeration = "ElementType", tag = "1")]
    pub key_type: i32,
    /// Type of its values.
    #[prost(message, optional, boxed, tag = "2")]
    pub value_type: Option<Box<Type>>,
}

/// Type of an optional value (`TypeProto.Optional`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct OptionalType {
    /// Type of what may be there.
    #[prost(message, optional, boxed, tag = "1")]
    pub elem_type: Option<Box<Type>>,
}

/// The extents of a tensor (`TensorShapeProto`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Shape {
    /// One for each axis.
    #[prost(message, repeated, tag = "1")]
    pub dim: Vec<Dimension>,
}

/// One axis (`TensorShapeProto.Dimension`).
#[derive(Clone, PartialEq, prost::Message)]
pub struct Dimension {
    /// Its extent; absent when unknown.
    #[prost(oneof = "Extent", tags = "1, 2")]
    pub value: Option<Extent>,
    /// A meaning the format knows, such as DATA_BATCH.
    #[prost(string, tag = "3")]
    pub denotation: String,
}

/// An extent (`TensorShapeProto.Dimension.value`).
#[derive(Clone, PartialEq, Eq, Hash, prost::Oneof)]
pub enum Extent {
    /// A number.
    #[prost(int64, tag = "1")]
    Fixed(i64),
    /// A name; equal names are equal extents.
    #[prost(string, tag = "2")]
    Symbol(String),
}

/// A set of operators and its version (`OperatorSetIdProto`).
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct OperatorSet {
    /// The set; empty for the standard one.
    #[prost(string, tag = "1")]
    pub domain: String,
    /// Its version.
    #[prost(int64, tag = "2")]
    pub version: i64,
}

/// A named fact (`StringStringEntryProto`).
#[derive(Clone, PartialEq, Eq, Hash, prost::Message)]
pub struct Entry {
    /// The name.
    #[prost(string, tag = "1")]
    pub key: String,
    /// The fact.
    #[prost(string, tag = "2")]
    pub value: String,
}
