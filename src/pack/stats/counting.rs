//! A pack while it is counted.

use super::channels::Histograms;
use super::colours::{AgainstReport, SkinVotes};
use super::counts::{Identities, Sizes};
use super::report::{Distributions, PackStats, SHOWN, Unreadable};
use crate::causes::chain;
use crate::datasets::ImageRecords;
use crate::image::{ChannelOrder, decode::decode};
use crate::pack::open::open;
use crate::pack::write::recover;
use crate::pack::{Error, Manifest, PackFiles, Part};
use crate::progress::Progress;
use crate::recordio::IndexedReader;
use rayon::prelude::*;

/// Images decoded in parallel before the next are.
const AT_A_TIME: usize = 256;

/// Images that share a histogram while they are counted.
const COUNTED_TOGETHER: usize = 16;

/// A pack while it is counted.
pub(super) struct Counting {
    manifest: Option<Manifest>,
    order: ChannelOrder,
    images: u64,
    bytes: u64,
    pub(super) histograms: Histograms,
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

    pub(super) fn of(files: &PackFiles, progress: &dyn Progress) -> Result<Self, Error> {
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

    pub(super) fn stored(&self) -> ChannelOrder {
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

    pub(super) fn report(
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
