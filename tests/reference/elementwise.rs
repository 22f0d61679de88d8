//! What acts on each element alone.

use super::Tensor;
use super::layout::expand;
use qgface_data::graph::Element;

/// f(x).
pub(super) fn unary(x: &Tensor, f: impl Fn(f64) -> f64) -> Vec<f64> {
    x.data.iter().map(|&x| f(x)).collect()
}

/// f(a, b), each repeated to `shape`.
pub(super) fn binary(inputs: &[&Tensor], shape: &[usize], f: impl Fn(f64, f64) -> f64) -> Vec<f64> {
    let (a, b) = (expand(inputs[0], shape), expand(inputs[1], shape));
    a.iter().zip(b.iter()).map(|(&a, &b)| f(a, b)).collect()
}

/// a where the condition is true, else b, each repeated to `shape`.
pub(super) fn select(inputs: &[&Tensor], shape: &[usize]) -> Vec<f64> {
    let condition = expand(inputs[0], shape);
    let (a, b) = (expand(inputs[1], shape), expand(inputs[2], shape));
    let branches = a.iter().zip(b.iter());
    condition.iter().zip(branches).map(|(&c, (&a, &b))| if c != 0.0 { a } else { b }).collect()
}

/// Integers are cut off towards zero; what is not zero is true.
pub(super) fn cast(x: &Tensor, to: Element) -> Vec<f64> {
    match to {
        // What is half as wide is rounded when it is made.
        Element::Float | Element::Half => x.data.clone(),
        Element::Int64 => unary(x, f64::trunc),
        Element::Bool => unary(x, |x| f64::from(x != 0.0)),
    }
}
