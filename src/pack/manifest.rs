//! What a pack says of itself; read and written here alone.

use super::digest::FileDigest;
use super::encoding::Encoding;
use super::error::Error;
use super::files::{PackFiles, Part};
use crate::datasets::Alignment;
use crate::fs::{self, Ignored};
use crate::image::{self, ChannelOrder, Pixels, decode::decode};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// Name and version of the manifest's form.
const FORMAT: &str = "qgface-data pack 2";

/// A pack's description of itself.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Always `qgface-data pack 2`.
    pub format: String,
    /// Program and version that made the pack.
    pub tool: String,
    /// The data set.
    pub set: String,
    /// Records.
    pub count: u64,
    /// The label function.
    pub label: String,
    /// Where the order, the paths and the labels come from.
    pub source: Provenance,
    /// Which records stand beside the images.
    pub layout: Layout,
    /// The seed of the random order, if it is not the list's own.
    pub shuffle: Option<u64>,
    /// Which part of the list this is, if not all of it.
    pub shard: Option<Shard>,
    /// What was done to the pictures' bytes; none where the pack was made elsewhere and nobody knows.
    pub encoding: Option<Encoding>,
    /// Which colours a decoder that returns RGB returns first: `bgr` says that the stored pictures have
    /// red and blue exchanged.
    pub stored_channel_order: ChannelOrder,
    /// Pixels an edge that the faces were cut out to when this pack was made, if they were.
    pub align: Option<u32>,
    /// What was done to the faces, now or before.
    pub alignment: Alignment,
    /// What the landmarks in `records.csv` are, if there are any.
    pub landmarks: Option<PointsNote>,
    /// Pictures whose EXIF data asks to turn or mirror them; it is not done.
    pub reoriented: u64,
    /// What lay in the source tree and is not packed.
    pub ignored: Ignored,
    /// Files of the list that could not be packed.
    pub skipped: Vec<Skipped>,
    /// Files the pack was made from beside the pictures, or that hold them all.
    pub inputs: Vec<Input>,
    /// The set's protocol files, relative to its root; `pairs.txt` is the pack's own `S.pairs.txt`.
    pub protocol_files: Vec<NamedDigest>,
    /// The files of the pack.
    pub files: PackDigests,
    /// BLAKE3 of the lines of the `.lst`, each with a tab and its picture's digest before its line feed.
    pub order: String,
    /// BLAKE3 of this file with this value empty.
    pub digest: String,
}

/// Where order, paths and labels of a pack come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Provenance {
    /// Made by this program from the set's list.
    List,
    /// Made elsewhere; its records were found again in a tree of pictures.
    Tree,
    /// Made elsewhere; known from itself alone.
    Pack,
}

/// Which records stand beside the images.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Layout {
    /// None; keys count from 0, or are a list's own.
    Plain,
    /// Those of an InsightFace training pack: keys count from 1, then an identity record each, then key
    /// 0. They have neither a row in the `.lst` nor in the `.records.csv`.
    Insightface,
}

/// One of several equal consecutive parts of a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shard {
    /// Which, from 0.
    pub index: u64,
    /// Of how many.
    pub count: u64,
    /// Images in the lists of the shards before this one.
    pub first: u64,
    /// Images in the whole list.
    pub images: u64,
    /// BLAKE3 of the `.lst` of the undivided pack with nothing skipped, by which shards of one run are
    /// known.
    pub list: String,
}

/// A file a pack was made from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Input {
    /// What it told.
    pub role: Role,
    /// Its path.
    pub path: String,
    /// Its BLAKE3.
    pub blake3: String,
}

/// What a file told of a pack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// The order, the keys and the labels.
    List,
    /// The labels.
    Labels,
    /// The landmarks.
    Landmarks,
    /// The pictures themselves: a `.bin` or a `.rec`.
    Pictures,
}

/// What the landmark columns hold.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PointsNote {
    /// Points a face: 5 (eyes, nose, mouth corners) or 4 (eyes, nose, mouth centre).
    pub points: u64,
    /// In which picture they are: `stored`, or `original` where an aligned copy is stored.
    pub picture: String,
}

/// A file of the list that is not in the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Skipped {
    /// Its path.
    pub path: String,
    /// Why not.
    pub reason: String,
}

/// A file outside the pack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NamedDigest {
    /// Its path.
    pub path: String,
    /// Its BLAKE3.
    pub blake3: String,
}

/// The files beside the manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PackDigests {
    /// The `.rec`.
    pub rec: FileDigest,
    /// The `.idx`.
    pub idx: FileDigest,
    /// The `.lst`.
    pub lst: FileDigest,
    /// The `.records.csv`.
    pub records: FileDigest,
    /// The `.pairs.txt` of a verification set.
    pub pairs: Option<FileDigest>,
    /// The `property` of an InsightFace training pack.
    pub property: Option<FileDigest>,
}

impl PackDigests {
    /// The entry of one file; none for the manifest.
    pub fn of(&self, part: Part) -> Option<&FileDigest> {
        match part {
            Part::Rec => Some(&self.rec),
            Part::Idx => Some(&self.idx),
            Part::Lst => Some(&self.lst),
            Part::Records => Some(&self.records),
            Part::Manifest => None,
            Part::Pairs => self.pairs.as_ref(),
            Part::Property => self.property.as_ref(),
        }
    }
}

/// What tells whether a text is a manifest of this version.
#[derive(Deserialize)]
struct Form {
    format: String,
}

impl Manifest {
    /// What every manifest of this program begins with.
    pub(super) fn format() -> String {
        FORMAT.to_owned()
    }

    /// Program and version.
    pub(super) fn tool() -> String {
        concat!("qgface-data ", env!("CARGO_PKG_VERSION")).to_owned()
    }

    /// Decodes a picture of this pack. A decoder calls the first colour red; what it is, the manifest says.
    ///
    /// # Errors
    /// Bytes that are no whole picture.
    pub fn pixels(&self, picture: &[u8]) -> Result<Pixels, image::Error> {
        Ok(Pixels { order: self.stored_channel_order, ..decode(picture)? })
    }

    /// The input that told `what`, if there was one.
    pub fn input(&self, role: Role) -> Option<&Input> {
        self.inputs.iter().find(|input| input.role == role)
    }

    /// Reads the manifest of a pack.
    ///
    /// # Errors
    /// [`Error::NoManifest`], and [`Error::BadManifest`] for one that is not exactly as this program
    /// writes it, its own digest included.
    pub fn open(files: &PackFiles) -> Result<Self, Error> {
        match Self::read(&files.path(Part::Manifest)) {
            Err(Error::NoManifest { path }) if files.staging().is_dir() => {
                Err(Error::Unfinished { path })
            }
            Err(Error::NoManifest { .. }) if !files.path(Part::Rec).exists() => {
                Err(Error::NoPack { path: files.path(Part::Rec) })
            }
            read => read,
        }
    }

    /// Reads a manifest that may lie anywhere.
    ///
    /// # Errors
    /// As [`Manifest::open`].
    pub fn read(path: &Path) -> Result<Self, Error> {
        match std::fs::read(path) {
            Ok(text) => Self::parse(&text, path),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(Error::NoManifest { path: path.to_path_buf() })
            }
            Err(error) => Err(fs::io_error("read", path)(error).into()),
        }
    }

    fn parse(text: &[u8], path: &Path) -> Result<Self, Error> {
        let bad = |found| Error::BadManifest { path: path.to_path_buf(), found };
        let not_json = |error| bad(format!("text that is no such JSON: {error}"));
        let Form { format } = serde_json::from_slice(text).map_err(not_json)?;
        if format != FORMAT {
            return Err(bad(format!("the format {format:?}; {FORMAT:?} is read")));
        }
        let manifest: Self = serde_json::from_slice(text).map_err(not_json)?;
        let canonical = manifest.to_bytes();
        if canonical != text {
            let same = canonical.iter().zip(text).take_while(|(own, read)| own == read).count();
            return Err(bad(format!(
                "a change at byte {same}, which this program writes otherwise"
            )));
        }
        let own = manifest.own_digest();
        if own != manifest.digest {
            let stated = &manifest.digest;
            return Err(bad(format!(
                "a change: it states its own digest as {stated}, it has {own}"
            )));
        }
        Ok(manifest)
    }

    /// The file's bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut text = serde_json::to_vec_pretty(self).expect("a manifest is JSON");
        text.push(b'\n');
        text
    }

    /// Fills in the manifest's digest of itself.
    pub(super) fn sealed(mut self) -> Self {
        self.digest = self.own_digest();
        self
    }

    fn own_digest(&self) -> String {
        let unsigned = Self { digest: String::new(), ..self.clone() };
        blake3::hash(&unsigned.to_bytes()).to_string()
    }
}
