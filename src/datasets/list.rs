//! The ordered images of a set, and what its files say of each.

use crate::fs::Ignored;
use crate::recordio::Label;
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Points of a face in the original picture, in pixels.
#[derive(Debug, Clone, PartialEq)]
pub struct Landmarks {
    /// `(x, y)` of five points (eyes, nose, mouth corners) or four (eyes, nose, mouth centre).
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
}

impl Image {
    /// An image of which only the path is known.
    pub(super) fn at(path: impl Into<Box<str>>) -> Self {
        Self { path: path.into(), key: None, label: None, landmarks: None }
    }
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
}

/// The images of a set in the order that counts.
#[derive(Debug)]
pub struct ImageList {
    /// The folder all paths are relative to, without `prefix`.
    pub base: PathBuf,
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
    /// What lay there and was passed over.
    pub ignored: Ignored,
    /// What differs from the published set, and other things to be told.
    pub warnings: Vec<String>,
}

impl ImageList {
    /// Where the file of a path lies.
    pub fn file(&self, path: &str) -> PathBuf {
        self.base.join(path.strip_prefix(self.prefix).unwrap_or(path))
    }
}
