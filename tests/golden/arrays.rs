//! Arrays of the oracle as tensors of the evaluator, and comparing what it and ONNX Runtime make of
//! them.

use crate::reference::Tensor;
use npyz::NpyFile;
use qgface_data::graph::Graph;
use std::path::Path;

/// An array of any type as 64-bit floats.
pub(crate) fn read(path: &Path) -> Tensor {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let array = NpyFile::new(&bytes[..]).unwrap();
    let shape = array.shape().iter().map(|&extent| extent as usize).collect();
    let kind = array.dtype().descr();
    let data = match kind.trim_matches(['\'', '"']) {
        "<f8" => array.into_vec::<f64>().unwrap(),
        "<f4" => array.into_vec::<f32>().unwrap().into_iter().map(f64::from).collect(),
        "<i8" => array.into_vec::<i64>().unwrap().into_iter().map(|x| x as f64).collect(),
        "|u1" => array.into_vec::<u8>().unwrap().into_iter().map(f64::from).collect(),
        "|b1" => {
            array.into_vec::<bool>().unwrap().into_iter().map(|x| f64::from(u8::from(x))).collect()
        }
        kind => panic!("{}: elements {kind}", path.display()),
    };
    Tensor { shape, data }
}

/// One case of an array stacked over cases.
pub(crate) fn case(stack: &Tensor, at: usize) -> Tensor {
    let shape = stack.shape[1..].to_vec();
    let count: usize = shape.iter().product();
    Tensor { data: stack.data[at * count..(at + 1) * count].to_vec(), shape }
}

pub(crate) fn number(value: f64) -> Tensor {
    Tensor { shape: Vec::new(), data: vec![value] }
}

/// The same numbers with other extents.
pub(crate) fn shaped(tensor: &Tensor, shape: &[usize]) -> Tensor {
    assert_eq!(tensor.data.len(), shape.iter().product::<usize>());
    Tensor { shape: shape.to_vec(), data: tensor.data.clone() }
}

/// The two precisions: f64 by the evaluator, f32 by ONNX Runtime, with the oracle's tolerance of
/// each.
pub(crate) const PRECISIONS: [Precision; 2] = [
    Precision { name: "f64", relative: 1e-9, absolute: 1e-12, run: crate::reference::evaluate },
    Precision { name: "f32", relative: 1e-5, absolute: 1e-6, run: crate::run::run },
];

/// What computes a graph's outputs from its feeds.
type Run = fn(&Graph, &[(&str, Tensor)]) -> Vec<Tensor>;

pub(crate) struct Precision {
    pub(crate) name: &'static str,
    /// Of the array's largest magnitude.
    pub(crate) relative: f64,
    pub(crate) absolute: f64,
    pub(crate) run: Run,
}

impl Precision {
    #[track_caller]
    pub(crate) fn check(&self, own: &Tensor, expected: &Tensor, what: &str) {
        let tolerance = self.relative * largest(expected) + self.absolute;
        near(own, expected, tolerance, &format!("{what} ({})", self.name));
    }
}

/// The largest magnitude of what is a number.
pub(crate) fn largest(tensor: &Tensor) -> f64 {
    tensor.data.iter().filter(|x| !x.is_nan()).fold(0.0, |largest: f64, x| largest.max(x.abs()))
}

/// Compares number by number; what is not a number in the oracle's is padding.
#[track_caller]
pub(crate) fn near(own: &Tensor, expected: &Tensor, tolerance: f64, what: &str) {
    assert_eq!(
        own.data.len(),
        expected.data.len(),
        "{what}: {:?} for {:?}",
        own.shape,
        expected.shape
    );
    for (at, (own, expected)) in own.data.iter().zip(&expected.data).enumerate() {
        let near = expected.is_nan() || (own - expected).abs() <= tolerance;
        assert!(near, "{what} {at}: {own} for {expected}, tolerance {tolerance}");
    }
}
