//! From a recipe to the images of a pack: listed, labelled, shuffled and parted.

use super::error::{Parting, PlanError};
use super::pack_plan::PackPlan;
use super::recipe::Recipe;
use super::repack;
use crate::causes::chain;
use crate::datasets::{Alignment, ImageList, Labelled};
use crate::pack::manifest::{Layout, Skipped};
use crate::recordio::Label;
use crate::seed::Seed;
use std::ops::Range;

/// Lists, labels, shuffles and parts a set.
pub(in crate::pack) fn plan(recipe: Recipe) -> Result<PackPlan, PlanError> {
    recipe.check()?;
    let mut list = recipe.dataset.list(&recipe.request())?;
    let stored_order = repack::take_description(&mut list, &recipe)?;
    if let Some(csv) = &recipe.landmarks {
        recipe.dataset.take_landmarks(&mut list, csv)?;
    }
    if let Some(size) = recipe.align {
        recipe.dataset.check_landmarks(&list)?;
        list.alignment = Alignment::Warped { size };
    }
    let (function, told) = recipe.dataset.label_function(&list, recipe.label.as_ref());
    list.warnings.extend(told);
    let labelled = recipe.dataset.labels(&list, &function)?;
    let (labels, left_out) = labels(&mut list, labelled)?;
    check_pairs(&recipe, &list)?;
    let part = 0..list.images.len();
    let (whole, identities) = (None, None);
    let mut plan = PackPlan {
        recipe,
        list,
        part,
        stored_order,
        function,
        left_out,
        identities,
        labels,
        whole,
    };
    plan.identities = plan.count_identities(plan.part.clone())?;
    if let Some(seed) = plan.recipe.shuffle {
        shuffle(&mut plan, seed);
    }
    if let Some(shard) = plan.recipe.shard {
        plan.whole = Some(plan.list_digest(&[]));
        plan.part = shard.of(plan.list.images.len());
        if plan.part.is_empty() {
            return Err(PlanError::EmptyShard { images: plan.list.images.len() as u64 });
        }
    }
    Ok(plan)
}

/// Pairs are told by position, so their pictures stay where they are.
fn check_pairs(recipe: &Recipe, list: &ImageList) -> Result<(), PlanError> {
    let steps = [
        (recipe.shuffle.is_some(), Parting::Shuffle),
        (recipe.shard.is_some(), Parting::Shard),
        (recipe.layout == Layout::Insightface, Parting::Insightface),
    ];
    match steps.into_iter().find(|(is_set, _)| *is_set && !list.pairs.is_empty()) {
        Some((_, by)) => Err(PlanError::PairsParted { by }),
        None => Ok(()),
    }
}

/// Puts the images in a random order; of an InsightFace pack the identities, each with its images as
/// they were.
fn shuffle(plan: &mut PackPlan, seed: u64) {
    let mut units: Vec<Range<usize>> = match plan.recipe.layout {
        Layout::Plain => (0..plan.labels.len()).map(|at| at..at + 1).collect(),
        Layout::Insightface => runs(plan),
    };
    Seed::new(seed).stream("order").shuffle(&mut units);
    let order: Vec<usize> = units.into_iter().flatten().collect();
    let labels = &mut plan.labels;
    let none = || Label::Scalar(0.0);
    *labels = order.iter().map(|&at| std::mem::replace(&mut labels[at], none())).collect();
    plan.list.arrange(&order);
}

/// Images of one class that stand together.
fn runs(plan: &PackPlan) -> Vec<Range<usize>> {
    let mut runs: Vec<Range<usize>> = Vec::new();
    for at in 0..plan.labels.len() {
        let class = |at: usize| plan.name(at, at as u64).1.class();
        match runs.last_mut() {
            Some(run) if class(run.start) == class(at) => run.end = at + 1,
            _ => runs.push(at..at + 1),
        }
    }
    runs
}

/// Why no list can hold a name.
const UNLISTED: &str = "expected a file name of UTF-8 text without tab or line end, so that a list can hold it; rename it";

/// Takes the labels, and the images that have none out of the list; returns what is left out with it. A set
/// that tells its pairs by position keeps all of them or is refused.
fn labels(
    list: &mut ImageList,
    labels: Vec<Labelled>,
) -> Result<(Vec<Label>, Vec<Skipped>), PlanError> {
    let unlisted = list.unlisted.iter();
    let mut left_out: Vec<Skipped> =
        unlisted.map(|path| Skipped { path: path.clone(), reason: UNLISTED.to_owned() }).collect();
    let labelled: Vec<bool> = labels.iter().map(Result::is_ok).collect();
    let mut taken = Vec::with_capacity(labels.len());
    for (image, label) in list.images.iter().zip(labels) {
        match label {
            Ok(label) => taken.push(label),
            Err(error) if !list.pairs.is_empty() => return Err(error.into()),
            Err(error) => {
                let path = image.path.to_string();
                left_out.push(Skipped { path, reason: chain(&error) });
            }
        }
    }
    list.retain(|at| labelled[at]);
    Ok((taken, left_out))
}
