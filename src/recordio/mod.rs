//! The RecordIO container: records, headers and the index, and no policy.
//!
//! A record is one or more parts; a part is a magic word, a word of continuation flag and length, the
//! bytes, and zeros up to a multiple of four (dmlc-core `include/dmlc/recordio.h`, `src/recordio.cc`).
//! mxnet loses some damaged records without a word; here every damage is an [`Error`] with its byte.
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]

mod error;
mod header;
mod index;
mod part;
mod reader;
mod writer;

pub use error::{Error, IndexError};
pub use header::{Header, Label};
pub use index::{Index, IndexWriter};
pub use part::{MAGIC, MAX_RECORD_BYTES, frame};
pub use reader::{IndexedReader, Part, Reader, Record, Records};
pub use writer::Writer;
