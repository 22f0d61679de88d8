//! Settings: defaults, then `qgface.toml`, then the environment; flags come last and are the caller's.

mod keys;

pub use keys::{KEYS, Key};

use crate::causes::excerpt;
use crate::datasets::{DATASETS, DataSet, Root};
use crate::limits::{self, Limits};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Name of the settings file in the working directory.
pub const FILE_NAME: &str = "qgface.toml";

/// Why settings cannot be used.
#[derive(Debug, thiserror::Error)]
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
        /// What the parser says, and where.
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

/// The section of keys that arguments may name without it.
const USUAL_SECTION: &str = "train";

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
    /// The defaults alone.
    pub fn defaults() -> Self {
        let mut settings = Self { values: BTreeMap::new() };
        for key in KEYS {
            settings.set(key.name, key.default, "default", Path::new(""));
        }
        settings
    }

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
        let mut settings = Self::defaults();
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
        let table: toml::Table = text
            .parse()
            .map_err(|error| Error::Syntax { path: path(), found: told(&error, &text) })?;
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
                let Some(text) = plain(&value) else {
                    let expected = "expected text in quotation marks, a number, true or false, or a \
                                    list of such";
                    let (expected, found) = (expected.to_owned(), value.to_string());
                    return Err(Error::Value { origin, key, expected, found });
                };
                self.set(&key, &text, &origin, folder);
            }
        }
        Ok(())
    }

    /// Sets what `key=value` says; a key without a section is one of `train`.
    ///
    /// # Errors
    /// [`Error::Unknown`], and [`Error::Value`] for a text without `=`.
    pub fn assign(&mut self, assignment: &str) -> Result<(), Error> {
        let origin = format!("argument {assignment}");
        let Some((key, text)) = assignment.split_once('=') else {
            return Err(Error::Value {
                origin,
                key: assignment.to_owned(),
                expected: "expected key=value".to_owned(),
                found: assignment.to_owned(),
            });
        };
        let key = match key.contains('.') {
            true => key.to_owned(),
            false => format!("{USUAL_SECTION}.{key}"),
        };
        if !names().any(|known| known == key) {
            return Err(unknown(&origin, &key));
        }
        self.set(&key, text, &origin, Path::new(""));
        Ok(())
    }

    /// Gives a setting that has no value one that follows from `reason`.
    pub fn fill(&mut self, key: &str, text: &str, reason: &str) {
        if !self.is_given(key) {
            self.set(key, text, &format!("of {reason}"), Path::new(""));
        }
    }

    /// Whether a setting has a value.
    pub fn is_given(&self, key: &str) -> bool {
        !self.get(key).text.is_empty()
    }

    /// Reads a setting as one of several words.
    ///
    /// # Errors
    /// [`Error::Value`] with all of them.
    pub fn choice<T: Copy>(&self, key: &str, words: &[(&str, T)]) -> Result<T, Error> {
        let setting = self.get(key);
        let found = words.iter().find(|(word, _)| *word == setting.text);
        found.map(|(_, meaning)| *meaning).ok_or_else(|| {
            let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
            self.refused(key, format!("expected one of {}", words.join(", ")))
        })
    }

    /// Reads a setting as a number from `least` to `most`.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn number(&self, key: &str, least: f64, most: f64) -> Result<f64, Error> {
        let number = self.get(key).text.parse().ok();
        let number = number.filter(|number: &f64| (least..=most).contains(number));
        number.ok_or_else(|| self.refused(key, format!("expected a number from {least} to {most}")))
    }

    /// Reads a setting as a whole number from `least` to `most`.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn whole(&self, key: &str, least: u64, most: u64) -> Result<u64, Error> {
        let number = self.get(key).text.parse().ok();
        let number = number.filter(|number: &u64| (least..=most).contains(number));
        let expected = || format!("expected a whole number from {least} to {most}");
        number.ok_or_else(|| self.refused(key, expected()))
    }

    /// The same of a setting that may have no value.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn whole_if_given(&self, key: &str, least: u64, most: u64) -> Result<Option<u64>, Error> {
        self.is_given(key).then(|| self.whole(key, least, most)).transpose()
    }

    /// Reads a setting as the parts between commas; of an empty one there are none.
    pub fn list(&self, key: &str) -> Vec<String> {
        let parts = self.get(key).text;
        let parts = parts.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(str::to_owned).collect()
    }

    /// The error of a value that cannot be what its key needs.
    pub fn refused(&self, key: &str, expected: String) -> Error {
        let Setting { text, origin, .. } = self.get(key);
        Error::Value { origin, key: key.to_owned(), expected, found: text }
    }

    /// All values by key, paths as they are from the working directory.
    pub fn resolved(&self) -> BTreeMap<String, String> {
        let absolute = |setting: &Setting, part: &str| {
            let path = setting.folder.join(part);
            std::path::absolute(&path).unwrap_or(path).display().to_string()
        };
        let is_path = |name: &str| KEYS.iter().all(|key| key.name != name || key.is_path);
        let value = |(key, setting): (&String, &Setting)| {
            let text = match is_path(key) && !setting.text.is_empty() {
                true => {
                    let parts = setting.text.split(',').map(str::trim);
                    parts.map(|part| absolute(setting, part)).collect::<Vec<_>>().join(",")
                }
                false => setting.text.clone(),
            };
            (key.clone(), text)
        };
        self.values.iter().map(value).collect()
    }

    /// The text of a settings file that holds exactly these settings.
    pub fn to_file(&self) -> String {
        let mut text = String::from("# Settings of a run, as they were resolved.\n");
        let mut section = String::new();
        for (key, value) in self.resolved() {
            let (own, name) = key.split_once('.').unwrap_or(("", &key));
            if own != section {
                text += &format!("\n[{own}]\n");
                section = own.to_owned();
            }
            text += &format!("{name} = {}\n", literal(&value));
        }
        text
    }

    /// Reads the budgets of a file.
    ///
    /// # Errors
    /// [`Error::Value`].
    pub fn limits(&self) -> Result<Limits, Error> {
        Ok(Limits {
            pixels: self.whole(limits::PIXELS, 1, u64::MAX)?,
            scans: self.whole(limits::SCANS, 1, u64::MAX)?,
            inflated: self.whole(limits::INFLATED, 1, u64::MAX)?,
        })
    }

    /// Reads a setting as a type.
    ///
    /// # Errors
    /// [`Error::Value`] with the file or variable it comes from.
    pub fn parse<T: FromStr<Err: std::fmt::Display>>(&self, key: &str) -> Result<T, Error> {
        let setting = self.get(key);
        setting.text.parse().map_err(|error: T::Err| {
            let told = error.to_string();
            // Some types say themselves what was found.
            let expected = told.strip_suffix(&format!(", found {:?}", setting.text));
            self.refused(key, expected.unwrap_or(&told).to_owned())
        })
    }

    /// Reads a setting as a path: relative to the file it stands in, else to the working directory.
    pub fn path(&self, key: &str) -> PathBuf {
        let setting = self.get(key);
        setting.folder.join(&setting.text)
    }

    /// Reads a setting as several paths, each relative as that of [`Settings::path`].
    pub fn paths(&self, key: &str) -> Vec<PathBuf> {
        let folder = self.get(key).folder;
        self.list(key).iter().map(|part| folder.join(part)).collect()
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

    /// A line a setting of some sections: key, value and where it comes from.
    pub fn lines(&self, sections: &[&str]) -> Vec<String> {
        let line = |(key, setting): (&String, &Setting)| {
            format!("{key} = {:?} ({})", setting.text, setting.origin)
        };
        let section =
            |key: &String| key.split_once('.').map_or("", |(section, _)| section).to_owned();
        let own = |(key, _): &(&String, &Setting)| sections.contains(&section(key).as_str());
        self.values.iter().filter(own).map(line).collect()
    }

    fn get(&self, key: &str) -> Setting {
        let none =
            || Setting { text: String::new(), origin: "default".into(), folder: PathBuf::new() };
        self.values.get(key).cloned().unwrap_or_else(none)
    }
}

/// What the parser says of a file's text, in one line.
fn told(error: &toml::de::Error, text: &str) -> String {
    let said = excerpt(&error.message().trim_end().replace('\n', ", ")).into_owned();
    let before = error.span().and_then(|span| text.get(..span.start));
    let Some(before) = before else { return said };
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    format!("line {line}, column {column}: {said}")
}

/// The text of a value of the file, if a setting can be one.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Float(number) => Some(number.to_string()),
        toml::Value::Boolean(flag) => Some(flag.to_string()),
        toml::Value::Array(parts) => {
            parts.iter().map(plain).collect::<Option<Vec<_>>>().map(|parts| parts.join(","))
        }
        toml::Value::Table(_) | toml::Value::Datetime(_) => None,
    }
}

/// A value as the file writes it: what is no number, true or false stands in quotation marks.
fn literal(text: &str) -> String {
    let bare: Result<toml::Table, _> = format!("x = {text}").parse();
    let is_plain = bare.is_ok_and(|table| {
        let value = table.get("x");
        value.is_some_and(|value| !value.is_str() && plain(value).as_deref() == Some(text))
    });
    if is_plain { text.to_owned() } else { toml::Value::String(text.to_owned()).to_string() }
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
/// `roots` are roots of sets that do not lie below `data.root` under their own name; `changed` are values
/// in place of defaults.
pub fn template(roots: &[(&str, &str)], changed: &[(&str, &str)]) -> String {
    let mut text = String::from(
        "# Settings of qgface-data. Every value below is the default unless it says so; paths are relative to \
         this file.\n\
         # The environment (QGFACE_PACK_OUT=…) stands above this file, key=value arguments of `train`\n\
         # above that, flags above all.\n",
    );
    let mut section = "";
    for key in KEYS {
        let (own, name) = key.name.split_once('.').unwrap_or(("", key.name));
        if own != section {
            text += &format!("\n[{own}]\n");
            section = own;
        }
        text += &format!("# {}\n", key.about);
        let other =
            changed.iter().find(|(changed, _)| *changed == key.name).map(|(_, value)| *value);
        let (mark, note) = match (other, key.default) {
            // What follows from other settings stands there to be filled in.
            (None, "") => ("# ", String::new()),
            (None, _) | (Some(_), "") => ("", String::new()),
            (Some(_), default) => ("", format!(" # the default is {}", literal(default))),
        };
        text += &format!("{mark}{name} = {}{note}\n", literal(other.unwrap_or(key.default)));
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
    fn what_is_no_toml_is_told_with_its_line_and_in_one() {
        let error = load("[pack]\nout = \n[eval]\n", &[]).unwrap_err().to_string();
        assert!(error.contains("line 2") && !error.contains('\n'), "{error}");
        let deep = format!("x = {}", "[".repeat(100_000));
        assert!(load(&deep, &[]).unwrap_err().to_string().len() < 1000);
    }

    #[test]
    fn a_misspelt_variable_is_refused_and_not_passed_over() {
        let error = load("", &[("QGFACE_PACK_ENCODIN", "png")]).unwrap_err();
        assert!(error.to_string().contains("the nearest is pack.encoding"), "{error}");
        assert!(load("", &[("QGFACE_GOLDEN", "x")]).is_ok());
    }

    #[test]
    fn a_file_that_is_no_toml_is_refused_in_one_line() {
        let error = load("[pack]\nout = \n", &[]).unwrap_err().to_string();
        assert!(error.contains("expected TOML: line 2, column 7: "), "{error}");
        assert_eq!(error.lines().count(), 1, "{error}");
    }

    #[test]
    fn a_value_that_is_found_is_said_once() {
        #[derive(Debug)]
        struct Nothing;
        impl FromStr for Nothing {
            type Err = String;
            fn from_str(text: &str) -> Result<Self, String> {
                Err(format!("expected nothing, found {text:?}"))
            }
        }
        let settings = load("[train]\ndevice = \"gpu\"\n", &[]).unwrap();
        let told = settings.parse::<Nothing>("train.device").unwrap_err().to_string();
        assert!(told.ends_with("train.device: expected nothing, found \"gpu\""), "{told}");
    }

    #[test]
    fn the_lines_are_those_of_the_sections_asked_for() {
        let lines = Settings::defaults().lines(&["pack"]);
        assert!(
            lines.len() == 3 && lines.iter().all(|line| line.starts_with("pack.")),
            "{lines:?}"
        );
    }

    #[test]
    fn the_budgets_by_default_are_those_of_a_process_that_sets_none() {
        assert_eq!(Settings::defaults().limits().unwrap(), Limits::default());
        let settings = load("[limits]\npixels = 100\n", &[("QGFACE_LIMITS_SCANS", "3")]).unwrap();
        let own = Limits { pixels: 100, scans: 3, ..Limits::default() };
        assert_eq!(settings.limits().unwrap(), own);
        assert!(load("[limits]\npixels = 0\n", &[]).unwrap().limits().is_err());
    }

    #[test]
    fn the_template_is_the_defaults() {
        let from_template = load(&template(&[], &[]), &[]).unwrap();
        for key in KEYS {
            let (_, name) = key.name.split_once('.').unwrap();
            let line = format!("{name} = {}\n", literal(key.default));
            assert!(template(&[], &[]).contains(&line), "{line}");
            assert_eq!(from_template.parse::<String>(key.name).unwrap(), key.default);
        }
    }
}
