//! From files to packs, and what is done with packs.
//!
//! A pack is five files of one stem: `.rec`, `.idx`, `.lst`, `.records.csv` and `.manifest.json`, and for
//! some `.pairs.txt` or `property`. The manifest is renamed into place last: a pack without one does not
//! exist. What decides a pack's bytes is its [`Recipe`]. Start at [`make_rec()`].

pub mod adopt;
pub mod align;
mod error;
mod files;
pub mod inspect;
mod make_rec;
mod manifest;
pub mod merge;
mod plan;
mod proved;
mod records;
pub mod reindex;
mod sheet;
pub mod stats;
mod store;
pub mod unpack;
pub mod verify_order;
mod write;

pub use error::{Error, ImageError};
pub use files::{Found, PackFiles, Part, packs_in};
pub use make_rec::{OnError, Options, PackReport, Previous, make_rec};
pub use manifest::{
    FileDigest, Input, Layout, Manifest, NamedDigest, PackDigests, PointsNote, Provenance, Role,
    Shard, Skipped, digest_file,
};
pub use plan::{Encoding, Recipe, ShardNumber};
pub use proved::ProvedImages;
pub use records::{Row, RowReader, RowWriter};
pub use store::Store;
pub use write::{Recovery, recover};

use crate::causes::chain;
use crate::recordio::{self, IndexedReader};

/// Opens the records of a pack, made here or elsewhere.
///
/// # Errors
/// [`Error::NoFile`], and damage under the path of the file that has it.
fn open(files: &PackFiles) -> Result<IndexedReader, Error> {
    let (rec, idx) = (files.path(Part::Rec), files.path(Part::Idx));
    let advice = [
        (&rec, "name a pack by any of its files, or by their name without ending"),
        (&idx, "make it with `qgface-data reindex`"),
    ];
    if let Some((path, advice)) = advice.into_iter().find(|(path, _)| !path.exists()) {
        return Err(Error::NoFile { path: path.clone(), advice });
    }
    IndexedReader::open(&rec, &idx).map_err(|source| {
        let path = if matches!(source, recordio::Error::Index(_)) { idx } else { rec };
        Error::Record { path, source }
    })
}
