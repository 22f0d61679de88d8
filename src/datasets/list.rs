//! The ordered images of a set, and what its files say of each.

use super::{ImageSource, SourceError};
use crate::fs::Ignored;
use crate::recordio::Label;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::path::PathBuf;

/// Points of a face in the original picture, in pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Landmarks {
    /// `(x, y)` of five points (left eye, right eye, nose, left and right corner of the mouth) or four (left
    /// eye, right eye, nose, middle of the mouth), left and right as seen in the picture.
    pub points: Vec<(f64, f64)>,
    /// The detector's score, where the set has one.
    pub score: Option<f64>,
}

/// One image of a set.
#[derive(Debug, Clone)]
pub struct Image {
    /// Path below the list's base, with `/`.
    pub path: Box<str>,
    /// The key a list file gives; else the position is the key.
    pub key: Option<u64>,
    /// The label a list file gives.
    pub label: Option<Label>,
    /// Where its face is.
    pub landmarks: Option<Box<Landmarks>>,
    /// Which picture of its container it is, from 0; 0 where every image is a file.
    pub stored: u32,
}

impl Image {
    /// An image of which only the path is known.
    pub fn at(path: impl Into<Box<str>>) -> Self {
        Self { path: path.into(), key: None, label: None, landmarks: None, stored: 0 }
    }
}

/// Which of a set's pictures are wanted, where it has them twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pictures {
    /// Those that are packed: aligned copies.
    Packed,
    /// Those that its landmarks lie in.
    Original,
}

/// What was done to the faces before packing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Alignment {
    /// Nobody said; the pictures are packed as they are.
    Unknown,
    /// The pictures come from a folder of aligned copies.
    Folder(String),
    /// Loose crops, to be aligned by the landmarks of `records.csv`.
    Landmarks,
    /// Aligned by this program, by landmarks that `records.csv` holds.
    Warped {
        /// Pixels an edge.
        size: u32,
    },
}

/// What a person reads of it.
impl std::fmt::Display for Alignment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown => f.write_str("unknown"),
            Self::Folder(name) => write!(f, "folder {name}"),
            Self::Landmarks => f.write_str("none yet, landmarks in records.csv"),
            Self::Warped { size } => write!(f, "aligned to {size}x{size} pixels"),
        }
    }
}

/// The images of a set in the order that counts.
#[derive(Debug)]
pub struct ImageList {
    /// Where the bytes of the images are.
    pub source: ImageSource,
    /// The folder all paths are relative to, without `prefix`.
    pub base: PathBuf,
    /// The folders, at the front of every path, that an aligned copy of the tree does without. Empty, or
    /// with a final `/`.
    pub pictures: &'static str,
    /// What all paths begin with beside the folders below `base`: the set's own folder, however it is
    /// called here, so that lists are the same everywhere. Empty, or with a final `/`.
    pub prefix: &'static str,
    /// The images.
    pub images: Vec<Image>,
    /// Positions of images that are listed and not in the tree.
    pub missing: Vec<usize>,
    /// What was done to the faces.
    pub alignment: Alignment,
    /// Protocol files that were found, relative to `base`.
    pub protocol_files: Vec<String>,
    /// Of a verification set, whether each pair of images is of one person: images 2i and 2i + 1 are
    /// pair i.
    pub pairs: Vec<bool>,
    /// Pictures of the tree whose names no list can hold, below `base`.
    pub unlisted: Vec<String>,
    /// What lay there and was passed over.
    pub ignored: Ignored,
    /// What differs from the published set, and other things to be told.
    pub warnings: Vec<String>,
}

impl ImageList {
    /// Images that are files below `base`, with nothing told of them.
    pub(super) fn of(base: PathBuf, images: Vec<Image>) -> Self {
        Self {
            source: ImageSource::Files,
            base,
            pictures: "",
            prefix: "",
            images,
            missing: Vec::new(),
            alignment: Alignment::Unknown,
            protocol_files: Vec::new(),
            pairs: Vec::new(),
            unlisted: Vec::new(),
            ignored: Ignored::default(),
            warnings: Vec::new(),
        }
    }

    /// Keeps the images for which `keep` says so.
    pub fn retain(&mut self, keep: impl Fn(usize) -> bool) {
        let kept: Vec<usize> = (0..self.images.len()).filter(|&at| keep(at)).collect();
        self.arrange(&kept);
    }

    /// Takes the images at these positions, each at most once, in this order.
    ///
    /// # Panics
    /// Where there is no such position.
    pub fn arrange(&mut self, order: &[usize]) {
        let images = &mut self.images;
        let taken = order.iter().map(|&at| std::mem::replace(&mut images[at], Image::at("")));
        self.images = taken.collect();
        let now = order.iter().enumerate();
        let now = now.filter(|(_, at)| self.missing.binary_search(at).is_ok());
        self.missing = now.map(|(position, _)| position).collect();
    }

    /// The file that holds the image at `at`: its own, or the container.
    pub fn file_of(&self, at: usize) -> PathBuf {
        match self.source {
            ImageSource::Files => self.file(&self.images[at].path),
            ImageSource::Pickle(_) | ImageSource::Records(_) => self.base.clone(),
        }
    }

    /// The bytes of the image at `at`.
    ///
    /// # Errors
    /// [`super::SourceError`], without the path.
    pub fn bytes(&self, at: usize) -> Result<Cow<'_, [u8]>, SourceError> {
        let image = &self.images[at];
        self.source.bytes(|| self.file(&image.path), image.stored)
    }

    /// Where the file of a path lies.
    pub fn file(&self, path: &str) -> PathBuf {
        self.base.join(path.strip_prefix(self.prefix).unwrap_or(path))
    }
}

/// Paths below `folder`, told from the folder around it.
pub(super) fn in_folder(folder: &str, paths: Vec<String>) -> Vec<String> {
    paths.into_iter().map(|path| format!("{folder}/{path}")).collect()
}
