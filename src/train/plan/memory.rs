//! The memory of a run, part by part, told from its graphs.

use crate::graph::lower::{Arrangement, Layout};
use crate::nn::QueueKind;
use crate::runtime::{Device, working_memory};
use crate::train::{Error, StepGraph, StepOptions};
use schemars::JsonSchema;
use serde::Serialize;

/// Bytes of a float.
const FLOAT: u64 = 4;

/// Bytes of a label.
const LABEL: u64 = 8;

/// Bytes of the program with its threads and the runtime: what runs of networks of width 0.05 held with 18
/// to 100 layers, less all other parts, where the line through them meets no nodes (ONNX Runtime 1.32,
/// x86-64 Linux, two threads).
const PROGRAM: u64 = 52 << 20;

/// Bytes that the runtime keeps for each node of a model: how steep that line is.
const NODE: u64 = 7_400;

/// Bytes of oneDNN 3.2 with the code that it makes: what the same runs held more with images in pixels.
const LIBRARY: u64 = 20 << 20;

/// Memory of a run by what it is for, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Memory {
    /// Parameters.
    pub weights: u64,
    /// Their momenta.
    pub momenta: u64,
    /// Their gradients.
    pub gradients: u64,
    /// Class columns and momenta of which a step is handed a sample, what a sample is drawn in, and gradients of
    /// several batches: they stay in the processor's memory, and what is handed over is among the weights.
    pub columns: u64,
    /// The queue, statistics and averages, twice.
    pub queue: u64,
    /// What lies between the nodes of a step, and what oneDNN works in.
    pub activations: u64,
    /// Two batches where a step reads them.
    pub feeds: u64,
    /// Batches that are loaded ahead.
    pub loading: u64,
    /// The state twice, while a checkpoint is written.
    pub checkpoint: u64,
    /// The program, its libraries, and the models that they run.
    pub program: u64,
}

impl Memory {
    /// Of a step with `jobs` threads that load, without what is only known of its models: activations, and
    /// what the program keeps of them.
    pub fn without_activations(graph: &StepGraph, jobs: usize) -> Self {
        let learned: u64 = graph.params.parameters.iter().map(|own| bytes(&own.shape)).sum();
        let sampled = Sampled::of(graph);
        let buffers: u64 = graph.params.buffers.iter().map(|own| bytes(&own.shape)).sum();
        let masks: u64 = graph.masks().iter().map(|(_, shape)| bytes(shape) / FLOAT).sum();
        let labels = LABEL * graph.options.batch as u64;
        let batch = bytes(&graph.image_shape()) + labels + masks;
        let all = learned + sampled.all;
        Self {
            weights: learned + sampled.handed,
            momenta: learned,
            gradients: learned + sampled.handed,
            columns: 2 * sampled.all + sampled.drawn + sampled.summed,
            queue: 2 * buffers + sampled.of_queue,
            activations: 0,
            feeds: 2 * batch,
            loading: (jobs as u64 + 1) * batch,
            checkpoint: 2 * (2 * all + buffers),
            program: PROGRAM,
        }
    }

    /// Of a step on a device, with `jobs` threads that load.
    ///
    /// # Errors
    /// [`Error::Unplanned`]: an operator of which it is not known what it makes.
    pub fn of(
        graph: &StepGraph,
        arrangement: &Arrangement,
        device: Device,
        jobs: usize,
    ) -> Result<Self, Error> {
        let model = graph.lowered(device, arrangement).gradients;
        let working = working_memory(model.graph())?;
        let library = match arrangement.layout {
            Layout::Pixels | Layout::RoundedPixels => LIBRARY,
            Layout::Planes | Layout::VendorPlanes => 0,
        };
        let nodes = model.graph().node.len() as u64;
        Ok(Self {
            activations: working.held + working.scratch,
            program: PROGRAM + library + NODE * nodes,
            ..Self::without_activations(graph, jobs)
        })
    }

    /// Bytes on a CUDA device, where steps are made on one.
    pub fn on_device(&self) -> u64 {
        let Self { weights, momenta, gradients, queue, activations, feeds, .. } = self;
        weights + momenta + gradients + queue + activations + feeds
    }

    /// Bytes on the host beside those.
    pub fn on_host(&self) -> u64 {
        self.columns + self.loading + self.checkpoint + self.program
    }

    /// All of it.
    pub fn total(&self) -> u64 {
        self.on_device() + self.on_host()
    }
}

/// Bytes a column while a sample is drawn: its number, whether it is a positive, and its place in two lists.
const DRAWN: u64 = 8 + 1 + 2 * 8;

/// Bytes of class columns of which a batch scores a sample.
#[derive(Debug, Clone, Copy, Default)]
struct Sampled {
    all: u64,
    /// What a batch scores at most, as much as its gradients.
    handed: u64,
    /// Gradients of a step's, where it has several, while a batch's are added.
    summed: u64,
    /// What a sample is drawn in.
    drawn: u64,
    of_queue: u64,
}

impl Sampled {
    fn of(graph: &StepGraph) -> Self {
        let StepOptions { sample, accumulate, joint, .. } = &graph.options;
        let (Some(sample), Some(own)) = (sample, &graph.sampled) else { return Self::default() };
        let [dimension, columns] = own.shape[..] else { return Self::default() };
        let most = sample.size(columns, graph.options.images()).most;
        let handed = bytes(&[dimension, most]);
        let summed = bytes(&[dimension, accumulate.saturating_mul(most).min(columns)]);
        let proxied = joint.contrast.filter(|(_, queue)| queue.kind == QueueKind::Proxy);
        Self {
            all: bytes(&own.shape),
            handed,
            summed: if *accumulate > 1 { 2 * summed } else { 0 },
            drawn: DRAWN * columns as u64,
            of_queue: proxied.map_or(0, |(_, queue)| bytes(&[queue.size, dimension])),
        }
    }
}

fn bytes(shape: &[usize]) -> u64 {
    FLOAT * shape.iter().map(|&extent| extent as u64).product::<u64>()
}
