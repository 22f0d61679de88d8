//! The images of a pack, to be packed again: `.rec` and `.idx` by whatever program made them.
//!
//! Order: the lines of the index; with an InsightFace header, the keys 1 to N. Labels are the records'
//! own. Paths are the keys; where the pack has a manifest, `make-rec` takes the paths and landmarks of
//! its `records.csv` in their place.

use super::insightface::ImageRecords;
use super::source::{PackedImages, ending};
use super::{
    DataSet, Error, Image, ImageList, ImageSource, LabelFunction, Protocol, Request, Root,
};
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
            return Err(Error::NoIndex { path: self.idx.clone() });
        }
        IndexedReader::open(&self.rec, &self.idx).map_err(|source| {
            let index = matches!(source, recordio::Error::Index(_));
            let path = if index { self.idx.clone() } else { self.rec.clone() };
            Error::Record { path, source }
        })
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
        let key = pack.index().key(position).expect("an image has a line");
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
    let source = ImageSource::Records(PackedImages { pack, images: records });
    Ok(ImageList { source, warnings, ..ImageList::of(files.rec, images) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pack_is_named_by_its_rec_its_idx_or_its_stem() {
        for name in ["a/train.v2.rec", "a/train.v2.idx", "a/train.v2"] {
            assert_eq!(RecFiles::of(Path::new(name)).idx, Path::new("a/train.v2.idx"));
        }
    }
}
