//! A manifest for a pack that was made elsewhere, so that every other command can use it.
//!
//! The `.rec` and the `.idx` are left as they are; `.lst`, `.records.csv` and manifest are written
//! beside them. With a tree of pictures every record is found again in it by its content, and the order
//! the pack really has is reported. Memory: the index, and with a tree its list and about 100 bytes a
//! file; 300 more where the pictures were encoded anew.

mod error;
mod foreign;
mod known;
pub(super) mod likeness;
mod listed;
mod report;
mod tables;
mod tree;

pub use error::Error;
pub use report::{AdoptReport, Displaced, ListReport, TreeReport};

use super::digest::{FileDigest, digest_file};
use super::manifest::{Layout, Manifest, PackDigests, Provenance};
use super::open::open;
use super::plan::protocol_files;
use super::stats::{self, Verdict};
use super::write::{Recovery, claim, recover_for_writing};
use super::{Encoding, Error as PackError, PackFiles, Part};
use crate::datasets::{self, Alignment, DataSet, ImageRecords, LabelFunction};
use crate::fs::{self, Ignored};
use crate::image::ChannelOrder;
use crate::progress::Progress;
use crate::recordio::{self, IndexedReader};
use foreign::ForeignImages;
use known::{Known, assign, find};
use listed::{Listed, list_of, passed_over};
use std::path::{Path, PathBuf};
use tables::{Found, Written, write_tables};
use tree::Tree;

/// How to adopt a pack.
#[derive(Debug, Clone)]
pub struct Options {
    /// The tree its pictures come from.
    pub root: Option<PathBuf>,
    /// The set that the tree is; else it is told by its layout.
    pub dataset: Option<&'static DataSet>,
    /// The list it was made by; else its own, the `.lst` beside it, where there is one.
    pub list: Option<PathBuf>,
    /// In which order its pictures have their channels when a decoder calls them red, green, blue; not
    /// said, it is RGB unless something speaks against it.
    pub stored_order: Option<ChannelOrder>,
}

impl Options {
    fn declared(&self) -> ChannelOrder {
        self.stored_order.unwrap_or(ChannelOrder::Rgb)
    }
}

/// Writes a manifest for a pack made elsewhere.
///
/// Where the pack has a list, or one is given, every record is held against it: its key, its label and, with
/// a tree, its picture; the list's paths are kept.
///
/// # Errors
/// [`Error::NotForeign`] for a pack of this program, [`Error::OtherList`] for a list of another pack,
/// [`Error::Alien`] for records that the tree has not,
/// [`Error::OtherColours`] when the tree shows that the declared colours are wrong, and damage of the pack.
pub fn adopt(
    files: &PackFiles,
    options: &Options,
    progress: &dyn Progress,
) -> Result<AdoptReport, Error> {
    if recover_for_writing(files)? == Recovery::Resumable {
        return Err(PackError::Unfinished { path: files.staging() }.into());
    }
    refuse_own(files)?;
    let pack = open(files)?;
    let damaged = |source| PackError::Record { path: files.path(Part::Rec), source };
    check_framing(&pack).map_err(damaged)?;
    let images = ImageRecords::of(&pack).map_err(damaged)?;
    if images.count() == 0 {
        return Err(datasets::Error::NoImages {
            set: "rec",
            root: files.path(Part::Rec),
            found: Vec::new(),
        }
        .into());
    }
    let images = ForeignImages { files, pack: &pack, images };
    let (list, list_warning) = list(&images, options)?;
    let mut tree = match &options.root {
        Some(root) => Some(Tree::read(root, options.dataset, progress)?),
        None => None,
    };
    let matches = match &mut tree {
        Some(tree) => find(&images, tree, progress)?,
        None => Vec::new(),
    };
    let mut known = Known::default();
    if let Some(tree) = &tree {
        known = assign(&images, tree, list.as_ref(), &matches)?;
        known.check_colours(options.declared())?;
    }
    let skin = stats::skin(&pack, images.images, options.declared());
    let nobody_tells = options.stored_order.is_none() && !known.tells_colours();
    if skin.verdict == Verdict::Swapped && nobody_tells {
        return Err(Error::SkinColours { red: skin.red, blue: skin.blue });
    }
    let beside = (pack.index().len() - images.images.count()) as u64;
    let found = Found { tree: tree.as_ref(), list: list.as_ref(), known: &known };
    let mut report = write(&images, &found, options, progress)?;
    report.warnings.extend(list_warning);
    if skin.verdict == Verdict::Swapped {
        report.warnings.push(format!(
            "{} of {} pictures that vote have more blue than red where skin is looked for; see \
             `qgface-data stats`",
            skin.blue,
            skin.blue + skin.red
        ));
    }
    if report.layout == Layout::Insightface && beside > report.identities + 1 {
        let count = beside - report.identities - 1;
        report
            .warnings
            .push(format!("{count} records lie beyond what the record of key 0 announces"));
    }
    Ok(report)
}

/// The list to hold the records against; and why there is none, where the pack's own is no list. One that is
/// of another pack is refused.
fn list(
    images: &ForeignImages<'_>,
    options: &Options,
) -> Result<(Option<Listed>, Option<String>), Error> {
    let Some(file) = list_of(images.files, options.list.as_deref())? else {
        return Ok((None, None));
    };
    let root = options.root.as_deref().unwrap_or(Path::new(""));
    match Listed::read(&file, root, images) {
        Err(error @ Error::DataSet(_)) if options.list.is_none() => {
            Ok((None, Some(passed_over(&file, &error))))
        }
        read => Ok((Some(read?), None)),
    }
}

/// Holds that every record ends where the next one of the index begins, so that the index lists all and
/// none overlap.
fn check_framing(pack: &IndexedReader) -> Result<(), recordio::Error> {
    let mut starts = pack.index().offsets().to_vec();
    starts.sort_unstable();
    let ends = starts.iter().skip(1).copied().chain([pack.reader().length()]);
    let mut released = 0;
    for (&start, end) in starts.iter().zip(ends) {
        let record = pack.reader().record_at(start)?;
        if record.end != end {
            return Err(record.unlisted_after());
        }
        pack.reader().release_behind(&mut released, end);
    }
    Ok(())
}

/// A pack of this program is not made elsewhere; one that was adopted before may be adopted anew.
fn refuse_own(files: &PackFiles) -> Result<(), Error> {
    match Manifest::open(files) {
        Ok(manifest) if manifest.source == Provenance::List => {
            Err(Error::NotForeign { path: files.path(Part::Manifest) })
        }
        Ok(_) | Err(PackError::NoManifest { .. }) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// Writes the three files and renames them into place.
fn write(
    images: &ForeignImages<'_>,
    found: &Found<'_>,
    options: &Options,
    progress: &dyn Progress,
) -> Result<AdoptReport, Error> {
    let files = images.files;
    let Found { tree, list, known } = *found;
    let staging = claim(files)?;
    let written = (|| -> Result<_, Error> {
        staging.clear()?;
        let rows = write_tables(images, &staging, found, progress)?;
        let kept = [(Part::Lst, &rows.lst), (Part::Records, &rows.records)]
            .into_iter()
            .filter_map(|(part, own)| keep_foreign(files, part, own).transpose())
            .collect::<Result<Vec<PathBuf>, Error>>()?;
        let manifest = manifest(images, tree, known, options, rows)?;
        staging.seal(&manifest.to_bytes())?;
        Ok((manifest, kept))
    })();
    let (manifest, kept) = match written {
        Ok(written) => written,
        Err(error) => {
            // The error tells more than a refusal to clean up after it.
            let _ = staging.discard();
            return Err(error);
        }
    };
    staging.commit()?;
    let mut warnings = tree.map_or(Vec::new(), |tree| tree.plan.list.warnings.clone());
    warnings.extend(known.warning(options.declared()));
    Ok(AdoptReport {
        pack: files.path(Part::Rec).display().to_string(),
        manifest: files.path(Part::Manifest).display().to_string(),
        set: manifest.set,
        source: manifest.source,
        count: manifest.count,
        layout: manifest.layout,
        identities: match images.images {
            ImageRecords::All { .. } => 0,
            ImageRecords::Keyed { identities, .. } => identities,
        },
        stored_channel_order: manifest.stored_channel_order,
        order: manifest.order,
        list: list.map(Listed::report),
        tree: tree.map(|tree| known.report(images, tree)),
        kept: kept.iter().map(|path| path.display().to_string()).collect(),
        warnings,
    })
}

/// Copies a file of another program's to a name of its own before this program's takes its place.
fn keep_foreign(files: &PackFiles, part: Part, own: &FileDigest) -> Result<Option<PathBuf>, Error> {
    let path = files.path(part);
    if !path.exists() {
        return Ok(None);
    }
    let found = digest_file(&path)?;
    let of_this_program = Manifest::open(files).is_ok_and(|old| old.files.of(part) == Some(&found));
    if found == *own || of_this_program {
        return Ok(None);
    }
    let kept = files.kept(part);
    match kept.exists() {
        true if digest_file(&kept)? != found => return Err(Error::Kept { path: kept }),
        true => {}
        false => fs::copy_whole(&path, &kept).map_err(PackError::from)?,
    }
    Ok(Some(kept))
}

fn manifest(
    images: &ForeignImages<'_>,
    tree: Option<&Tree>,
    known: &Known,
    options: &Options,
    rows: Written,
) -> Result<Manifest, PackError> {
    let files = images.files;
    let property = files.path(Part::Property);
    let insightface = matches!(images.images, ImageRecords::Keyed { .. });
    let list = tree.map(|tree| &tree.plan.list);
    let manifest = Manifest {
        format: Manifest::format(),
        tool: Manifest::tool(),
        set: tree.map_or("rec", |tree| tree.dataset.name).to_owned(),
        count: images.images.count() as u64,
        label: LabelFunction::Records.to_string(),
        source: if tree.is_some() { Provenance::Tree } else { Provenance::Pack },
        layout: if insightface { Layout::Insightface } else { Layout::Plain },
        shuffle: None,
        shard: None,
        encoding: known.all_are_original().then_some(Encoding::Origin),
        stored_channel_order: options.declared(),
        align: None,
        alignment: list.map_or(Alignment::Unknown, |list| list.alignment.clone()),
        landmarks: tree.and_then(|tree| tree.plan.points_note()),
        reoriented: rows.reoriented,
        ignored: list.map_or(Ignored::default(), |list| list.ignored),
        skipped: Vec::new(),
        inputs: Vec::new(),
        protocol_files: tree.map_or(Ok(Vec::new()), |tree| protocol_files(&tree.plan))?,
        files: PackDigests {
            rec: digest_file(&files.path(Part::Rec))?,
            idx: digest_file(&files.path(Part::Idx))?,
            lst: rows.lst,
            records: rows.records,
            pairs: None,
            property: match insightface && property.is_file() {
                true => Some(digest_file(&property)?),
                false => None,
            },
        },
        order: rows.order,
        digest: String::new(),
    };
    Ok(manifest.sealed())
}
