//! What was packed.

use super::Options;
use crate::datasets::{Alignment, Image};
use crate::fs::Ignored;
use crate::image::ChannelOrder;
use crate::pack::manifest::{Layout, Shard, Skipped};
use crate::pack::plan::PackPlan;
use crate::pack::{Encoding, Part, Previous};
use schemars::JsonSchema;
use serde::Serialize;

/// What was packed.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PackReport {
    /// The data set.
    pub set: String,
    /// The `.rec`.
    pub pack: String,
    /// Whether nothing was to be written.
    pub dry_run: bool,
    /// Whether the pack was there already, as this run would have made it, and is proved.
    pub kept: bool,
    /// Whether the run was asked to end before the pack was whole; the same command goes on.
    pub interrupted: bool,
    /// Records in the pack, or, of an interrupted one, so far; of a dry run, images listed.
    pub count: u64,
    /// Records that an interrupted run had written already.
    pub resumed: u64,
    /// Bytes of the `.rec`; 0 of a dry run.
    pub bytes: u64,
    /// The label function.
    pub label: String,
    /// What was done to the bytes.
    pub encoding: Encoding,
    /// Which colours a decoder that returns RGB returns first.
    pub stored_channel_order: ChannelOrder,
    /// What was done to the faces.
    pub alignment: Alignment,
    /// Which records stand beside the images.
    pub layout: Layout,
    /// Of an InsightFace pack, its identities; none of a shard.
    pub identities: Option<u64>,
    /// Of an InsightFace pack, the classes that its labels need.
    pub classes: Option<u64>,
    /// The seed of the random order.
    pub shuffle: Option<u64>,
    /// Which part of the list was packed.
    pub shard: Option<Shard>,
    /// First and last path, in order.
    pub first_and_last: [String; 2],
    /// Digest of the order; empty for a dry run.
    pub order: String,
    /// Files that could not be packed.
    pub skipped: Vec<Skipped>,
    /// What was passed over in the source tree.
    pub ignored: Ignored,
    /// Pictures whose EXIF data asks to turn them; it is not done.
    pub reoriented: u64,
    /// What differs from the published set, and other things to be told.
    pub warnings: Vec<String>,
}

/// What is known of a pack before its first image is read.
pub(super) fn planned(plan: &PackPlan, options: &Options) -> PackReport {
    let images = &plan.list.images[plan.part.clone()];
    let path = |image: Option<&Image>| image.map_or(String::new(), |image| image.path.to_string());
    let whole = plan.recipe.shard.is_none();
    PackReport {
        set: plan.recipe.dataset.name.to_owned(),
        pack: options.files.path(Part::Rec).display().to_string(),
        dry_run: options.dry_run,
        kept: false,
        interrupted: false,
        count: images.len() as u64,
        resumed: 0,
        bytes: 0,
        label: plan.function.to_string(),
        encoding: plan.recipe.encoding,
        stored_channel_order: plan.stored_order,
        alignment: plan.list.alignment.clone(),
        layout: plan.recipe.layout,
        identities: plan.identities.filter(|_| whole).map(|(identities, _)| identities),
        classes: plan.identities.filter(|_| whole).map(|(_, classes)| classes),
        shuffle: plan.recipe.shuffle,
        shard: plan.shard(),
        first_and_last: [path(images.first()), path(images.last())],
        order: String::new(),
        skipped: plan.left_out.clone(),
        ignored: plan.list.ignored,
        reoriented: 0,
        warnings: warnings(plan, options),
    }
}

/// What is to be told of the list, and of a dry run that could not be followed by another.
fn warnings(plan: &PackPlan, options: &Options) -> Vec<String> {
    let there =
        Part::ALL.map(|part| options.files.path(part)).into_iter().find(|path| path.exists());
    let told = there.filter(|_| options.dry_run && options.previous == Previous::Keep);
    let told = told.map(|path| format!("{} is there already", path.display()));
    plan.list.warnings.iter().cloned().chain(told).collect()
}
