//! What a run learns from and is compiled of, by its settings: packs, classes, batches, the step.

use crate::loader::{Batches, Packs};
use crate::nn::{JointOptions, QueueOptions};
use crate::pack::PackFiles;
use crate::seed::Seed;
use crate::train::{Config, Error, StepOptions};
use crate::views::View;
use std::sync::Arc;

pub(super) fn open_packs(config: &Config) -> Result<Arc<Packs>, Error> {
    let files = config.packs.iter().map(|path| PackFiles::of(path));
    let files = files.collect::<Result<Vec<_>, _>>()?;
    let packs = Packs::open(&files, config.labels, config.channel_order, config.other_size)?;
    Ok(Arc::new(packs))
}

/// The number of classes: that of the settings, which must hold all of the packs', or the packs'.
pub(super) fn classes(config: &Config, packs: &Packs) -> Result<usize, Error> {
    let of_packs = packs.classes();
    match config.classes {
        Some(classes) if classes < of_packs => Err(Error::Option {
            option: "train.classes",
            expected: format!("at least {of_packs}, as in the packs"),
            found: classes.to_string(),
        }),
        given => Ok(given.unwrap_or(of_packs)),
    }
}

pub(super) fn batches(
    config: &Config,
    packs: &Arc<Packs>,
    views: &[View],
) -> Result<Batches, Error> {
    let seed = Seed::new(config.seed);
    let world = config.sharing.world;
    let joined = config.batch * world.ranks;
    let mut batches = Batches::new(Arc::clone(packs), views.to_vec(), seed, joined)?;
    batches.part = world.part(joined);
    batches.masks = config.backbone.masks();
    batches.resizing = config.resizing;
    batches.on_damage = config.on_damage;
    Ok(batches)
}

/// The step of an epoch with so many views: with one there is nothing to contrast.
pub(super) fn step_options(config: &Config, classes: usize, views: usize) -> StepOptions {
    let contrast = config.contrast.filter(|_| views > 1).map(|(options, kind, size)| {
        (options, QueueOptions { kind, size: size.unwrap_or(classes) })
    });
    StepOptions {
        backbone: config.backbone.clone(),
        joint: JointOptions { head: config.head, contrast },
        classes,
        batch: config.batch,
        accumulate: config.accumulate,
        views,
        scales: config.schedule.scales(),
        sgd: config.sgd,
        sharing: config.sharing,
        sample: config.sample,
    }
}
