//! What was found of packs.

use super::not_checked::NotChecked;
use crate::pack::{PackFiles, Part};
use schemars::JsonSchema;
use serde::Serialize;

/// What was found of all packs.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct OrderReport {
    /// Whether every pack is in order.
    pub in_order: bool,
    /// One entry a pack.
    pub packs: Vec<PackOrder>,
}

/// What was found of one pack.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct PackOrder {
    /// The `.rec`.
    pub pack: String,
    /// The data set.
    pub set: String,
    /// Records.
    pub count: u64,
    /// Whether no difference was found.
    pub in_order: bool,
    /// The digest of the order.
    pub order: String,
    /// Bytes of memory the index takes.
    pub index_memory_bytes: u64,
    /// What was compared.
    pub checks: Vec<String>,
    /// What could not be compared, and why.
    #[schemars(with = "Vec<String>")]
    pub not_checked: Vec<NotChecked>,
    /// Differences found, the first in the pack first; at most 20 are kept.
    pub differences: Vec<Difference>,
    /// How many there are.
    pub difference_count: u64,
    /// Why the pack could not be verified, when it could not.
    pub error: Option<String>,
}

impl PackOrder {
    /// The entry of a pack that could not be verified.
    pub fn failed(files: &PackFiles, error: String) -> Self {
        let pack = files.path(Part::Rec).display().to_string();
        Self { pack, error: Some(error), ..Self::default() }
    }
}

/// A place where the pack is not what it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Difference {
    /// The file, with line or byte where known.
    pub place: String,
    /// Position in the pack.
    pub position: Option<u64>,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// Differences kept in a report.
pub const SHOWN: usize = 20;
