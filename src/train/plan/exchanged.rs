//! What a rank sends in a step, told from its graph.

use crate::graph::{Graph, Node, Op};
use crate::nn::{BuffersShare, QueueKind, QueueShare};
use crate::train::{StepGraph, StepOptions};
use schemars::JsonSchema;
use serde::Serialize;

/// Bytes that a rank sends in a step, by what they are for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Exchanged {
    /// Gradients of what all ranks have.
    pub gradients: u64,
    /// Means, variances and their gradients, where ranks normalise together; or statistics and averages of the
    /// first one, where all begin with them.
    pub normalisation: u64,
    /// Embeddings, norms and labels with their gradients, maxima and sums of the soft-max.
    pub head: u64,
    /// What enters the queue, and class columns of its labels; or the first one's queue, where all begin with
    /// it.
    pub queue: u64,
    /// Collectives.
    pub collectives: u64,
}

/// Bytes of a float.
const FLOAT: u64 = 4;

/// Bytes of a label.
const LABEL: u64 = 8;

impl Exchanged {
    /// Of a step; nothing of one rank.
    ///
    /// A sum of n bytes over W ranks sends 2(W − 1)/W·n, as a ring does; a gathering (W − 1)/W of what it
    /// makes, a scattering of what it reads.
    pub fn of(step: &StepGraph) -> Option<Self> {
        let sharing = &step.options.sharing;
        let ranks = sharing.world.ranks as u64;
        if ranks == 1 {
            return None;
        }
        let share = |bytes: u64| bytes * (ranks - 1) / ranks;
        let mut all = Self::default();
        for bucket in step.buckets() {
            let count: usize = bucket.iter().map(|own| own.count()).sum();
            all.gradients += 2 * share(FLOAT * count as u64);
            all.collectives += 1;
        }
        let batches = step.options.accumulate as u64;
        // What a batch reports and whether it is the last, and of a step the length of the gradient.
        all.collectives += 2 * batches + 2;
        if sharing.buffers == BuffersShare::Broadcast {
            for buffer in &step.params.buffers {
                let sent = FLOAT * volume(&buffer.shape);
                match buffer.name.starts_with("queue.") {
                    true => all.queue += sent,
                    false => all.normalisation += sent,
                }
                all.collectives += 1;
            }
        }
        let graph = &step.gradients;
        let live = graph.live();
        for (_, node) in graph.values().filter(|(value, _)| live[value.index()]) {
            let Some(sent) = sent(graph, node, &share) else { continue };
            all.collectives += batches;
            let sent = sent * batches;
            match () {
                () if node.name.contains("queue/") => all.queue += sent,
                () if node.name.contains("backbone.") => all.normalisation += sent,
                () => all.head += sent,
            }
        }
        all.add_sampled(step, &share);
        Some(all)
    }

    /// What is exchanged before each batch where it scores a sample of class columns: labels, and the columns of
    /// those in the queue.
    fn add_sampled(&mut self, step: &StepGraph, share: &dyn Fn(u64) -> u64) {
        let StepOptions { sample: Some(_), accumulate, joint, sharing, backbone, .. } =
            &step.options
        else {
            return;
        };
        let batches = *accumulate as u64;
        self.head += batches * share(LABEL * step.options.images() as u64);
        self.collectives += batches;
        let Some((_, queue)) = joint.contrast.filter(|(_, queue)| queue.kind == QueueKind::Proxy)
        else {
            return;
        };
        let (ranks, labels) = (sharing.world.ranks as u64, queue.size as u64);
        let columns = FLOAT * labels * backbone.embedding as u64;
        let (sent, collectives) = match sharing.queue {
            QueueShare::Own => (share(FLOAT * ranks * labels) + share(ranks * columns), 2),
            QueueShare::Shared => (2 * share(columns), 1),
        };
        self.queue += batches * sent;
        self.collectives += batches * collectives;
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.gradients + self.normalisation + self.head + self.queue
    }

    /// Its parts and their names, in the order of a table.
    pub fn parts(&self) -> [(&'static str, u64); 4] {
        [
            ("gradients", self.gradients),
            ("normalisation", self.normalisation),
            ("head", self.head),
            ("queue", self.queue),
        ]
    }
}

/// Bytes that a node sends, if it is an exchange.
fn sent(graph: &Graph, node: &Node, share: &dyn Fn(u64) -> u64) -> Option<u64> {
    let bytes = |node: &Node| FLOAT * volume(&node.shape);
    let read = || bytes(graph.node(node.inputs[0]));
    match &node.op {
        Op::AllReduce(..) => Some(2 * share(bytes(node))),
        Op::AllGather(_) => Some(share(bytes(node))),
        Op::ReduceScatter(_) => Some(share(read())),
        Op::Broadcast(..) => Some(bytes(node)),
        _ => None,
    }
}

fn volume(shape: &[usize]) -> u64 {
    shape.iter().map(|&extent| extent as u64).product()
}
