//! The QG joint loss: the head's and the contrastive loss of one batch (`framework.py`:
//! training_step).

use super::contrast::{Contrast, ContrastInput, ContrastOptions, contrast};
use super::head::{HeadInput, HeadOptions, HeadState, head};
use super::quality::QualityScale;
use super::queue::{Queue, QueueOptions};
use super::rows::unit;
use crate::graph::{Builder, Element, Value};

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
    /// Class columns `[D, C]`.
    pub kernel: Value,
    /// Factor of the contrastive loss, a number.
    pub weight: Value,
    /// b of the head.
    pub head_scale: QualityScale,
    /// b of the contrast.
    pub contrast_scale: QualityScale,
}

/// What the loss makes.
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
    let labels = g.reshape(input.labels, &[rows, 1]);
    let (kernel, quality_scale) = (input.kernel, input.head_scale);
    let head_input = HeadInput { embeddings, norms, labels, kernel, quality_scale };
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
    let queue = g.scoped("queue", |g| {
        queue_options.enqueue(g, queue, embeddings, input.labels, input.kernel)
    });
    let (entries, present) = g.scoped("queue", |g| {
        (queue_options.entries(g, &queue, input.kernel), queue_options.present(g, &queue))
    });
    let made = g.scoped("contrast", |g| {
        let high = |g: &mut Builder, value| g.slice(value, 0, 0, pairs);
        let low = |g: &mut Builder, value| g.slice(value, 0, pairs, rows);
        let float_labels = g.cast(labels, Element::Float);
        let contrast_input = ContrastInput {
            q: low(g, embeddings),
            k: high(g, embeddings),
            q_norms: low(g, norms),
            k_norms: high(g, norms),
            q_quality: low(g, head.quality),
            k_quality: high(g, head.quality),
            labels: high(g, float_labels),
            entries,
            entry_labels: g.reshape(queue.labels, &[1, queue_options.size]),
            present: Some(present),
            filled: queue.filled,
            entered: rows,
            quality_scale: input.contrast_scale,
            average,
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
