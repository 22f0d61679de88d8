//! InsightFace's layout of training packs, read and written.
//!
//! The images have the keys 1 to N and those of one identity stand together. An identity record for
//! each follows, flag 2, labels `(first key, last key + 1)`, no payload; then a record under key 0, flag
//! 2, labels `(N + 1, N + 1 + identities)`. `property` says `classes,height,width` (insightface
//! `rec_builder.py`, `image_iter.py`; readers of today use key 0 and `property`).

use crate::recordio::{self, Header, IndexedReader, Label};
use std::collections::HashSet;

/// The key of the record that says which keys are images and which identities.
const HEADER_KEY: u64 = 0;

/// Which records of a pack are images, and in which order they count.
///
/// InsightFace asks for a flag above 0 alone of the header record; flag 2 and no payload are asked for here
/// too, or an image 0 with several labels would be taken for a header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ImageRecords {
    /// All, in the order of the lines of the index.
    All {
        /// How many.
        count: usize,
    },
    /// Those with the keys 1 to `images`; identity records follow.
    Keyed {
        /// Images.
        images: usize,
        /// Identity records.
        identities: u64,
    },
}

impl ImageRecords {
    /// Reads the header of a pack, if it has one.
    ///
    /// # Errors
    /// A damaged record 0, and a header that announces keys the index has not.
    pub fn of(pack: &IndexedReader) -> Result<Self, recordio::Error> {
        let all = Self::All { count: pack.index().len() };
        if pack.index().position(HEADER_KEY).is_none() {
            return Ok(all);
        }
        let record = pack.get_key(HEADER_KEY)?;
        let (header, payload) = record.image()?;
        let whole = |label: f32| (label.fract() == 0.0 && label >= 1.0).then_some(label as u64);
        let (&[first, end], 2, true) = (header.label.values(), header.flag(), payload.is_empty())
        else {
            return Ok(all);
        };
        let (Some(first), Some(end)) = (whole(first), whole(end)) else { return Ok(all) };
        // Every key up to the end of the ranges must be there, and key 0; which one is not is found out when
        // it is read.
        let count = pack.index().len() as u64;
        if end.max(first) > count {
            return Err(recordio::Error::NoSuchKey { key: end.max(first) - 1, count });
        }
        Ok(Self::Keyed {
            images: usize::try_from(first - 1).unwrap_or(usize::MAX),
            identities: end.saturating_sub(first),
        })
    }

    /// How many images there are.
    pub fn count(&self) -> usize {
        match self {
            Self::All { count } => *count,
            Self::Keyed { images, .. } => *images,
        }
    }

    /// The line of the index, from 0, of image `at`.
    ///
    /// # Errors
    /// [`recordio::Error::NoSuchKey`] and [`recordio::Error::NoSuchPosition`].
    pub fn position(&self, pack: &IndexedReader, at: usize) -> Result<usize, recordio::Error> {
        let count = pack.index().len() as u64;
        match self {
            Self::All { count: all } if at < *all => Ok(at),
            Self::All { .. } => Err(recordio::Error::NoSuchPosition { position: at as u64, count }),
            Self::Keyed { .. } => {
                let key = at as u64 + 1;
                pack.index().position(key).ok_or(recordio::Error::NoSuchKey { key, count })
            }
        }
    }
}

/// The largest whole number up to which 32-bit floats hold all: ranges of keys are such labels.
const LARGEST_EXACT: u64 = 1 << 24;

/// Why images cannot stand in this layout.
#[derive(Debug, Clone, Copy, PartialEq, thiserror::Error)]
pub enum LayoutError {
    /// A class is negative or broken.
    #[error("expected a class from 0 on as (first) label, found {class}")]
    Class {
        /// The label.
        class: f32,
    },
    /// An identity's images do not stand together.
    #[error(
        "class {class} stood before with other classes in between; InsightFace wants the images of one \
         identity together, so put the list in the order of its labels"
    )]
    Apart {
        /// The class.
        class: f32,
    },
    /// There are more records than ranges can tell.
    #[error(
        "images and identities together are more than {LARGEST_EXACT}, and the ranges of InsightFace's \
         layout are 32-bit floats"
    )]
    TooMany,
}

/// The identities of a pack while its images pass, in their order.
#[derive(Debug, Default)]
pub struct Identities {
    /// First key and class of each identity.
    starts: Vec<(u64, f32)>,
    seen: HashSet<u32>,
    images: u64,
    largest: f32,
}

impl Identities {
    /// Takes the class of the next image, whose key is one more than the last one's.
    ///
    /// # Errors
    /// [`LayoutError`] for a class that the layout cannot hold here.
    pub fn add(&mut self, class: f32) -> Result<(), LayoutError> {
        if !(class >= 0.0 && class.fract() == 0.0 && class <= LARGEST_EXACT as f32) {
            return Err(LayoutError::Class { class });
        }
        self.images += 1;
        // 0 and −0 are one class.
        let bits = (class + 0.0).to_bits();
        if self.starts.last().is_none_or(|&(_, last)| last != class) {
            if !self.seen.insert(bits) {
                return Err(LayoutError::Apart { class });
            }
            self.starts.push((self.images, class));
            self.largest = self.largest.max(class);
        }
        if self.images + 1 + self.count() > LARGEST_EXACT {
            return Err(LayoutError::TooMany);
        }
        Ok(())
    }

    /// Identities so far.
    pub fn count(&self) -> u64 {
        self.starts.len() as u64
    }

    /// Classes a network needs: one more than the largest.
    pub fn classes(&self) -> u64 {
        if self.starts.is_empty() { 0 } else { self.largest as u64 + 1 }
    }

    /// The identity records, then that of key 0: key and header of each.
    pub fn records(&self) -> impl Iterator<Item = (u64, Header)> {
        let first = self.images + 1;
        let ends = self.starts.iter().skip(1).map(|&(start, _)| start).chain([first]);
        let header = |id: u64, (from, to): (u64, u64)| {
            (id, Header { label: Label::Vector(vec![from as f32, to as f32]), id, id2: 0 })
        };
        let ranges = self.starts.iter().zip(ends).enumerate();
        ranges
            .map(move |(i, (&(start, _), end))| header(first + i as u64, (start, end)))
            .chain([header(HEADER_KEY, (first, first + self.count()))])
    }

    /// The text of `property`.
    pub fn property(&self, height: u32, width: u32) -> String {
        format!("{},{height},{width}\n", self.classes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recordio::{IndexWriter, Writer};
    use std::path::Path;

    /// Writes a pack of these keys, labels and payloads, in this order.
    fn packed(folder: &Path, records: &[(u64, &[f32], &[u8])]) -> IndexedReader {
        let (mut writer, mut index) = (Writer::new(Vec::new()), IndexWriter::new(Vec::new()));
        for (key, labels, payload) in records {
            let label = match labels {
                [label] => Label::Scalar(*label),
                many => Label::Vector(many.to_vec()),
            };
            let offset = writer.append(&Header { label, id: *key, id2: 0 }, payload).unwrap();
            index.append(*key, offset).unwrap();
        }
        let (rec, idx) = (folder.join("p.rec"), folder.join("p.idx"));
        std::fs::write(&rec, writer.into_inner()).unwrap();
        std::fs::write(&idx, index.into_inner()).unwrap();
        IndexedReader::open(&rec, &idx).unwrap()
    }

    #[test]
    fn a_header_under_key_0_gives_the_keys_from_1_wherever_it_stands() {
        let folder = tempfile::tempdir().unwrap();
        let pack = packed(
            folder.path(),
            &[(2, &[0.0], b"b"), (0, &[3.0, 4.0], b""), (1, &[0.0], b"a"), (3, &[1.0, 3.0], b"")],
        );
        let images = ImageRecords::of(&pack).unwrap();
        assert_eq!(images, ImageRecords::Keyed { images: 2, identities: 1 });
        assert_eq!(
            (images.position(&pack, 0).unwrap(), images.position(&pack, 1).unwrap()),
            (2, 0)
        );
    }

    #[test]
    fn an_image_0_with_two_labels_is_no_header() {
        let folder = tempfile::tempdir().unwrap();
        let pack = packed(folder.path(), &[(0, &[2.0, 3.0], b"a"), (1, &[1.0], b"b")]);
        assert_eq!(ImageRecords::of(&pack).unwrap(), ImageRecords::All { count: 2 });
    }

    #[test]
    fn a_header_that_announces_more_than_there_is_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let pack = packed(folder.path(), &[(1, &[0.0], b"a"), (0, &[9.0, 10.0], b"")]);
        assert!(matches!(ImageRecords::of(&pack), Err(recordio::Error::NoSuchKey { key: 9, .. })));
    }

    fn identities_of(classes: &[f32]) -> Result<Identities, LayoutError> {
        let mut identities = Identities::default();
        classes.iter().try_for_each(|&class| identities.add(class))?;
        Ok(identities)
    }

    #[test]
    fn ranges_part_the_keys_from_1_and_key_0_names_the_ranges() {
        let identities = identities_of(&[4.0, 4.0, 0.0]).unwrap();
        let records: Vec<_> = identities.records().collect();
        let expected = [(4, vec![1.0, 3.0]), (5, vec![3.0, 4.0]), (0, vec![4.0, 6.0])];
        let header =
            |(id, label): (u64, Vec<f32>)| (id, Header { label: Label::Vector(label), id, id2: 0 });
        assert_eq!(records, expected.map(header));
        assert_eq!(identities.property(112, 96), "5,112,96\n");
    }

    #[test]
    fn an_identity_that_comes_back_is_refused() {
        assert_eq!(identities_of(&[1.0, 2.0, 1.0]).err(), Some(LayoutError::Apart { class: 1.0 }));
        assert_eq!(identities_of(&[0.0, -0.0, 1.0]).unwrap().count(), 2);
    }

    #[test]
    fn a_label_that_is_no_class_is_refused() {
        for class in [-100.0, 0.5, f32::NAN, f32::INFINITY] {
            assert!(matches!(identities_of(&[class]), Err(LayoutError::Class { .. })), "{class}");
        }
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().unwrap();
        let records: Vec<(u64, Header)> =
            identities_of(&[3.0, 3.0, 0.0]).unwrap().records().collect();
        let images = [(1, [3.0]), (2, [3.0]), (3, [0.0])];
        let images = images.iter().map(|(key, label)| (*key, &label[..], &b"a"[..]));
        let beside = records.iter().map(|(key, header)| (*key, header.label.values(), &b""[..]));
        let pack = packed(folder.path(), &images.chain(beside).collect::<Vec<_>>());
        let found = ImageRecords::of(&pack).unwrap();
        assert_eq!(found, ImageRecords::Keyed { images: 3, identities: 2 });
    }
}
