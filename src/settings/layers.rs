//! The settings in force: defaults, then a file, then the environment, then arguments and flags.

use super::kind::{Optional, Whole};
use super::table::{find, rows, unknown};
use super::{Error, FILE_NAME, Given, Key, Kind, Row, file, keys};
use crate::limits::Limits;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What is in force for a key.
#[derive(Debug, Clone)]
pub(super) struct Setting {
    pub(super) row: &'static dyn Row,
    pub(super) given: Given,
    /// Where it stands.
    pub(super) origin: String,
    /// Relative paths are relative to this folder.
    pub(super) folder: PathBuf,
}

/// The section of keys that arguments may name without it.
const USUAL_SECTION: &str = "train";

/// Names that the reference writes, of Lightning's trainer, and ours.
const OTHER_NAMES: [(&str, &Key<Optional<Whole<usize>>>); 2] = [
    ("trainer.num_nodes", &keys::TRAIN_NODES),
    ("trainer.devices", &keys::TRAIN_PROCESSES_PER_NODE),
];

/// The settings in force. Every value was checked where it was given.
#[derive(Debug, Clone)]
pub struct Settings {
    pub(super) values: BTreeMap<&'static str, Setting>,
}

impl Settings {
    /// The defaults alone.
    pub fn defaults() -> Self {
        let mut settings = Self { values: BTreeMap::new() };
        for row in keys::KEYS {
            settings.put(*row, Given::from(row.default()), "default", Path::new(""));
        }
        settings
    }

    /// Joins defaults, the file and the environment.
    ///
    /// Without `file`, [`FILE_NAME`] in the working directory is read when it exists. Variables are
    /// `QGFACE_` and the key in capitals with `_` for the dot; an empty one is as good as none.
    ///
    /// # Errors
    /// A file that cannot be read or is no TOML; a key that is not known; a value that its key cannot be.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        let mut settings = Self::defaults();
        let default = Path::new(FILE_NAME);
        match file {
            Some(file) => settings.read(file)?,
            None if default.is_file() => settings.read(default)?,
            None => {}
        }
        for (name, value) in environment.filter(|(_, value)| !value.is_empty()) {
            let origin = format!("environment variable {name}");
            if let Some(row) = rows().find(|row| row.variable() == name) {
                settings.set(row, Given::One(value), &origin, Path::new(""))?;
            } else if rows().any(|row| name.starts_with(&section_variable(row))) {
                return Err(unknown(&name["QGFACE_".len()..].to_lowercase(), &origin));
            }
        }
        Ok(settings)
    }

    fn read(&mut self, path: &Path) -> Result<(), Error> {
        let folder = path.parent().unwrap_or(Path::new(""));
        let origin = path.display().to_string();
        let given = file::read(path)?;
        given.into_iter().try_for_each(|(row, given)| self.set(row, given, &origin, folder))
    }

    /// Sets what `key=value` says; a key without a section is one of `train`.
    ///
    /// # Errors
    /// [`Error::Unknown`], and [`Error::Value`] for a value that the key cannot be and for a text without
    /// `=`.
    pub fn assign(&mut self, assignment: &str) -> Result<(), Error> {
        let origin = format!("argument {assignment}");
        let Some((key, text)) = assignment.split_once('=') else {
            return Err(Error::Value {
                origin,
                key: assignment.to_owned(),
                expected: "key=value".to_owned(),
                found: assignment.to_owned(),
            });
        };
        let other = OTHER_NAMES.iter().find(|(other, _)| *other == key);
        let row = match other {
            Some((_, own)) => *own as &'static dyn Row,
            None if key.contains('.') => find(key, &origin)?,
            None => find(&format!("{USUAL_SECTION}.{key}"), &origin)?,
        };
        self.set(row, Given::from(text), &origin, Path::new(""))
    }

    /// Gives a setting a value that stands above file, environment and arguments, as a flag does.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn give(&mut self, row: &'static dyn Row, given: Given, origin: &str) -> Result<(), Error> {
        self.set(row, given, origin, Path::new(""))
    }

    /// Gives a setting that has no value one that follows from `reason`.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn fill(&mut self, row: &'static dyn Row, given: Given, reason: &str) -> Result<(), Error> {
        match self.is_given(row) {
            true => Ok(()),
            false => self.set(row, given, &format!("of {reason}"), Path::new("")),
        }
    }

    fn set(
        &mut self,
        row: &'static dyn Row,
        given: Given,
        origin: &str,
        folder: &Path,
    ) -> Result<(), Error> {
        if !row.accepts(&given) {
            return Err(Error::Value {
                origin: origin.to_owned(),
                key: row.name().to_owned(),
                expected: row.form().to_string(),
                found: given.text(),
            });
        }
        self.put(row, given, origin, folder);
        Ok(())
    }

    fn put(&mut self, row: &'static dyn Row, given: Given, origin: &str, folder: &Path) {
        let (origin, folder) = (origin.to_owned(), folder.to_path_buf());
        self.values.insert(row.name(), Setting { row, given, origin, folder });
    }

    /// Whether a setting has a value.
    pub fn is_given(&self, row: &dyn Row) -> bool {
        self.values.get(row.name()).is_some_and(|setting| !setting.given.is_empty())
    }

    /// The value of a setting.
    pub fn get<K: Kind>(&self, key: &Key<K>) -> K::Value {
        let Setting { given, folder, .. } = self.setting(key.name);
        key.kind.read(given, folder).expect("a value was checked where it was given")
    }

    /// The error of a value that does not go with others.
    pub fn refused<K>(&self, key: &Key<K>, expected: String) -> Error {
        let Setting { given, origin, .. } = self.setting(key.name);
        let (key, found) = (key.name.to_owned(), given.text());
        Error::Value { origin: origin.clone(), key, expected, found }
    }

    fn setting(&self, key: &str) -> &Setting {
        // The table's keys are all there from the defaults on, and none can be made elsewhere.
        &self.values[key]
    }

    /// The budgets of a file.
    pub fn limits(&self) -> Limits {
        Limits {
            pixels: self.get(&keys::LIMITS_PIXELS),
            scans: self.get(&keys::LIMITS_SCANS),
            inflated: self.get(&keys::LIMITS_INFLATED),
        }
    }
}

/// What the variables of a row's section begin with. Other variables may be another program's.
fn section_variable(row: &dyn Row) -> String {
    format!("QGFACE_{}_", row.parts().0.to_uppercase())
}
