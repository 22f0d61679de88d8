//! What the Python at hand can give: folders of installed packages, and pip.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Prints the folders of the packages that matter, without importing them.
const SCRIPT: &str = "\
import importlib.util as u
for name in ('onnxruntime', 'nvidia'):
    spec = u.find_spec(name)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        print(name, folder, sep='\\t')
";

/// Folders of installed Python packages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Packages {
    /// Of `onnxruntime`, which `onnxruntime-gpu` installs too.
    pub(super) onnxruntime: Vec<PathBuf>,
    /// Of `nvidia`, below which NVIDIA's packages put their libraries.
    pub(super) nvidia: Vec<PathBuf>,
}

/// The interpreters to ask: the active environment's, then the one on the path.
fn interpreters() -> Vec<PathBuf> {
    let active = std::env::var_os("VIRTUAL_ENV").filter(|folder| !folder.is_empty());
    let active = active.map(|folder| Path::new(&folder).join("bin/python"));
    active.into_iter().chain([PathBuf::from("python3")]).collect()
}

impl Packages {
    /// Asks every interpreter; one that is absent or says nothing adds nothing.
    pub(super) fn ask() -> Self {
        let mut packages = Self::default();
        for python in interpreters() {
            // Python searches the working folder first: at the root nothing of a user's lies in the way.
            let answer = Command::new(&python).args(["-c", SCRIPT]).current_dir("/").output();
            if let Ok(answer) = answer {
                packages.read(&String::from_utf8_lossy(&answer.stdout));
            }
        }
        packages
    }

    fn read(&mut self, answer: &str) {
        for (name, folder) in answer.lines().filter_map(|line| line.split_once('\t')) {
            let folders = match name {
                "onnxruntime" => &mut self.onnxruntime,
                "nvidia" => &mut self.nvidia,
                _ => continue,
            };
            let folder = PathBuf::from(folder);
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
}

/// An interpreter whose pip answers.
///
/// # Errors
/// For each interpreter, why it has none.
pub(super) fn with_pip() -> Result<PathBuf, Vec<String>> {
    let mut reasons = Vec::new();
    for python in interpreters() {
        let found = Command::new(&python).args(["-m", "pip", "--version"]).output();
        match found {
            Ok(answer) if answer.status.success() => return Ok(python),
            Ok(answer) => {
                let said = String::from_utf8_lossy(&answer.stderr);
                let last = said.trim().lines().next_back().unwrap_or("it said nothing").to_owned();
                reasons.push(last);
            }
            Err(error) => reasons.push(format!("{}: {error}", python.display())),
        }
    }
    Err(reasons)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_taken_once_and_other_lines_passed_over() {
        let mut packages = Packages::default();
        packages.read("a warning\nonnxruntime\t/p/onnxruntime\nnvidia\t/p/nvidia\nother\t/p\n");
        packages.read("onnxruntime\t/p/onnxruntime\nonnxruntime\t/q q/onnxruntime\n");
        assert_eq!(packages.onnxruntime, ["/p/onnxruntime", "/q q/onnxruntime"].map(PathBuf::from));
        assert_eq!(packages.nvidia, [PathBuf::from("/p/nvidia")]);
    }
}
