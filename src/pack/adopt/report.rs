//! What is told of a pack made elsewhere.

use crate::image::ChannelOrder;
use crate::pack::manifest::{Layout, Provenance};
use schemars::JsonSchema;
use serde::Serialize;

/// What a pack made elsewhere is.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct AdoptReport {
    /// The `.rec`.
    pub pack: String,
    /// The manifest that was written.
    pub manifest: String,
    /// The set of the tree; `rec` without one.
    pub set: String,
    /// Where paths come from: `tree` or `pack`.
    pub source: Provenance,
    /// Images.
    pub count: u64,
    /// Which records stand beside them.
    pub layout: Layout,
    /// Identity records of an InsightFace pack.
    pub identities: u64,
    /// The declared colours.
    pub stored_channel_order: ChannelOrder,
    /// Digest of the order.
    pub order: String,
    /// What was found of its list.
    pub list: Option<ListReport>,
    /// What was found of the tree.
    pub tree: Option<TreeReport>,
    /// Where a `.lst` and a `.records.csv` that were there are kept now.
    pub kept: Vec<String>,
    /// Other things to be told.
    pub warnings: Vec<String>,
}

/// How the records of a pack stand to the pictures of a tree.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct TreeReport {
    /// Pictures in the tree.
    pub images: u64,
    /// Records with the bytes of a file.
    pub same_bytes: u64,
    /// Records that show a file's picture, encoded anew.
    pub same_picture: u64,
    /// Of those, how many are coloured enough to tell that red and blue stand as declared.
    pub coloured: u64,
    /// Whether record i is image i of the tree's list, for every i.
    pub in_list_order: bool,
    /// Whether the records are in the list's order when they are read by ascending key.
    pub in_list_order_by_key: bool,
    /// Records that are not at the position of their picture in the list.
    pub displaced: u64,
    /// The first of them.
    pub first_displaced: Option<Displaced>,
    /// Pictures of the tree that no record holds.
    pub not_packed: u64,
    /// The first of them.
    pub first_not_packed: Option<String>,
    /// Records whose picture stands more than once in the tree, or nearly so.
    pub doubles: u64,
}

/// A record that is not where the list has it.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
pub struct Displaced {
    /// Its position in the pack.
    pub position: u64,
    /// Its key.
    pub key: u64,
    /// The picture it holds.
    pub path: String,
    /// The picture that the list has at this position.
    pub expected: Option<String>,
}

/// How the records of a pack stand to a list. Labels are those of the list, or there is no report.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct ListReport {
    /// The list.
    pub file: String,
    /// Its images.
    pub images: u64,
    /// Whether record i is line i of the list, for every i.
    pub in_list_order: bool,
    /// Records that are not at the position of their line.
    pub displaced: u64,
    /// The position of the first of them.
    pub first_displaced: Option<u64>,
}
