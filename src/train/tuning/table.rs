//! `tuning.json` in the program's cache: what was fastest, by machine and network.

use super::layouts::{LAYOUTS, layout, name};
use super::site::Site;
use super::trial::Measured;
use crate::fs;
use crate::graph::lower::Layout;
use crate::runtime::{Processor, Runtime};
use crate::train::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

/// Name and version of the form.
const FORMAT: &str = "qgface-data tuning 1";

/// All that a choice holds for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The processor's name and those of its features that kernels are chosen by.
    pub processor: Processor,
    /// Threads of a step.
    pub threads: usize,
    /// Version of ONNX Runtime.
    pub onnxruntime: String,
    /// Version of oneDNN, where it is there.
    pub onednn: Option<String>,
    /// Version of the program.
    pub program: String,
}

impl Machine {
    /// This one, with the libraries of a runtime.
    pub fn of(runtime: &Runtime, threads: NonZeroUsize) -> Self {
        Self {
            processor: Processor::here(),
            threads: threads.get(),
            onnxruntime: runtime.library().version.clone(),
            onednn: runtime.onednn().map(|library| library.version().to_owned()),
            program: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

/// What was fastest for a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    layout: String,
    /// The median of a step in seconds, by layout.
    seconds: BTreeMap<String, f64>,
    /// Layouts that were left out, and why.
    left_out: BTreeMap<String, String>,
    /// The largest difference of a gradient from the reference's, of the largest of its tensor.
    difference: f64,
}

impl Choice {
    /// The fastest of those that are right.
    ///
    /// # Panics
    /// Without the reference.
    pub fn of(measured: &[Measured]) -> Self {
        let timed = measured.iter().filter_map(|own| Some((own, *own.seconds.as_ref().ok()?)));
        let fastest = timed.clone().min_by(|a, b| a.1.total_cmp(&b.1));
        let (fastest, _) = fastest.expect("the reference is always measured");
        let refused = measured.iter().filter_map(|own| {
            let reason = own.seconds.as_ref().err()?;
            Some((name(own.layout).to_owned(), reason.clone()))
        });
        Self {
            layout: name(fastest.layout).to_owned(),
            seconds: timed.map(|(own, seconds)| (name(own.layout).to_owned(), seconds)).collect(),
            left_out: refused.collect(),
            difference: fastest.difference,
        }
    }

    /// The layout that was chosen.
    pub fn layout(&self) -> Layout {
        layout(&self.layout).expect("a table's names are checked when it is read")
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "images in {}:", self.layout)?;
        for (at, (name, seconds)) in self.seconds.iter().enumerate() {
            let comma = if at == 0 { "" } else { "," };
            write!(f, "{comma} {:.0} ms a step in {name}", 1000.0 * seconds)?;
        }
        for (name, reason) in &self.left_out {
            write!(f, "; {name} left out: {reason}")?;
        }
        Ok(())
    }
}

/// Choices of a network, by its name.
type Choices = BTreeMap<String, Choice>;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: String,
    machines: Vec<Known>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    machine: Machine,
    steps: Choices,
}

/// The table, read.
#[derive(Debug, Clone)]
pub struct Table {
    /// None where nothing says where the cache is.
    path: Option<PathBuf>,
    machines: Vec<Known>,
    /// Whether it is another than the file's.
    changed: bool,
}

impl Table {
    /// Reads the table at a path. One that is not there is empty; of one that is damaged `say` is told,
    /// and it is made anew.
    pub fn read(path: Option<PathBuf>, say: &dyn Fn(&str)) -> Self {
        let read = path.as_deref().map_or_else(|| Ok(Vec::new()), machines);
        let changed = read.is_err();
        let machines = read.unwrap_or_else(|found| {
            let path = path.as_deref().unwrap_or(Path::new("")).display();
            say(&format!("{path}: {found}; what is fastest is measured anew"));
            Vec::new()
        });
        Self { path, machines, changed }
    }

    /// Where it lies.
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// Lets go of a choice.
    pub fn forget(&mut self, machine: &Machine, site: &Site) {
        self.changed = true;
        let own = self.machines.iter_mut().filter(|known| known.machine == *machine);
        own.for_each(|known| _ = known.steps.remove(&site.to_string()));
    }

    /// What was fastest on a machine.
    pub fn get(&self, machine: &Machine, site: &Site) -> Option<&Choice> {
        let own = self.machines.iter().find(|known| known.machine == *machine)?;
        own.steps.get(&site.to_string())
    }

    /// Enters a choice.
    pub fn enter(&mut self, machine: Machine, site: &Site, choice: Choice) {
        self.changed = true;
        let at = self.machines.iter().position(|known| known.machine == machine);
        let at = at.unwrap_or_else(|| {
            self.machines.push(Known { machine, steps: Choices::new() });
            self.machines.len() - 1
        });
        self.machines[at].steps.insert(site.to_string(), choice);
    }

    /// Writes the table back where it has changed.
    ///
    /// # Errors
    /// A disk that refuses; the old table is then whole.
    pub fn write(&self) -> Result<(), Error> {
        let Some(path) = self.path.as_ref().filter(|_| self.changed) else { return Ok(()) };
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
    let mut choices = document.machines.iter().flat_map(|known| known.steps.values());
    match choices.find(|choice| layout(&choice.layout).is_none()) {
        Some(choice) => {
            let names = LAYOUTS.map(|(_, name)| name).join(", ");
            Err(format!("expected one of {names}, found {:?}", choice.layout))
        }
        None => Ok(document.machines),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::nn::{Architecture, Backbone};

    fn machine(threads: usize) -> Machine {
        Machine {
            processor: Processor { model: "one".to_owned(), features: vec!["avx2".to_owned()] },
            threads,
            onnxruntime: "1".to_owned(),
            onednn: None,
            program: "0".to_owned(),
        }
    }

    fn site(rows: usize) -> Site {
        Site::new(Backbone::new(Architecture::Ir18, 1.0), rows)
    }

    fn measured(layout: Layout, seconds: Result<f64, String>) -> Measured {
        Measured { layout, seconds, difference: 0.0 }
    }

    #[test]
    fn the_fastest_is_chosen_of_those_that_are_right() {
        let slow = measured(Layout::Planes, Ok(2.0));
        let fast = Choice::of(&[slow.clone(), measured(Layout::Pixels, Ok(1.0))]);
        assert_eq!(fast.layout(), Layout::Pixels);
        assert_eq!(
            fast.to_string(),
            "images in pixels: 1000 ms a step in pixels, 2000 ms a step in planes"
        );
        let wrong = Choice::of(&[slow, measured(Layout::Pixels, Err("wrong".to_owned()))]);
        assert_eq!(wrong.layout(), Layout::Planes);
        assert!(wrong.to_string().ends_with("; pixels left out: wrong"), "{wrong}");
    }

    #[test]
    fn a_choice_holds_for_its_machine_and_network_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache/tuning.json");
        let read = || Table::read(Some(path.clone()), &|said| panic!("{said}"));
        let mut table = read();
        let choice = Choice::of(&[measured(Layout::Planes, Ok(1.0))]);
        table.enter(machine(2), &site(8), choice.clone());
        table.write().unwrap();
        let table = read();
        assert_eq!(table.get(&machine(2), &site(8)), Some(&choice));
        assert_eq!(table.get(&machine(3), &site(8)), None);
        assert_eq!(table.get(&machine(2), &site(9)), None);
        let other = Machine { onednn: Some("3.2".to_owned()), ..machine(2) };
        assert_eq!(table.get(&other, &site(8)), None);
    }

    #[test]
    fn a_damaged_table_is_said_and_made_anew() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tuning.json");
        for damaged in ["{", r#"{"format": "other", "machines": []}"#] {
            std::fs::write(&path, damaged).unwrap();
            let said = std::cell::RefCell::new(String::new());
            let table =
                Table::read(Some(path.clone()), &|text| *said.borrow_mut() = text.to_owned());
            assert!(said.borrow().contains("measured anew"), "{damaged}");
            table.write().unwrap();
            Table::read(Some(path.clone()), &|said| panic!("{said}"));
        }
    }
}
