//! Settings as text: the commented file, the file of a run, and a line each.

use super::layers::Setting;
use super::{Form, Given, KEYS, Row, Section, Settings, keys};
use schemars::JsonSchema;
use serde::Serialize;
use std::collections::BTreeMap;

/// The settings file that was written.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct InitReport {
    /// Its path.
    pub settings: String,
}

impl Settings {
    /// All values by key, paths as they are from the working directory, lists as [`Given::text`] says.
    pub fn resolved(&self) -> BTreeMap<String, String> {
        let text = |setting: &Setting| (setting.row.name().to_owned(), resolved(setting).text());
        self.values.values().map(text).collect()
    }

    /// The text of a settings file that holds exactly these settings.
    pub fn to_file(&self) -> String {
        let mut text = String::from("# Settings of a run, as they were resolved.\n");
        let mut section = "";
        for setting in self.values.values() {
            let (own, name) = setting.row.parts();
            if own != section {
                text += &format!("\n[{own}]\n");
                section = own;
            }
            text += &format!("{name} = {}\n", resolved(setting).literal());
        }
        text
    }

    /// A line a setting of some sections: key, value and where it comes from.
    pub fn lines(&self, sections: &[Section]) -> Vec<String> {
        let is_own = |setting: &&Setting| {
            sections.iter().any(|section| section.name() == setting.row.parts().0)
        };
        let line = |setting: &Setting| {
            let (name, text) = (setting.row.name(), setting.given.text());
            format!("{name} = {text:?} ({})", setting.origin)
        };
        self.values.values().filter(is_own).map(line).collect()
    }
}

/// A value as it is read from any folder: paths absolute, a list in parts.
fn resolved(setting: &Setting) -> Given {
    let absolute = |part: &str| {
        let path = setting.folder.join(part);
        std::path::absolute(&path).unwrap_or(path).display().to_string()
    };
    let form = setting.row.form();
    let is_path = form.is_path() && !setting.given.is_empty();
    let resolve = |part: String| if is_path { absolute(&part) } else { part };
    match setting.given.parts().filter(|_| form.is_list()) {
        Some(parts) => Given::Several(parts.into_iter().map(resolve).collect()),
        None => Given::One(resolve(setting.given.text())),
    }
}

/// The text of a settings file in which every setting is explained and has its default.
///
/// `roots` are roots of sets that do not lie below `data.root` under their own name; `changed` are values
/// in place of defaults.
pub fn template(roots: &[(&str, &str)], changed: &[(&dyn Row, &str)]) -> String {
    let mut text = String::from(
        "# Settings of qgface-data. Every value below is the default unless it says so; paths are relative to \
         this file.\n\
         # The environment (QGFACE_PACK_OUT=…) stands above this file, key=value arguments of `train`\n\
         # above that, flags above all. There, a list is separated by commas, or stands in brackets as here.\n",
    );
    let mut section = "";
    for row in KEYS {
        let (own, name) = row.parts();
        if own != section {
            text += &format!("\n[{own}]\n");
            section = own;
        }
        text += &format!("# {}{}\n", row.about(), range(&row.form()));
        let literal = |value: &str| match (row.form().is_list(), Given::from(value)) {
            (true, given) => given.parts().map_or(given, Given::Several).literal(),
            (false, given) => given.literal(),
        };
        let other = changed.iter().find(|(changed, _)| changed.name() == row.name());
        let other = other.map(|(_, value)| *value);
        let (mark, note) = match (other, row.default()) {
            // What follows from other settings stands there to be filled in.
            (None, "") => ("# ", String::new()),
            (None, _) | (Some(_), "") => ("", String::new()),
            (Some(_), default) => ("", format!(" # the default is {}", literal(default))),
        };
        text += &format!("{mark}{name} = {}{note}\n", literal(other.unwrap_or(row.default())));
        if row.name() == keys::DATA_ROOT.name() {
            text += "# a set that lies elsewhere, for example:\n";
            text += "# tinyface = \"/datasets/tinyface\"\n";
            for (set, root) in roots {
                text += &format!("{set} = {}\n", Given::from(*root).literal());
            }
        }
    }
    text
}

/// The range of numbers, for the comment: of words it stands in what they mean.
fn range(form: &Form) -> String {
    match form {
        Form::Whole(..) | Form::Number(..) => format!(" ({form})"),
        Form::Optional(form) => range(form),
        _ => String::new(),
    }
}
