//! Everything that a step reads and replaces, on the host.

use super::{Error, StepGraph};
use crate::seed::Seed;
use indexmap::IndexMap;

/// Numbers with extents, in row-major order.
#[derive(Debug, Clone, PartialEq)]
pub struct Tensor {
    /// The extents; none for a number.
    pub shape: Vec<usize>,
    /// The numbers.
    pub data: Vec<f32>,
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

/// What the name of a parameter's momentum begins with.
pub(super) const MOMENTUM: &str = "momentum.";

impl TrainState {
    /// The state before the first step, drawn from streams of the seed that bear the tensors'
    /// names.
    pub fn initial(graph: &StepGraph, seed: Seed) -> Self {
        let mut tensors = IndexMap::new();
        for parameter in &graph.params.parameters {
            let (name, shape) = (&parameter.name, parameter.shape.clone());
            let data = parameter.initial.draw(name, &shape, seed);
            let zeros = Tensor { data: vec![0.0; data.len()], shape: shape.clone() };
            tensors.insert(name.clone(), Tensor { shape, data });
            tensors.insert(format!("{MOMENTUM}{name}"), zeros);
        }
        for buffer in &graph.params.buffers {
            let data = vec![buffer.initial; buffer.shape.iter().product()];
            tensors.insert(buffer.name.clone(), Tensor { shape: buffer.shape.clone(), data });
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

    /// The state with all that `graph` keeps: what it lacks, as a contrast's queue where the
    /// contrast begins later, is as in [`TrainState::initial`].
    pub fn completed(self, graph: &StepGraph, seed: Seed) -> Self {
        let parameters = graph.params.parameters.iter().map(|own| &own.name);
        let mut names = parameters.chain(graph.params.buffers.iter().map(|own| &own.name));
        if names.all(|name| self.tensors.contains_key(name)) {
            return self;
        }
        let mut whole = Self::initial(graph, seed);
        whole.tensors.extend(self.tensors);
        whole
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
