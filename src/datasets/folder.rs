//! Any folder of pictures, usually one sub-folder an identity.
//!
//! Order: the bytes of the relative path. Label: the folder's number, or its rank when a folder is
//! not named by a number.

use super::{DataSet, Error, Image, ImageList, LabelFunction, Protocol, Request, Root};
use crate::fs;

pub(super) static FOLDER: DataSet = DataSet {
    name: "folder",
    about: "any folder of pictures, one sub-folder an identity",
    layout: "pictures, one sub-folder an identity",
    order: "bytes of the relative path",
    default_label: || LabelFunction::Parent,
    aligned_dir: None,
    takes_list: false,
    root: Root::Folder,
    one_tree: false,
    identity: None,
    protocol: Protocol::None,
    list,
};

fn list(request: &Request<'_>) -> Result<ImageList, Error> {
    let walk = fs::walk(request.root)?;
    let images = walk.files.into_iter().map(Image::at).collect();
    Ok(ImageList {
        unlisted: walk.unlisted,
        ignored: walk.ignored,
        ..ImageList::of(request.root.to_path_buf(), images)
    })
}
