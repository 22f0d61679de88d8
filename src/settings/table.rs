//! All keys that may be given: the rows of the table, and a root for each data set.

use super::{Error, FilePath, Form, Given, KEYS, Kind, Row};
use crate::datasets::{DATASETS, DataSet};
use std::path::Path;
use std::sync::LazyLock;

/// The root of a data set, which has a setting for each of them: `data.NAME`.
struct SetRoot {
    name: String,
}

impl SetRoot {
    fn new(set: &&DataSet) -> Self {
        Self { name: root_name(set) }
    }
}

impl Row for SetRoot {
    fn name(&self) -> &str {
        &self.name
    }

    fn default(&self) -> &'static str {
        ""
    }

    fn about(&self) -> &'static str {
        "root of this set [its folder below data.root]"
    }

    fn form(&self) -> Form {
        Form::Optional(Box::new(FilePath.form()))
    }

    fn accepts(&self, given: &Given) -> bool {
        FilePath.read(given, Path::new("")).is_some()
    }
}

static SET_ROOTS: LazyLock<Vec<SetRoot>> =
    LazyLock::new(|| DATASETS.iter().map(SetRoot::new).collect());

/// The name of the setting of a set's root.
pub(super) fn root_name(set: &DataSet) -> String {
    format!("data.{}", set.name)
}

/// Every row.
pub fn rows() -> impl Iterator<Item = &'static dyn Row> {
    let roots = SET_ROOTS.iter().map(|root| root as &dyn Row);
    KEYS.iter().copied().chain(roots)
}

/// The row of a name.
///
/// # Errors
/// [`Error::Unknown`] with the nearest name; the name stands in `origin`.
pub(super) fn find(name: &str, origin: &str) -> Result<&'static dyn Row, Error> {
    rows().find(|row| row.name() == name).ok_or_else(|| unknown(name, origin))
}

/// The error of a name that no row has.
pub(super) fn unknown(name: &str, origin: &str) -> Error {
    let nearest = rows().map(Row::name).min_by_key(|known| distance(known, name));
    let nearest = nearest.unwrap_or_default().to_owned();
    Error::Unknown { origin: origin.to_owned(), key: name.to_owned(), nearest }
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
