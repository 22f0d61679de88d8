//! How a pack was made, as its manifest tells it.

use super::Error;
use super::findings::Findings;
use super::not_checked::NotChecked;
use super::options::Options;
use crate::datasets::{self, Alignment, LabelFunction};
use crate::pack::manifest::{Layout, Manifest, Provenance, Role};
use crate::pack::plan::{PlanError, Recipe, ShardNumber};
use crate::pack::{Encoding, PackFiles, Part};
use std::path::{Path, PathBuf};

/// A recipe, and whether files of the pack itself stand in for some it was made from.
pub(super) struct Told {
    pub(super) recipe: Recipe,
    pub(super) by_the_pack: bool,
}

/// The recipe of a pack whose tree is `root`. Where the list or a csv is not there, the pack's own stands in
/// for it, so that the pictures are compared all the same.
pub(super) fn recipe_told(
    files: &PackFiles,
    manifest: &Manifest,
    root: &Path,
    options: &Options,
    findings: &mut Findings,
) -> Result<Told, Error> {
    let no_set = || Error::NoSet { set: manifest.set.clone() };
    let dataset = datasets::find(&manifest.set).ok_or_else(no_set)?;
    let mut by_the_pack = false;
    let mut input = |role: Role, given: &Option<PathBuf>, missing: NotChecked, own: Part| {
        let stated = manifest.input(role)?;
        let below = || Some(root.join(&stated.path)).filter(|path| path.is_file());
        Some(given.clone().or_else(below).unwrap_or_else(|| {
            by_the_pack = true;
            findings.not_checked(missing);
            files.path(own)
        }))
    };
    let list = input(Role::List, &options.list, NotChecked::List, Part::Lst);
    let labels = input(Role::Labels, &options.label_csv, NotChecked::Labels, Part::Records);
    let landmarks =
        input(Role::Landmarks, &options.landmarks, NotChecked::Landmarks, Part::Records);
    let aligned_dir = match &manifest.alignment {
        Alignment::Folder(name) if dataset.aligned_dir.is_some() => Some(name.clone()),
        _ => None,
    };
    let made_here = manifest.source == Provenance::List;
    let label = match labels {
        Some(csv) => LabelFunction::Csv(csv),
        None if made_here => manifest.label.parse().map_err(PlanError::from)?,
        // The labels of a pack made elsewhere are its own.
        None => LabelFunction::Index,
    };
    let recipe = Recipe {
        list,
        aligned_dir,
        landmarks,
        label: Some(label),
        encoding: manifest.encoding.unwrap_or(Encoding::Origin),
        align: manifest.align,
        layout: if made_here { manifest.layout } else { Layout::Plain },
        shuffle: manifest.shuffle,
        shard: manifest
            .shard
            .as_ref()
            .map(|shard| ShardNumber { index: shard.index, count: shard.count }),
        ..Recipe::new(dataset, root.to_path_buf())
    };
    Ok(Told { recipe, by_the_pack })
}
