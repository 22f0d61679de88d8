//! Shards joined to the pack they are parts of: the same bytes as if it had never been divided.
//!
//! Every shard's bytes are proved by the digests of its manifest while they are copied. Memory: the
//! identities of an InsightFace pack, and buffers of 1 MiB.

use super::make_rec::{MadeFolders, append_record, check_free, check_property, finish_layout};
use super::manifest::{
    FileDigest, Layout, Manifest, PackDigests, Shard, Skipped, digest_file, hash_from,
};
use super::records::{Row, RowReader, RowWriter};
use super::write::{Output, Recovery, Staging, Tables, csv_error, recover};
use super::{Error, PackFiles, Part, Previous};
use crate::datasets::{Identities, LabelFunction, find};
use crate::progress::Progress;
use crate::recordio::{Header, Label, Reader};
use schemars::JsonSchema;
use serde::Serialize;
use std::path::Path;

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

/// Why shards are no whole.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ShardError {
    /// No shard was named.
    #[error("expected the shards of a pack, found none")]
    None,
    /// A pack is no shard.
    #[error("this pack is no shard; make one with `qgface-data make-rec --shard I/N`")]
    NotAShard,
    /// A shard was made with other settings or from another list.
    #[error("{what} is {found}, that of {first} is {expected}; they are not of one run")]
    OtherRun {
        /// What differs.
        what: &'static str,
        /// As the first shard has it.
        expected: String,
        /// As this one has it.
        found: String,
        /// The first shard.
        first: String,
    },
    /// A shard was named twice.
    #[error("shard {index} of {count} was named already as {first}")]
    Doubled {
        /// Which, from 0.
        index: u64,
        /// Of how many.
        count: u64,
        /// The other file.
        first: String,
    },
    /// A shard is missing.
    #[error(
        "shard {index} of {count} is missing; name it too, or make it with --shard {index}/{count}"
    )]
    Missing {
        /// Which, from 0.
        index: u64,
        /// Of how many.
        count: u64,
    },
}

/// A shard and what its manifest says.
struct Opened {
    files: PackFiles,
    manifest: Manifest,
    shard: Shard,
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
    if recover(out)? == Recovery::Busy {
        return Err(Error::Busy { path: out.staging() });
    }
    let shards = open_all(shards)?;
    check_targets(out, previous, &shards)?;
    let made = MadeFolders::make(&out.folder)?;
    let staging = Staging::enter(out)?;
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

/// Opens all shards, in their order, and refuses any set of them that is no whole.
fn open_all(shards: &[PackFiles]) -> Result<Vec<Opened>, Error> {
    let mut opened: Vec<Opened> = Vec::with_capacity(shards.len());
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
        opened.push(Opened { files: files.clone(), manifest, shard });
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

fn same_run(first: &Opened, manifest: &Manifest, shard: &Shard) -> Result<(), ShardError> {
    let pairs = common(&first.manifest, &first.shard).into_iter().zip(common(manifest, shard));
    for ((what, expected), (_, found)) in pairs {
        if expected != found {
            let first = first.files.path(Part::Rec).display().to_string();
            return Err(ShardError::OtherRun { what, expected, found, first });
        }
    }
    Ok(())
}

fn check_targets(out: &PackFiles, previous: Previous, shards: &[Opened]) -> Result<(), Error> {
    let real = |files: &PackFiles, part| files.path(part).canonicalize().ok();
    for part in Part::ALL {
        let target = real(out, part).filter(|target| !target.is_dir());
        if target.is_some() && shards.iter().any(|shard| real(&shard.files, part) == target) {
            return Err(Error::OntoItself { path: out.path(part) });
        }
    }
    check_free(out, Part::ALL, previous)?;
    if shards.first().is_some_and(|shard| shard.manifest.layout == Layout::Insightface) {
        check_property(out)?;
    }
    Ok(())
}

fn join(
    shards: &[Opened],
    out: &PackFiles,
    staging: &Staging,
    progress: &dyn Progress,
) -> Result<MergeReport, Error> {
    let Some(first) = shards.first().map(|shard| &shard.manifest) else {
        return Err(Error::Shard { path: out.folder.clone(), source: ShardError::None });
    };
    staging.clear()?;
    let rows = RowWriter::new(first.landmarks.is_some()).map_err(csv_error)?;
    let identities = (first.layout == Layout::Insightface).then(Identities::default);
    let mut joining = Joining {
        rec: Output::create(&staging.path(Part::Rec))?,
        tables: Tables::create(staging, rows, identities)?,
        numbers: Numbers::of(first),
        skipped: Vec::new(),
        reoriented: 0,
        framed: Vec::new(),
    };
    let bytes = shards.iter().map(|shard| shard.manifest.files.rec.bytes);
    progress.start("merge", bytes.fold(0, u64::saturating_add));
    for shard in shards {
        joining.append(shard, progress)?;
    }
    progress.finish();
    let Joining { mut rec, mut tables, skipped, reoriented, .. } = joining;
    let layout = finish_layout(&mut rec, &mut tables, staging)?;
    let (rec, tables) = (rec.finish()?, tables.finish()?);
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

/// Which numbers of a record count the images before it, and so move when an earlier shard skipped some.
#[derive(Clone, Copy)]
struct Numbers {
    key: bool,
    label: bool,
}

impl Numbers {
    fn of(manifest: &Manifest) -> Self {
        let own_keys = find(&manifest.set).is_some_and(|set| set.takes_list);
        Self {
            key: !own_keys || manifest.layout == Layout::Insightface,
            label: manifest.label == LabelFunction::Index.to_string(),
        }
    }
}

/// The pack while shards are appended.
struct Joining {
    rec: Output,
    tables: Tables,
    numbers: Numbers,
    skipped: Vec<Skipped>,
    reoriented: u64,
    framed: Vec<u8>,
}

impl Joining {
    fn append(&mut self, shard: &Opened, progress: &dyn Progress) -> Result<(), Error> {
        // Images skipped in the shards before.
        let shift = self.skipped.len() as u64;
        self.skipped.extend(shard.manifest.skipped.iter().cloned());
        self.reoriented += shard.manifest.reoriented;
        // A shard whose images were all skipped.
        if shard.manifest.count == 0 {
            return Ok(());
        }
        let table = shard.files.path(Part::Records);
        if digest_file(&table)? != shard.manifest.files.records {
            return Err(Error::Changed { path: table });
        }
        let path = shard.files.path(Part::Rec);
        let reader =
            Reader::open(&path).map_err(|source| Error::Record { path: path.clone(), source })?;
        let rows = RowReader::open(&table)?;
        let Numbers { key, label } = self.numbers;
        if shift == 0 || !(key || label) {
            self.copy(&reader, (&table, rows), progress)?;
        } else {
            self.renumber(&reader, rows, shift, progress)?;
        }
        // A shard that is not as its manifest says ends the work here, before anything is sealed.
        let mut hasher = blake3::Hasher::new();
        hash_from(&reader, 0, &mut hasher);
        let found = FileDigest { bytes: reader.length(), blake3: hasher.finalize().to_string() };
        if found != shard.manifest.files.rec {
            return Err(Error::Changed { path });
        }
        Ok(())
    }

    /// Appends a shard's bytes as they are.
    fn copy(
        &mut self,
        reader: &Reader,
        (table, mut rows): (&Path, RowReader<std::fs::File>),
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let (before, begin) = (self.tables.count(), self.rec.bytes());
        while let Some(row) = rows.next_row().transpose()? {
            let moved = before.checked_add(row.position).zip(begin.checked_add(row.offset));
            let (position, offset) =
                moved.ok_or_else(|| Error::Changed { path: table.to_path_buf() })?;
            self.tables.append(&Row { position, offset, ..row })?;
        }
        for chunk in reader.bytes().chunks(COPIED_AT_A_TIME) {
            self.rec.append(chunk);
            self.rec.flush()?;
            progress.advance(chunk.len() as u64);
        }
        Ok(())
    }

    /// Appends a shard's records under the numbers they have in the whole.
    fn renumber(
        &mut self,
        reader: &Reader,
        mut rows: RowReader<std::fs::File>,
        shift: u64,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        while let Some(row) = rows.next_row().transpose()? {
            let damaged = |source| Error::Record { path: row.path.clone().into(), source };
            let record = reader.record_at(row.offset).map_err(damaged)?;
            let (header, payload) = record.image().map_err(damaged)?;
            let key = if self.numbers.key { row.key.saturating_sub(shift) } else { row.key };
            let label = match (&header.label, self.numbers.label) {
                (Label::Scalar(index), true) => Label::Scalar(*index - shift as f32),
                (label, _) => label.clone(),
            };
            let header = Header { label: label.clone(), id: key, ..header };
            let offset = append_record(&mut self.rec, &mut self.framed, &header, payload)
                .map_err(damaged)?;
            let position = self.tables.count();
            self.tables.append(&Row { position, key, label, offset, ..row.clone() })?;
            if self.rec.is_full() {
                self.rec.flush()?;
            }
            progress.advance(record.end - record.offset);
        }
        Ok(())
    }
}

/// Bytes of a shard copied between two signs of progress.
const COPIED_AT_A_TIME: usize = 8 << 20;
