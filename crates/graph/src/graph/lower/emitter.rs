//! Appending ONNX nodes and constants, each constant once.

use super::super::{Element, Window, op::Axes};
use crate::onnx::{Attribute, AttributeType, ElementType, Node, Tensor};
use std::collections::{HashMap, HashSet};

/// ONNX nodes in the making.
#[derive(Default)]
pub(super) struct Emitter {
    pub(super) nodes: Vec<Node>,
    pub(super) initializers: Vec<Tensor>,
    constants: HashMap<(ElementType, Vec<i64>, Vec<u8>), String>,
    made: HashSet<String>,
    /// The operator being lowered, whose name its nodes take.
    current: String,
}

/// An extent of a reshaped value that follows from the others.
const OPEN: i64 = -1;

/// Extents as the format holds them.
pub(super) fn extents(shape: &[usize]) -> Vec<i64> {
    shape.iter().map(|&extent| extent as i64).collect()
}

/// A parameter that is an integer.
pub(super) fn integer(name: &str, value: i64) -> Attribute {
    let kind = AttributeType::Int as i32;
    Attribute { name: name.to_owned(), i: Some(value), kind, ..Attribute::default() }
}

/// A parameter that is a list of integers.
pub(super) fn integers(name: &str, values: &[usize]) -> Attribute {
    let kind = AttributeType::Ints as i32;
    Attribute { name: name.to_owned(), ints: extents(values), kind, ..Attribute::default() }
}

/// A parameter that is a float.
pub(super) fn float(name: &str, value: f64) -> Attribute {
    let kind = AttributeType::Float as i32;
    Attribute { name: name.to_owned(), f: Some(value as f32), kind, ..Attribute::default() }
}

/// The parameters of an operator that moves a window.
pub(super) fn moves(window: Window) -> Vec<Attribute> {
    vec![
        integers("kernel_shape", &[window.kernel; 2]),
        integers("strides", &[window.stride; 2]),
        integers("pads", &[window.pad; 4]),
    ]
}

impl Emitter {
    /// Names the nodes to come after the operator `name`.
    pub(super) fn begin(&mut self, name: &str) {
        name.clone_into(&mut self.current);
    }

    /// Whether a node makes the value.
    pub(super) fn makes(&self, value: &str) -> bool {
        self.made.contains(value)
    }

    /// Appends a node with one output.
    pub(super) fn node(&mut self, op: &str, inputs: &[&str], attributes: Vec<Attribute>) -> String {
        let [output] = self.outputs(op, inputs, attributes);
        output
    }

    /// Appends a node with several outputs.
    pub(super) fn outputs<const N: usize>(
        &mut self,
        op: &str,
        inputs: &[&str],
        attributes: Vec<Attribute>,
    ) -> [String; N] {
        self.outputs_of("", op, inputs, attributes)
    }

    /// The same, of a domain that is not ONNX's.
    pub(super) fn outputs_of<const N: usize>(
        &mut self,
        domain: &str,
        op: &str,
        inputs: &[&str],
        attribute: Vec<Attribute>,
    ) -> [String; N] {
        let own = self.current.rsplit('/').next().is_some_and(|last| last.starts_with(op));
        let stem = if own { self.current.clone() } else { format!("{}/{op}", self.current) };
        let name = self.free(stem);
        let outputs: [String; N] = std::array::from_fn(|at| match at {
            0 => name.clone(),
            _ => format!("{name}:{at}"),
        });
        self.made.extend(outputs.iter().cloned());
        self.nodes.push(Node {
            input: inputs.iter().map(|&input| input.to_owned()).collect(),
            output: outputs.to_vec(),
            name,
            op_type: op.to_owned(),
            domain: domain.to_owned(),
            attribute,
            ..Node::default()
        });
        outputs
    }

    fn free(&self, stem: String) -> String {
        let mut name = stem.clone();
        let mut times = 1;
        while self.made.contains(&name) {
            times += 1;
            name = format!("{stem}.{times}");
        }
        name
    }

    /// Gives the node that makes a value one more input, from where the nodes end now.
    ///
    /// # Panics
    /// When no node makes the value.
    pub(super) fn extend(&mut self, value: &str, input: &str) {
        let own = self.nodes.iter().rposition(|node| node.output.iter().any(|own| own == value));
        let mut node = self.nodes.remove(own.expect("a value that a node makes"));
        node.input.push(input.to_owned());
        self.nodes.push(node);
    }

    /// Copies a value to an output that cannot take its name.
    pub(super) fn copy(&mut self, value: &str, output: &str) {
        self.nodes.push(Node {
            input: vec![value.to_owned()],
            output: vec![output.to_owned()],
            name: format!("{output}/Identity"),
            op_type: "Identity".to_owned(),
            ..Node::default()
        });
    }

    /// Renames values that nodes make.
    pub(super) fn rename(&mut self, names: &HashMap<String, String>) {
        for node in &mut self.nodes {
            for value in node.input.iter_mut().chain(&mut node.output) {
                if let Some(name) = names.get(value) {
                    name.clone_into(value);
                }
            }
        }
    }

    /// A constant of floats.
    pub(super) fn floats(&mut self, shape: &[usize], numbers: &[f64]) -> String {
        let bytes = numbers.iter().flat_map(|&number| (number as f32).to_le_bytes()).collect();
        self.constant(ElementType::Float, extents(shape), bytes)
    }

    /// A constant of floats in the width of `element`, which the runtime rounds as it loads.
    pub(super) fn floats_of(
        &mut self,
        element: Element,
        shape: &[usize],
        numbers: &[f64],
    ) -> String {
        let whole = self.floats(shape, numbers);
        match element {
            Element::Half => self.cast(&whole, ElementType::Float16),
            Element::Float | Element::Int64 | Element::Bool => whole,
        }
    }

    /// A constant list of 64-bit integers.
    pub(super) fn numbers(&mut self, numbers: &[i64]) -> String {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.constant(ElementType::Int64, vec![numbers.len() as i64], bytes)
    }

    /// Constant positions, as 32-bit integers.
    pub(super) fn positions(&mut self, shape: &[usize], numbers: &[i32]) -> String {
        let bytes = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.constant(ElementType::Int32, extents(shape), bytes)
    }

    fn constant(&mut self, element: ElementType, dims: Vec<i64>, bytes: Vec<u8>) -> String {
        let key = (element, dims, bytes);
        if let Some(name) = self.constants.get(&key) {
            return name.clone();
        }
        let name = format!("constant_{}", self.constants.len());
        self.initializers.push(Tensor {
            dims: key.1.clone(),
            data_type: element as i32,
            name: name.clone(),
            raw_data: key.2.clone().into(),
            ..Tensor::default()
        });
        self.constants.insert(key, name.clone());
        name
    }

    /// A constant under a name of its own.
    pub(super) fn weight(&mut self, name: &str, shape: &[usize], numbers: &[f32]) {
        let count: usize = shape.iter().product();
        assert!(numbers.len() == count, "{name}: {} numbers as {shape:?}", numbers.len());
        let bytes: Vec<u8> = numbers.iter().flat_map(|number| number.to_le_bytes()).collect();
        self.initializers.push(Tensor {
            dims: extents(shape),
            data_type: ElementType::Float as i32,
            name: name.to_owned(),
            raw_data: bytes.into(),
            ..Tensor::default()
        });
    }

    pub(super) fn cast(&mut self, x: &str, to: ElementType) -> String {
        self.node("Cast", &[x], vec![integer("to", to as i64)])
    }

    pub(super) fn reshape(&mut self, x: &str, shape: &[usize]) -> String {
        let shape = self.numbers(&extents(shape));
        self.node("Reshape", &[x, &shape], vec![])
    }

    /// The same of a value whose first extent is left open, which it is then, too.
    pub(super) fn reshape_open(&mut self, x: &str, shape: &[usize]) -> String {
        let mut shape = extents(shape);
        shape[0] = OPEN;
        let shape = self.numbers(&shape);
        self.node("Reshape", &[x, &shape], vec![])
    }

    pub(super) fn transpose(&mut self, x: &str, permutation: &[usize]) -> String {
        self.node("Transpose", &[x], vec![integers("perm", permutation)])
    }

    pub(super) fn concat(&mut self, parts: &[impl AsRef<str>], axis: usize) -> String {
        let parts: Vec<&str> = parts.iter().map(AsRef::as_ref).collect();
        self.node("Concat", &parts, vec![integer("axis", axis as i64)])
    }

    /// A part, given on some axes as the axis, the first position, the one behind the last, and the
    /// step.
    pub(super) fn slice(&mut self, x: &str, parts: &[(usize, usize, usize, usize)]) -> String {
        let mut list = |of: fn(&(usize, usize, usize, usize)) -> usize| {
            let numbers: Vec<i64> = parts.iter().map(|part| of(part) as i64).collect();
            self.numbers(&numbers)
        };
        let (axes, starts) = (list(|part| part.0), list(|part| part.1));
        let (ends, steps) = (list(|part| part.2), list(|part| part.3));
        self.node("Slice", &[x, &starts, &ends, &axes, &steps], vec![])
    }

    /// Zeros before and behind the last two axes: above and below, left and right.
    pub(super) fn pad(
        &mut self,
        x: &str,
        [above, below]: [usize; 2],
        [left, right]: [usize; 2],
    ) -> String {
        let pads = self.numbers(&extents(&[0, 0, above, left, 0, 0, below, right]));
        self.node("Pad", &[x, &pads], vec![])
    }

    pub(super) fn matmul(&mut self, a: &str, b: &str) -> String {
        self.node("MatMul", &[a, b], vec![])
    }

    /// Products of the matrices that the last two of `rank` axes are.
    pub(super) fn matmuls(
        &mut self,
        a: &str,
        trans_a: bool,
        b: &str,
        trans_b: bool,
        rank: usize,
    ) -> String {
        let mut turned = |x: &str, turn: bool| {
            if !turn {
                return x.to_owned();
            }
            let mut axes: Vec<usize> = (0..rank).collect();
            axes.swap(rank - 2, rank - 1);
            self.transpose(x, &axes)
        };
        let (a, b) = (turned(a, trans_a), turned(b, trans_b));
        self.matmul(&a, &b)
    }

    pub(super) fn gemm(&mut self, a: &str, trans_a: bool, b: &str, trans_b: bool) -> String {
        let (trans_a, trans_b) =
            (integer("transA", i64::from(trans_a)), integer("transB", i64::from(trans_b)));
        self.node("Gemm", &[a, b], vec![trans_a, trans_b])
    }

    /// `op`, a reduction, over `axes`.
    pub(super) fn reduce(&mut self, op: &str, x: &str, axes: &Axes) -> String {
        let list = self.numbers(&extents(&axes.axes));
        self.node(op, &[x, &list], vec![integer("keepdims", i64::from(axes.keep))])
    }

    /// `op`, a reduction, over one axis, which vanishes.
    pub(super) fn reduce_axis(&mut self, op: &str, x: &str, axis: usize) -> String {
        self.reduce(op, x, &Axes { axes: vec![axis], keep: false })
    }

    pub(super) fn conv(&mut self, x: &str, w: &str, window: Window) -> String {
        self.node("Conv", &[x, w], moves(window))
    }

    /// x, scale, bias, mean and variance, in this order.
    pub(super) fn batch_normalization(&mut self, inputs: &[&str], epsilon: f64) -> String {
        self.node("BatchNormalization", inputs, vec![float("epsilon", epsilon)])
    }
}
