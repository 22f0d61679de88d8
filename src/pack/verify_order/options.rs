//! How a pack is verified.

use std::path::PathBuf;

/// How thoroughly a pack is verified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Depth {
    /// Every byte of the pack, and of the source files where they are.
    Full,
    /// Framing, headers, index and lists; neither pictures nor source files are read.
    Quick,
}

/// Where the source tree of a pack may be.
#[derive(Debug, Clone)]
pub enum SourceTree {
    /// The user named it: it must be there.
    At(PathBuf),
    /// It is compared if it is there.
    Perhaps(PathBuf),
    /// The pack is verified alone.
    Aside,
}

/// How to verify.
#[derive(Debug, Clone)]
pub struct Options {
    /// The source tree.
    pub source: SourceTree,
    /// The list file of a `list` set, when it does not lie in the source tree.
    pub list: Option<PathBuf>,
    /// The csv of labels, when it does not lie in the source tree.
    pub label_csv: Option<PathBuf>,
    /// The csv of landmarks, when it does not lie in the source tree.
    pub landmarks: Option<PathBuf>,
    /// Another pack's manifest that must describe the same order.
    pub against: Option<PathBuf>,
    /// How thoroughly.
    pub depth: Depth,
}

impl Options {
    /// Every byte, against a tree alone.
    pub fn new(source: SourceTree) -> Self {
        let depth = Depth::Full;
        Self { source, list: None, label_csv: None, landmarks: None, against: None, depth }
    }
}
