//! `tuning.json` in the program's cache: what was fastest, by machine and network.

use super::depth::Depth;
use super::layouts::{LAYOUTS, layout, name, told};
use super::site::Site;
use super::trial::Measured;
use crate::fs;
use crate::graph::lower::{Arrangement, Formulations, Problem};
pub use crate::runtime::Machine;
use crate::train::Error;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

/// Name and version of the form.
const FORMAT: &str = "qgface-data tuning 2";

/// What was fastest for a network.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// How much was measured.
    depth: Depth,
    layout: String,
    /// How problems are solved otherwise than by the built-in rule.
    formulations: Formulations,
    /// The median of a step in seconds, by arrangement.
    seconds: BTreeMap<String, f64>,
    /// Arrangements that were left out, and why.
    left_out: BTreeMap<String, String>,
    /// The largest difference of a gradient from the reference's, as root mean squares.
    difference: f64,
}

/// What was fastest for a problem.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Solved {
    /// The formulation.
    pub formulation: String,
    /// The median in seconds, by formulation.
    pub seconds: BTreeMap<String, f64>,
    /// Formulations that were left out, and why.
    pub left_out: BTreeMap<String, String>,
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
            Some((told(&own.arrangement), reason.clone()))
        });
        let Arrangement { layout, formulations } = fastest.arrangement.clone();
        Self {
            depth: Depth::Layout,
            layout: name(layout).to_owned(),
            formulations,
            seconds: timed.map(|(own, seconds)| (told(&own.arrangement), seconds)).collect(),
            left_out: refused.collect(),
            difference: fastest.difference,
        }
    }

    /// The choice among arrangements of the layout that was chosen before, that one first.
    ///
    /// # Panics
    /// As [`Choice::of`].
    pub(super) fn refine(&mut self, measured: &[Measured]) {
        let refined = Self::of(measured);
        self.seconds.extend(refined.seconds);
        self.left_out.extend(refined.left_out);
        self.formulations = refined.formulations;
        self.depth = Depth::Problems;
        // Differences add up at most.
        self.difference += refined.difference;
    }

    /// How much was measured.
    pub fn depth(&self) -> Depth {
        self.depth
    }

    /// How problems are solved otherwise than by the built-in rule.
    pub fn formulations(&self) -> &Formulations {
        &self.formulations
    }

    /// The median of a step in seconds in an arrangement, where it was measured.
    pub fn seconds(&self, arrangement: &Arrangement) -> Option<f64> {
        self.seconds.get(&told(arrangement)).copied()
    }

    /// What was chosen.
    pub fn arrangement(&self) -> Arrangement {
        let layout = layout(&self.layout).expect("a table's names are checked when it is read");
        Arrangement { layout, formulations: self.formulations.clone() }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "images in {}", self.layout)?;
        if !self.formulations.is_empty() {
            let count = self.formulations.len();
            write!(f, ", {count} of its problems solved otherwise than by the built-in rule")?;
        }
        f.write_str(":")?;
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
    problems: BTreeMap<String, Solved>,
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

    /// Lets go of a choice, and of how problems were solved.
    pub fn forget(&mut self, machine: &Machine, site: &Site) {
        self.changed = true;
        for known in self.machines.iter_mut().filter(|known| known.machine == *machine) {
            known.steps.remove(&site.to_string());
            known.problems.clear();
        }
    }

    /// What was fastest on a machine.
    pub fn get(&self, machine: &Machine, site: &Site) -> Option<&Choice> {
        self.known(machine)?.steps.get(&site.to_string())
    }

    /// Enters a choice.
    pub fn enter(&mut self, machine: &Machine, site: &Site, choice: Choice) {
        self.entered(machine).steps.insert(site.to_string(), choice);
    }

    /// How a problem was solved on a machine, by a formulation that it still has.
    pub(super) fn solved(&self, machine: &Machine, problem: &Problem) -> Option<&Solved> {
        let solved = self.known(machine)?.problems.get(&problem.to_string())?;
        problem.formulations().contains(&solved.formulation.as_str()).then_some(solved)
    }

    /// Enters how a problem was solved.
    pub(super) fn enter_solved(&mut self, machine: &Machine, problem: &Problem, solved: Solved) {
        self.entered(machine).problems.insert(problem.to_string(), solved);
    }

    fn known(&self, machine: &Machine) -> Option<&Known> {
        self.machines.iter().find(|known| known.machine == *machine)
    }

    fn entered(&mut self, machine: &Machine) -> &mut Known {
        self.changed = true;
        let at = self.machines.iter().position(|known| known.machine == *machine);
        let at = at.unwrap_or_else(|| {
            let (machine, steps) = (machine.clone(), Choices::new());
            self.machines.push(Known { machine, steps, problems: BTreeMap::new() });
            self.machines.len() - 1
        });
        &mut self.machines[at]
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
    use crate::graph::lower::Layout;
    use crate::nn::{Architecture, Backbone};
    use crate::runtime::{Gpu, Processor};

    fn machine(threads: usize) -> Machine {
        Machine {
            processor: Processor { model: "one".to_owned(), features: vec!["avx2".to_owned()] },
            threads,
            onnxruntime: "1".to_owned(),
            onednn: None,
            cuda: None,
            program: "0".to_owned(),
        }
    }

    fn site(rows: usize) -> Site {
        Site::new(Backbone::new(Architecture::Ir18, 1.0), rows)
    }

    fn measured(layout: Layout, seconds: Result<f64, String>) -> Measured {
        Measured { arrangement: layout.into(), seconds, difference: 0.0 }
    }

    #[test]
    fn the_fastest_is_chosen_of_those_that_are_right() {
        let slow = measured(Layout::Planes, Ok(2.0));
        let fast = Choice::of(&[slow.clone(), measured(Layout::Pixels, Ok(1.0))]);
        assert_eq!(fast.arrangement(), Layout::Pixels.into());
        assert_eq!(
            fast.to_string(),
            "images in pixels: 1000 ms a step in pixels, 2000 ms a step in planes"
        );
        let wrong = Choice::of(&[slow, measured(Layout::Pixels, Err("wrong".to_owned()))]);
        assert_eq!(wrong.arrangement(), Layout::Planes.into());
        assert!(wrong.to_string().ends_with("; pixels left out: wrong"), "{wrong}");
    }

    #[test]
    fn a_choice_holds_for_its_machine_and_network_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("cache/tuning.json");
        let read = || Table::read(Some(path.clone()), &|said| panic!("{said}"));
        let mut table = read();
        let choice = Choice::of(&[measured(Layout::Planes, Ok(1.0))]);
        table.enter(&machine(2), &site(8), choice.clone());
        table.write().unwrap();
        let table = read();
        assert_eq!(table.get(&machine(2), &site(8)), Some(&choice));
        assert_eq!(table.get(&machine(3), &site(8)), None);
        assert_eq!(table.get(&machine(2), &site(9)), None);
        let other = Machine { onednn: Some("3.2".to_owned()), ..machine(2) };
        assert_eq!(table.get(&other, &site(8)), None);
        let gpu = |cudnn: &str| Gpu {
            name: "one".to_owned(),
            driver: "13.0".to_owned(),
            cudnn: Some(cudnn.to_owned()),
        };
        let with = |cudnn| Machine { cuda: Some(gpu(cudnn)), ..machine(2) };
        assert_eq!(table.get(&with("9.1.0"), &site(8)), None);
        let mut table = table;
        table.enter(&with("9.1.0"), &site(8), choice.clone());
        table.write().unwrap();
        let table = read();
        assert_eq!(table.get(&with("9.1.0"), &site(8)), Some(&choice));
        assert_eq!(table.get(&with("9.2.0"), &site(8)), None);
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
