//! IJB-C: 469,375 faces of 3,531 subjects in 23,124 templates (Maze et al., 2018).
//!
//! The layout is IJB-B's; scored are 15,658,489 template pairs, and the galleries G1 and G2.

use super::{DataSet, Edition, Error, ImageList, LabelFunction, Protocol, Request, Root, ijb};

pub(super) static IJBC: DataSet = DataSet {
    name: "ijbc",
    about: "IJB-C: loose crops with their landmarks and detector scores",
    layout: "IJBC/loose_crop and IJBC/meta",
    order: "lines of ijbc_name_5pts_score.txt",
    default_label: || LabelFunction::Index,
    aligned_dir: None,
    takes_list: false,
    root: Root::Folder,
    one_tree: true,
    identity: None,
    protocol: Protocol::Templates(&EDITION),
    list,
};

static EDITION: Edition = Edition {
    folder: "IJBC/",
    crops: "IJBC/loose_crop/",
    prefix: "ijbc",
    galleries: ["gallery_G1", "gallery_G2"],
    images: 469_375,
    templates: 23_124,
    pairs: 15_658_489,
};

fn list(request: &Request<'_>) -> Result<ImageList, Error> {
    ijb::list(&EDITION, request)
}
