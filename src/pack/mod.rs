//! From files to packs, and what is done with packs.
//!
//! A pack is five files of one stem: `.rec`, `.idx`, `.lst`, `.records.csv` and `.manifest.json`, and for
//! some `.pairs.txt` or `property`. The manifest is renamed into place last: a pack without one does not
//! exist. What decides a pack's bytes is its [`Recipe`]. Start at [`make_rec()`].
//!
//! Three layers. What a pack is: names, rows, manifest, digests. `plan` decides what is packed, `write` writes
//! and renames it. Above them stand the tasks, each with its own error: [`make_rec()`], [`verify_order`],
//! [`adopt`], [`merge`], [`align`], [`unpack`], [`reindex`], [`inspect`], [`stats`]; and the packs that others
//! read: [`Store`], [`ProvedImages`].

pub mod adopt;
pub mod align;
mod digest;
mod encoding;
mod error;
mod files;
mod found;
mod inside;
pub mod inspect;
mod make_rec;
mod manifest;
pub mod merge;
mod open;
mod plan;
mod policy;
mod proof;
mod proved;
mod records;
pub mod reindex;
mod sheet;
pub mod stats;
mod store;
pub mod unpack;
pub mod verify_order;
mod write;

pub use digest::{FileDigest, digest_file};
pub use encoding::Encoding;
pub use error::Error;
pub use files::{PackFiles, Part};
pub use found::{Found, packs_in};
pub use inside::InsideError;
pub use make_rec::{MakeError, Options, PackReport, make_rec};
pub use manifest::{
    Input, Layout, Manifest, NamedDigest, PackDigests, PointsNote, Provenance, Role, Shard, Skipped,
};
pub use plan::{ImageError, Parting, PlanError, Recipe, ShardNumber};
pub use policy::{OnError, Previous};
pub use proof::ProofError;
pub use proved::ProvedImages;
pub use records::{Row, RowReader, RowWriter};
pub use sheet::SheetError;
pub use store::Store;
pub use write::{Recovery, WriteError, recover};
