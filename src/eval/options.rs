//! What is evaluated, and how.

use super::conventions::Flags;
use super::images::Place;
use super::sets::EvalSet;
use super::settings::Protocol;
use crate::group::Group;
use crate::pack::PackFiles;
use crate::runtime::Device;
use std::num::NonZeroUsize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// What is evaluated, and how.
pub struct Options {
    /// What is scored.
    pub task: Task,
    /// Where the features come from.
    pub features: FeatureOptions,
    /// How they are fused and weighed.
    pub protocol: Protocol,
    /// Images a batch.
    pub batch: usize,
    /// Threads that decode.
    pub jobs: usize,
    /// The processes that embed together; the first one scores.
    pub group: Arc<Group>,
    /// The folder of the features' cache, if one is used.
    pub cache: Option<PathBuf>,
    /// Where fused features and norms are written to as `.npy`.
    pub save: Option<PathBuf>,
    /// What becomes of faces aligned in another way than the protocol's.
    pub alignment: OtherAlignment,
}

/// What is scored.
pub enum Task {
    /// Sets by their protocols.
    Sets(Vec<(&'static EvalSet, Place)>),
    /// Probes in a gallery, packs of one's own, by their labels.
    Identification {
        /// What is searched.
        gallery: PackFiles,
        /// What is looked for.
        probe: PackFiles,
        /// What the gallery holds beside; of nobody.
        distractor: Option<PackFiles>,
    },
    /// Pairs of images of a pack.
    Verification {
        /// The pack.
        pack: PackFiles,
        /// Lines of `position position 0|1`.
        pairs: PathBuf,
    },
    /// Nothing: the features of a pack are saved.
    Features {
        /// The pack.
        pack: PackFiles,
    },
}

/// Where features come from.
pub enum FeatureOptions {
    /// A model embeds the images.
    Model(ModelOptions),
    /// Files made elsewhere.
    Files {
        /// A row an image.
        features: PathBuf,
        /// A norm an image.
        norms: Option<PathBuf>,
    },
}

/// What becomes of faces aligned in another way than the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherAlignment {
    /// They are refused.
    Refuse,
    /// They are scored, with a warning.
    Accept,
}

/// Which model, and where it runs.
#[derive(Debug, Clone)]
pub struct ModelOptions {
    /// The file.
    pub path: PathBuf,
    /// What the user says of it.
    pub flags: Flags,
    /// Where it runs.
    pub device: Device,
    /// Threads of the network on the processor.
    pub threads: NonZeroUsize,
    /// How long a batch may take; for ever where there is none.
    pub time_limit: Option<Duration>,
    /// Whether it may be rewritten before it is run.
    pub rewriting: Rewriting,
}

/// Whether a model may be rewritten before it is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rewriting {
    /// It is run as it is.
    Never,
    /// It is, where that was measured to be faster; it is measured where many images are embedded.
    WhereFaster {
        /// The threads that it is measured for: those of all processes of the job on this machine, so that what is
        /// computed does not depend on their number.
        threads: NonZeroUsize,
    },
}

/// Hears of decisions and of what takes long for another reason than work.
pub type Say<'a> = dyn Fn(&str) + 'a;
