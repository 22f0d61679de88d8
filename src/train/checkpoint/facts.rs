//! What a checkpoint says of itself, and where it lies.

use crate::eval::Measure;
use crate::fs;
use crate::settings::{Section, keys};
use crate::train::Error;
use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Name and version of the form.
pub(super) const FORMAT: &str = "qgface-data checkpoint 1";

/// What a checkpoint says of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Always `qgface-data checkpoint 1`.
    pub format: String,
    /// Program and version.
    pub tool: String,
    /// Steps that were made.
    pub step: u64,
    /// Batches that the next step has learned from, where it sums the gradients of several.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub batches: u64,
    /// Steps of an epoch.
    pub steps_per_epoch: u64,
    /// Number of classes.
    pub classes: u64,
    /// Views of each image in the step that made it.
    pub views: u64,
    /// Digests of the packs' orders.
    pub orders: Vec<String>,
    /// The settings of the run, but its name and folder.
    pub settings: BTreeMap<String, String>,
    /// What validation measured at this step, by `set.metric`.
    pub scores: IndexMap<Measure, f64>,
    /// BLAKE3 of the tensors' file.
    pub blake3: String,
    /// Ranks that wrote it.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub ranks: u64,
    /// What ranks hold apart, in their order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
}

fn one() -> u64 {
    1
}

fn is_one(count: &u64) -> bool {
    *count == 1
}

fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Whether a setting says where a run lies, or guards the machine, and not what the run is.
fn is_outside(key: &str) -> bool {
    let section = key.split_once('.').map_or("", |(section, _)| section);
    let outside = [
        keys::TRAIN_NAME.name(),
        keys::TRAIN_RUNS.name(),
        keys::TRAIN_MEMORY.name(),
        keys::TRAIN_PROCESSES.name(),
        keys::TRAIN_PROCESSES_PER_NODE.name(),
        keys::TRAIN_NODES.name(),
        keys::TRAIN_HOSTS.name(),
        keys::TRAIN_PATIENCE.name(),
        keys::TRAIN_OVERLAP.name(),
    ];
    let sections = [Section::Limits, Section::Plan].map(Section::name);
    outside.contains(&key) || sections.contains(&section)
}

impl Facts {
    /// Facts of a run at its beginning.
    pub fn new(mut settings: BTreeMap<String, String>, orders: Vec<String>, classes: u64) -> Self {
        settings.retain(|key, _| !is_outside(key));
        Self {
            format: FORMAT.to_owned(),
            tool: concat!("qgface-data ", env!("CARGO_PKG_VERSION")).to_owned(),
            step: 0,
            batches: 0,
            steps_per_epoch: 0,
            classes,
            views: 0,
            orders,
            settings,
            scores: IndexMap::new(),
            blake3: String::new(),
            ranks: 1,
            parts: Vec::new(),
        }
    }
}

/// A file of a rank.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Part {
    /// The rank.
    pub rank: u64,
    /// Its class columns: the first, and that behind the last. Without them all ranks have all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub columns: Option<[u64; 2]>,
    /// BLAKE3 of the file.
    pub blake3: String,
}

pub(super) const TENSORS: &str = "safetensors";
pub(super) const FACTS: &str = "json";

/// The paths of a checkpoint's two files: tensors, facts.
pub(super) fn paths(folder: &Path, facts: &Facts) -> [PathBuf; 2] {
    let begun = if facts.batches > 0 { format!("+{}", facts.batches) } else { String::new() };
    let stem = format!("step-{:08}{begun}", facts.step);
    [TENSORS, FACTS].map(|ending| folder.join(format!("{stem}.{ending}")))
}

/// Reads what a checkpoint's `.json` says.
pub(super) fn facts(path: &Path) -> Result<Facts, Error> {
    let text = std::fs::read(path).map_err(fs::io_error("read", path))?;
    let bad = |error: serde_json::Error| Error::Checkpoint {
        path: path.to_path_buf(),
        found: format!("text that is no {FORMAT}: {error}"),
    };
    let facts: Facts = serde_json::from_slice(&text).map_err(bad)?;
    match facts.format == FORMAT {
        true => Ok(facts),
        false => Err(Error::Checkpoint {
            path: path.to_path_buf(),
            found: format!("the format {:?}", facts.format),
        }),
    }
}
