//! What a proof leaves out.

use serde::{Serialize, Serializer};
use std::path::PathBuf;

/// What was not compared, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotChecked {
    /// A quick proof reads no picture.
    #[error("the bytes of the pictures and of the source files, as the proof is a quick one")]
    Pictures,
    /// Damage ends the pass over the records.
    #[error("the records, as the files above cannot be read to their end")]
    Records,
    /// The list is not there.
    #[error("the list it was made from")]
    List,
    /// The csv of labels is not there.
    #[error("the csv of labels it was made with")]
    Labels,
    /// The csv of landmarks is not there.
    #[error("the csv of landmarks it was made with")]
    Landmarks,
    /// The pack was adopted alone.
    #[error("a source tree: the pack was made elsewhere and adopted without one")]
    Adopted,
    /// The tree beside the pack is of other pictures.
    #[error("the source tree: {root} holds none of the pack's pictures")]
    OtherTree {
        /// The tree.
        root: PathBuf,
    },
    /// There is no tree to list.
    #[error("the source tree: {reason}")]
    NoTree {
        /// What is missing.
        reason: String,
    },
}

impl Serialize for NotChecked {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
