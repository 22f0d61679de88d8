//! A sample of the class columns in each batch: all columns lie in the processor's memory, and what a batch
//! scores is copied to the step, whose gradients come back.
//!
//! Memory of a rank with C columns, of which a step has at most A: 8DC bytes of columns and momenta, 8DA of
//! a step's, 25C while a sample is drawn, 4DQ and a few MiB for the columns of a queue, and where a step sums the
//! gradients of several batches twice those of all columns that they scored.

mod choice;
mod columns;
mod summed;

pub use choice::{Sample, SampleSize, chosen};
pub use columns::{ClassColumns, Descent, Gradient, Real};

use super::names::{
    GRADIENT, KERNEL, MOMENTUM, SAMPLE_COUNT, SAMPLE_KERNEL, SAMPLE_PLACES, SAMPLE_QUEUE,
};
use super::{Error, StepGraph, Tensor, TrainState};
use crate::group::{Group, Reduction};
use crate::nn::QueueShare;
use crate::optim::Sgd;
use crate::runtime::{Buffer, Element, Program, Runtime};
use indexmap::IndexMap;
use std::ops::Range;
use std::sync::Arc;
use summed::Summed;

/// Numbers that ranks exchange at a time of the columns that each asks for.
const PIECE: usize = 1 << 20;

/// The class columns of a step that scores a sample of them.
#[derive(Debug)]
pub(super) struct Sampled {
    sample: Sample,
    size: SampleSize,
    sgd: Sgd,
    /// The rank's columns among those of all.
    own: Range<usize>,
    dimension: usize,
    views: usize,
    ranks: usize,
    group: Option<Arc<Group>>,
    queue: QueueShare,
    columns: ClassColumns<f32>,
    kernel: Buffer,
    places: Buffer,
    count: Option<Buffer>,
    of_queue: Option<Buffer>,
    gradient: Buffer,
    /// The columns of the batch at work, counted from the rank's first.
    chosen: Vec<usize>,
    /// Gradients of a step's batches so far, where it has several.
    summed: Option<Summed>,
}

impl Sampled {
    /// The columns of a step, all 0; nothing where a step scores all of them.
    ///
    /// # Errors
    /// [`Error::Runtime`]: no memory.
    pub(super) fn new(
        runtime: &Runtime,
        program: &Program,
        graph: &StepGraph,
    ) -> Result<Option<Self>, Error> {
        let options = &graph.options;
        let (Some(sample), Some(kernel)) = (options.sample, &graph.sampled) else {
            return Ok(None);
        };
        let [dimension, count] = kernel.shape[..] else { panic!("columns of {:?}", kernel.shape) };
        let world = options.sharing.columns();
        let size = sample.size(count, options.images());
        let float = |shape: &[usize]| program.buffer(Element::Float, shape);
        let queue = options.joint.contrast.map(|(_, queue)| [queue.size, dimension]);
        let has = |name| program.has_input(name);
        let rows = world.ranks * graph.rows();
        let shape = [dimension, size.most];
        let numbers = dimension * count;
        Ok(Some(Self {
            sample,
            size,
            sgd: options.sgd,
            own: world.part(options.classes),
            dimension,
            views: options.views,
            ranks: world.ranks,
            group: runtime.group().filter(|_| !world.is_alone()).cloned(),
            queue: options.sharing.queue,
            columns: ClassColumns {
                count,
                weights: vec![0.0; numbers],
                momenta: vec![0.0; numbers],
            },
            kernel: float(&shape)?,
            places: program.buffer(Element::Int64, &[rows])?,
            count: has(SAMPLE_COUNT).then(|| float(&[])).transpose()?,
            of_queue: queue.filter(|_| has(SAMPLE_QUEUE)).map(|shape| float(&shape)).transpose()?,
            gradient: float(&shape)?,
            chosen: Vec::new(),
            summed: (options.accumulate > 1).then(|| Summed::new(dimension)),
        }))
    }

    /// The inputs of the graph that it holds, by name.
    pub(super) fn inputs(&self) -> impl Iterator<Item = (&'static str, &Buffer)> {
        let count = self.count.iter().map(|count| (SAMPLE_COUNT, count));
        let of_queue = self.of_queue.iter().map(|columns| (SAMPLE_QUEUE, columns));
        let kernel = [(SAMPLE_KERNEL, &self.kernel), (SAMPLE_PLACES, &self.places)];
        kernel.into_iter().chain(count).chain(of_queue)
    }

    /// The graph's output that it holds.
    pub(super) fn output(&self) -> (String, &Buffer) {
        (format!("{GRADIENT}{KERNEL}"), &self.gradient)
    }

    /// Whether the graph reads columns of the queue's entries.
    pub(super) fn reads_queue(&self) -> bool {
        self.of_queue.is_some()
    }

    /// Before a batch: draws its sample, by its number and the labels of all ranks, and copies what it scores and
    /// the columns of the labels that the queue holds.
    ///
    /// # Errors
    /// [`Error::Group`], [`Error::Runtime`].
    pub(super) fn prepare(
        &mut self,
        batch: u64,
        labels: &[i64],
        queue: Option<&[f32]>,
    ) -> Result<(), Error> {
        let all = self.of_all(labels)?;
        let place_in_own = |&label: &i64| self.place_in_own(label as usize);
        let positives: Vec<usize> = all.iter().filter_map(place_in_own).collect();
        let chosen =
            chosen(&self.sample.draws(batch, self.own.clone()), &positives, self.size.usual);
        let place = |label: &i64| match place_in_own(label).map(|own| chosen.binary_search(&own)) {
            None => -1,
            Some(Ok(place)) => place as i64,
            Some(Err(_)) => panic!("{label} is of a row and not in the sample"),
        };
        let places: Vec<i64> = all.iter().map(place).collect();
        // A rank's rows are those of one view behind those of the other.
        let places: Vec<i64> =
            places.chunks(labels.len()).flat_map(|own| own.repeat(self.views)).collect();
        self.places.write_ints(&places)?;
        self.kernel.fill_floats(|into| self.columns.gather(&chosen, into, self.size.most))?;
        if let Some(count) = &self.count {
            count.write_floats(&[chosen.len() as f32])?;
        }
        if let Some((labels, buffer)) = queue.zip(self.of_queue.as_ref()) {
            buffer.fill_floats(|rows| self.columns_of(labels, rows))??;
        }
        self.chosen = chosen;
        Ok(())
    }

    /// Which of the rank's columns is a class's, if any is.
    fn place_in_own(&self, class: usize) -> Option<usize> {
        self.own.contains(&class).then(|| class - self.own.start)
    }

    /// The labels of all ranks' images, in the order of ranks.
    fn of_all<T: crate::group::Number>(&self, own: &[T]) -> Result<Vec<T>, Error> {
        let Some(group) = &self.group else { return Ok(own.to_vec()) };
        let mut all = vec![T::default(); own.len() * self.ranks];
        group.all_gather(own, &mut all)?;
        Ok(all)
    }

    /// Puts the columns of labels into rows `[Q, D]`, whoever has them.
    fn columns_of(&self, labels: &[f32], rows: &mut [f32]) -> Result<(), Error> {
        let local = |&label: &f32| self.place_in_own(label as usize);
        let Some(group) = self.group.as_ref().filter(|_| self.queue == QueueShare::Own) else {
            let local: Vec<Option<usize>> = labels.iter().map(local).collect();
            self.columns.rows(&local, rows);
            return match &self.group {
                Some(group) => Ok(group.all_reduce(rows, Reduction::Sum)?),
                None => Ok(()),
            };
        };
        // Of each rank's labels the same piece at a time.
        let all = self.of_all(labels)?;
        let piece = (PIECE / (self.ranks * self.dimension)).max(1);
        let mut asked = Vec::new();
        for (at, rows) in rows.chunks_mut(piece * self.dimension).enumerate() {
            let count = rows.len() / self.dimension;
            let of_ranks = all.chunks(labels.len());
            let local: Vec<Option<usize>> =
                of_ranks.flat_map(|own| &own[at * piece..][..count]).map(local).collect();
            asked.resize(local.len() * self.dimension, 0.0);
            self.columns.rows(&local, &mut asked);
            group.reduce_scatter(&asked, rows)?;
        }
        Ok(())
    }

    /// Behind a batch: takes its gradients, and returns the sum of the squares of the step's so far.
    ///
    /// # Errors
    /// [`Error::Runtime`].
    pub(super) fn enter(&mut self) -> Result<f64, Error> {
        let (chosen, width) = (&self.chosen, self.size.most);
        match &mut self.summed {
            None => Ok(self.gradient.with_floats(|numbers| {
                summed::squares(Gradient { columns: chosen, numbers, width })
            })?),
            Some(summed) => {
                self.gradient.with_floats(|numbers| {
                    summed.add(Gradient { columns: chosen, numbers, width });
                })?;
                Ok(summed::squares(summed.gradient()))
            }
        }
    }

    /// Begins a step anew, without its earlier batches.
    pub(super) fn forget(&mut self) {
        if let Some(summed) = &mut self.summed {
            *summed = Summed::new(self.dimension);
        }
    }

    /// Behind the last batch of a step: updates the columns.
    ///
    /// # Errors
    /// [`Error::Runtime`].
    pub(super) fn update(&mut self, rate: f32) -> Result<(), Error> {
        let descent = Descent {
            rate,
            momentum: self.sgd.momentum as f32,
            weight_decay: self.sgd.weight_decay as f32,
            update: self.sample.update,
        };
        let (columns, chosen, width) = (&mut self.columns, &self.chosen, self.size.most);
        match &self.summed {
            None => self.gradient.with_floats(|numbers| {
                columns.descend(&descent, Gradient { columns: chosen, numbers, width });
            })?,
            Some(summed) => columns.descend(&descent, summed.gradient()),
        }
        self.forget();
        Ok(())
    }

    /// Takes the columns of a state over, and where a step `is_begun` the gradients that it has summed.
    ///
    /// # Errors
    /// [`Error::State`]; then nothing has changed.
    pub(super) fn load(&mut self, state: &TrainState, is_begun: bool) -> Result<(), Error> {
        let shape = [self.dimension, self.columns.count];
        let [weights, momenta] =
            [KERNEL.to_owned(), format!("{MOMENTUM}{KERNEL}")].map(|name| state.get(&name, &shape));
        let (weights, momenta) = (&weights?.data, &momenta?.data);
        if let Some(summed) = &mut self.summed {
            *summed = match is_begun {
                true => Summed::of(state, self.dimension, self.columns.count)?,
                false => Summed::new(self.dimension),
            };
        }
        self.columns.weights.copy_from_slice(weights);
        self.columns.momenta.copy_from_slice(momenta);
        Ok(())
    }

    /// What a state has of it.
    pub(super) fn tensors(&self, is_begun: bool) -> IndexMap<String, Tensor> {
        let shape = vec![self.dimension, self.columns.count];
        let both = [
            (KERNEL.to_owned(), &self.columns.weights),
            (format!("{MOMENTUM}{KERNEL}"), &self.columns.momenta),
        ];
        let both =
            both.map(|(name, data)| (name, Tensor { shape: shape.clone(), data: data.clone() }));
        let summed = self.summed.as_ref().filter(|_| is_begun).map(Summed::tensors);
        both.into_iter().chain(summed.into_iter().flatten()).collect()
    }
}
