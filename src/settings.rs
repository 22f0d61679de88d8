//! Settings: defaults, then `qgface.toml`, then the environment; flags come last and are the caller's.

use crate::datasets::{DATASETS, DataSet, Root};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Name of the settings file in the working directory.
pub const FILE_NAME: &str = "qgface.toml";

/// One setting.
#[derive(Debug)]
pub struct Key {
    /// Section and name, joined by a dot.
    pub name: &'static str,
    /// Its value when nobody gives one.
    pub default: &'static str,
    /// What it means, for the comment in the file.
    pub about: &'static str,
}

/// All settings but the roots of the single sets, in the order of the file.
pub static KEYS: &[Key] = &[
    Key {
        name: "data.root",
        default: "data",
        about: "folder of the data sets; a set lies in the sub-folder of its name",
    },
    Key { name: "pack.out", default: "packs", about: "folder of the packs" },
    Key {
        name: "pack.encoding",
        default: "origin",
        about: "what is stored: origin (the files' bytes), jpeg:QUALITY or png",
    },
    Key {
        name: "pack.on_error",
        default: "stop",
        about: "what a bad image does: stop, or skip (it is listed in the manifest)",
    },
    Key {
        name: "eval.protocol",
        default: "adaface",
        about: "preset of the protocol: qgface, adaface, insightface or cvlface",
    },
    Key { name: "eval.device", default: "cpu", about: "where models run: cpu or cuda:N" },
    Key { name: "eval.batch", default: "32", about: "images a batch" },
    Key {
        name: "eval.cache",
        default: "cache",
        about: "folder of the features that were computed already; it may be deleted at any time",
    },
];

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The file cannot be read.
    #[error("cannot read the settings {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The file is no TOML.
    #[error("{path}: expected TOML: {found}")]
    Syntax {
        /// The file.
        path: PathBuf,
        /// What the parser says, with line and column.
        found: String,
    },
    /// A key is not known.
    #[error("{origin}: no setting is called {key}; the nearest is {nearest}")]
    Unknown {
        /// Where it stands.
        origin: String,
        /// The key.
        key: String,
        /// The known key that is most like it.
        nearest: String,
    },
    /// A value cannot be what its key needs.
    #[error("{origin}: {key}: {expected}, found {found:?}")]
    Value {
        /// Where it stands.
        origin: String,
        /// The key.
        key: String,
        /// What was expected.
        expected: String,
        /// The value.
        found: String,
    },
}

#[derive(Debug, Clone)]
struct Setting {
    text: String,
    origin: String,
    /// Relative paths are relative to this folder.
    folder: PathBuf,
}

/// The settings file that was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InitReport {
    /// Its path.
    pub settings: String,
}

/// The settings in force.
#[derive(Debug, Clone)]
pub struct Settings {
    values: BTreeMap<String, Setting>,
}

impl Settings {
    /// Joins defaults, the file and the environment.
    ///
    /// Without `file`, [`FILE_NAME`] in the working directory is read when it exists. Variables are
    /// `QGFACE_` and the key in capitals with `_` for the dot; an empty one is as good as none.
    ///
    /// # Errors
    /// A file that cannot be read, is no TOML, or has a key that is not known.
    pub fn load(
        file: Option<&Path>,
        environment: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, Error> {
        let mut settings = Self { values: BTreeMap::new() };
        for key in KEYS {
            settings.set(key.name, key.default, "default", Path::new(""));
        }
        let default = Path::new(FILE_NAME);
        match file {
            Some(file) => settings.read(file)?,
            None if default.is_file() => settings.read(default)?,
            None => {}
        }
        for (name, value) in environment.filter(|(_, value)| !value.is_empty()) {
            let origin = format!("environment variable {name}");
            if let Some(key) = names().find(|key| variable(key) == name) {
                settings.set(&key, &value, &origin, Path::new(""));
            } else if names().any(|key| name.starts_with(&section_variable(&key))) {
                return Err(unknown(&origin, &name["QGFACE_".len()..].to_lowercase()));
            }
        }
        Ok(settings)
    }

    fn set(&mut self, key: &str, text: &str, origin: &str, folder: &Path) {
        let (text, origin) = (text.to_owned(), origin.to_owned());
        self.values.insert(key.to_owned(), Setting { text, origin, folder: folder.to_path_buf() });
    }

    fn read(&mut self, file: &Path) -> Result<(), Error> {
        let path = || file.to_path_buf();
        let text =
            std::fs::read_to_string(file).map_err(|source| Error::Read { path: path(), source })?;
        let table: toml::Table = text.parse().map_err(|error: toml::de::Error| Error::Syntax {
            path: path(),
            found: error.to_string().trim_end().to_owned(),
        })?;
        let folder = file.parent().unwrap_or(Path::new(""));
        let origin = file.display().to_string();
        for (section, value) in table {
            let toml::Value::Table(entries) = value else {
                return Err(unknown(&origin, &section));
            };
            for (name, value) in entries {
                let key = format!("{section}.{name}");
                if !names().any(|known| known == key) {
                    return Err(unknown(&origin, &key));
                }
                let text = match value {
                    toml::Value::String(text) => text,
                    toml::Value::Integer(number) => number.to_string(),
                    other => {
                        return Err(Error::Value {
                            origin,
                            key,
                            expected: "expected text in quotation marks, or a whole number"
                                .to_owned(),
                            found: other.to_string(),
                        });
                    }
                };
                self.set(&key, &text, &origin, folder);
            }
        }
        Ok(())
    }

    /// Reads a setting as a type.
    ///
    /// # Errors
    /// [`Error::Value`] with the file or variable it comes from.
    pub fn parse<T: FromStr<Err: std::fmt::Display>>(&self, key: &str) -> Result<T, Error> {
        let setting = self.get(key);
        setting.text.parse().map_err(|error: T::Err| Error::Value {
            origin: setting.origin.clone(),
            key: key.to_owned(),
            expected: error.to_string(),
            found: setting.text.clone(),
        })
    }

    /// Reads a setting as a path: relative to the file it stands in, else to the working directory.
    pub fn path(&self, key: &str) -> PathBuf {
        let setting = self.get(key);
        setting.folder.join(&setting.text)
    }

    /// The root of a data set: its own setting, else its folder below `data.root`, or the file there
    /// that is called as the pack.
    pub fn set_root(&self, set: &DataSet, pack: &str) -> PathBuf {
        let data = || self.path("data.root");
        match (self.values.get(&format!("data.{}", set.name)), set.root) {
            (Some(setting), _) => setting.folder.join(&setting.text),
            (None, Root::Folder) => data().join(set.name),
            (None, Root::File { folder, ending }) => {
                data().join(folder).join(format!("{pack}{ending}"))
            }
        }
    }

    /// A line a setting: key, value and where it comes from.
    pub fn lines(&self) -> Vec<String> {
        let line = |(key, setting): (&String, &Setting)| {
            format!("{key} = {:?} ({})", setting.text, setting.origin)
        };
        self.values.iter().map(line).collect()
    }

    fn get(&self, key: &str) -> Setting {
        let none =
            || Setting { text: String::new(), origin: "default".into(), folder: PathBuf::new() };
        self.values.get(key).cloned().unwrap_or_else(none)
    }
}

/// All keys: the table's, and a root for each set.
fn names() -> impl Iterator<Item = String> {
    let roots = DATASETS.iter().map(|set| format!("data.{}", set.name));
    KEYS.iter().map(|key| key.name.to_owned()).chain(roots)
}

fn variable(key: &str) -> String {
    format!("QGFACE_{}", key.replace('.', "_").to_uppercase())
}

/// What the variables of a key's section begin with. Other variables may be another program's.
fn section_variable(key: &str) -> String {
    variable(key.split_once('.').map_or(key, |(section, _)| section)) + "_"
}

fn unknown(origin: &str, key: &str) -> Error {
    let nearest = names().min_by_key(|known| distance(known, key)).unwrap_or_default();
    Error::Unknown { origin: origin.to_owned(), key: key.to_owned(), nearest }
}

/// Edits between two words (Levenshtein).
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// The text of a settings file in which every setting is explained and has its default.
///
/// `roots` are roots of sets that do not lie below `data.root` under their own name.
pub fn template(roots: &[(&str, &str)]) -> String {
    let mut text = String::from(
        "# Settings of qgface-data. Every value below is the default; paths are relative to this file.\n\
         # The environment (QGFACE_PACK_OUT=…) stands above this file, flags above both.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (own, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if own != section {
            text += &format!("\n[{own}]\n");
            section = own;
        }
        text += &format!("# {}\n{name} = \"{}\"\n", key.about, key.default);
        if key.name == "data.root" {
            text += "# a set that lies elsewhere, for example:\n";
            text += "# tinyface = \"/datasets/tinyface\"\n";
            for (set, root) in roots {
                text += &format!("{set} = \"{root}\"\n");
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(text: &str, environment: &[(&str, &str)]) -> Result<Settings, Error> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE_NAME);
        std::fs::write(&file, text).unwrap();
        let environment = environment.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned()));
        Settings::load(Some(&file), environment)
    }

    #[test]
    fn the_environment_stands_above_the_file_and_the_file_above_the_default() {
        let settings = load("[pack]\nout = \"p\"\nencoding = \"png\"\n", &[]).unwrap();
        assert!(settings.path("pack.out").ends_with("p"));
        assert_eq!(settings.parse::<String>("pack.on_error").unwrap(), "stop");
        let settings = load("[pack]\nencoding = \"png\"\n", &[("QGFACE_PACK_ENCODING", "jpeg:80")]);
        assert_eq!(settings.unwrap().parse::<String>("pack.encoding").unwrap(), "jpeg:80");
    }

    #[test]
    fn paths_of_the_file_are_relative_to_the_file() {
        let settings = load("[data]\ntinyface = \"sets/tiny\"\n", &[]).unwrap();
        let root = |set: &str| settings.set_root(crate::datasets::find(set).unwrap(), "lfw");
        assert!(root("tinyface").is_absolute());
        assert!(root("tinyface").ends_with("sets/tiny"));
        assert_eq!(root("scface"), Path::new("data/scface"));
        assert_eq!(root("bin"), Path::new("data/hq/lfw.bin"));
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_name() {
        let error = load("[pack]\nencodign = \"png\"\n", &[]).unwrap_err();
        assert!(error.to_string().contains("the nearest is pack.encoding"), "{error}");
    }

    #[test]
    fn a_misspelt_variable_is_refused_and_not_passed_over() {
        let error = load("", &[("QGFACE_PACK_ENCODIN", "png")]).unwrap_err();
        assert!(error.to_string().contains("the nearest is pack.encoding"), "{error}");
        assert!(load("", &[("QGFACE_GOLDEN", "x")]).is_ok());
    }

    #[test]
    fn the_template_is_the_defaults() {
        let from_template = load(&template(&[]), &[]).unwrap();
        for key in KEYS {
            let (_, name) = key.name.split_once('.').unwrap();
            assert!(template(&[]).contains(&format!("\n{name} = \"{}\"\n", key.default)));
            assert_eq!(from_template.parse::<String>(key.name).unwrap(), key.default);
        }
    }
}
