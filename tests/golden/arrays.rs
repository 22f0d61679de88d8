//! Arrays of the oracle as tensors of the evaluator, and comparing what it and ONNX Runtime make of
//! them.

use crate::kinks::{Compared, Hands, UNIT_F32, UNIT_F64, say};
use crate::nudge::nudge_tensor;
use crate::reference::{Tensor, evaluate_through};
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
    Precision {
        name: "f64",
        relative: 1e-9,
        absolute: 1e-12,
        unit: UNIT_F64,
        run: crate::reference::evaluate,
    },
    Precision { name: "f32", relative: 1e-5, absolute: 1e-6, unit: UNIT_F32, run: crate::run::run },
];

/// What computes a graph's outputs from its feeds.
type Run = fn(&Graph, &[(&str, Tensor)]) -> Vec<Tensor>;

pub(crate) struct Precision {
    pub(crate) name: &'static str,
    /// Of the array's largest magnitude.
    pub(crate) relative: f64,
    pub(crate) absolute: f64,
    /// Half the distance of 1 from the next number.
    pub(crate) unit: f64,
    pub(crate) run: Run,
}

impl Precision {
    /// An array of floats that a graph is fed.
    pub(crate) fn input(&self, path: &Path) -> Tensor {
        let mut tensor = read(path);
        let name = path.file_stem().unwrap().to_string_lossy();
        nudge_tensor(&mut tensor, self.unit == UNIT_F32, &name);
        tensor
    }

    /// Runs a graph and compares all of its outputs as [`Self::check_made`] does.
    pub(crate) fn check_run(
        &self,
        graph: &Graph,
        feeds: &[(&str, Tensor)],
        expected: impl Fn(&str, &Tensor) -> Option<Tensor>,
        what: &str,
    ) {
        self.check_made(graph, feeds, (self.run)(graph, feeds), expected, what);
    }

    /// Compares the outputs `own`, made of `feeds`, with what `expected` finds for an output's name
    /// and value; at kinks with either side.
    pub(crate) fn check_made(
        &self,
        graph: &Graph,
        feeds: &[(&str, Tensor)],
        own: Vec<Tensor>,
        expected: impl Fn(&str, &Tensor) -> Option<Tensor>,
        what: &str,
    ) {
        say(&format!("{what} ({})", self.name), self.verdict(graph, feeds, own, expected));
    }

    /// The same without a word; see [`Compared::verdict`].
    pub(crate) fn verdict(
        &self,
        graph: &Graph,
        feeds: &[(&str, Tensor)],
        own: Vec<Tensor>,
        expected: impl Fn(&str, &Tensor) -> Option<Tensor>,
    ) -> Result<usize, String> {
        let names: Vec<String> = graph.outputs().iter().map(|(name, _)| name.clone()).collect();
        let expected: Vec<Option<Tensor>> =
            names.iter().zip(&own).map(|(name, own)| expected(name, own)).collect();
        let compute = |hands: &mut Hands<'_>| evaluate_through(graph, feeds, hands);
        let tolerances = self.tolerances(&expected, &own);
        let unit = self.unit;
        Compared { names, own, expected, tolerances, graph, compute: &compute, unit }.verdict()
    }

    /// The tolerance of each output, by what is expected, else by what was made.
    fn tolerances(&self, expected: &[Option<Tensor>], own: &[Tensor]) -> Vec<f64> {
        let of = |(expected, own): (&Option<Tensor>, &Tensor)| {
            self.relative * largest(expected.as_ref().unwrap_or(own)) + self.absolute
        };
        expected.iter().zip(own).map(of).collect()
    }

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
    if let Some(found) = mismatch(own, expected, tolerance) {
        panic!("{what} {found}");
    }
}

/// The first number that is not near, said with its place.
///
/// # Panics
/// When there are more numbers or fewer.
#[track_caller]
pub(crate) fn mismatch(own: &Tensor, expected: &Tensor, tolerance: f64) -> Option<String> {
    let (count, found) = (expected.data.len(), own.data.len());
    assert!(count == found, "{found} numbers {:?} for {count} {:?}", own.shape, expected.shape);
    // What is no number is never near.
    let near = |own: &f64, expected: &f64| expected.is_nan() || (own - expected).abs() <= tolerance;
    let mut both = own.data.iter().zip(&expected.data).enumerate();
    let (at, (own, expected)) = both.find(|(_, (own, expected))| !near(own, expected))?;
    Some(format!("{at}: {own} for {expected}, tolerance {tolerance}"))
}
