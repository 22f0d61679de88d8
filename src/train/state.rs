//! Everything that a step reads and replaces, on the host.

use super::names::MOMENTUM;
use super::{Error, StepGraph};
use crate::seed::Seed;
use indexmap::IndexMap;
use std::ops::Range;

/// Numbers with extents, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The extents; none for a number.
    pub shape: Vec<usize>,
    /// The numbers.
    pub data: Vec<f32>,
}

/// Of the largest tensor's; a tensor of less is zero but for rounding, as the gradient of a shift before a
/// normalisation.
const ZERO: f64 = 1e-3;

/// 0 of none.
fn root_mean_square(numbers: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = numbers.len().max(1) as f64;
    (numbers.map(|x| x * x).sum::<f64>() / count).sqrt()
}

impl Tensor {
    /// Some columns of a matrix; nothing where it is none or has not so many.
    pub fn columns(&self, wanted: &Range<usize>) -> Option<Self> {
        let [rows, columns] = self.shape[..] else { return None };
        if wanted.end > columns || columns == 0 {
            return None;
        }
        let of_row = self.data.chunks_exact(columns).flat_map(|row| &row[wanted.clone()]);
        Some(Self { shape: vec![rows, wanted.len()], data: of_row.copied().collect() })
    }

    fn filled(shape: &[usize], number: f32) -> Self {
        Self { shape: shape.to_vec(), data: vec![number; shape.iter().product()] }
    }
}

/// Parameters, momenta, running statistics, averages and the queue, by name.
///
/// After `backbone.` names are those of PyTorch's `state_dict`; `head.` has `kernel`, the averages
/// `batch_mean` and `batch_std`, and where there are any `t` and `started`; `contrast.batch_mean`
/// is the running margin; the queue's parts begin with `queue.`; a parameter's momentum is
/// `momentum.` and its name.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct TrainState {
    /// The tensors, in the order of their declaration.
    pub tensors: IndexMap<String, Tensor>,
}

impl TrainState {
    /// The state before the first step, drawn from streams of the seed that bear the tensors'
    /// names.
    pub fn initial(graph: &StepGraph, seed: Seed) -> Self {
        let mut tensors = IndexMap::new();
        for parameter in graph.parameters() {
            let (name, shape) = (&parameter.name, parameter.shape.clone());
            let data = parameter.initial.draw(name, &shape, seed);
            let zeros = Tensor::filled(&shape, 0.0);
            tensors.insert(name.clone(), Tensor { shape, data });
            tensors.insert(format!("{MOMENTUM}{name}"), zeros);
        }
        for buffer in &graph.params.buffers {
            tensors.insert(buffer.name.clone(), Tensor::filled(&buffer.shape, buffer.initial));
        }
        Self { tensors }
    }

    /// The tensor `name`, which must have `shape`.
    ///
    /// # Errors
    /// [`Error::State`].
    pub fn get(&self, name: &str, shape: &[usize]) -> Result<&Tensor, Error> {
        let wrong = |found: String| {
            Err(Error::State { name: name.to_owned(), expected: shape.to_vec(), found })
        };
        match self.tensors.get(name) {
            None => wrong("none".to_owned()),
            Some(tensor) if tensor.shape != shape => wrong(format!("one of {:?}", tensor.shape)),
            Some(tensor) if tensor.data.len() != shape.iter().product::<usize>() => {
                wrong(format!("{} numbers", tensor.data.len()))
            }
            Some(tensor) => match tensor.data.iter().position(|number| !number.is_finite()) {
                Some(at) => wrong(format!("{} at {at}", tensor.data[at])),
                None => Ok(tensor),
            },
        }
    }

    /// The state with all that `graph` keeps: buffers that it lacks, as a contrast's queue where the
    /// contrast begins later, are as in [`TrainState::initial`].
    ///
    /// # Errors
    /// [`Error::State`] with the first parameter or momentum that it lacks: what was learned is never
    /// drawn anew.
    pub fn completed(mut self, graph: &StepGraph) -> Result<Self, Error> {
        for parameter in graph.parameters() {
            for name in [parameter.name.clone(), format!("{MOMENTUM}{}", parameter.name)] {
                self.get(&name, &parameter.shape)?;
            }
        }
        for buffer in &graph.params.buffers {
            let own = self.tensors.entry(buffer.name.clone());
            own.or_insert_with(|| Tensor::filled(&buffer.shape, buffer.initial));
        }
        Ok(self)
    }

    /// The largest difference of a tensor from another state's of the same step, as root mean squares: of the
    /// difference, in parts of this one's tensor. What is no number is the largest.
    ///
    /// Single numbers tell less: a pixel that rounding moves over the kink of a slope moves a gradient of few
    /// pixels by some per cent.
    ///
    /// # Panics
    /// Where the other lacks a tensor.
    pub fn difference(&self, other: &Self) -> f64 {
        let tensors = || self.tensors.iter().map(|(name, tensor)| (name, &tensor.data));
        let size = |numbers: &[f32]| root_mean_square(numbers.iter().map(|&x| f64::from(x)));
        let zero = ZERO * tensors().map(|(_, numbers)| size(numbers)).fold(0.0, f64::max);
        let differences = tensors().map(|(name, numbers)| {
            let both = numbers.iter().zip(&other.tensors[name].data);
            let apart = root_mean_square(both.map(|(a, b)| f64::from(a - b)));
            apart / size(numbers).max(zero)
        });
        differences.fold(0.0, |worst, own| if own > worst || own.is_nan() { own } else { worst })
    }

    /// Refuses a queue whose labels are no classes, or that is filled beyond its size.
    pub(super) fn check_queue(&self, classes: usize) -> Result<(), Error> {
        let size = self.tensors.get("queue.labels").map_or(0, |labels| labels.data.len());
        for (name, bound, what) in [
            ("queue.labels", classes.saturating_sub(1), "no class"),
            ("queue.filled", size, "no count of entries"),
        ] {
            let Some(tensor) = self.tensors.get(name) else { continue };
            let whole =
                |number: &f32| number.fract() == 0.0 && (0.0..=bound as f32).contains(number);
            if let Some(number) = tensor.data.iter().find(|number| !whole(number)) {
                let (name, expected) = (name.to_owned(), tensor.shape.clone());
                return Err(Error::State { name, expected, found: format!("{number}, {what}") });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Architecture, Backbone, HeadKind, HeadOptions, JointOptions, Sharing};
    use crate::optim::Sgd;
    use crate::train::{Scales, StepOptions};

    fn graph() -> StepGraph {
        let head = HeadOptions::new(HeadKind::AdaFace);
        StepGraph::new(StepOptions {
            backbone: Backbone::new(Architecture::Ir18, 1.0 / 64.0),
            joint: JointOptions { head, contrast: None },
            classes: 3,
            batch: 2,
            accumulate: 1,
            views: 1,
            scales: Scales::Fixed { head: 0.0, contrast: 0.0 },
            sgd: Sgd::default(),
            sharing: Sharing::default(),
            sample: None,
        })
        .unwrap()
    }

    #[test]
    fn columns_of_a_matrix_are_cut_out_and_of_nothing_else() {
        let matrix = Tensor { shape: vec![2, 3], data: vec![1.0, 2.0, 3.0, 4.0, 5.0, 6.0] };
        let cut = Tensor { shape: vec![2, 2], data: vec![2.0, 3.0, 5.0, 6.0] };
        assert_eq!(matrix.columns(&(1..3)), Some(cut));
        assert_eq!(matrix.columns(&(2..4)), None);
        assert_eq!(Tensor { shape: vec![3], data: vec![0.0; 3] }.columns(&(0..1)), None);
        assert_eq!(Tensor { shape: vec![2, 0], data: vec![] }.columns(&(0..0)), None);
    }

    #[test]
    fn a_difference_is_told_in_parts_of_its_tensor_and_rounded_zeros_are_none() {
        let state = |numbers: [&[f32]; 2]| {
            let tensor = |data: &[f32]| Tensor { shape: vec![data.len()], data: data.to_vec() };
            let [a, b] = numbers.map(tensor);
            TrainState { tensors: [("a".to_owned(), a), ("b".to_owned(), b)].into() }
        };
        let reference = state([&[1.0, -2.0], &[1e-7, 0.0]]);
        assert_eq!(reference.difference(&reference), 0.0);
        assert!(reference.difference(&state([&[1.0, -2.0], &[-1e-7, 1e-7]])) < 1e-3);
        let apart = reference.difference(&state([&[1.5, -2.0], &[1e-7, 0.0]]));
        assert!((apart - 0.05_f64.sqrt()).abs() < 1e-6, "{apart}");
        assert!(reference.difference(&state([&[1.0, f32::NAN], &[1e-7, 0.0]])).is_nan());
    }

    #[test]
    fn a_buffer_that_is_missing_begins_anew_and_no_other_tensor_changes() {
        let graph = graph();
        let whole = TrainState::initial(&graph, Seed::new(1));
        let buffer = &graph.params.buffers[0];
        let mut state = whole.clone();
        state.tensors.shift_remove(&buffer.name);
        let completed = state.completed(&graph).unwrap();
        let all = whole.tensors.iter();
        assert!(all.clone().all(|(name, tensor)| completed.tensors[name] == *tensor));
        assert_eq!(completed.tensors.len(), all.len());
    }

    #[test]
    fn a_parameter_or_momentum_that_is_missing_is_an_error_by_name() {
        let graph = graph();
        let name = graph.params.parameters[0].name.clone();
        for lost in [name.clone(), format!("{MOMENTUM}{name}")] {
            let mut state = TrainState::initial(&graph, Seed::new(1));
            state.tensors.shift_remove(&lost);
            let refused = state.completed(&graph).unwrap_err();
            assert!(matches!(&refused, Error::State { name, .. } if *name == lost), "{refused}");
        }
        assert!(TrainState::default().completed(&graph).is_err());
    }
}
