//! IJB-B: 227,630 faces of 1,845 subjects in 12,115 templates (Whitelam et al., 2017).
//!
//! Packed are the loose crops, each with the five landmarks and the detector score of its own line of
//! `ijbb_name_5pts_score.txt`. Scored are 8,010,270 template pairs, and two galleries 1:N.

use super::{DataSet, Edition, Error, ImageList, LabelFunction, Protocol, Request, Root, ijb};

pub(super) static IJBB: DataSet = DataSet {
    name: "ijbb",
    about: "IJB-B: loose crops with their landmarks and detector scores",
    layout: "IJBB/loose_crop and IJBB/meta",
    order: "lines of ijbb_name_5pts_score.txt",
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
    folder: "IJBB/",
    crops: "IJBB/loose_crop/",
    prefix: "ijbb",
    galleries: ["gallery_S1", "gallery_S2"],
    images: 227_630,
    templates: 12_115,
    pairs: 8_010_270,
};

fn list(request: &Request<'_>) -> Result<ImageList, Error> {
    ijb::list(&EDITION, request)
}
