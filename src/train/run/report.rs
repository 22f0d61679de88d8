//! What a run says when it ends.

use crate::eval::Measure;
use crate::train::init::Adopted;
use crate::train::metrics::Line;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;

/// What a run did.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct TrainReport {
    /// Its folder.
    pub run: String,
    /// The row of the ablation.
    pub preset: String,
    /// Whether all its steps were made; an interrupted run goes on with `--resume`.
    pub finished: bool,
    /// Steps that were made, with those before it was resumed.
    pub steps: u64,
    /// Steps that it has in all.
    pub of_steps: u64,
    /// Images of the packs.
    pub images: u64,
    /// Number of classes.
    pub classes: u64,
    /// Parameters that were learned.
    pub parameters: u64,
    /// What the network was fed.
    pub channel_order: String,
    /// What the backbone began with, if not with drawn weights.
    pub init: Option<Adopted>,
    /// Settings that are others than before it was resumed.
    pub changed: Vec<String>,
    /// Numbers of the last step.
    pub last: Option<Line>,
    /// Mean share of pairs that had a weight in the contrast, over the steps of this process.
    pub weighted_pairs: f64,
    /// Share of the time of the steps that was spent waiting for batches, without each first.
    pub waited: f64,
    /// Of several processes, share of that time in which the first exchanged something with the others or
    /// waited for them; on devices that exchange among each other nobody measures it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub exchanged: Option<f64>,
    /// In float16, steps of the run that were skipped, since gradients overflowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub skipped_steps: Option<u64>,
    /// Damaged images that were left out, by name.
    pub skipped: Vec<String>,
    /// What validation measured at the last checkpoint, by `set.metric`.
    pub scores: IndexMap<Measure, f64>,
    /// Step of the best checkpoint, where a metric is named.
    pub best_step: Option<u64>,
    /// The last checkpoint.
    pub checkpoint: String,
    /// The exported backbone, of a finished run.
    pub model: Option<String>,
}
