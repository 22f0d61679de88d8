//! The QG joint loss: the head's and the contrastive loss of one batch (`framework.py`:
//! training_step).

use super::columns::{Columns, gathered_labels};
use super::contrast::{Contrast, ContrastInput, ContrastOptions, contrast};
use super::head::{HeadInput, HeadOptions, HeadState, head};
use super::quality::QualityScale;
use super::queue::{Queue, QueueOptions};
use super::rows::unit;
use super::sharing::{HeadShare, QueueShare, Sharing};
use crate::graph::{Builder, Element, Value, World};

/// A head, and beside it a contrastive loss with its queue, if any.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JointOptions {
    /// The head.
    pub head: HeadOptions,
    /// The contrast and its queue.
    pub contrast: Option<(ContrastOptions, QueueOptions)>,
}

/// What the loss keeps from step to step.
#[derive(Debug, Clone, Copy)]
pub struct JointState {
    /// The head's.
    pub head: HeadState,
    /// The queue and the running margin.
    pub contrast: Option<(Queue, Value)>,
}

/// What the loss is given. With contrast the rows are those of all high-quality views, then those
/// of all low-quality views in the same order; else one of each image.
#[derive(Debug, Clone, Copy)]
pub struct JointInput {
    /// What the backbone makes `[N, D]`, not normalised.
    pub features: Value,
    /// Classes of all rows `[N]`, integers.
    pub labels: Value,
    /// Class columns, as the ranks share them.
    pub columns: Columns,
    /// Factor of the contrastive loss, a number.
    pub weight: Value,
    /// b of the head.
    pub head_scale: QualityScale,
    /// b of the contrast.
    pub contrast_scale: QualityScale,
    /// What the ranks share.
    pub sharing: Sharing,
}

/// What the loss makes, as this rank has it: the mean over ranks is that of all.
#[derive(Debug, Clone, Copy)]
pub struct Joint {
    /// loss_cla + weight·loss_con, a number.
    pub loss: Value,
    /// The head's loss.
    pub loss_cla: Value,
    /// The contrastive loss; 0 without contrast.
    pub loss_con: Value,
    /// The contrast in full.
    pub contrast: Option<Contrast>,
    /// The entries that the contrast used `[Q, D]`.
    pub entries: Option<Value>,
    /// What is kept.
    pub state: JointState,
}

/// Appends the loss.
///
/// # Panics
/// As [`head`], and with contrast and an odd number of rows.
pub fn joint(
    g: &mut Builder,
    options: &JointOptions,
    input: JointInput,
    state: JointState,
) -> Joint {
    let rows = g.shape(input.features)[0];
    let (embeddings, norms) = unit(g, input.features);
    let (columns, quality_scale) = (input.columns, input.head_scale);
    let own = Rows { embeddings, norms, labels: input.labels, places: None };
    let sharing = input.sharing;
    let scored = match sharing.columns().is_alone() {
        false => own.of_all(g, sharing.world),
        true => own,
    };
    let scored = Rows { places: columns.sample.map(|sample| sample.places), ..scored };
    let count = g.shape(scored.norms)[0];
    let labels = g.reshape(scored.labels, &[count, 1]);
    let head_input = HeadInput {
        embeddings: scored.embeddings,
        norms: scored.norms,
        labels,
        columns,
        quality_scale,
    };
    let head = g.scoped("head", |g| head(g, &options.head, head_input, state.head));
    let (Some((contrast_options, queue_options)), Some((queue, average))) =
        (options.contrast, state.contrast)
    else {
        let (loss, loss_con) = (head.loss, g.scalar(0.0));
        let state = JointState { head: head.state, contrast: None };
        return Joint { loss, loss_cla: loss, loss_con, contrast: None, entries: None, state };
    };
    assert!(rows.is_multiple_of(2), "{rows} rows are no pairs");
    let pairs = rows / 2;
    let entering = g.scoped("queue", |g| entering(g, sharing, own, scored));
    let (queue, entries, present) = g.scoped("queue", |g| {
        let Entering { embeddings, labels, .. } = entering;
        let is_moved = queue.proxies.is_some();
        let entered = is_moved.then(|| entering.columns(g, columns, sharing.queue));
        let queue = queue_options.enqueue(g, queue, embeddings, labels, entered);
        let now = entered.map(|entered| match columns.sample.and_then(|own| own.of_queue) {
            Some(before) => queue_options.push(g, before, entered),
            None => queue_options.columns_of(g, &queue, columns, sharing.queue),
        });
        let entries = queue_options.entries(g, &queue, now);
        (queue, entries, queue_options.present(g, &queue))
    });
    let made = g.scoped("contrast", |g| {
        let (own_quality, own_labels) = if count == rows {
            (head.quality, labels)
        } else {
            let first = sharing.world.rank * rows;
            let quality = g.slice(head.quality, 0, first, first + rows);
            (quality, g.reshape(own.labels, &[rows, 1]))
        };
        let high = |g: &mut Builder, value| g.slice(value, 0, 0, pairs);
        let low = |g: &mut Builder, value| g.slice(value, 0, pairs, rows);
        let float_labels = g.cast(own_labels, Element::Float);
        let contrast_input = ContrastInput {
            q: low(g, embeddings),
            k: high(g, embeddings),
            q_norms: low(g, norms),
            k_norms: high(g, norms),
            q_quality: low(g, own_quality),
            k_quality: high(g, own_quality),
            labels: high(g, float_labels),
            entries,
            entry_labels: g.reshape(queue.labels, &[1, queue_options.size]),
            present: Some(present),
            filled: queue.filled,
            own: entering.own.to_vec(),
            quality_scale: input.contrast_scale,
            average,
            // With class columns in parts there is one margin for all, as there is one average of norms.
            averaged: sharing.columns(),
        };
        contrast(g, &contrast_options, contrast_input)
    });
    let weighed = g.mul(input.weight, made.loss);
    let loss = g.add(head.loss, weighed);
    Joint {
        loss,
        loss_cla: head.loss,
        loss_con: made.loss,
        contrast: Some(made),
        entries: Some(entries),
        state: JointState { head: head.state, contrast: Some((queue, made.average)) },
    }
}

/// Rows of embeddings.
#[derive(Clone, Copy)]
struct Rows {
    /// Unit vectors `[N, D]`.
    embeddings: Value,
    /// Their lengths before `[N, 1]`.
    norms: Value,
    /// Their classes `[N]`, integers.
    labels: Value,
    /// Where in a sample of columns those are `[N]`, of scored rows.
    places: Option<Value>,
}

impl Rows {
    /// Those of all ranks, one rank's behind the other's. Lengths have no gradient, nor do the losses ask
    /// for one.
    fn of_all(self, g: &mut Builder, world: World) -> Self {
        let norms = g.detach(self.norms);
        Self {
            embeddings: g.all_gather(self.embeddings, world),
            norms: g.all_gather(norms, world),
            labels: gathered_labels(g, self.labels, world),
            places: None,
        }
    }
}

/// Rows that enter the queue.
#[derive(Clone, Copy)]
struct Entering {
    embeddings: Value,
    labels: Value,
    /// Where in a sample of columns the classes are `[N]` that a rank asks for: its own, or where each asks
    /// for its own those of all.
    places: Option<Value>,
    /// Where among them this rank's high-quality and low-quality rows begin.
    own: [usize; 2],
}

impl Entering {
    /// The columns of their classes `[N, D]`.
    fn columns(&self, g: &mut Builder, columns: Columns, share: QueueShare) -> Value {
        match self.places {
            Some(places) => columns.rows_told(g, places, share.asked()),
            None => columns.rows_of(g, self.labels, share.asked()),
        }
    }
}

/// What enters the queue of this rank, of its own rows and of those that the head has scored.
fn entering(g: &mut Builder, sharing: Sharing, own: Rows, scored: Rows) -> Entering {
    let rows = g.shape(own.norms)[0];
    let (pairs, world) = (rows / 2, sharing.world);
    if sharing.queue == QueueShare::Own || world.is_alone() {
        let Rows { embeddings, labels, .. } = own;
        return Entering { embeddings, labels, places: scored.places, own: [0, pairs] };
    }
    let all = match sharing.head {
        HeadShare::Sharded => scored,
        HeadShare::Replicated => {
            let embeddings = g.detach(own.embeddings);
            Rows { embeddings, ..own }.of_all(g, world)
        }
    };
    let embeddings = g.detach(all.embeddings);
    match sharing.head {
        HeadShare::Replicated => Entering {
            embeddings: own_first(g, embeddings, world),
            labels: own_first(g, all.labels, world),
            places: None,
            own: [0, pairs],
        },
        HeadShare::Sharded => Entering {
            embeddings: by_view(g, embeddings, world),
            labels: by_view(g, all.labels, world),
            places: all.places.map(|places| by_view(g, places, world)),
            own: [world.rank * pairs, (world.ranks + world.rank) * pairs],
        },
    }
}

/// Rows of all ranks, the own ones first (`framework.py`: training_step with sync_GPU).
fn own_first(g: &mut Builder, all: Value, world: World) -> Value {
    let rows = g.shape(all)[0] / world.ranks;
    let others = (0..world.ranks).filter(|&rank| rank != world.rank);
    let parts: Vec<Value> = [world.rank]
        .into_iter()
        .chain(others)
        .map(|rank| g.slice(all, 0, rank * rows, (rank + 1) * rows))
        .collect();
    g.concat(&parts, 0)
}

/// Rows of all ranks, the high-quality ones first, then the low-quality ones, each in the order of ranks.
fn by_view(g: &mut Builder, all: Value, world: World) -> Value {
    let pairs = g.shape(all)[0] / world.ranks / 2;
    let view = |view: usize| {
        (0..world.ranks).map(move |rank| {
            let first = (2 * rank + view) * pairs;
            first..first + pairs
        })
    };
    let parts: Vec<Value> =
        view(0).chain(view(1)).map(|own| g.slice(all, 0, own.start, own.end)).collect();
    g.concat(&parts, 0)
}
