//! Numbers of packs.

use super::channels::{ChannelStats, Histograms};
use super::colours::{AgainstReport, SkinReport, SkinVotes};
use super::counts::{IdentityReport, SizeReport};
use crate::image::ChannelOrder;
use schemars::JsonSchema;
use serde::Serialize;

/// What was found.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct StatsReport {
    /// One entry a pack.
    pub packs: Vec<PackStats>,
}

/// What was found of a pack.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct PackStats {
    /// The `.rec`.
    pub pack: String,
    /// The data set; none of a pack without a manifest.
    pub set: Option<String>,
    /// The order in which the stored pictures have their channels, as the manifest declares it; none of
    /// a pack without a manifest, whose colours are taken as a decoder returns them.
    pub stored_channel_order: Option<ChannelOrder>,
    /// Image records.
    pub images: u64,
    /// Bytes of the `.rec`.
    pub bytes: u64,
    /// Pixels of all pictures that could be read.
    pub pixels: u64,
    /// Means and deviations in the order that was asked for.
    pub channels: ChannelStats,
    /// The same in the other order.
    pub channels_reversed: ChannelStats,
    /// How large the pictures are.
    pub sizes: SizeReport,
    /// How many images each identity has.
    pub identities: IdentityReport,
    /// Records whose picture cannot be read.
    pub unreadable: u64,
    /// The first of them, at most [`SHOWN`].
    pub unreadable_records: Vec<Unreadable>,
    /// What the skin tones say of red and blue.
    pub skin: SkinReport,
    /// What another pack says of them.
    pub against: Option<AgainstReport>,
    /// The distributions behind the numbers, for plots.
    #[serde(skip)]
    pub distributions: Distributions,
}

/// A record whose picture cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Unreadable {
    /// Its position among the images.
    pub position: u64,
    /// Its key.
    pub key: u64,
    /// Why not.
    pub reason: String,
}

/// What plots are drawn of.
#[derive(Debug, Clone, Default)]
pub struct Distributions {
    /// Values of the channels.
    pub channels: Histograms,
    /// Values of the other pack's channels and the order they are stored in.
    pub against: Option<(Histograms, ChannelOrder)>,
    /// Pictures by their longer edge.
    pub longer_edges: Vec<(u32, u64)>,
    /// Votes of the skin tones.
    pub skin: SkinVotes,
}

/// Unreadable records told one by one.
pub const SHOWN: usize = 20;
