//! A model, and what it is to do.

use super::super::conventions::Conventions;
use super::super::options::ModelOptions;

/// How much is to be embedded.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Load {
    /// Images in all.
    pub(in super::super) images: usize,
    /// Images at a time.
    pub(in super::super) batch: usize,
}

/// A model, and what it is to do.
pub(in super::super) struct Subject<'a> {
    pub(in super::super) options: &'a ModelOptions,
    pub(in super::super) conventions: &'a Conventions,
    pub(in super::super) digest: String,
    pub(in super::super) load: Load,
}

impl Subject<'_> {
    /// What a choice holds for beside the machine.
    pub(super) fn site(&self) -> String {
        format!("{}, {} images at a time", self.digest, self.load.batch)
    }
}
