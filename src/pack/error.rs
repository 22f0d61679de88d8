//! What packs can fail with: for each case where, what was expected, what was found and what to do.

use super::manifest::Skipped;
use super::merge;
use crate::causes::excerpt;
use crate::datasets::LayoutError;
use crate::{datasets, fs, image, recordio};
use std::path::PathBuf;

/// Why a pack cannot be made, opened or used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or folder refused.
    #[error(transparent)]
    Files(#[from] fs::Error),
    /// The set cannot be listed.
    #[error("cannot list the data set")]
    DataSet(#[from] datasets::Error),
    /// An image has no label.
    #[error("cannot label the images")]
    Label(#[from] datasets::LabelError),
    /// An image cannot be packed.
    #[error(
        "{path}: cannot pack this image; mend it, or leave out such files with --on-error skip"
    )]
    Image {
        /// The image, relative to the base of its list.
        path: String,
        /// Why not.
        source: ImageError,
    },
    /// Files of the set can be no images of a pack.
    #[error(
        "{} of the set cannot be packed: {}; mend them, or leave out such files with --on-error skip",
        match files.len() { 1 => "a file".to_owned(), count => format!("{count} files") },
        some(files)
    )]
    Unfit {
        /// The files, and why not.
        files: Vec<Skipped>,
    },
    /// A pack is not what its manifest says.
    #[error(
        "{pack}: not in order: {place}{}: expected {expected}, found {found}{}; `qgface-data \
         verify-order` tells all, pack again or take the pack from where it is whole",
        position.map(|position| format!(", position {position}")).unwrap_or_default(),
        if *more > 0 { format!(" (and {more} more differences)") } else { String::new() }
    )]
    NotInOrder {
        /// The `.rec`.
        pack: PathBuf,
        /// The file, with line or byte where known.
        place: String,
        /// Position in the pack.
        position: Option<u64>,
        /// What was expected.
        expected: String,
        /// What was found.
        found: String,
        /// Differences beside the first.
        more: u64,
    },
    /// A label is no class.
    #[error(
        "{pack}: image {path}: expected a class, a whole number from 0 below 2^24, found {label}; pack \
         again with --label that numbers the people"
    )]
    NoClass {
        /// The `.rec`.
        pack: PathBuf,
        /// The image.
        path: String,
        /// Its label.
        label: String,
    },
    /// Every image was skipped.
    #[error("all {count} images were skipped, the first {path}; nothing is left to pack")]
    AllSkipped {
        /// Images listed.
        count: u64,
        /// The first.
        path: String,
    },
    /// A `.rec` or `.idx` is damaged.
    #[error("{path}")]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: recordio::Error,
    },
    /// The pairs of a pack cannot be read.
    #[error(transparent)]
    Pairs(#[from] datasets::PairsError),
    /// An image cannot stand in InsightFace's layout.
    #[error("{path}: cannot stand in InsightFace's layout")]
    Layout {
        /// The image.
        path: String,
        /// Why not.
        source: LayoutError,
    },
    /// Faces are aligned to a size that the template does not have.
    #[error("cannot align the faces")]
    AlignedSize(#[from] image::align::Error),
    /// Aligned pictures cannot be stored as they lie in their files.
    #[error("aligned pictures are new pictures: store them with --encode png or jpeg:QUALITY")]
    AlignedOrigin,
    /// Pictures are aligned already.
    #[error("the pictures of {folder} are aligned already; leave out --align")]
    AlignedTwice {
        /// The folder or the pack.
        folder: String,
    },
    /// Landmarks were given and nothing is aligned by them.
    #[error("--landmarks goes with --align")]
    LandmarksUnused,
    /// The pictures of a verification set would change their positions.
    #[error(
        "the pairs of this set are told by position, two pictures a pair, so {option} would part them; \
         leave it out"
    )]
    PairsParted {
        /// What would do it.
        option: &'static str,
    },
    /// There are fewer images than shards.
    #[error("this shard would be empty: there are {images} images; use fewer shards")]
    EmptyShard {
        /// Images of the whole list.
        images: u64,
    },
    /// Another pack's `property` lies in the folder.
    #[error(
        "{path} is there already, of another pack: InsightFace reads it by this name from the pack's \
         folder, so a folder holds one such pack; choose another --out, or remove it"
    )]
    PropertyTaken {
        /// The file.
        path: PathBuf,
    },
    /// A pack would be packed over itself.
    #[error("{path} is the pack whose pictures are read; choose another --name or --out")]
    OntoItself {
        /// Its `.rec`.
        path: PathBuf,
    },
    /// Shards are no whole.
    #[error("{path}")]
    Shard {
        /// The shard's manifest, or the folder they lie in.
        path: PathBuf,
        /// Why not.
        source: merge::ShardError,
    },
    /// A pack to be adopted was made by this program.
    #[error("{path}: this pack was made by this program; `qgface-data verify-order` verifies it")]
    NotForeign {
        /// Its manifest.
        path: PathBuf,
    },
    /// A pack to be adopted shall be found in what is no tree of files.
    #[error("{root}: expected a folder of pictures in which the records can be found, found none")]
    NoTree {
        /// What was given.
        root: PathBuf,
    },
    /// Two pictures would be aligned to one file.
    #[error("{first} and {second} would both become {target}; rename one")]
    SameTarget {
        /// One picture.
        first: String,
        /// The other.
        second: String,
        /// The file.
        target: String,
    },
    /// A list is not that of the pack to be adopted.
    #[error(
        "{list}: not the list of this pack: {}expected {expected}, found {found}; name the pack's list \
         with --list, or move its own away to adopt it without one",
        at.map_or(String::new(), |(position, key)| format!("position {position} (key {key}): "))
    )]
    OtherList {
        /// The list.
        list: PathBuf,
        /// Position and key of the first record that differs; none where the counts do.
        at: Option<(u64, u64)>,
        /// What the list says.
        expected: String,
        /// What the pack has.
        found: String,
    },
    /// Records of a pack to be adopted are no pictures of the tree.
    #[error(
        "{count} records show no picture of {root}, the first at position {first}; name the tree the \
         pack was made from with --root and its set with --dataset, or adopt it without --root"
    )]
    Alien {
        /// How many.
        count: u64,
        /// Position of the first.
        first: u64,
        /// The tree.
        root: PathBuf,
    },
    /// Records of a pack to be adopted have other colours than were declared.
    #[error(
        "{count} records have their channels in the order {} where {} was declared, the first {path} at \
         position {position}; say --stored-order {}",
        found.name(), declared.name(), found.name()
    )]
    OtherColours {
        /// How many.
        count: u64,
        /// Position of the first.
        position: u64,
        /// Its picture.
        path: String,
        /// The declared order.
        declared: image::ChannelOrder,
        /// The order the tree shows.
        found: image::ChannelOrder,
    },
    /// The skin tones of a pack to be adopted speak against RGB, and nobody declared an order.
    #[error(
        "{blue} pictures have more blue than red where skin is looked for, {red} more red: red and blue \
         are probably exchanged in this pack; look with `qgface-data stats` or `inspect --sheet` and \
         declare --stored-order bgr, or rgb if they are not"
    )]
    SkinColours {
        /// Pictures with more red.
        red: u64,
        /// Pictures with more blue.
        blue: u64,
    },
    /// A record of a pack to be adopted is no whole picture.
    #[error(
        "position {position} (key {key}): this record is no whole picture; `qgface-data make-rec \
         --dataset rec --on-error skip` packs the others"
    )]
    Unreadable {
        /// Position in the pack.
        position: u64,
        /// Its key.
        key: u64,
        /// Why not.
        source: ImageError,
    },
    /// A file that would be kept under another name finds another one there.
    #[error("{path}: would keep a file of the pack here, and another one is here; move it away")]
    Kept {
        /// The file.
        path: PathBuf,
    },
    /// A file of a pack is not the one its manifest describes.
    #[error(
        "{path}: not the file that the pack's manifest describes; `qgface-data verify-order` says where \
         it differs"
    )]
    Changed {
        /// The file.
        path: PathBuf,
    },
    /// A pack lies there already.
    #[error("{path} is there already; --overwrite replaces it")]
    Exists {
        /// The first file found.
        path: PathBuf,
    },
    /// Something else than a file lies where a file of the pack must go.
    #[error(
        "{path}: expected a file or nothing, found a folder; remove it or choose another --name"
    )]
    InTheWay {
        /// The path.
        path: PathBuf,
    },
    /// Another process writes the same pack.
    #[error("{path}: another process is writing this pack; wait for it to end")]
    Busy {
        /// The folder it writes in.
        path: PathBuf,
    },
    /// A stem cannot name a pack.
    #[error(
        "{name:?}: expected a name for the pack: some text without '/', '\\\\', tab or line end, \
         without a dot in front, and without an ending of a pack's files such as .rec"
    )]
    Name {
        /// The stem.
        name: String,
    },
    /// An interrupted pack was made with other settings.
    #[error(
        "{path}: the interrupted pack was made with {what} {then}, now it is {now}; run without \
         --resume to start anew"
    )]
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
    /// There is no manifest.
    #[error(
        "{path}: no manifest, so this is no pack of this program, or an unfinished one; make it with \
         `qgface-data make-rec`, or give a pack made elsewhere its manifest with `qgface-data verify-order \
         --adopt {}`", path.display().to_string().replace(".manifest.json", ".rec")
    )]
    NoManifest {
        /// Where it should be.
        path: PathBuf,
    },
    /// The manifest is damaged.
    #[error("{path}: expected a manifest of this program, found {found}")]
    BadManifest {
        /// The file.
        path: PathBuf,
        /// What was found, with its place.
        found: String,
    },
    /// A row of `records.csv` is damaged.
    #[error("{path}: line {line}: expected {expected}, found {}", excerpt(found))]
    BadRow {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What it should hold.
        expected: &'static str,
        /// What it holds.
        found: String,
    },
    /// A path of a pack would lead out of the folder it is unpacked to.
    #[error("position {position}: the pack names the path {path:?}, which leads out of the folder")]
    Escapes {
        /// Position in the pack.
        position: u64,
        /// The path.
        path: String,
    },
    /// A link stands where a folder must be made, and may lead out of the folder.
    #[error(
        "{path}: expected a folder or nothing, found a link; remove it or choose another --out"
    )]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A file of the pack is not there.
    #[error("{path}: no such file; {advice}")]
    NoFile {
        /// The file.
        path: PathBuf,
        /// What to do.
        advice: &'static str,
    },
    /// A folder was named where a pack is wanted.
    #[error(
        "{path}: expected a pack (any of its files, or their name without ending), found a folder"
    )]
    Folder {
        /// The folder.
        path: PathBuf,
    },
    /// The pack is not finished.
    #[error("{path}: this pack is unfinished; `qgface-data make-rec` with --resume continues it")]
    Unfinished {
        /// Where its manifest should be.
        path: PathBuf,
    },
    /// The pack is of a set this program does not know.
    #[error("no data set {set} is known, so its source tree cannot be listed")]
    NoSet {
        /// Its name.
        set: String,
    },
    /// An id stands in two records, so no index can list both.
    #[error("{path}: byte {offset}: the record has the id {id} of the record at byte {first}")]
    DoubledId {
        /// The `.rec`.
        path: PathBuf,
        /// The later record.
        offset: u64,
        /// The id.
        id: u64,
        /// The earlier record.
        first: u64,
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

/// Why one image cannot be packed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ImageError {
    /// The set's list names it, and there is no such file.
    #[error("the set's list names it, but there is no such file")]
    Missing,
    /// Its bytes cannot be had.
    #[error(transparent)]
    Source(#[from] datasets::SourceError),
    /// Its landmarks are those of no face.
    #[error(transparent)]
    Align(#[from] image::align::Error),
    /// Its bytes are no whole picture.
    #[error(transparent)]
    Picture(#[from] image::Error),
    /// It does not fit a record.
    #[error(transparent)]
    Record(#[from] recordio::Error),
}
