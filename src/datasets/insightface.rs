//! InsightFace's layout of training packs, read.

use crate::recordio::{self, IndexedReader};

/// Which records of a pack are images, and in which order they count.
///
/// An InsightFace training pack has a header record under key 0: flag 2, labels `(N + 1, N + 1 + ids)`,
/// no payload. Its images are the keys 1 to N and its identity records the keys from N + 1 on
/// (insightface `rec_builder.py`, `image_iter.py`). InsightFace asks for a flag above 0 alone; flag 2 and
/// no payload are asked for here too, or an image 0 with several labels would be taken for a header.
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
        if pack.index().position(0).is_none() {
            return Ok(all);
        }
        let record = pack.get_key(0)?;
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recordio::{Header, IndexWriter, Label, Writer};
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
}
