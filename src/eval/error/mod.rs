//! What an evaluation can fail with, by what is done: where, what was expected and what was found.

mod features;
mod images;
mod model;
mod plan;
mod protocol_file;

pub use features::FeaturesError;
pub use images::{ImageError, ImagesError};
pub use model::{ModelError, ModelFault};
pub use plan::PlanError;
pub use protocol_file::ProtocolFileError;

use super::subject::Subject;
use crate::{datasets, fs, group, metrics, pack, runtime};

/// Why nothing was evaluated.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder refused.
    #[error(transparent)]
    Files(#[from] fs::Error),
    /// A pack is not there, damaged or not in order.
    #[error(transparent)]
    Pack(#[from] pack::Error),
    /// A pack is not what its manifest says.
    #[error(transparent)]
    Proof(#[from] pack::ProofError),
    /// A list cannot be read.
    #[error(transparent)]
    DataSet(#[from] datasets::Error),
    /// The images cannot be had.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// A file of the protocol cannot be used.
    #[error(transparent)]
    ProtocolFile(#[from] ProtocolFileError),
    /// The images cannot be scored by the protocol.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// The model cannot be run.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The features cannot be scored.
    #[error(transparent)]
    Features(#[from] FeaturesError),
    /// The pairs cannot be read.
    #[error(transparent)]
    Pairs(#[from] datasets::PairsError),
    /// Ranks cannot exchange what they have embedded.
    #[error(transparent)]
    Group(#[from] group::Error),
    /// What a rank has embedded cannot be read.
    #[error("rank {rank}: expected the features of its images, found what cannot be read")]
    OfRank {
        /// The rank.
        rank: usize,
    },
    /// Numbers cannot be computed.
    #[error("{subject}: cannot be scored")]
    Metrics {
        /// The set.
        subject: Subject,
        /// Why not.
        source: metrics::Error,
    },
}

impl From<runtime::Error> for Error {
    fn from(error: runtime::Error) -> Self {
        Self::Model(error.into())
    }
}
