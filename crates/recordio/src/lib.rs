#![doc = include_str!("../README.md")]
#![deny(clippy::indexing_slicing, clippy::arithmetic_side_effects)]
#![warn(missing_docs, clippy::unwrap_used, clippy::print_stdout, clippy::print_stderr)]

mod error;
mod format;
mod header;
mod index;
mod part;
mod reader;
mod writer;

pub use error::{Error, IndexError};
pub use format::{MAGIC, MAX_RECORD_BYTES};
pub use header::{Header, Label};
pub use index::{Index, IndexWriter};
pub use part::frame;
pub use reader::{IndexedReader, Part, Reader, Record, Records};
pub use writer::Writer;
