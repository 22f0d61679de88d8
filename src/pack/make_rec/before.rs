//! The pack that is there before a run.

use super::report::planned;
use super::{MakeError, Options, PackReport};
use crate::datasets::LabelFunction;
use crate::pack::manifest::{Manifest, Provenance};
use crate::pack::plan::PackPlan;
use crate::pack::verify_order::{self, SourceTree, verify_order};
use crate::pack::{OnError, Previous};
use crate::progress::Progress;

/// The report of a pack that is there already, if it is the one this plan would give: of the same
/// settings, and proved against the sources byte for byte.
pub(super) fn made_before(
    plan: &PackPlan,
    options: &Options,
    progress: &dyn Progress,
) -> Result<Option<PackReport>, MakeError> {
    if options.previous == Previous::Replace {
        return Ok(None);
    }
    let Ok(manifest) = Manifest::open(&options.files) else { return Ok(None) };
    // A pack that lacks images is not what a run that stops at the first bad one would give.
    let lacks_images = !manifest.skipped.is_empty() && options.on_error == OnError::Stop;
    if !describes(&manifest, plan) || lacks_images {
        return Ok(None);
    }
    let proof = verify_order::Options {
        list: plan.recipe.list.clone(),
        label_csv: match &plan.function {
            LabelFunction::Csv(file) => Some(file.clone()),
            _ => None,
        },
        landmarks: plan.recipe.landmarks.clone(),
        ..verify_order::Options::new(SourceTree::At(plan.recipe.root.clone()))
    };
    let proved = verify_order(&options.files, &proof, progress)?;
    if !proved.in_order {
        return Ok(None);
    }
    let kept: Vec<usize> = plan.without(&manifest.skipped).collect();
    let path = |at: Option<&usize>| at.map_or(String::new(), |&at| plan.image(at).path.to_string());
    let identities = match kept.len() == plan.part.len() {
        true => plan.identities,
        false => plan.count_identities(kept.iter().copied())?,
    };
    let identities = identities.filter(|_| plan.recipe.shard.is_none());
    Ok(Some(PackReport {
        identities: identities.map(|(identities, _)| identities),
        classes: identities.map(|(_, classes)| classes),
        first_and_last: [path(kept.first()), path(kept.last())],
        kept: true,
        count: manifest.count,
        resumed: manifest.count,
        bytes: manifest.files.rec.bytes,
        order: manifest.order,
        skipped: manifest.skipped,
        reoriented: manifest.reoriented,
        ..planned(plan, options)
    }))
}

/// Whether a manifest is that of a pack of this plan, as far as it tells.
fn describes(manifest: &Manifest, plan: &PackPlan) -> bool {
    manifest.source == Provenance::List
        && manifest.set == plan.recipe.dataset.name
        && manifest.label == plan.function.to_string()
        && manifest.encoding == Some(plan.recipe.encoding)
        && manifest.align == plan.recipe.align
        && manifest.alignment == plan.list.alignment
        && manifest.layout == plan.recipe.layout
        && manifest.shuffle == plan.recipe.shuffle
        && manifest.shard == plan.shard()
        && manifest.files.lst.blake3 == plan.list_digest(&manifest.skipped)
}
