//! The images of a pack, to be packed again: `.rec` and `.idx` by whatever program made them.
//!
//! Order: the lines of the index; with an InsightFace header, the keys 1 to N. Labels are the records'
//! own. Paths are the keys; where the pack has a manifest, `make-rec` takes the paths and landmarks of
//! its `records.csv` in their place.

use super::source::PackedImages;
use super::{DataSet, Error, Image, ImageList, LabelFunction, Protocol, Request, Root, Source};
use crate::recordio::{self, IndexedReader, Label};
use std::path::{Path, PathBuf};

pub(super) static REC: DataSet = DataSet {
    name: "rec",
    about: "the pictures of a pack, made here or elsewhere, to be packed again",
    layout: "a .rec with its .idx beside it",
    order: "lines of the .idx; with an InsightFace header, keys 1 to N",
    default_label: || LabelFunction::Records,
    aligned_dir: None,
    takes_list: false,
    root: Root::File { folder: "", ending: ".rec" },
    one_tree: false,
    identity: None,
    protocol: Protocol::None,
    list,
};

/// The two files of a pack that its pictures are read from.
#[derive(Debug, Clone)]
pub struct RecFiles {
    /// The records.
    pub rec: PathBuf,
    /// Their index.
    pub idx: PathBuf,
}

impl RecFiles {
    /// Names the pack of a `.rec`, of its `.idx`, or of its name without ending.
    pub fn of(root: &Path) -> Self {
        let ending = root.extension().and_then(|ending| ending.to_str());
        let stem = match ending {
            Some("rec" | "idx") => root.with_extension(""),
            _ => root.to_path_buf(),
        };
        let with = |ending: &str| {
            let mut name = stem.clone().into_os_string();
            name.push(ending);
            PathBuf::from(name)
        };
        Self { rec: with(".rec"), idx: with(".idx") }
    }

    fn open(&self) -> Result<IndexedReader, Error> {
        if !self.rec.is_file() {
            return Err(REC.no_file(&self.rec, "nothing"));
        }
        if !self.idx.is_file() {
            let advice = "make it with `qgface-data reindex`";
            return Err(Error::NoIndex { path: self.idx.clone(), advice });
        }
        IndexedReader::open(&self.rec, &self.idx).map_err(|source| {
            let index = matches!(source, recordio::Error::Index(_));
            let path = if index { self.idx.clone() } else { self.rec.clone() };
            Error::Record { path, source }
        })
    }
}

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

fn list(request: &Request<'_>) -> Result<ImageList, Error> {
    let files = RecFiles::of(request.root);
    let pack = files.open()?;
    let damaged = |source| Error::Record { path: files.rec.clone(), source };
    let records = ImageRecords::of(&pack).map_err(damaged)?;
    let mut images = Vec::with_capacity(records.count());
    let mut released = 0;
    for at in 0..records.count() {
        let position = records.position(&pack, at).map_err(damaged)?;
        let key = pack.index().key(position).unwrap_or_default();
        let stored = u32::try_from(at).unwrap_or(u32::MAX);
        let record = pack.get(position);
        let image = match record.as_ref().map(|record| record.image()) {
            Ok(Ok((header, payload))) => Image {
                label: Some(header.label),
                ..Image::at(format!("{key}.{}", ending(payload)))
            },
            // A damaged record is named, or skipped, when it is packed; until then it is taken to be of
            // the identity before it.
            _ => {
                let before = images.last().and_then(|image: &Image| image.label.clone());
                let label = before.unwrap_or(Label::Scalar(0.0));
                Image { label: Some(label), ..Image::at(format!("{key}.jpg")) }
            }
        };
        images.push(Image { stored, ..image });
        let end = record.map_or(0, |record| record.end);
        pack.reader().release_behind(&mut released, end);
    }
    let mut warnings = Vec::new();
    if let ImageRecords::Keyed { images: count, identities } = records {
        let announced = count as u64 + identities + 1;
        let beyond = (pack.index().len() as u64).saturating_sub(announced);
        if beyond > 0 {
            let what = "records lie beyond what the record of key 0 announces and are not packed";
            warnings.push(format!("{beyond} {what}"));
        }
    }
    let source = Source::Records(PackedImages { pack, images: records });
    Ok(ImageList { source, warnings, ..ImageList::of(files.rec, images) })
}

/// The ending of a picture's file, by its first bytes; whether the rest is whole is found out when it is
/// packed.
pub(super) fn ending(picture: &[u8]) -> &'static str {
    if picture.starts_with(b"\x89PNG") { "png" } else { "jpg" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::recordio::{Header, IndexWriter, Writer};

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
        let files = RecFiles::of(&folder.join("p"));
        std::fs::write(&files.rec, writer.into_inner()).unwrap();
        std::fs::write(&files.idx, index.into_inner()).unwrap();
        files.open().unwrap()
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

    #[test]
    fn a_pack_is_named_by_its_rec_its_idx_or_its_stem() {
        for name in ["a/train.v2.rec", "a/train.v2.idx", "a/train.v2"] {
            assert_eq!(RecFiles::of(Path::new(name)).idx, Path::new("a/train.v2.idx"));
        }
    }
}
