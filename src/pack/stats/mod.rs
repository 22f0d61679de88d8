//! Numbers of a pack: exact means and deviations of its channels, sizes, images an identity, pictures
//! that cannot be read, and whether its red and blue are what it says.
//!
//! All sums are whole numbers, so the report is the same for any number of threads. Memory: the index,
//! 16 bytes an identity and a size, and 256 decoded pictures.

mod channels;
mod colours;
mod counting;
mod counts;
mod report;

pub use channels::{ChannelStats, Histograms};
pub use colours::{AgainstReport, SkinReport, SkinVotes, Verdict};
pub use counts::{IdentityReport, SizeCount, SizeReport};
pub use report::{Distributions, PackStats, SHOWN, StatsReport, Unreadable};

use super::{Error, PackFiles, Part};
use crate::datasets::ImageRecords;
use crate::image::{ChannelOrder, decode::decode};
use crate::progress::Progress;
use crate::recordio::IndexedReader;
use counting::Counting;
use rayon::prelude::*;

/// What to look at.
#[derive(Debug, Clone)]
pub struct Options {
    /// The packs.
    pub packs: Vec<PackFiles>,
    /// The order the channels are told in first.
    pub order: ChannelOrder,
    /// A pack whose colours are known to be true.
    pub against: Option<PackFiles>,
}

/// Decodes every picture of some packs and counts.
///
/// # Errors
/// A pack that cannot be opened; a record or a picture that is damaged is counted.
pub fn stats(options: &Options, progress: &dyn Progress) -> Result<StatsReport, Error> {
    let against = match &options.against {
        Some(files) => Some((files, Counting::of(files, progress)?)),
        None => None,
    };
    let mut packs = Vec::with_capacity(options.packs.len());
    for files in &options.packs {
        let counted = Counting::of(files, progress)?;
        let compared = against.as_ref().map(|(other, known)| {
            let own = (&counted.histograms, counted.stored());
            let name = other.path(Part::Rec).display().to_string();
            AgainstReport::of(own, name, (&known.histograms, known.stored()))
        });
        let other = against.as_ref().map(|(_, known)| (known.histograms.clone(), known.stored()));
        packs.push(counted.report(files, options.order, compared, other));
    }
    Ok(StatsReport { packs })
}

/// What the skin tones of a pack say, its pictures taken to be stored in `order`: of at most [`SAMPLED`]
/// pictures, spread evenly over the pack. Those that cannot be decoded do not vote.
pub(super) fn skin(pack: &IndexedReader, images: ImageRecords, order: ChannelOrder) -> SkinReport {
    let step = images.count().div_ceil(SAMPLED).max(1);
    let sample: Vec<usize> = (0..images.count()).step_by(step).collect();
    let middles = sample.par_iter().filter_map(|&position| {
        let record = pack.get(images.position(pack, position).ok()?).ok()?;
        let (_, payload) = record.image().ok()?;
        Some(SkinVotes::middle(&decode(payload).ok()?))
    });
    let mut votes = SkinVotes::default();
    middles.collect::<Vec<_>>().into_iter().for_each(|middle| votes.add(middle, order));
    votes.report()
}

/// Pictures that are looked at where a first impression is enough.
const SAMPLED: usize = 2_000;
