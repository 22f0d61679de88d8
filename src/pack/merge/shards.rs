//! The shards of one run, opened and known to be a whole.

use super::error::{Error, ShardError};
use crate::pack::manifest::{Manifest, Shard};
use crate::pack::write::recover;
use crate::pack::{PackFiles, Part};

/// A shard and what its manifest says.
pub(super) struct OpenedShard {
    pub(super) files: PackFiles,
    pub(super) manifest: Manifest,
    shard: Shard,
}

/// Opens all shards, in their order, and refuses any set of them that is no whole.
pub(super) fn open_all(shards: &[PackFiles]) -> Result<Vec<OpenedShard>, Error> {
    let mut opened: Vec<OpenedShard> = Vec::with_capacity(shards.len());
    for files in shards {
        recover(files)?;
        let manifest = Manifest::open(files)?;
        let path = files.path(Part::Manifest);
        let refuse = |source| Error::Shard { path: path.clone(), source };
        let shard = manifest.shard.clone().filter(|shard| shard.index < shard.count);
        let shard = shard.ok_or_else(|| refuse(ShardError::NotAShard))?;
        if let Some(first) = opened.first() {
            same_run(first, &manifest, &shard).map_err(refuse)?;
        }
        let (index, count) = (shard.index, shard.count);
        if let Some(other) = opened.iter().find(|other| other.shard.index == index) {
            let first = other.files.path(Part::Rec).display().to_string();
            return Err(refuse(ShardError::Doubled { index, count, first }));
        }
        opened.push(OpenedShard { files: files.clone(), manifest, shard });
    }
    opened.sort_by_key(|opened| opened.shard.index);
    let Some(last) = opened.last() else {
        return Err(Error::Shard { path: "SHARD".into(), source: ShardError::None });
    };
    let (path, count) = (last.files.folder.clone(), last.shard.count);
    let there = |index: &u64| opened.iter().any(|opened| opened.shard.index == *index);
    if let Some(index) = (0..count).find(|index| !there(index)) {
        return Err(Error::Shard { path, source: ShardError::Missing { index, count } });
    }
    Ok(opened)
}

/// Everything that shards of one run have in common, as text to compare. (Files that are passed over may
/// differ from machine to machine; the first shard's count is kept.)
fn common(manifest: &Manifest, shard: &Shard) -> [(&'static str, String); 13] {
    let text = |value: &dyn std::fmt::Debug| format!("{value:?}");
    [
        ("the tool", manifest.tool.clone()),
        ("the data set", manifest.set.clone()),
        ("the number of shards", shard.count.to_string()),
        ("the number of images", shard.images.to_string()),
        ("the digest of the whole list", shard.list.clone()),
        ("the label function", manifest.label.clone()),
        ("the layout", text(&manifest.layout)),
        ("the shuffle seed", text(&manifest.shuffle)),
        ("the encoding", text(&manifest.encoding)),
        ("the colours", text(&manifest.stored_channel_order)),
        ("the alignment", text(&(manifest.align, &manifest.alignment, &manifest.landmarks))),
        ("the files it was made from", text(&manifest.inputs)),
        ("the protocol files", text(&manifest.protocol_files)),
    ]
}

fn same_run(first: &OpenedShard, manifest: &Manifest, shard: &Shard) -> Result<(), ShardError> {
    let pairs = common(&first.manifest, &first.shard).into_iter().zip(common(manifest, shard));
    for ((what, expected), (_, found)) in pairs {
        if expected != found {
            let first = first.files.path(Part::Rec).display().to_string();
            return Err(ShardError::OtherRun { what, expected, found, first });
        }
    }
    Ok(())
}
