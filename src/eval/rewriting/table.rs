//! `embedding.json` in the program's cache: what a model is best made into, by machine and model.

use super::super::error::Error;
use super::candidates::CANDIDATES;
use crate::fs;
use crate::runtime::Machine;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Name and version of the form.
const FORMAT: &str = "qgface-data embedding 1";

/// What was fastest for a model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Choice {
    /// What it is made into; nothing where it is fastest as it is.
    pub(super) rewriting: Option<String>,
    /// The median of seconds an image as it is.
    pub(super) as_it_is: f64,
    /// The same of what it can be made into.
    pub(super) seconds: BTreeMap<String, f64>,
    /// What was left out, and why.
    pub(super) left_out: BTreeMap<String, String>,
    /// The largest 1 − cos of a row of what was chosen and of the model as it is.
    pub(super) difference: f64,
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.rewriting {
            Some(name) => write!(f, "the model is rewritten in {name}: ")?,
            None => write!(f, "the model runs as it is: ")?,
        }
        let rate = |seconds: f64| 1.0 / seconds;
        write!(f, "{:.1} images a second as it is", rate(self.as_it_is))?;
        for (name, seconds) in &self.seconds {
            write!(f, ", {:.1} in {name}", rate(*seconds))?;
        }
        for (name, reason) in &self.left_out {
            write!(f, "; {name} left out: {reason}")?;
        }
        Ok(())
    }
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    machines: Vec<Known>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    machine: Machine,
    models: BTreeMap<String, Choice>,
}

/// The table, read.
#[derive(Debug)]
pub(super) struct Table {
    /// None where nothing says where the cache is.
    path: Option<PathBuf>,
    machines: Vec<Known>,
}

impl Table {
    /// Reads the table at a path. One that is not there is empty; of one that is damaged `say` is told,
    /// and it is made anew.
    pub(super) fn read(path: Option<PathBuf>, say: &dyn Fn(&str)) -> Self {
        let read = path.as_deref().map_or_else(|| Ok(Vec::new()), machines);
        let machines = read.unwrap_or_else(|found| {
            let path = path.as_deref().unwrap_or(Path::new("")).display();
            say(&format!("{path}: {found}; what is fastest is measured anew"));
            Vec::new()
        });
        Self { path, machines }
    }

    /// Whether there is a choice for some machine.
    pub(super) fn knows(&self, site: &str) -> bool {
        self.machines.iter().any(|known| known.models.contains_key(site))
    }

    /// What was fastest on a machine.
    pub(super) fn get(&self, machine: &Machine, site: &str) -> Option<&Choice> {
        let own = self.machines.iter().find(|known| known.machine == *machine)?;
        own.models.get(site)
    }

    /// Enters a choice.
    pub(super) fn enter(&mut self, machine: Machine, site: String, choice: Choice) {
        let at = self.machines.iter().position(|known| known.machine == machine);
        let at = at.unwrap_or_else(|| {
            self.machines.push(Known { machine, models: BTreeMap::new() });
            self.machines.len() - 1
        });
        self.machines[at].models.insert(site, choice);
    }

    /// Writes the table.
    ///
    /// # Errors
    /// A disk that refuses; the old table is then whole.
    pub(super) fn write(&self) -> Result<(), Error> {
        let Some(path) = &self.path else { return Ok(()) };
        let document = Document { format: FORMAT.to_owned(), machines: self.machines.clone() };
        let text = serde_json::to_vec_pretty(&document).expect("numbers and texts by name");
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(fs::io_error("make the folder", folder))?;
        }
        Ok(fs::write_whole(path, &text)?)
    }
}

fn machines(path: &Path) -> Result<Vec<Known>, String> {
    let text = match std::fs::read(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error.to_string()),
    };
    let document: Document = serde_json::from_slice(&text).map_err(|error| error.to_string())?;
    if document.format != FORMAT {
        return Err(format!("expected {FORMAT:?}, found {:?}", document.format));
    }
    let mut choices = document.machines.iter().flat_map(|known| known.models.values());
    let unknown = choices.find_map(|choice| {
        let name = choice.rewriting.as_ref()?;
        (!CANDIDATES.iter().any(|(own, _)| own == name)).then_some(name)
    });
    match unknown {
        Some(found) => {
            let names = CANDIDATES.map(|(name, _)| name).join(", ");
            Err(format!("expected one of {names}, found {found:?}"))
        }
        None => Ok(document.machines),
    }
}
