//! A set's list to a pack: read, encoded and hashed in parallel, written in list order.
//!
//! Memory: the list, `IN_FLIGHT_BYTES` of finished records, and one chunk of images a thread.

mod kept;
mod sources;
mod writing;

pub(super) use writing::{append_record, finish_layout};

use super::manifest::{Layout, Manifest, Provenance, Shard, Skipped};
use super::plan::{Encoding, Plan, Recipe};
use super::write::{Recovery, Staging, recover};
use super::{Error, PackFiles, Part};
use crate::datasets::{Alignment, ImageSource};
use crate::fs::{Ignored, io_error};
use crate::image::ChannelOrder;
use crate::progress::Progress;
use schemars::JsonSchema;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use writing::{Reached, Writing};

/// What happens when an image cannot be packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnError {
    /// The first bad image ends the run, and nothing is left.
    Stop,
    /// Bad images are left out and listed in the manifest.
    Skip,
}

/// What happens to what lies there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Previous {
    /// A pack that is there is an error.
    Keep,
    /// A pack that is there is replaced when the new one is whole.
    Replace,
}

/// What to pack, and how.
#[derive(Debug, Clone)]
pub struct Options {
    /// What the pack is.
    pub recipe: Recipe,
    /// Where the pack goes.
    pub files: PackFiles,
    /// What a bad image does.
    pub on_error: OnError,
    /// What becomes of a pack that is there.
    pub previous: Previous,
    /// Whether an interrupted pack of another plan is an error, in place of being begun anew.
    pub resume: bool,
    /// Becomes true when the run shall end: what is written by then is kept.
    pub stop: Arc<AtomicBool>,
    /// Whether to stop before the first image.
    pub dry_run: bool,
    /// Threads that read and encode.
    pub jobs: usize,
}

impl Options {
    /// Stop at the first bad image, keep what is there, two threads.
    pub fn new(recipe: Recipe, files: PackFiles) -> Self {
        Self {
            recipe,
            files,
            on_error: OnError::Stop,
            previous: Previous::Keep,
            resume: false,
            stop: Arc::default(),
            dry_run: false,
            jobs: 2,
        }
    }
}

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

/// Packs a data set.
///
/// An interrupted pack is gone on with where its plan is the same: each picture whose source is unchanged
/// and whose record is whole is kept. One of another plan is begun anew, with a warning, or with
/// [`Options::resume`] an error.
///
/// # Errors
/// Any [`Error`]. Then nothing of the new pack is left and an old one is whole; only where the system
/// refuses while the finished pack is renamed into place, the next command completes it.
pub fn make_rec(options: &Options, progress: &dyn Progress) -> Result<PackReport, Error> {
    let found = match recover(&options.files)? {
        Recovery::Busy => return Err(Error::Busy { path: options.files.staging() }),
        found => found,
    };
    let plan = Plan::of(&options.recipe)?;
    refuse_itself(&plan, options)?;
    plan.check_missing(options.on_error)?;
    if options.dry_run {
        return Ok(plan.report(options));
    }
    if let Some(report) = plan.finished_before(options, progress)? {
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
    plan: &Plan,
    options: &Options,
    found: Recovery,
    progress: &dyn Progress,
) -> Result<PackReport, Error> {
    let staging = Staging::enter(&options.files)?;
    // Another process may have finished the same pack in the meantime.
    if let Err(error) = check_targets(plan, options) {
        if found != Recovery::Resumable {
            staging.discard()?;
        }
        return Err(error);
    }
    let (writing, begun_anew) = match found {
        Recovery::Resumable => match Writing::resume(plan, options, &staging) {
            Err(Error::OtherPlan { what, then, now, .. }) if !options.resume => {
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
        Reached::Interrupt => writing.pause(),
    });
    match ended {
        Ok(report) if report.interrupted => Ok(report),
        Ok(mut report) => {
            report.warnings.extend(begun_anew);
            staging.commit()?;
            Ok(report)
        }
        // The interrupted pack is whole and may be resumed with its own settings.
        Err(error @ Error::OtherPlan { .. }) => Err(error),
        Err(error) => {
            // The error tells more than a refusal to clean up after it.
            let _ = staging.discard();
            Err(error)
        }
    }
}

/// The folders that were not there before a run, outermost first.
pub(super) struct MadeFolders(Vec<PathBuf>);

impl MadeFolders {
    pub(super) fn make(folder: &Path) -> Result<Self, Error> {
        let absent = |folder: &&Path| !folder.as_os_str().is_empty() && !folder.exists();
        let mut made: Vec<PathBuf> =
            folder.ancestors().take_while(absent).map(Path::to_path_buf).collect();
        made.reverse();
        std::fs::create_dir_all(folder).map_err(io_error("make the folder", folder))?;
        Ok(Self(made))
    }

    /// Removes those that are empty.
    pub(super) fn remove(&self) {
        self.0.iter().rev().for_each(|folder| _ = std::fs::remove_dir(folder));
    }
}

/// Refuses to write over what is there, before any work.
fn check_targets(plan: &Plan, options: &Options) -> Result<(), Error> {
    let pairs = (!plan.list.pairs.is_empty()).then_some(Part::Pairs);
    check_free(&options.files, Part::ALL.into_iter().chain(pairs), options.previous)?;
    if options.recipe.layout == Layout::Insightface && options.recipe.shard.is_none() {
        check_property(&options.files)?;
    }
    Ok(())
}

/// Refuses parts in whose place a folder lies, or a file that must be kept.
pub(super) fn check_free(
    files: &PackFiles,
    parts: impl IntoIterator<Item = Part>,
    previous: Previous,
) -> Result<(), Error> {
    for path in parts.into_iter().map(|part| files.path(part)) {
        if path.is_dir() {
            return Err(Error::InTheWay { path });
        }
        if previous == Previous::Keep && path.symlink_metadata().is_ok() {
            return Err(Error::Exists { path });
        }
    }
    Ok(())
}

/// Refuses to replace the `property` of another pack.
pub(super) fn check_property(files: &PackFiles) -> Result<(), Error> {
    let path = files.path(Part::Property);
    if path.is_dir() {
        return Err(Error::InTheWay { path });
    }
    let own = || {
        let manifest = Manifest::open(files);
        manifest.is_ok_and(|own| own.source == Provenance::List && own.files.property.is_some())
    };
    if path.symlink_metadata().is_ok() && !own() {
        return Err(Error::PropertyTaken { path });
    }
    Ok(())
}

/// Refuses to pack a pack over itself.
fn refuse_itself(plan: &Plan, options: &Options) -> Result<(), Error> {
    let path = options.files.path(Part::Rec);
    let real = |path: &Path| path.canonicalize().ok();
    let container = !matches!(plan.list.source, ImageSource::Files);
    if container && real(&path).is_some_and(|target| Some(target) == real(&plan.list.base)) {
        return Err(Error::OntoItself { path });
    }
    Ok(())
}
