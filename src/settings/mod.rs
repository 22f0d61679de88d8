//! Settings: defaults, then `qgface.toml`, then the environment, then arguments and flags.
//!
//! A setting is a row of the table in [`keys`]: its name, type, range, default and meaning. The file that
//! `init` writes, the reading of files, variables, arguments and flags, and the resolved file of a run all
//! come from it. What is given is checked where it is given, so that [`Settings::get`] cannot fail, and
//! the code asks by typed keys, so that a key that does not exist does not compile:
//!
//! ```
//! use qgface_data::settings::{Settings, keys};
//!
//! let mut settings = Settings::defaults();
//! settings.assign("eval.batch=8")?;
//! assert_eq!(settings.get(&keys::EVAL_BATCH), 8);
//! let error = settings.assign("eval.bach=8").unwrap_err();
//! assert!(error.to_string().ends_with("the nearest is eval.batch"));
//! # Ok::<(), qgface_data::settings::Error>(())
//! ```
//!
//! A list is a list in TOML. Where there is only text, in a variable or an argument, its parts are separated
//! by commas; a text that begins with `[` is a list as TOML writes it, so that a part may hold a comma:
//! `packs=["a,b.rec", "c.rec"]`. A file may spell a list as such a text, too.

mod error;
mod file;
mod given;
pub mod keys;
mod kind;
mod layers;
mod places;
mod presets;
mod render;
mod row;
mod table;
#[cfg(test)]
mod tests;

pub use error::Error;
pub use file::FILE_NAME;
pub use given::Given;
pub use keys::{KEYS, LARGEST_CONSTANT, Section};
pub use kind::{FilePath, FolderName, Form, Kind, List, Number, Optional, Told, Whole, Words};
pub use layers::Settings;
pub use presets::{PRESETS, Preset};
pub use render::{InitReport, template};
pub use row::{Key, Row};
pub use table::rows;
