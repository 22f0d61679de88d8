//! Packs joined to one list of images and classes.

use super::Error;
use crate::image::resize::{Filter, pillow};
use crate::image::{ChannelOrder, Pixels};
use crate::pack::{PackFiles, Part, Store};

/// Pixels an edge of what is learned from.
pub const EDGE_PX: u32 = 112;

/// More classes than this no label of 32-bit floats counts.
const MOST_CLASSES: usize = 1 << 24;

/// Who the labels of several packs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Labels {
    /// Other people in every pack: their classes stand behind each other.
    Apart,
    /// The same people: equal labels are one class.
    Shared,
}

/// What becomes of pictures that are not [`EDGE_PX`] an edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OtherSize {
    /// They are an error.
    Refuse,
    /// They are resized, bilinearly, as Pillow does.
    Resize,
}

/// Packs joined one behind the other.
#[derive(Debug)]
pub struct Packs {
    stores: Vec<Joined>,
    classes: usize,
    order: ChannelOrder,
    other_size: OtherSize,
}

/// A pack, with the numbers of its first image and class.
#[derive(Debug)]
struct Joined {
    store: Store,
    first: usize,
    class: u32,
}

impl Packs {
    /// Opens packs; pictures will be handed out in `order`.
    ///
    /// # Errors
    /// As [`Store::open`], pictures of another size where those are refused, and more images or
    /// classes than can be counted.
    pub fn open(
        files: &[PackFiles],
        labels: Labels,
        order: ChannelOrder,
        other_size: OtherSize,
    ) -> Result<Self, Error> {
        let (mut stores, mut first, mut classes) = (Vec::new(), 0, 0);
        for files in files {
            let store = Store::open(files)?;
            if other_size == OtherSize::Refuse
                && let Some((position, width, height)) =
                    store.first_of_other_size((EDGE_PX, EDGE_PX))
            {
                return Err(size_error(&store, position, width, height));
            }
            let own = (0..store.len()).map(|at| store.label(at) as usize + 1).max().unwrap_or(0);
            let class = match labels {
                Labels::Apart => classes,
                Labels::Shared => 0,
            };
            classes = classes.max(class + own);
            if classes > MOST_CLASSES {
                return Err(Error::Many { what: "classes", found: classes, most: MOST_CLASSES });
            }
            let count = store.len();
            stores.push(Joined { store, first, class: class as u32 });
            first += count;
        }
        if u32::try_from(first).is_err() {
            return Err(Error::Many { what: "images", found: first, most: u32::MAX as usize });
        }
        Ok(Self { stores, classes, order, other_size })
    }

    /// How many images.
    pub fn len(&self) -> usize {
        self.stores.last().map_or(0, |part| part.first + part.store.len())
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many classes: the largest and one.
    pub fn classes(&self) -> usize {
        self.classes
    }

    /// The packs.
    pub fn stores(&self) -> impl Iterator<Item = &Store> {
        self.stores.iter().map(|part| &part.store)
    }

    fn part(&self, image: usize) -> (&Joined, usize) {
        let at = self.stores.partition_point(|part| part.first <= image);
        let part = &self.stores[at.saturating_sub(1)];
        (part, image - part.first)
    }

    /// The class of an image.
    ///
    /// # Panics
    /// Where there is no such image.
    pub fn label(&self, image: usize) -> i64 {
        let (part, position) = self.part(image);
        i64::from(part.class) + i64::from(part.store.label(position))
    }

    /// Pack and path of an image, for people.
    pub fn name(&self, image: usize) -> String {
        let (part, position) = self.part(image);
        let pack = part.store.files.path(Part::Rec);
        format!("{}, position {position}: {}", pack.display(), part.store.name(position))
    }

    /// The error of a picture that cannot be decoded or drawn.
    pub(super) fn bad_picture(&self, image: usize, source: crate::image::Error) -> Error {
        let (part, position) = self.part(image);
        let (pack, path) = (part.store.files.path(Part::Rec), part.store.name(position));
        Error::Picture { pack, position, path, source }
    }

    /// The picture of an image, [`EDGE_PX`] an edge, its colours in the order of these packs.
    ///
    /// # Errors
    /// Damage, by the image's name.
    ///
    /// # Panics
    /// Where there is no such image.
    pub fn pixels(&self, image: usize) -> Result<Pixels, Error> {
        let (part, position) = self.part(image);
        let store = &part.store;
        let bytes = store.bytes(position)?;
        let bad = |source| self.bad_picture(image, source);
        let pixels = store.manifest.pixels(&bytes).map_err(bad)?.into_order(self.order);
        match (pixels.width, pixels.height, self.other_size) {
            (EDGE_PX, EDGE_PX, _) => Ok(pixels),
            (_, _, OtherSize::Resize) => {
                pillow(&pixels, EDGE_PX, EDGE_PX, Filter::Bilinear).map_err(bad)
            }
            (width, height, OtherSize::Refuse) => Err(size_error(store, position, width, height)),
        }
    }
}

fn size_error(store: &Store, position: usize, width: u32, height: u32) -> Error {
    let (pack, path) = (store.files.path(Part::Rec), store.name(position));
    Error::Size { pack, position, path, width, height }
}
