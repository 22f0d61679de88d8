//! The built program, run in a folder of its own.

use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Once;

pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// Runs a command.
    pub(crate) fn of(mut command: Command) -> Self {
        let output = command.output().unwrap();
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The result as JSON, which must fit its schema.
    pub(crate) fn json(&self, schema: &str) -> Value {
        let document: Value = serde_json::from_str(&self.stdout)
            .unwrap_or_else(|error| panic!("{error}: {}\n{}", self.stdout, self.stderr));
        fits(&document, schema);
        document
    }
}

/// Panics with the first fault when a document does not fit a schema of `schemas/`.
pub(crate) fn fits(document: &Value, schema: &str) {
    let file = format!("schemas/{schema}.schema.json");
    let schema: Value =
        serde_json::from_slice(&std::fs::read(root().join(&file)).unwrap()).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    if let Err(fault) = validator.validate(document) {
        let at = fault.instance_path();
        let found = document.pointer(at.as_str()).unwrap_or(document).to_string();
        let found: String = found.chars().take(200).collect();
        panic!(
            "{file} does not allow {found} at \"{at}\": {}. Where the type was meant to change, \
             `cargo test --release --test architecture` says how the schemas follow",
            fault.masked()
        );
    }
}

/// Commands that run on ONNX Runtime.
const ON_THE_RUNTIME: [&str; 4] = ["demo", "eval", "runtime", "train"];

/// The program in `folder` with a clean environment, not yet started.
pub(crate) fn program(folder: &Path, arguments: &[&str]) -> Command {
    if arguments.first().is_some_and(|command| ON_THE_RUNTIME.contains(command)) {
        FETCHED.call_once(fetch);
    }
    bare(folder, arguments)
}

static FETCHED: Once = Once::new();

/// Has the program fetch its libraries where there are none, so that one step does, and is seen to,
/// and not whichever test comes first. Where that fails each command says why.
fn fetch() {
    let info = bare(&root(), &["runtime", "info", "--format", "json"]).output().unwrap();
    let info: Value = serde_json::from_slice(&info.stdout).unwrap();
    if info["cpu"]["library"].is_null() || info["onednn"]["version"].is_null() {
        let _ = bare(&root(), &["runtime", "install"]).status();
    }
}

fn bare(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qgface-data"));
    command.args(arguments).current_dir(folder);
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("QGFACE_")) {
        command.env_remove(name);
    }
    command
}

/// Runs the program in `folder` with a clean environment.
pub(crate) fn run(folder: &Path, arguments: &[&str]) -> Ran {
    Ran::of(program(folder, arguments))
}

/// Runs the program and expects it to end well.
pub(crate) fn done(folder: &Path, arguments: &[&str]) -> Ran {
    let ran = run(folder, arguments);
    assert_eq!(ran.code, 0, "{arguments:?}: {}{}", ran.stdout, ran.stderr);
    ran
}

pub(crate) fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A path below `fixtures/`, as an argument.
pub(crate) fn fixture(path: &str) -> String {
    root().join("fixtures").join(path).to_str().unwrap().to_owned()
}

/// A JSON file below `fixtures/`.
pub(crate) fn fixture_json(path: &str) -> Value {
    serde_json::from_slice(&std::fs::read(fixture(path)).unwrap()).unwrap()
}

/// Copies a tree.
pub(crate) fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
