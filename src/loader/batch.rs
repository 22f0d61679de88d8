//! Batches of views.

use super::{EDGE_PX, Error, Packs, epoch_order};
use crate::masks::RowMask;
use crate::seed::Seed;
use crate::views::{Resizing, View, write_tensor};
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

/// What a damaged record does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnDamage {
    /// It ends the run.
    Stop,
    /// An image that the batch does not hold is drawn in its place, and it is told.
    Skip,
}

/// What batches are made of.
#[derive(Debug)]
pub struct Batches {
    /// The images.
    pub packs: Arc<Packs>,
    /// The views of each image, the high-quality one first.
    pub views: Vec<View>,
    /// How views are resized.
    pub resizing: Resizing,
    /// What a damaged record does.
    pub on_damage: OnDamage,
    /// Where all draws come from.
    pub seed: Seed,
    /// Images a batch.
    pub batch: usize,
    /// The images of a batch that are loaded, by their places in it.
    pub part: Range<usize>,
    /// What a network is fed beside images.
    pub masks: Vec<RowMask>,
    /// Orders of the epochs at work.
    orders: Mutex<Vec<(u32, Arc<Vec<u32>>)>>,
}

/// What a step learns from.
#[derive(Debug, Clone)]
pub struct Batch {
    /// Its number, from 0, those of earlier epochs counted: what else is drawn for it is drawn by this.
    pub number: u64,
    /// Images `[views·B, 3, height, width]` of the B that are loaded: all first views, then all second ones.
    pub images: Vec<f32>,
    /// Classes of the B images.
    pub labels: Vec<i64>,
    /// What is kept of each row `[views·B, …]`, by each of the network's masks.
    pub masks: Vec<Vec<bool>>,
}

/// A batch, and what is not in it.
#[derive(Debug)]
pub struct Loaded {
    /// The batch.
    pub batch: Batch,
    /// Images that were damaged and left out, by name.
    pub skipped: Vec<String>,
}

/// Orders that are held: those of an epoch that ends and of the next.
const ORDERS: usize = 2;

/// Draws of an image that a batch does not hold; that all fail has, where half of the images lie in
/// the batch, the probability 2⁻⁶⁴.
const DRAWS: usize = 64;

/// Numbers of a view.
const VIEW: usize = 3 * (EDGE_PX * EDGE_PX) as usize;

impl Batches {
    /// Batches of `batch` images of the packs, without masks, that stop at damage.
    ///
    /// # Errors
    /// [`Error::Few`].
    pub fn new(
        packs: Arc<Packs>,
        views: Vec<View>,
        seed: Seed,
        batch: usize,
    ) -> Result<Self, Error> {
        let images = packs.len();
        if images < batch || batch == 0 {
            return Err(Error::Few { images, batch });
        }
        Ok(Self {
            packs,
            views,
            resizing: Resizing::Pillow,
            on_damage: OnDamage::Stop,
            seed,
            batch,
            part: 0..batch,
            masks: Vec::new(),
            orders: Mutex::default(),
        })
    }

    /// Batches of an epoch; the images that are left over are not seen in it.
    pub fn batches_per_epoch(&self) -> u64 {
        (self.packs.len() / self.batch) as u64
    }

    fn order(&self, epoch: u32) -> Arc<Vec<u32>> {
        let mut orders = self.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, order)) = orders.iter().find(|(own, _)| *own == epoch) {
            return Arc::clone(order);
        }
        let order = Arc::new(epoch_order(self.seed, epoch, self.packs.len()));
        if orders.len() == ORDERS {
            orders.remove(0);
        }
        orders.push((epoch, Arc::clone(&order)));
        order
    }

    /// The batch of a number, from 0, those of earlier epochs counted.
    ///
    /// # Errors
    /// Damage of an image, by its name, unless it is skipped.
    pub fn load(&self, number: u64) -> Result<Loaded, Error> {
        let epoch = (number / self.batches_per_epoch()) as u32;
        let first = (number % self.batches_per_epoch()) as usize * self.batch;
        let order = self.order(epoch);
        let loaded = self.part.len();
        let mut images = vec![0.0; self.views.len() * loaded * VIEW];
        let mut labels = Vec::with_capacity(loaded);
        let mut skipped = Vec::new();
        // Those of the order, whoever loads which of them and whatever is replaced.
        let held = &order[first..first + self.batch];
        for place in self.part.clone() {
            let mut image = held[place] as usize;
            let mut tries = 0;
            let views = loop {
                match (self.views_of(epoch, image), self.on_damage) {
                    (Ok(views), _) => break views,
                    (Err(error), OnDamage::Stop) => return Err(error),
                    (Err(_), OnDamage::Skip) => skipped.push(self.packs.name(image)),
                }
                tries += 1;
                if tries == self.batch {
                    return Err(Error::NoneWhole { number, path: self.packs.name(image) });
                }
                image = self.replacement(number, place, tries, held);
            };
            labels.push(self.packs.label(image));
            for (view, pixels) in views.iter().enumerate() {
                let at = (view * loaded + place - self.part.start) * VIEW;
                write_tensor(pixels, &mut images[at..at + VIEW]);
            }
        }
        let masks = self.masks.iter().map(|mask| self.kept(mask, number)).collect();
        let batch = Batch { number, images, labels, masks };
        Ok(Loaded { batch, skipped })
    }

    /// Another image for a place of a batch, from a stream of its own. Where the packs have more
    /// images than a batch it is none that the batch holds.
    fn replacement(&self, number: u64, place: usize, tries: usize, held: &[u32]) -> usize {
        let mut stream = self.seed.stream(&format!("replacement/{number}/{place}/{tries}"));
        let images = self.packs.len() as u64;
        let mut image = stream.below(images) as u32;
        for _ in 1..DRAWS {
            if !held.contains(&image) {
                break;
            }
            image = stream.below(images) as u32;
        }
        image as usize
    }

    /// The views of an image in an epoch, each drawn from a stream of its own.
    ///
    /// # Errors
    /// Damage of the image, by its name.
    pub fn views_of(&self, epoch: u32, image: usize) -> Result<Vec<crate::image::Pixels>, Error> {
        let pixels = self.packs.pixels(image)?;
        let views = self.views.iter().enumerate().map(|(at, view)| {
            let mut stream = self.seed.stream(&format!("view/{epoch}/{image}/{at}"));
            let drawn = view.draw(&pixels, self.resizing, &mut stream);
            drawn.map_err(|source| self.packs.bad_picture(image, source))
        });
        views.collect()
    }

    /// What a mask keeps of the rows that are loaded: the draws of a batch are those of all its rows.
    fn kept(&self, mask: &RowMask, number: u64) -> Vec<bool> {
        let rows = |view| {
            let first = view * self.batch;
            first + self.part.start..first + self.part.end
        };
        let views = 0..self.views.len();
        views.flat_map(|view| mask.draw(self.seed, number, rows(view))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::datasets;
    use crate::image::{ChannelOrder, Pixels, encode};
    use crate::loader::{Labels, OtherSize};
    use crate::masks::Kept;
    use crate::pack::{self, PackFiles, Recipe, make_rec};
    use crate::views::LowOptions;

    /// A pack of seven grey pictures of three people, each of a level of its own.
    fn packs(folder: &std::path::Path) -> Arc<Packs> {
        for image in 0..7u8 {
            let person = folder.join("tree").join(format!("{}", image % 3));
            std::fs::create_dir_all(&person).unwrap();
            let data = vec![30 * image; VIEW];
            let (width, height) = (EDGE_PX, EDGE_PX);
            let pixels = Pixels { width, height, order: ChannelOrder::Rgb, data };
            let file = person.join(format!("{image}.png"));
            std::fs::write(file, encode::png(&pixels).unwrap()).unwrap();
        }
        let files = PackFiles::new(folder, "p").unwrap();
        let recipe = Recipe::new(datasets::find("folder").unwrap(), folder.join("tree"));
        make_rec(recipe, &pack::Options::new(files.clone()), &()).unwrap();
        let packs = Packs::open(&[files], Labels::Apart, ChannelOrder::Bgr, OtherSize::Refuse);
        Arc::new(packs.unwrap())
    }

    fn batches(packs: &Arc<Packs>, batch: usize) -> Batches {
        let views = vec![View::High, View::Low(LowOptions::default())];
        Batches::new(Arc::clone(packs), views, Seed::new(3), batch).unwrap()
    }

    /// Grey levels of the first views, which a mirror does not change, from 0 to 6.
    fn levels(batch: &Batch) -> Vec<i64> {
        let first = batch.images.chunks(VIEW).take(batch.labels.len());
        first.map(|view| ((view[0] + 1.0) * 127.5 / 30.0).round() as i64).collect()
    }

    #[test]
    fn an_epoch_shows_other_images_in_every_batch_with_their_labels() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(folder.path());
        let batches = batches(&packs, 3);
        assert_eq!(batches.batches_per_epoch(), 2);
        let loaded = [0, 1].map(|number| batches.load(number).unwrap().batch);
        let mut seen: Vec<i64> = loaded.iter().flat_map(levels).collect();
        for loaded in &loaded {
            let people: Vec<i64> = levels(loaded).iter().map(|level| level % 3).collect();
            assert_eq!(loaded.labels, people);
        }
        seen.sort_unstable();
        seen.dedup();
        assert_eq!(seen.len(), 6);
    }

    #[test]
    fn a_batch_is_a_function_of_seed_and_number() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(folder.path());
        let (one, other) = (batches(&packs, 3), batches(&packs, 3));
        // In another order, as threads come.
        let late = [5, 0, 3].map(|number| one.load(number).unwrap().batch.images);
        let early = [0, 3, 5].map(|number| other.load(number).unwrap().batch.images);
        assert!(late[1] == early[0] && late[2] == early[1] && late[0] == early[2]);
    }

    #[test]
    fn a_damaged_image_is_replaced_by_one_that_the_batch_does_not_hold() {
        let folder = tempfile::tempdir().unwrap();
        drop(packs(folder.path()));
        let files = PackFiles::new(folder.path(), "p").unwrap();
        let rec = files.path(pack::Part::Rec);
        let mut bytes = std::fs::read(&rec).unwrap();
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        std::fs::write(&rec, bytes).unwrap();
        let packs = Packs::open(&[files], Labels::Apart, ChannelOrder::Bgr, OtherSize::Refuse);
        let packs = Arc::new(packs.unwrap());
        let damaged = |image: &usize| packs.pixels(*image).is_err();
        let damaged: Vec<String> = (0..7).filter(damaged).map(|image| packs.name(image)).collect();
        assert_eq!(damaged.len(), 1);
        let batches = Batches { on_damage: OnDamage::Skip, ..batches(&packs, 3) };
        let mut replaced = std::collections::BTreeSet::new();
        for number in 0..40 {
            let loaded = batches.load(number).unwrap();
            let mut shown = levels(&loaded.batch);
            if !loaded.skipped.is_empty() {
                assert!(loaded.skipped.iter().all(|name| *name == damaged[0]), "batch {number}");
                replaced.extend(shown.clone());
            }
            shown.sort_unstable();
            shown.dedup();
            assert_eq!(shown.len(), 3, "batch {number} shows an image twice");
        }
        assert_eq!(replaced.len(), 6, "any image can take the place: {replaced:?}");
    }

    #[test]
    fn masks_are_drawn_for_all_rows_and_each_part_has_its_own() {
        let folder = tempfile::tempdir().unwrap();
        let mut batches = batches(&packs(folder.path()), 3);
        let mask =
            |name, extents: &[usize], kept| RowMask { name, extents: extents.to_vec(), kept };
        batches.masks = vec![
            mask("one", &[64, 7, 7], Kept::Without(vec![0.4])),
            mask("other", &[9], Kept::Exactly(4)),
        ];
        let masks = batches.load(0).unwrap().batch.masks;
        let lengths: Vec<usize> = masks.iter().map(Vec::len).collect();
        assert_eq!(lengths, [6 * 64 * 49, 6 * 9]);
        let later = batches.load(1).unwrap().batch.masks;
        assert!(masks.iter().zip(&later).all(|(one, other)| one != other));
        // Each rank draws its part of what all have.
        let parts = [0..1, 1..3].map(|part| {
            batches.part = part;
            batches.load(0).unwrap().batch.masks
        });
        for (at, whole) in masks.iter().enumerate() {
            let rows: Vec<&[bool]> = whole.chunks(whole.len() / 6).collect();
            let of_parts = [[0, 3].as_slice(), &[1, 2, 4, 5]]
                .map(|own| own.iter().flat_map(|&row| rows[row].to_vec()).collect::<Vec<bool>>());
            assert_eq!(parts.each_ref().map(|part| part[at].clone()), of_parts);
        }
    }

    #[test]
    fn fewer_images_than_a_batch_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let packs = packs(folder.path());
        let few = Batches::new(packs, vec![View::High], Seed::new(3), 8);
        assert!(matches!(few, Err(Error::Few { images: 7, batch: 8 })));
    }
}
