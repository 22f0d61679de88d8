//! An InsightFace verification set: `lfw.bin` and its like, a pickle of encoded pictures, two a pair.
//!
//! Order: the pickle's. Label: the index. Which pairs are of one person is told beside the pictures.
//! The pickle is parsed and never run (insightface `build_eval_pack.py`, `verification.py`).

use super::source::{PickledImages, ending};
use super::{
    DataSet, Error, Image, ImageList, ImageSource, LabelFunction, Protocol, Request, Root, pickle,
};
use crate::fs;

pub(super) static BIN: DataSet = DataSet {
    name: "bin",
    about: "an InsightFace verification set: LFW, CFP-FP, AgeDB-30, CALFW, CPLFW",
    layout: "a .bin such as lfw.bin",
    order: "pictures of the pickle, two a pair",
    default_label: || LabelFunction::Index,
    aligned_dir: None,
    takes_list: false,
    root: Root::File { folder: "hq", ending: ".bin" },
    one_tree: false,
    identity: None,
    protocol: Protocol::None,
    list,
};

fn list(request: &Request<'_>) -> Result<ImageList, Error> {
    let path = request.root.to_path_buf();
    let refused = |source| Error::Pickle { path: path.clone(), source };
    if !path.is_file() {
        return Err(BIN.no_file(&path, "nothing"));
    }
    let file = fs::map(&path)?;
    let pairs = pickle::parse(&file).map_err(refused)?;
    let mut images = Vec::with_capacity(pairs.images.len());
    for (at, payload) in pairs.images.iter().enumerate() {
        let ending = ending(&payload.bytes(&file).map_err(refused)?);
        images.push(Image {
            stored: u32::try_from(at).unwrap_or(u32::MAX),
            ..Image::at(format!("pair_{:06}_{}.{ending}", at / 2, at % 2 + 1))
        });
    }
    let source = ImageSource::Pickle(PickledImages { file, images: pairs.images });
    Ok(ImageList { source, pairs: pairs.same, ..ImageList::of(path, images) })
}
