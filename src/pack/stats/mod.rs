//! Numbers of a pack: exact means and deviations of its channels, sizes, images an identity, pictures
//! that cannot be read, and whether its red and blue are what it says.
//!
//! All sums are whole numbers, so the report is the same for any number of threads. Memory: the index,
//! 16 bytes an identity and a size, and 256 decoded pictures.

mod channels;
mod colours;
mod counts;

pub use channels::{ChannelStats, Histograms};
pub use colours::{AgainstReport, SkinReport, SkinVotes, Verdict};
pub use counts::{IdentityReport, SizeCount, SizeReport};

use super::open::open;
use super::write::recover;
use super::{Error, Manifest, PackFiles, Part};
use crate::causes::chain;
use crate::datasets::ImageRecords;
use crate::image::{ChannelOrder, decode::decode};
use crate::progress::Progress;
use crate::recordio::IndexedReader;
use counts::{Identities, Sizes};
use rayon::prelude::*;
use schemars::JsonSchema;
use serde::Serialize;

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

/// Images decoded in parallel before the next are.
const AT_A_TIME: usize = 256;

/// Images that share a histogram while they are counted.
const COUNTED_TOGETHER: usize = 16;

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

/// A pack while it is counted.
struct Counting {
    manifest: Option<Manifest>,
    order: ChannelOrder,
    images: u64,
    bytes: u64,
    histograms: Histograms,
    sizes: Sizes,
    identities: Identities,
    skin: SkinVotes,
    unreadable: u64,
    unreadable_records: Vec<Unreadable>,
}

/// What one image adds.
struct Image {
    position: usize,
    key: u64,
    /// None where the record itself is damaged.
    class: Option<f32>,
    /// Size and sums of the middle, or why it cannot be read.
    picture: Result<((u32, u32), [i64; 3]), String>,
}

impl Counting {
    fn empty(manifest: Option<Manifest>) -> Self {
        let order = manifest.as_ref().map(|manifest| manifest.stored_channel_order);
        Self {
            manifest,
            order: order.unwrap_or(ChannelOrder::Rgb),
            images: 0,
            bytes: 0,
            histograms: Histograms::default(),
            sizes: Sizes::default(),
            identities: Identities::default(),
            skin: SkinVotes::default(),
            unreadable: 0,
            unreadable_records: Vec::new(),
        }
    }

    fn of(files: &PackFiles, progress: &dyn Progress) -> Result<Self, Error> {
        recover(files)?;
        let manifest = match Manifest::open(files) {
            Ok(manifest) => Some(manifest),
            Err(Error::NoManifest { .. }) => None,
            Err(error) => return Err(error),
        };
        let pack = open(files)?;
        let images = ImageRecords::of(&pack)
            .map_err(|source| Error::Record { path: files.path(Part::Rec), source })?;
        let mut counting = Self::empty(manifest);
        counting.count(&pack, images, &files.stem, progress);
        Ok(counting)
    }

    fn stored(&self) -> ChannelOrder {
        self.order
    }

    fn count(
        &mut self,
        pack: &IndexedReader,
        images: ImageRecords,
        name: &str,
        progress: &dyn Progress,
    ) {
        self.images = images.count() as u64;
        self.bytes = pack.reader().length();
        progress.start(name, self.images);
        for from in (0..images.count()).step_by(AT_A_TIME) {
            let to = images.count().min(from + AT_A_TIME);
            let starts: Vec<usize> = (from..to).step_by(COUNTED_TOGETHER).collect();
            let counted = starts.par_iter().map(|&start| {
                let mut histograms = Histograms::default();
                let positions = start..to.min(start + COUNTED_TOGETHER);
                let found: Vec<Image> = positions
                    .map(|position| look(pack, images, position, &mut histograms))
                    .collect();
                (histograms, found)
            });
            let counted: Vec<_> = counted.collect();
            for (histograms, images) in counted {
                self.histograms.add_all(&histograms);
                images.into_iter().for_each(|image| self.take(image));
            }
            progress.advance((to - from) as u64);
            pack.reader().release(0, pack.reader().length());
        }
        progress.finish();
    }

    fn take(&mut self, image: Image) {
        if let Some(class) = image.class {
            self.identities.add(class);
        }
        match image.picture {
            Ok(((width, height), middle)) => {
                self.sizes.add(width, height);
                self.skin.add(middle, self.order);
            }
            Err(reason) => {
                self.unreadable += 1;
                if self.unreadable_records.len() < SHOWN {
                    let (position, key) = (image.position as u64, image.key);
                    self.unreadable_records.push(Unreadable { position, key, reason });
                }
            }
        }
    }

    fn report(
        self,
        files: &PackFiles,
        order: ChannelOrder,
        against: Option<AgainstReport>,
        other: Option<(Histograms, ChannelOrder)>,
    ) -> PackStats {
        let reversed = match order {
            ChannelOrder::Rgb => ChannelOrder::Bgr,
            ChannelOrder::Bgr => ChannelOrder::Rgb,
        };
        PackStats {
            pack: files.path(Part::Rec).display().to_string(),
            stored_channel_order: self.manifest.as_ref().map(|own| own.stored_channel_order),
            set: self.manifest.map(|manifest| manifest.set),
            images: self.images,
            bytes: self.bytes,
            pixels: self.histograms.pixels(),
            channels: self.histograms.stats(order, self.order),
            channels_reversed: self.histograms.stats(reversed, self.order),
            sizes: self.sizes.report(),
            identities: self.identities.report(),
            unreadable: self.unreadable,
            unreadable_records: self.unreadable_records,
            skin: self.skin.report(),
            against,
            distributions: Distributions {
                channels: self.histograms,
                against: other,
                longer_edges: self.sizes.longer_edges(),
                skin: self.skin,
            },
        }
    }
}

/// Decodes one image and counts its values; damage of any kind makes it unreadable.
fn look(
    pack: &IndexedReader,
    images: ImageRecords,
    position: usize,
    histograms: &mut Histograms,
) -> Image {
    let line = images.position(pack, position);
    let key = line.as_ref().ok().and_then(|&line| pack.index().key(line)).unwrap_or_default();
    let looked = line.and_then(|line| {
        let record = pack.get(line)?;
        let (header, payload) = record.image()?;
        let picture = decode(payload).map_err(|error| chain(&error)).map(|pixels| {
            histograms.add(&pixels);
            ((pixels.width, pixels.height), SkinVotes::middle(&pixels))
        });
        Ok((Some(header.label.class()), picture))
    });
    let (class, picture) = looked.unwrap_or_else(|error| (None, Err(chain(&error))));
    Image { position, key, class, picture }
}
