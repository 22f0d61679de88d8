//! A row of the table of settings: a key, typed for the code, and untyped for what goes through all of them.

use super::{Form, Given, Kind};
use std::fmt;
use std::path::Path;

/// A setting, with the type of its value.
#[derive(Debug)]
pub struct Key<K> {
    pub(super) name: &'static str,
    pub(super) default: &'static str,
    pub(super) about: &'static str,
    pub(super) kind: K,
}

/// A setting of any type.
pub trait Row: Sync {
    /// Section and name, joined by a dot.
    fn name(&self) -> &str;

    /// Its value when nobody gives one; empty where that follows from others, as [`Row::about`] says.
    fn default(&self) -> &str;

    /// What it means, in a phrase.
    fn about(&self) -> &str;

    /// Its type and range.
    fn form(&self) -> Form;

    /// Whether it can be what was given.
    fn accepts(&self, given: &Given) -> bool;
}

impl<K: Kind> Row for Key<K> {
    fn name(&self) -> &str {
        self.name
    }

    fn default(&self) -> &str {
        self.default
    }

    fn about(&self) -> &str {
        self.about
    }

    fn form(&self) -> Form {
        self.kind.form()
    }

    fn accepts(&self, given: &Given) -> bool {
        self.kind.read(given, Path::new("")).is_some()
    }
}

impl fmt::Debug for dyn Row + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl dyn Row + '_ {
    /// Its section, and its name there.
    pub fn parts(&self) -> (&str, &str) {
        self.name().split_once('.').unwrap_or(("", self.name()))
    }

    /// Its environment variable.
    pub fn variable(&self) -> String {
        format!("QGFACE_{}", self.name().replace('.', "_").to_uppercase())
    }
}

impl<K: Kind> Key<K> {
    /// Section and name, joined by a dot.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Reads the value of a flag that carries this setting.
    ///
    /// # Errors
    /// What is expected.
    pub fn parse(&self, text: &str) -> Result<K::Value, String> {
        let value = self.kind.read(&Given::from(text), Path::new(""));
        value.ok_or_else(|| format!("expected {}", self.kind.form()))
    }
}
