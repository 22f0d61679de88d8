//! Shards joined to the pack they are parts of: the same bytes as if it had never been divided.
//!
//! Every shard's bytes are proved by the digests of its manifest while they are copied. Memory: the
//! identities of an InsightFace pack, and buffers of 1 MiB.

mod error;
mod joining;
mod shards;

pub use error::{Error, ShardError};

use super::manifest::{Layout, Manifest, PackDigests, Skipped};
use super::write::{
    MadeFolders, Staging, WriteError, check_free, check_property, claim, finish_layout,
    recover_for_writing,
};
use super::{PackFiles, Part, Previous};
use crate::progress::Progress;
use joining::Joining;
use schemars::JsonSchema;
use serde::Serialize;
use shards::{OpenedShard, open_all};

/// What was joined.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct MergeReport {
    /// The `.rec`.
    pub pack: String,
    /// The shards, in their order.
    pub shards: Vec<String>,
    /// Images.
    pub count: u64,
    /// Bytes of the `.rec`.
    pub bytes: u64,
    /// Digest of the order.
    pub order: String,
    /// Of an InsightFace pack, its identities.
    pub identities: Option<u64>,
    /// Files that no shard could pack.
    pub skipped: Vec<Skipped>,
    /// Things to be told.
    pub warnings: Vec<String>,
}

/// Joins shards, named in any order.
///
/// # Errors
/// [`Error::Shard`] for shards that are no whole, [`Error::Changed`] for one that is not as its manifest
/// says, and what refuses a new pack. Then nothing of the new pack is left.
pub fn merge(
    shards: &[PackFiles],
    out: &PackFiles,
    previous: Previous,
    progress: &dyn Progress,
) -> Result<MergeReport, Error> {
    recover_for_writing(out)?;
    let shards = open_all(shards)?;
    check_targets(out, previous, &shards)?;
    let made = MadeFolders::make(&out.folder)?;
    let staging = claim(out)?;
    match join(&shards, out, &staging, progress) {
        Ok(report) => {
            staging.commit()?;
            Ok(report)
        }
        Err(error) => {
            // The error tells more than a refusal to clean up after it.
            let _ = staging.discard();
            made.remove();
            Err(error)
        }
    }
}

fn check_targets(
    out: &PackFiles,
    previous: Previous,
    shards: &[OpenedShard],
) -> Result<(), WriteError> {
    let real = |files: &PackFiles, part| files.path(part).canonicalize().ok();
    for part in Part::ALL {
        let target = real(out, part).filter(|target| !target.is_dir());
        if target.is_some() && shards.iter().any(|shard| real(&shard.files, part) == target) {
            return Err(WriteError::OntoItself { path: out.path(part) });
        }
    }
    check_free(out, Part::ALL, previous)?;
    if shards.first().is_some_and(|shard| shard.manifest.layout == Layout::Insightface) {
        check_property(out)?;
    }
    Ok(())
}

fn join(
    shards: &[OpenedShard],
    out: &PackFiles,
    staging: &Staging,
    progress: &dyn Progress,
) -> Result<MergeReport, Error> {
    let first = &shards.first().expect("a whole has a first shard").manifest;
    staging.clear()?;
    let mut joining = Joining::begin(first, staging)?;
    let bytes = shards.iter().map(|shard| shard.manifest.files.rec.bytes);
    progress.start("merge", bytes.fold(0, u64::saturating_add));
    for shard in shards {
        joining.append(shard, progress)?;
    }
    progress.finish();
    let Joining { mut rec, mut tables, skipped, reoriented, .. } = joining;
    let layout = finish_layout(&mut rec, &mut tables, staging)?;
    let (rec, tables) = (rec.into_inner().finish()?, tables.finish()?);
    let manifest = Manifest {
        count: tables.count,
        shard: None,
        reoriented,
        skipped: skipped.clone(),
        files: PackDigests {
            rec: rec.clone(),
            idx: tables.idx,
            lst: tables.lst,
            records: tables.records,
            pairs: None,
            property: layout.property,
        },
        order: tables.order.clone(),
        digest: String::new(),
        ..first.clone()
    };
    staging.seal(&manifest.sealed().to_bytes())?;
    Ok(MergeReport {
        pack: out.path(Part::Rec).display().to_string(),
        shards: shards.iter().map(|s| s.files.path(Part::Rec).display().to_string()).collect(),
        count: tables.count,
        bytes: rec.bytes,
        order: tables.order,
        identities: layout.identities,
        skipped,
        warnings: layout.warnings,
    })
}
