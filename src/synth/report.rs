//! What was drawn.

use schemars::JsonSchema;
use serde::Serialize;

/// What was drawn.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SynthReport {
    /// The folder the sets are in.
    pub out: String,
    /// The seed they were drawn from.
    pub seed: u64,
    /// Edge of the aligned pictures in pixels.
    pub size: u32,
    /// The sets, in the order they were written.
    pub sets: Vec<SetReport>,
}

/// One set that was drawn.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct SetReport {
    /// The set's name.
    pub name: String,
    /// Where it is, relative to `out`.
    pub path: String,
    /// How many identities it has, distractors not counted.
    pub identities: u32,
    /// How many images, aligned copies not counted.
    pub images: u64,
}

impl SetReport {
    pub(super) fn new(name: &str, path: &str, identities: u32, images: u64) -> SetReport {
        SetReport { name: name.to_owned(), path: path.to_owned(), identities, images }
    }
}
