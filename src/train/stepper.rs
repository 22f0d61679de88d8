//! A compiled step on a device, with all state bound once.
//!
//! Parameters and momenta are updated in place, the large ones as rows (see
//! [`StepGraph::lowered`]). Statistics, averages and the queue, which a step
//! reads and replaces, lie in two sets of buffers that change roles from batch to batch. Gradients lie
//! where those of the next batch of the same step are added to them. Only the batch and a few numbers
//! go to the device, and [`SCALARS`] come back.

use super::bound::{Number, Parts, Trained, bind_update};
use super::micro_batches::MicroBatches;
use super::names::{CARRIED, GRADIENT, LOSS_SCALE, MOMENTUM, RATE};
use super::pace::Found;
use super::sampled::Sampled;
use super::shared::{Shared, gradient_norm, with_length};
use super::{
    Batch, Error, Feed, LossScale, Lowered, Rates, SCALARS, Scalars, StepGraph, StepOptions,
    Tensor, TrainState,
};
use crate::graph::Width;
use crate::graph::lower::Arrangement;
use crate::nn::Overlap;
use crate::runtime::{Binding, Buffer, Element, Program, Runtime, Summed, Traffic};
use indexmap::IndexMap;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// What came of a batch.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Stepped {
    /// What the batch reports.
    pub scalars: Scalars,
    /// Whether the state was changed by it. It is left as it was when a loss or the gradient is not
    /// finite; the step then begins anew, without the gradients of its earlier batches.
    pub applied: bool,
    /// Whether it was not since its gradients are too large for half width, where the loss and the
    /// statistics are numbers: the loss scale is halved then.
    pub overflowed: bool,
    /// What the step reports whose last batch it was, once its update is made: means over its batches
    /// of the losses and of the share of weighted pairs, and the rest as the last batch left it.
    pub step: Option<Scalars>,
}

/// How a step is made ready.
#[derive(Debug, Clone, Copy)]
pub struct Making<'a> {
    /// Threads that work on it, where the device is the processor.
    pub threads: NonZeroUsize,
    /// How its graphs are lowered.
    pub arrangement: &'a Arrangement,
    /// What the name of a file begins with that gets the time of every node of the gradients.
    pub profile: Option<&'a Path>,
    /// When ranks sum gradients, where there are several.
    pub overlap: Overlap,
}

impl<'a> Making<'a> {
    /// Without a profile, and with sums of gradients when that is faster.
    pub fn new(threads: NonZeroUsize, arrangement: &'a Arrangement) -> Self {
        Self { threads, arrangement, profile: None, overlap: Overlap::default() }
    }
}

/// A step, ready to run.
#[derive(Debug)]
pub struct Stepper {
    graph: StepGraph,
    gradients: Program,
    feeds: [Feed; FEEDS],
    /// Of each feed, from the first set of buffers to the second, and back.
    bindings: [[Binding; 2]; FEEDS],
    update: Program,
    update_binding: Binding,
    /// The numbers that the graphs read, by name.
    numbers: IndexMap<&'static str, Number>,
    scalars: Buffer,
    /// Gradients, which the next batch of the same step adds its own to, by name.
    gradients_of: IndexMap<String, Buffer>,
    /// The batches of the step so far.
    micro_batches: MicroBatches,
    /// The ranks, where there are several.
    shared: Option<Shared>,
    /// Class columns of which a batch scores a sample.
    sampled: Option<Sampled>,
    /// In half width.
    loss_scale: Option<LossScale>,
    /// Parameters and their momenta, by name.
    trained: IndexMap<String, Trained>,
    /// The two sets.
    replaced: [IndexMap<String, Buffer>; 2],
    /// Which set holds the state.
    current: usize,
}

/// All numbers that a graph may read.
const NUMBERS: [&str; 6] =
    [RATE, "contrast_weight", "head_scale", "contrast_scale", CARRIED, LOSS_SCALE];

/// One batch is learned from while the next is copied.
const FEEDS: usize = 2;

impl Stepper {
    /// Prepares a step on the runtime's device; its state is all zero until [`Stepper::load`].
    ///
    /// # Errors
    /// [`Error::Runtime`]: a graph that the runtime refuses, on CUDA one with a node elsewhere, or
    /// no memory.
    pub fn new(runtime: &Runtime, graph: StepGraph, threads: NonZeroUsize) -> Result<Self, Error> {
        let arrangement = &Arrangement::default();
        Self::made(runtime, graph, &Making::new(threads, arrangement))
    }

    /// The same, made as asked for.
    ///
    /// # Errors
    /// As [`Stepper::new`].
    pub fn made(runtime: &Runtime, graph: StepGraph, making: &Making<'_>) -> Result<Self, Error> {
        let lowered = graph.lowered(runtime.device(), making.arrangement);
        let (model, threads) = (&lowered.gradients, making.threads);
        let gradients = match making.profile {
            Some(profile) => Program::open_profiled(runtime, model, threads, profile)?,
            None => Program::open(runtime, model, threads)?,
        };
        Self::bound(runtime, graph, making, gradients, &lowered)
    }

    /// Ends the profile; returns its file.
    ///
    /// # Errors
    /// [`Error::Runtime`]; also without a profile.
    pub fn end_profiling(&mut self) -> Result<PathBuf, Error> {
        Ok(self.gradients.end_profiling()?)
    }

    fn bound(
        runtime: &Runtime,
        graph: StepGraph,
        making: &Making<'_>,
        gradients: Program,
        lowered: &Lowered,
    ) -> Result<Self, Error> {
        let threads = making.threads;
        let update = Program::open(runtime, &lowered.update, threads)?;
        let read = NUMBERS.into_iter().filter(|name| gradients.has_input(name) || *name == RATE);
        let numbers = read.map(|name| {
            let buffer = gradients.buffer(Element::Float, &[])?;
            Ok((name, Number { buffer, held: 0.0 }))
        });
        let numbers: IndexMap<_, _> = numbers.collect::<Result<_, Error>>()?;
        let feeds = [Feed::new(&gradients, &graph)?, Feed::new(&gradients, &graph)?];
        let scalars = gradients.buffer(Element::Float, &[SCALARS.len()])?;
        let (mut trained, mut gradients_of) = (IndexMap::new(), IndexMap::new());
        for parameter in &graph.params.parameters {
            let (name, shape) = (&parameter.name, &parameter.shape);
            for kept in [name.clone(), format!("{MOMENTUM}{name}")] {
                let lies = lowered.rows.get(&kept).map_or(&shape[..], |rows| rows);
                let buffer = gradients.buffer(Element::Float, lies)?;
                trained.insert(kept, Trained { shape: shape.clone(), buffer });
            }
            let gradient = gradients.buffer(Element::Float, shape)?;
            gradients_of.insert(format!("{GRADIENT}{name}"), gradient);
        }
        let set = || -> Result<IndexMap<String, Buffer>, Error> {
            let buffers = graph.params.buffers.iter();
            let named = buffers.map(|buffer| {
                Ok((buffer.name.clone(), gradients.buffer(Element::Float, &buffer.shape)?))
            });
            named.collect()
        };
        let replaced = [set()?, set()?];
        let sampled = Sampled::new(runtime, &gradients, &graph)?;
        let parts = Parts {
            sampled: sampled.as_ref(),
            gradients: &gradients,
            numbers: &numbers,
            scalars: &scalars,
            gradients_of: &gradients_of,
        };
        let bind = |feed: &Feed| -> Result<[Binding; 2], Error> {
            let [first, second] = &replaced;
            let forth = parts.bind(feed, &trained, first, second)?;
            Ok([forth, parts.bind(feed, &trained, second, first)?])
        };
        let bindings = [bind(&feeds[0])?, bind(&feeds[1])?];
        let rate = &numbers[RATE].buffer;
        let update_binding = bind_update(&update, rate, &trained, &gradients_of)?;
        let shared = Shared::new(runtime, &graph, &gradients_of, threads, making.overlap)?;
        let current = 0;
        let loss_scale = (graph.width == Width::Half).then(LossScale::default);
        Ok(Self {
            graph,
            gradients,
            feeds,
            bindings,
            update,
            update_binding,
            numbers,
            scalars,
            gradients_of,
            micro_batches: MicroBatches::default(),
            shared,
            sampled,
            loss_scale,
            trained,
            replaced,
            current,
        })
    }

    /// What the step was compiled from.
    pub fn graph(&self) -> &StepGraph {
        &self.graph
    }

    /// Bytes that have been copied between host and device so far.
    pub fn traffic(&self) -> Traffic {
        self.gradients.traffic()
    }

    /// Puts a state on the device.
    ///
    /// # Errors
    /// [`Error::State`] where a tensor is missing, of another shape or not finite, the queue holds
    /// what is no class, a step has begun that learns from another number of batches, or the loss scale
    /// is none; then nothing has changed. In half width a state without one begins with the first.
    pub fn load(&mut self, state: &TrainState) -> Result<(), Error> {
        let StepOptions { classes, accumulate, .. } = self.graph.options;
        state.check_queue(classes)?;
        let micro_batches = MicroBatches::of(state, accumulate)?;
        let loss_scale = self.loss_scale.map(|_| LossScale::of(state)).transpose()?;
        let pairs: Result<Vec<_>, Error> = self
            .kept(micro_batches)
            .map(|(name, shape, buffer)| Ok((buffer.clone(), state.get(name, shape)?)))
            .collect();
        let pairs = pairs?;
        if let Some(sampled) = &mut self.sampled {
            sampled.load(state, micro_batches.is_begun())?;
        }
        for (buffer, tensor) in pairs {
            buffer.write_floats(&tensor.data)?;
        }
        (self.micro_batches, self.loss_scale) = (micro_batches, loss_scale);
        Ok(())
    }

    /// Copies the state from the device. While a step awaits more batches that is what it has summed,
    /// too.
    ///
    /// # Errors
    /// [`Error::Runtime`].
    pub fn state(&self) -> Result<TrainState, Error> {
        let tensors = self.kept(self.micro_batches).map(|(name, shape, buffer)| {
            let tensor = Tensor { shape: shape.to_vec(), data: buffer.read_floats()? };
            Ok((name.to_owned(), tensor))
        });
        let mut tensors = tensors.collect::<Result<IndexMap<_, _>, Error>>()?;
        let is_begun = self.micro_batches.is_begun();
        if let Some(sampled) = &self.sampled {
            tensors.extend(sampled.tensors(is_begun));
        }
        if is_begun {
            tensors.extend(self.micro_batches.tensors());
        }
        tensors.extend(self.loss_scale.into_iter().flat_map(LossScale::tensors));
        Ok(TrainState { tensors })
    }

    /// All of the state by name, with its extents, where the step has learned from `own`.
    fn kept(&self, own: MicroBatches) -> impl Iterator<Item = (&str, &[usize], &Buffer)> {
        let trained = self.trained.iter();
        let trained = trained.map(|(name, own)| (name.as_str(), &own.shape[..], &own.buffer));
        let summed = self.gradients_of.iter().filter(move |_| own.is_begun());
        let others = self.replaced[self.current].iter().chain(summed);
        trained.chain(others.map(|(name, buffer)| (name.as_str(), buffer.shape(), buffer)))
    }

    /// Batches of a step that has begun; 0 between two steps.
    pub fn batches(&self) -> usize {
        self.micro_batches.batches()
    }

    /// The loss scale of the next step, in half width.
    pub fn loss_scale(&self) -> Option<LossScale> {
        self.loss_scale
    }

    /// How fast steps were with sums of gradients over ranks begun ahead, and after: once, when it is found out.
    pub fn found(&mut self) -> Option<Found> {
        self.shared.as_mut().and_then(Shared::found)
    }

    /// Sums of gradients over ranks so far that were begun, and went on, while other gradients were made.
    pub fn summed(&self) -> Summed {
        self.shared.as_ref().map(Shared::summed).unwrap_or_default()
    }

    /// Where batches are written to; one while another is learned from.
    pub fn feeds(&self) -> &[Feed] {
        &self.feeds
    }

    /// Learns from a batch. Unless all that it reports is finite, the state stays as it was.
    ///
    /// # Errors
    /// As [`Feed::write`] and [`Stepper::learn`].
    pub fn step(&mut self, batch: &Batch, rates: &Rates) -> Result<Stepped, Error> {
        self.feeds[0].write(batch)?;
        self.learn(0, rates)
    }

    /// Learns from a batch in half width, whose loss scale may be too large at first: again, until it is not
    /// or is spent. Elsewhere as [`Stepper::step`].
    ///
    /// # Errors
    /// As [`Stepper::step`].
    pub fn step_in_scale(&mut self, batch: &Batch, rates: &Rates) -> Result<Stepped, Error> {
        let mut stepped = self.step(batch, rates)?;
        while stepped.overflowed && !self.loss_scale.is_some_and(LossScale::is_spent) {
            stepped = self.step(batch, rates)?;
        }
        Ok(stepped)
    }

    /// Learns from the batch that lies in a feed; the last one of a step is followed by its update.
    /// Unless all that it reports is finite, the state stays as it was.
    ///
    /// # Errors
    /// Rates out of their bounds, and whatever the runtime refuses with.
    ///
    /// # Panics
    /// When there is no such feed.
    pub fn learn(&mut self, feed: usize, rates: &Rates) -> Result<Stepped, Error> {
        rates.check()?;
        let carried = f32::from(u8::from(self.micro_batches.is_begun()));
        let loss_scale = self.loss_scale.map(|own| (LOSS_SCALE, own.scale()));
        let numbers = rates.numbers().into_iter().chain([(CARRIED, carried)]).chain(loss_scale);
        for (name, number) in numbers {
            if let Some(own) = self.numbers.get_mut(name) {
                own.set(number)?;
            }
        }
        let numbers = self.gradients(feed)?;
        let scalars = Scalars::from(numbers);
        if !numbers.iter().all(|number| number.is_finite()) {
            self.micro_batches = MicroBatches::default();
            self.sampled.iter_mut().for_each(Sampled::forget);
            let is_gradient = scalars.loss.is_finite() && scalars.statistics.is_finite();
            let overflowed = self.loss_scale.as_mut().filter(|_| is_gradient);
            let overflowed = overflowed.map(LossScale::overflowed).is_some();
            return Ok(Stepped { scalars, applied: false, overflowed, step: None });
        }
        self.current = 1 - self.current;
        self.micro_batches.enter(scalars);
        let is_whole = self.micro_batches.batches() == self.graph.options.accumulate;
        let step = is_whole.then(|| std::mem::take(&mut self.micro_batches).reported(scalars));
        if is_whole {
            self.update.run(&mut self.update_binding)?;
            if let Some(sampled) = &mut self.sampled {
                sampled.update(rates.learning)?;
            }
            self.loss_scale.iter_mut().for_each(LossScale::made);
        }
        Ok(Stepped { scalars, applied: true, overflowed: false, step })
    }
}

impl Stepper {
    /// Makes the gradients of the batch in a feed, after whose last one ranks sum them; what it reports.
    fn gradients(&mut self, feed: usize) -> Result<[f32; SCALARS.len()], Error> {
        if let Some(shared) = self.shared.as_ref().filter(|_| !self.micro_batches.is_begun()) {
            shared.before(self.replaced[self.current].values())?;
        }
        self.sample(feed)?;
        let is_last = self.micro_batches.batches() + 1 == self.graph.options.accumulate;
        let binding = &mut self.bindings[feed][self.current];
        match self.shared.as_mut().filter(|_| is_last) {
            Some(shared) => shared.run(&mut self.gradients, binding)?,
            None => self.gradients.run(binding)?,
        }
        let numbers = self.scalars.read_floats()?;
        let Ok(mut numbers) = <[f32; SCALARS.len()]>::try_from(numbers.as_slice()) else {
            panic!("{} numbers in a buffer of {}", numbers.len(), SCALARS.len())
        };
        let mut squares = 0.0;
        if let Some(sampled) = &mut self.sampled {
            squares = sampled.enter()?;
            let others = f64::from(gradient_norm(&numbers));
            numbers = with_length(numbers, Some((others * others + squares).sqrt() as f32));
        }
        let Some(shared) = &mut self.shared else { return Ok(numbers) };
        let numbers = shared.reported(numbers)?;
        let length = is_last.then(|| shared.length(squares)).transpose()?;
        Ok(with_length(numbers, length))
    }

    /// Before the batch in a feed: hands its sample of class columns to the step, where it has one.
    fn sample(&mut self, feed: usize) -> Result<(), Error> {
        let Some(sampled) = &mut self.sampled else { return Ok(()) };
        let queue = self.replaced[self.current].get("queue.labels");
        let queue = queue.filter(|_| sampled.reads_queue()).map(Buffer::read_floats).transpose()?;
        let feed = &self.feeds[feed];
        sampled.prepare(feed.number(), &feed.labels()?, queue.as_deref())
    }
}
