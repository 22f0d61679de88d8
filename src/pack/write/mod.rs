//! How a pack comes to lie on disk: its files, hashed as they are written, and the hidden folder from which
//! they are renamed into place.

mod output;
mod staging;
mod tables;

pub(super) use output::Output;
pub(super) use staging::{KEPT_ROWS, SETTINGS, SOURCES, Staging};
pub use staging::{Recovery, recover};
pub(super) use tables::{Tables, csv_error};
