//! What a run of several ranks is: the same for ranks in one process and for processes.

use super::course::Course;
use super::{runs, sharded};
use crate::manifest::Json;
use qgface_data::train::StepOptions;

/// A run.
pub(super) struct Setting {
    /// Ranks.
    pub(super) world: usize,
    /// Ranks of the data that each has.
    pub(super) parts: usize,
    /// A step, of no rank yet.
    pub(super) options: StepOptions,
    pub(super) batches: usize,
}

impl Setting {
    /// The run `name` of a folder of the topic.
    pub(super) fn of(course: &Course<'_>, manifest: &Json, folder: &str, name: &str) -> Self {
        match folder {
            "sharded_training" => sharded::training(course, manifest, name),
            "resharding" => sharded::resharding(course, manifest, name),
            _ => runs::setting(course, &manifest["runs"][folder][name]),
        }
    }
}
