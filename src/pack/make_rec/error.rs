//! Why a data set cannot be packed.

use crate::pack::manifest::Skipped;
use crate::pack::plan::{ImageError, PlanError};
use crate::pack::write::WriteError;
use crate::pack::{Error, verify_order};
use std::path::PathBuf;

/// Why a data set cannot be packed.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// A pack's own files cannot be read or written.
    #[error(transparent)]
    Pack(#[from] Error),
    /// What to pack cannot be decided.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The pack cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// The pack that is there already cannot be proved.
    #[error(transparent)]
    Verify(#[from] verify_order::Error),
    /// An image cannot be packed.
    #[error("{path}: cannot pack this image")]
    Image {
        /// The image, relative to the base of its list.
        path: String,
        /// Why not.
        source: ImageError,
    },
    /// Files of the set can be no images of a pack.
    #[error(
        "{} of the set cannot be packed: {}",
        match files.len() { 1 => "a file".to_owned(), count => format!("{count} files") },
        some(files)
    )]
    Unfit {
        /// The files, and why not.
        files: Vec<Skipped>,
    },
    /// Every image was skipped.
    #[error("all {count} images were skipped, the first {path}; nothing is left to pack")]
    AllSkipped {
        /// Images listed.
        count: u64,
        /// The first.
        path: String,
    },
    /// An interrupted pack was made with other settings.
    #[error("{path}: the interrupted pack was made with {what} {then}, now it is {now}")]
    OtherPlan {
        /// The folder of the interrupted pack.
        path: PathBuf,
        /// Which setting.
        what: &'static str,
        /// What it was.
        then: String,
        /// What it is.
        now: String,
    },
}

/// Files of many that an error names.
const NAMED: usize = 5;

/// The first files with their reasons.
fn some(files: &[Skipped]) -> String {
    let named = files.iter().take(NAMED);
    let named: Vec<String> = named
        .map(|Skipped { path, reason }| match reason.starts_with(path.as_str()) {
            true => reason.clone(),
            false => format!("{path}: {reason}"),
        })
        .collect();
    let more = files.len().saturating_sub(NAMED);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    named.join("; ") + &more
}
