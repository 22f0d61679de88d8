//! What the ranks of a world share when they train together.

use crate::graph::World;

/// Whose rows a normalisation's mean and variance are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Normalisation {
    /// Each rank's own.
    #[default]
    Local,
    /// Those of all ranks (`torch.nn.SyncBatchNorm`).
    Synchronised,
}

/// Who holds the class columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum HeadShare {
    /// Every rank all of them; it scores its own rows.
    #[default]
    Replicated,
    /// Every rank its part, with which it scores the rows of all (arcface_torch's `PartialFC_V2`).
    Sharded,
}

/// Whose rows enter a rank's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum QueueShare {
    /// Its own.
    #[default]
    Own,
    /// Those of all ranks (the reference's `sync_GPU`): where the head is replicated the own ones first and
    /// then the others in the order of ranks, where it is sharded in one order on all ranks, which have one
    /// queue then.
    Shared,
}

/// Whose statistics, averages and queue a step begins with, where the head is replicated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BuffersShare {
    /// Each rank's own.
    #[default]
    Local,
    /// The first rank's on all (what the reference runs with: DistributedDataParallel's
    /// `broadcast_buffers`).
    Broadcast,
}

/// When gradients are summed over ranks. The sums are the same to the bit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Overlap {
    /// As is faster in the first steps.
    #[default]
    Auto,
    /// Each as soon as it is made.
    On,
    /// When all are made.
    Off,
}

/// The ranks, and what they share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Sharing {
    /// The ranks.
    pub world: World,
    /// Means and variances.
    pub normalisation: Normalisation,
    /// Class columns.
    pub head: HeadShare,
    /// The queue.
    pub queue: QueueShare,
    /// What a step begins with.
    pub buffers: BuffersShare,
}

impl Sharing {
    /// The ranks that normalise together.
    pub(crate) fn normalised(self) -> World {
        match self.normalisation {
            Normalisation::Local => World::ALONE,
            Normalisation::Synchronised => self.world,
        }
    }

    /// The ranks that hold the class columns together.
    pub(crate) fn columns(self) -> World {
        match self.head {
            HeadShare::Replicated => World::ALONE,
            HeadShare::Sharded => self.world,
        }
    }
}
