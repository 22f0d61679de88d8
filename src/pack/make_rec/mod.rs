//! A set's list to a pack: read, encoded and hashed in parallel, written in list order.
//!
//! Memory: the list, `IN_FLIGHT_BYTES` of finished records, and one chunk of images a thread.

mod before;
mod error;
mod kept;
mod options;
mod report;
mod sealing;
mod settings;
mod sources;
mod writing;

pub use error::MakeError;
pub use options::Options;
pub use report::PackReport;

use super::manifest::Layout;
use super::plan::{ImageError, PackPlan, Parting, PlanError, Recipe, plan};
use super::write::{
    MadeFolders, Recovery, WriteError, check_free, check_property, claim, recover_for_writing,
};
use super::{OnError, Part};
use crate::datasets::ImageSource;
use crate::progress::Progress;
use before::made_before;
use report::planned;
use std::path::Path;
use writing::{Reached, Writing};

/// Packs a data set.
///
/// An interrupted pack is gone on with where its plan is the same: each picture whose source is unchanged
/// and whose record is whole is kept. One of another plan is begun anew, with a warning, or with
/// [`Options::resume`] an error.
///
/// # Errors
/// Any [`MakeError`]. Then nothing of the new pack is left and an old one is whole; only where the system
/// refuses while the finished pack is renamed into place, the next command completes it.
pub fn make_rec(
    recipe: Recipe,
    options: &Options,
    progress: &dyn Progress,
) -> Result<PackReport, MakeError> {
    let found = recover_for_writing(&options.files)?;
    let plan = plan(recipe)?;
    refuse_itself(&plan, options)?;
    check_images(&plan, options.on_error)?;
    if options.dry_run {
        return Ok(planned(&plan, options));
    }
    if let Some(report) = made_before(&plan, options, progress)? {
        return Ok(report);
    }
    check_targets(&plan, options)?;
    let made = MadeFolders::make(&options.files.folder)?;
    let report = write(&plan, options, found, progress);
    if report.is_err() {
        made.remove();
    }
    report
}

/// Writes the pack in its hidden folder and renames it into place.
fn write(
    plan: &PackPlan,
    options: &Options,
    found: Recovery,
    progress: &dyn Progress,
) -> Result<PackReport, MakeError> {
    let staging = claim(&options.files)?;
    // Another process may have finished the same pack in the meantime.
    if let Err(error) = check_targets(plan, options) {
        if found != Recovery::Resumable {
            staging.discard()?;
        }
        return Err(error);
    }
    let (writing, begun_anew) = match found {
        Recovery::Resumable => match Writing::resume(plan, options, &staging) {
            Err(MakeError::OtherPlan { what, then, now, .. }) if !options.resume => {
                let told = format!(
                    "an interrupted pack of another plan was there, made with {what} {then} where it is \
                     {now} now; the pack was begun anew"
                );
                (Writing::begin(plan, options, &staging), Some(told))
            }
            writing => (writing, None),
        },
        _ => (Writing::begin(plan, options, &staging), None),
    };
    let ended = writing.and_then(|mut writing| match writing.run(progress)? {
        Reached::End => writing.seal(),
        Reached::Interrupt => Ok(writing.pause()),
    });
    match ended {
        Ok(report) if report.interrupted => Ok(report),
        Ok(mut report) => {
            report.warnings.extend(begun_anew);
            staging.commit()?;
            Ok(report)
        }
        // The interrupted pack is whole and may be resumed with its own settings.
        Err(error @ MakeError::OtherPlan { .. }) => Err(error),
        Err(error) => {
            // The error tells more than a refusal to clean up after it.
            let _ = staging.discard();
            Err(error)
        }
    }
}

/// Refuses a list with images that are not there, and pairs that may lose one, before any work.
fn check_images(plan: &PackPlan, on_error: OnError) -> Result<(), MakeError> {
    if on_error == OnError::Skip && !plan.list.pairs.is_empty() {
        return Err(PlanError::PairsParted { by: Parting::Skip }.into());
    }
    if on_error == OnError::Stop && !plan.left_out.is_empty() {
        return Err(MakeError::Unfit { files: plan.left_out.clone() });
    }
    if plan.list.images.is_empty() {
        let count = plan.left_out.len() as u64;
        let first = plan.left_out.first().expect("a list without images left some out");
        return Err(MakeError::AllSkipped { count, path: first.path.clone() });
    }
    match plan.list.missing.iter().find(|at| plan.part.contains(at)) {
        Some(&at) if on_error == OnError::Stop => {
            let path = plan.image(at).path.to_string();
            Err(MakeError::Image { path, source: ImageError::Missing })
        }
        _ => Ok(()),
    }
}

/// Refuses to write over what is there, before any work.
fn check_targets(plan: &PackPlan, options: &Options) -> Result<(), MakeError> {
    let pairs = (!plan.list.pairs.is_empty()).then_some(Part::Pairs);
    check_free(&options.files, Part::ALL.into_iter().chain(pairs), options.previous)?;
    if plan.recipe.layout == Layout::Insightface && plan.recipe.shard.is_none() {
        check_property(&options.files)?;
    }
    Ok(())
}

/// Refuses to pack a pack over itself.
fn refuse_itself(plan: &PackPlan, options: &Options) -> Result<(), WriteError> {
    let path = options.files.path(Part::Rec);
    let real = |path: &Path| path.canonicalize().ok();
    let container = !matches!(plan.list.source, ImageSource::Files);
    if container && real(&path).is_some_and(|target| Some(target) == real(&plan.list.base)) {
        return Err(WriteError::OntoItself { path });
    }
    Ok(())
}
