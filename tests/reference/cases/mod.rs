//! Operators at work on drawn numbers: the rows that `gradients` and `lowering` both go through.
//!
//! A new operator is a row in the file of its family.

mod elementwise;
mod images;
mod layout;
pub(crate) mod products;
mod select;

use crate::reference::Tensor;
use qgface_data::autodiff::backward;
use qgface_data::graph::{Builder, Element, Graph, Value, Width, narrowed};
use qgface_data::seed::{Seed, Stream};

/// Every row whose numbers are few enough for central differences.
pub(crate) fn cases() -> Vec<Case> {
    [elementwise::cases(), layout::cases(), products::cases(), images::cases(), select::cases()]
        .into_iter()
        .flatten()
        .collect()
}

/// What a row claims of its gradients.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Gradient {
    /// They are those of central differences.
    Smooth,
    /// They are a matter of definition: at ties, at bounds, behind a `Detach`.
    Defined,
    /// There are none: automatic differentiation refuses the operator.
    Refused,
}

type Build = Box<dyn Fn(&mut Builder, &[Value]) -> Value>;

/// A row: inputs, and what is built of them.
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) inputs: Vec<Given>,
    pub(crate) gradient: Gradient,
    build: Build,
}

/// Names of inputs.
const NAMES: [&str; 5] = ["first", "second", "third", "fourth", "fifth"];

impl Case {
    fn new(
        name: impl Into<String>,
        inputs: impl Into<Vec<Given>>,
        build: impl Fn(&mut Builder, &[Value]) -> Value + 'static,
    ) -> Self {
        let (name, inputs, build) = (name.into(), inputs.into(), Box::new(build));
        Self { name, inputs, gradient: Gradient::Smooth, build }
    }

    fn gradient(self, gradient: Gradient) -> Self {
        Self { gradient, ..self }
    }

    /// Numbers for each input, by name.
    pub(crate) fn feeds(&self) -> Vec<(&'static str, Tensor)> {
        let tensor = |(name, given): (&'static str, &Given)| {
            let mut stream = self.stream(name);
            (name, Tensor::new(&given.shape, given.draw.numbers(&given.shape, &mut stream)))
        };
        NAMES.into_iter().zip(&self.inputs).map(tensor).collect()
    }

    /// The weights c of the loss Σ c·y.
    pub(crate) fn weights(&self, shape: &[usize]) -> Vec<f64> {
        Draw::Normal.numbers(shape, &mut self.stream("weights"))
    }

    fn stream(&self, name: &str) -> Stream {
        Seed::new(1).stream(&format!("{}: {name}", self.name))
    }

    /// The graph that returns y.
    pub(crate) fn forward(&self) -> Graph {
        self.forward_in(Width::Whole)
    }

    fn forward_in(&self, width: Width) -> Graph {
        let (mut g, inputs) = self.declare(width);
        let y = (self.build)(&mut g, &inputs);
        g.finish(vec![("y".into(), y)])
    }

    /// The graph that returns y, and the gradient of Σ c·y by each input of floats, zero where
    /// there is none.
    pub(crate) fn backward(&self) -> Graph {
        self.backward_in(Width::Whole)
    }

    fn backward_in(&self, width: Width) -> Graph {
        let (mut g, inputs) = self.declare(width);
        let y = (self.build)(&mut g, &inputs);
        let shape = g.shape(y);
        let weights = g.constant(&shape, self.weights(&shape));
        let weighted = g.mul(y, weights);
        let loss = g.reduce_sum(weighted, &(0..shape.len()).collect::<Vec<_>>());
        let floats = self.floats();
        let wrt: Vec<Value> = floats.iter().map(|&at| inputs[at]).collect();
        let gradients = backward(&mut g, loss, &wrt);
        let mut outputs = vec![("y".to_owned(), y)];
        for ((at, input), gradient) in floats.into_iter().zip(wrt).zip(gradients) {
            let gradient = gradient.unwrap_or_else(|| {
                let shape = g.shape(input);
                g.constant(&shape, vec![0.0; shape.iter().product()])
            });
            outputs.push((format!("gradient by {}", NAMES[at]), gradient));
        }
        g.finish(outputs)
    }

    /// The same in half width: y, and the gradients where there are any.
    pub(crate) fn narrowed(&self) -> Graph {
        narrowed(&match self.gradient {
            Gradient::Refused => self.forward_in(Width::Half),
            Gradient::Smooth | Gradient::Defined => self.backward_in(Width::Half),
        })
    }

    fn declare(&self, width: Width) -> (Builder, Vec<Value>) {
        let mut g = Builder::new();
        g.allow(width);
        let declare =
            |(name, given): (&str, &Given)| g.input(name, given.draw.element(), &given.shape);
        let inputs = NAMES.into_iter().zip(&self.inputs).map(declare).collect();
        (g, inputs)
    }

    /// Positions of the inputs of floats.
    pub(crate) fn floats(&self) -> Vec<usize> {
        let float = |&at: &usize| self.inputs[at].draw.element() == Element::Float;
        (0..self.inputs.len()).filter(float).collect()
    }
}

/// An input, and what its numbers are drawn from.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    shape: Vec<usize>,
    draw: Draw,
}

/// Where numbers come from. What is no integer is rounded to 32 bits, so that a lowered graph gets
/// the same.
#[derive(Debug, Clone)]
enum Draw {
    /// The standard normal distribution.
    Normal,
    /// Evenly from a half to two.
    Positive,
    /// Tenths from −1 to 1, moved up by the given part of a tenth: those of different parts keep a
    /// distance, and all keep one from the tenths.
    Tenths(f64),
    /// As many different numbers from −1 to 1, none of them zero, as are needed.
    Distinct,
    /// −1, 0 and 1, so that there are ties.
    Ties,
    /// True and false.
    Coin,
    /// These integers.
    Numbers(Vec<i64>),
}

impl Draw {
    fn element(&self) -> Element {
        match self {
            Self::Coin => Element::Bool,
            Self::Numbers(_) => Element::Int64,
            _ => Element::Float,
        }
    }

    fn numbers(&self, shape: &[usize], stream: &mut Stream) -> Vec<f64> {
        let count: usize = shape.iter().product();
        let mut draw = |f: &dyn Fn(&mut Stream) -> f64| -> Vec<f64> {
            (0..count).map(|_| f64::from(f(stream) as f32)).collect()
        };
        match self {
            Self::Normal => draw(&|stream| stream.normal()),
            Self::Positive => draw(&|stream| stream.uniform(0.5, 2.0)),
            Self::Tenths(part) => draw(&|stream| (stream.below(20) as f64 - 10.0 + part) / 10.0),
            Self::Ties => draw(&|stream| stream.below(3) as f64 - 1.0),
            Self::Coin => draw(&|stream| stream.below(2) as f64),
            Self::Distinct => {
                let even = |at: usize| ((at as f64 + 0.25) * 2.0 / count as f64 - 1.0) as f32;
                let mut numbers: Vec<f64> = (0..count).map(|at| even(at).into()).collect();
                stream.shuffle(&mut numbers);
                numbers
            }
            Self::Numbers(numbers) => numbers.iter().map(|&number| number as f64).collect(),
        }
    }
}

fn given(shape: &[usize], draw: Draw) -> Given {
    Given { shape: shape.to_vec(), draw }
}

fn normal(shape: &[usize]) -> Given {
    given(shape, Draw::Normal)
}

fn positive(shape: &[usize]) -> Given {
    given(shape, Draw::Positive)
}

fn distinct(shape: &[usize]) -> Given {
    given(shape, Draw::Distinct)
}

fn ties(shape: &[usize]) -> Given {
    given(shape, Draw::Ties)
}

fn coin(shape: &[usize]) -> Given {
    given(shape, Draw::Coin)
}

/// Numbers of columns, in one axis or as one column.
fn numbers(shape: &[usize], numbers: &[i64]) -> Given {
    given(shape, Draw::Numbers(numbers.to_vec()))
}
