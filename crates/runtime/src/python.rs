//! What the Python at hand can give: folders of installed packages, and pip.
//!
//! An interpreter is asked as a stranger to the working folder: it begins at the root, isolated (`-I`), and
//! sees the variables of [`PASSED`] alone, so that no `pip.py` beside somebody's data and no
//! `PYTHONPATH` puts code of its own in the way.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Adds the user's own packages to the path, behind all others; `-I` leaves them out.
const USERS_OWN: &str = "\
import site, sys
sys.path.append(site.getusersitepackages())
";

/// Prints the folders of the packages that matter, without importing them.
const FOLDERS: &str = "\
import importlib.util as u
for name in ('onnxruntime', 'nvidia'):
    spec = u.find_spec(name)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        print(name, folder, sep='\\t')
";

/// Runs pip as `-m pip` would.
const PIP: &str = "\
import runpy
sys.argv[0] = 'pip'
runpy.run_module('pip', run_name='__main__', alter_sys=True)
";

/// Variables that an interpreter sees, whatever their case: where things lie, the language, and what pip
/// needs for mirrors, proxies and certificates.
const PASSED: [&str; 19] = [
    "HOME",
    "PATH",
    "LD_LIBRARY_PATH",
    "LANG",
    "LANGUAGE",
    "USER",
    "LOGNAME",
    "TMPDIR",
    "NETRC",
    "XDG_CACHE_HOME",
    "XDG_CONFIG_HOME",
    "XDG_CONFIG_DIRS",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "NO_PROXY",
    "FTP_PROXY",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
];

/// Beginnings of the names of more of them.
const PASSED_FAMILIES: [&str; 4] = ["PIP_", "PYENV_", "SSL_CERT_", "LC_"];

/// Those of them that name files: a relative path is one from the working folder.
const PATHS: [&str; 8] = [
    "PIP_CONFIG_FILE",
    "PIP_CERT",
    "PIP_CLIENT_CERT",
    "PIP_FIND_LINKS",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "REQUESTS_CA_BUNDLE",
    "CURL_CA_BUNDLE",
];

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
    // A relative one would be found at the root, where the interpreter begins.
    let active = std::env::var_os("VIRTUAL_ENV").map(PathBuf::from).filter(|own| own.is_absolute());
    let active = active.map(|folder| folder.join("bin/python"));
    active.into_iter().chain([PathBuf::from("python3")]).collect()
}

/// An interpreter about to run `script`, a stranger to the working folder.
fn isolated(python: &Path, script: &str) -> Command {
    let mut command = Command::new(python);
    command.args(["-I", "-c", &[USERS_OWN, script].concat()]).current_dir("/");
    command.env_clear().envs(std::env::vars_os().filter_map(passed));
    command
}

/// A variable as an interpreter sees it, if it does.
fn passed((name, value): (OsString, OsString)) -> Option<(OsString, OsString)> {
    let upper = name.to_str()?.to_ascii_uppercase();
    let is_passed = PASSED.contains(&upper.as_str())
        || PASSED_FAMILIES.iter().any(|family| upper.starts_with(family));
    let is_path = || PATHS.contains(&upper.as_str()) && Path::new(&value).exists();
    let value = match is_passed && is_path() {
        true => std::path::absolute(&value).map_or(value, PathBuf::into_os_string),
        false => value,
    };
    is_passed.then_some((name, value))
}

/// pip of an interpreter, its arguments to follow.
pub(super) fn pip(python: &Path) -> Command {
    isolated(python, PIP)
}

impl Packages {
    /// Asks every interpreter; one that is absent or says nothing adds nothing.
    pub(super) fn ask() -> Self {
        let mut packages = Self::default();
        for python in interpreters() {
            if let Ok(answer) = isolated(&python, FOLDERS).output() {
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
        let found = pip(&python).arg("--version").output();
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
    fn an_interpreter_sees_mirrors_proxies_and_certificates_and_no_variable_of_its_own() {
        let seen = |name: &str| passed((name.into(), "v".into())).is_some();
        for name in
            ["PIP_INDEX_URL", "https_proxy", "HTTPS_PROXY", "SSL_CERT_FILE", "HOME", "LC_ALL"]
        {
            assert!(seen(name), "{name}");
        }
        for name in
            ["PYTHONPATH", "PYTHONHOME", "PYTHONSTARTUP", "LD_PRELOAD", "BASH_ENV", "X_PIP_"]
        {
            assert!(!seen(name), "{name}");
        }
    }

    #[test]
    fn a_relative_certificate_is_one_from_the_working_folder() {
        let own = passed(("PIP_CERT".into(), "Cargo.toml".into())).unwrap();
        assert_eq!(own.1, std::env::current_dir().unwrap().join("Cargo.toml"));
        let other = passed(("PIP_INDEX_URL".into(), "Cargo.toml".into())).unwrap();
        assert_eq!(other.1, "Cargo.toml");
    }

    #[test]
    fn folders_are_taken_once_and_other_lines_passed_over() {
        let mut packages = Packages::default();
        packages.read("a warning\nonnxruntime\t/p/onnxruntime\nnvidia\t/p/nvidia\nother\t/p\n");
        packages.read("onnxruntime\t/p/onnxruntime\nonnxruntime\t/q q/onnxruntime\n");
        assert_eq!(packages.onnxruntime, ["/p/onnxruntime", "/q q/onnxruntime"].map(PathBuf::from));
        assert_eq!(packages.nvidia, [PathBuf::from("/p/nvidia")]);
    }
}
