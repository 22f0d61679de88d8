//! A settings file, read: what it gives for which key.

use super::table::{find, unknown};
use super::{Error, Given, Row};
use crate::causes::excerpt;
use std::path::Path;

/// Name of the settings file in the working directory.
pub const FILE_NAME: &str = "qgface.toml";

/// What a file gives, in its order.
///
/// # Errors
/// A file that cannot be read, is no TOML, has a key that is not known, or a value that no setting can be.
pub(super) fn read(file: &Path) -> Result<Vec<(&'static dyn Row, Given)>, Error> {
    let path = || file.to_path_buf();
    let text =
        std::fs::read_to_string(file).map_err(|source| Error::Read { path: path(), source })?;
    let table: toml::Table =
        text.parse().map_err(|error| Error::Syntax { path: path(), found: told(&error, &text) })?;
    let origin = file.display().to_string();
    let mut given = Vec::new();
    for (section, value) in table {
        let toml::Value::Table(entries) = value else {
            return Err(unknown(&section, &origin));
        };
        for (name, value) in entries {
            let row = find(&format!("{section}.{name}"), &origin)?;
            let read = Given::of_toml(&value).ok_or_else(|| Error::Value {
                origin: origin.clone(),
                key: row.name().to_owned(),
                expected: "text in quotation marks, a number, true or false, or a list of such"
                    .to_owned(),
                found: value.to_string(),
            });
            given.push((row, read?));
        }
    }
    Ok(given)
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
