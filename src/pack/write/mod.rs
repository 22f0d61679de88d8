//! How a pack comes to lie on disk: its files, hashed as they are written, and the hidden folder from which
//! they are renamed into place.

mod error;
mod layout;
mod output;
mod staging;
mod tables;
mod targets;

pub use error::WriteError;
pub(super) use layout::finish_layout;
pub(super) use output::{Output, write_small};
pub(super) use staging::{KEPT_ROWS, SETTINGS, SOURCES, Staging};
pub use staging::{Recovery, recover};
pub(super) use tables::{Tables, csv_error};
pub(super) use targets::{MadeFolders, check_free, check_property, claim, recover_for_writing};
