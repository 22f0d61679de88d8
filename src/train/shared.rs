//! What ranks do together between the two programs of a step.

use super::names::{GRADIENT, SUM};
use super::pace::{Found, Pace};
use super::step::{SCALARS, square};
use super::{Error, StepGraph};
use crate::graph::lower::{Arrangement, Rows, lower_with_rows};
use crate::graph::{Builder, Element as Kind, Graph, Value};
use crate::group::{Group, Reduction};
use crate::nn::{BuffersShare, Overlap, Parameter};
use crate::runtime::{Binding, Buffer, Device, Element, Program, Runtime, Summed, Sums};
use indexmap::IndexMap;
use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Instant;

/// The ranks of a step.
#[derive(Debug)]
pub(super) struct Shared {
    group: Arc<Group>,
    buffers: BuffersShare,
    /// Gradients of what all ranks have, by what is summed in one go.
    buckets: Vec<Vec<Buffer>>,
    squares: Program,
    binding: Binding,
    /// Sums of squares of gradients: of what all ranks have, and of parts.
    sums: [Buffer; 2],
    place: Place,
    /// Sums so far that went on together with programs.
    summed: Summed,
}

/// Where gradients are summed.
#[derive(Debug)]
enum Place {
    /// In the processor's memory, where they lie.
    Processor(Pace),
    /// Where they lie on devices that exchange among each other.
    Devices(Box<(Program, Binding)>),
    /// In the processor's memory, where they are copied from a device.
    Host(Vec<f32>),
}

/// Names of those sums.
const SUMS: [&str; 2] = ["replicated", "parts"];

impl Shared {
    /// What the ranks of a graph's world need; nothing where there is one.
    ///
    /// # Errors
    /// [`Error::Option`] where the runtime's group has another rank or number of ranks.
    pub(super) fn new(
        runtime: &Runtime,
        graph: &StepGraph,
        gradients: &IndexMap<String, Buffer>,
        threads: NonZeroUsize,
        overlap: Overlap,
    ) -> Result<Option<Self>, Error> {
        let world = graph.options.sharing.world;
        if world.is_alone() {
            return Ok(None);
        }
        let group =
            runtime.group().filter(|own| (own.size(), own.rank()) == (world.ranks, world.rank));
        let Some(group) = group else {
            let expected = format!("a group whose rank {} of {} this is", world.rank, world.ranks);
            return Err(Error::Option { option: "ranks", expected, found: "another".to_owned() });
        };
        let (rows, arrangement) = (Rows::new(), Arrangement::default());
        let model = lower_with_rows(&squares(graph), "squares", &rows, &arrangement);
        let squares = Program::open(runtime, &model, threads)?;
        let sums = [squares.buffer(Element::Float, &[])?, squares.buffer(Element::Float, &[])?];
        let inputs: Vec<(&str, &Buffer)> =
            gradients.iter().map(|(name, buffer)| (name.as_str(), buffer)).collect();
        let outputs: Vec<(&str, &Buffer)> = SUMS.into_iter().zip(&sums).collect();
        let binding = squares.bind(&inputs, &outputs)?;
        let (group, buffers) = (Arc::clone(group), graph.options.sharing.buffers);
        let place = match (runtime.device(), runtime.nccl()) {
            (Device::Cpu, _) => Place::Processor(Pace::new(overlap)),
            (Device::Cuda(_), Some(_)) => {
                Place::Devices(Box::new(sums_on_devices(runtime, graph, gradients, threads)?))
            }
            (Device::Cuda(_), None) => Place::Host(Vec::new()),
        };
        let of = |own: &&Parameter| gradients[&format!("{GRADIENT}{}", own.name)].clone();
        let buckets = graph.buckets();
        let buckets = buckets.iter().map(|bucket| bucket.iter().map(of).collect()).collect();
        let summed = Summed::default();
        Ok(Some(Self { group, buffers, buckets, squares, binding, sums, place, summed }))
    }

    /// Before the first batch of a step: all ranks take the buffers of the first one, where they share them
    /// (DistributedDataParallel's `broadcast_buffers`).
    pub(super) fn before<'b>(
        &self,
        buffers: impl Iterator<Item = &'b Buffer>,
    ) -> Result<(), Error> {
        if self.buffers == BuffersShare::Broadcast {
            for buffer in buffers {
                buffer.change_floats(|numbers| self.group.broadcast(numbers, 0))??;
            }
        }
        Ok(())
    }

    /// What a batch of all ranks reports, of what this one does.
    pub(super) fn reported(
        &self,
        own: [f32; SCALARS.len()],
    ) -> Result<[f32; SCALARS.len()], Error> {
        let mut all = own;
        self.group.all_reduce(&mut all, Reduction::Sum)?;
        Ok(all.map(|sum| sum / self.group.size() as f32))
    }

    /// Makes the gradients of a step's last batch and sums them over ranks.
    pub(super) fn run(&mut self, program: &mut Program, own: &mut Binding) -> Result<(), Error> {
        let Self { group, buckets, place, .. } = self;
        match place {
            Place::Processor(pace) => {
                let (ahead, begun) = (pace.is_ahead(), Instant::now());
                let sums = Sums { group, buckets, ahead };
                let Summed { ahead, hidden } = program.run_and_sum(own, &sums)?;
                self.summed.ahead += ahead;
                self.summed.hidden += hidden;
                pace.took(begun.elapsed(), group)?;
            }
            Place::Devices(sum) => {
                let (sum, binding) = &mut **sum;
                program.run(own)?;
                sum.run(binding)?;
            }
            Place::Host(scratch) => {
                program.run(own)?;
                for bucket in buckets {
                    sum_together(group, bucket, scratch)?;
                }
            }
        }
        Ok(())
    }

    /// How fast steps were with either way of summing, the first time that this is asked after it was found out.
    pub(super) fn found(&mut self) -> Option<Found> {
        match &mut self.place {
            Place::Processor(pace) => pace.found(),
            Place::Devices(_) | Place::Host(_) => None,
        }
    }

    /// Sums so far that went on together with programs.
    pub(super) fn summed(&self) -> Summed {
        self.summed
    }

    /// The length of the gradients that are summed. Of parts that lie elsewhere `others` is the sum of squares.
    pub(super) fn length(&mut self, others: f64) -> Result<f32, Error> {
        self.squares.run(&mut self.binding)?;
        let [replicated, parts] = &self.sums;
        let mut of_parts = parts.read_floats()?;
        of_parts[0] += others as f32;
        self.group.all_reduce(&mut of_parts, Reduction::Sum)?;
        // All decide by the same number, whatever the order in which each adds its squares.
        let mut of_all = replicated.read_floats()?;
        self.group.broadcast(&mut of_all, 0)?;
        Ok((of_all[0] + of_parts[0]).sqrt())
    }
}

/// Puts tensors of a device together, sums them, and puts them back.
fn sum_together(group: &Group, buffers: &[Buffer], scratch: &mut Vec<f32>) -> Result<(), Error> {
    scratch.clear();
    for buffer in buffers {
        buffer.with_floats(|own| scratch.extend_from_slice(own))?;
    }
    group.all_reduce(scratch, Reduction::Sum)?;
    let mut rest = &scratch[..];
    for buffer in buffers {
        rest = buffer.fill_floats(|own| {
            let (first, rest) = rest.split_at(own.len());
            own.copy_from_slice(first);
            rest
        })?;
    }
    Ok(())
}

/// The length of a gradient among the numbers of a batch.
pub(super) fn gradient_norm(numbers: &[f32; SCALARS.len()]) -> f32 {
    let [.., gradient_norm, _statistics] = numbers;
    *gradient_norm
}

/// Puts the length of the sums of gradients among the numbers of a batch. Until they are summed there is none
/// that all ranks would have, but one that is no number stays.
pub(super) fn with_length(
    mut numbers: [f32; SCALARS.len()],
    length: Option<f32>,
) -> [f32; SCALARS.len()] {
    let [.., gradient_norm, _statistics] = &mut numbers;
    *gradient_norm = match length {
        Some(length) => length,
        None if gradient_norm.is_finite() => 0.0,
        None => *gradient_norm,
    };
    numbers
}

/// Whether each rank has a part of the parameter that a gradient is of.
fn is_part(graph: &StepGraph, gradient: &str) -> bool {
    gradient.strip_prefix(GRADIENT).is_some_and(|name| graph.is_part(name))
}

/// What sums the gradients of all ranks where they lie.
fn sums_on_devices(
    runtime: &Runtime,
    graph: &StepGraph,
    gradients: &IndexMap<String, Buffer>,
    threads: NonZeroUsize,
) -> Result<(Program, Binding), Error> {
    let (rows, arrangement) = (Rows::new(), Arrangement::default());
    let model = lower_with_rows(&graph.sums(), "sums", &rows, &arrangement);
    let program = Program::open(runtime, &model, threads)?;
    let replicated = gradients.iter().filter(|(name, _)| !is_part(graph, name));
    let inputs: Vec<(&str, &Buffer)> =
        replicated.map(|(name, buffer)| (name.as_str(), buffer)).collect();
    let sums: Vec<(String, &Buffer)> =
        inputs.iter().map(|(name, buffer)| (format!("{SUM}{name}"), *buffer)).collect();
    let outputs: Vec<(&str, &Buffer)> =
        sums.iter().map(|(name, buffer)| (name.as_str(), *buffer)).collect();
    let binding = program.bind(&inputs, &outputs)?;
    Ok((program, binding))
}

/// Sums of squares of all gradients, by [`SUMS`].
fn squares(graph: &StepGraph) -> Graph {
    let mut g = Builder::new();
    let (mut replicated, mut parts) = (Vec::new(), Vec::new());
    for own in &graph.params.parameters {
        let name = format!("{GRADIENT}{}", own.name);
        let gradient = g.input(&name, Kind::Float, &own.shape);
        let square = square(&mut g, gradient);
        if is_part(graph, &name) { parts.push(square) } else { replicated.push(square) }
    }
    let mut sum = |squares: &[Value]| match squares {
        [] => g.scalar(0.0),
        _ => {
            let all = g.concat(squares, 0);
            g.reduce_sum(all, &[0])
        }
    };
    let sums = [sum(&replicated), sum(&parts)];
    g.finish(SUMS.into_iter().map(str::to_owned).zip(sums).collect())
}
