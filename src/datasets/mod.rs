//! The data sets: one file and one line of [`DATASETS`] each.
//!
//! A set lists its images in the order that counts and knows what a path says of identity. It packs
//! nothing and scores nothing.

mod bin;
mod edition;
mod error;
mod folder;
mod ijb;
pub mod ijb_meta;
mod ijbb;
mod ijbc;
mod insightface;
mod label;
mod label_error;
mod landmark_table;
mod list;
mod list_file;
mod mat;
mod pairs_file;
mod pickle;
mod published;
mod rec;
mod scface;
mod set;
mod source;
mod text;
mod tinyface;

pub use edition::{Edition, ProtocolFile};
pub use error::Error;
pub use ijb::FacesFile;
pub use ijb_meta::Error as IjbError;
pub use insightface::{Identities, ImageRecords, LayoutError};
pub use label::{IdentityRule, LabelFunction, Labelled};
pub use label_error::LabelError;
pub use list::{Alignment, Image, ImageList, Landmarks, Pictures};
pub use pairs_file::{PairsError, pairs_in_turn, pairs_text, read_pairs};
pub use pickle::Error as PickleError;
pub use rec::RecFiles;
pub use set::{DataSet, Protocol, Request, Root};
pub use source::{ImageSource, SourceError};

use std::path::Path;

/// All data sets, in the order of the table of `docs/packs.md`.
pub static DATASETS: &[&DataSet] = &[
    &tinyface::TINYFACE,
    &scface::SCFACE,
    &ijbb::IJBB,
    &ijbc::IJBC,
    &folder::FOLDER,
    &list_file::LIST,
    &bin::BIN,
    &rec::REC,
];

/// Finds a set by the name users type.
pub fn find(name: &str) -> Option<&'static DataSet> {
    DATASETS.iter().copied().find(|set| set.name == name)
}

/// Reads the images that a list names, without looking for their pictures below `root`.
///
/// # Errors
/// A list that cannot be read, or a line of no known form.
pub fn read_list(path: &Path, root: &Path) -> Result<Vec<Image>, Error> {
    Ok(list_file::read(path, root)?.0)
}
