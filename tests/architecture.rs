//! What no compiler checks in one crate: import directions, single owners, and copies held equal.

use qgface_data::{datasets, demo, eval, pack, report, runtime, settings, synth, train};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Which top-level modules a module may use. Imports go down; what is not listed is not allowed. What the
/// crates below may use cargo holds.
const MAY_USE: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "datasets", "demo", "eval", "fs", "image", "limits", "pack", "progress", "report",
            "runtime", "settings", "synth", "train",
        ],
    ),
    (
        "demo",
        &[
            "datasets", "eval", "fs", "image", "onnx", "pack", "progress", "report", "runtime",
            "settings", "synth", "train",
        ],
    ),
    ("report", &["eval", "fs", "image", "pack", "train"]),
    (
        "eval",
        &[
            "causes", "datasets", "fs", "image", "metrics", "onnx", "ordered", "pack", "progress",
            "protocol", "runtime", "settings",
        ],
    ),
    ("settings", &["causes", "datasets", "limits"]),
    (
        "train",
        &[
            "autodiff", "eval", "fs", "graph", "image", "loader", "nn", "onnx", "optim", "ordered",
            "pack", "progress", "runtime", "seed", "settings", "views",
        ],
    ),
    ("loader", &["datasets", "image", "pack", "seed", "views"]),
    ("views", &["image", "seed"]),
    ("optim", &["graph", "nn"]),
    ("nn", &["graph", "seed"]),
    ("autodiff", &[]),
    ("graph", &[]),
    (
        "pack",
        &["causes", "datasets", "fs", "image", "limits", "ordered", "progress", "recordio", "seed"],
    ),
    ("synth", &["fs", "image", "progress", "seed"]),
    ("datasets", &["causes", "fs", "limits", "protocol", "recordio"]),
    ("metrics", &[]),
    ("protocol", &[]),
    ("runtime", &[]),
    ("onnx", &[]),
    ("image", &["limits"]),
    ("causes", &[]),
    ("ordered", &[]),
    ("recordio", &[]),
    ("limits", &[]),
    ("fs", &[]),
    ("progress", &[]),
    ("seed", &[]),
];

/// Words that only one module's files may hold, with that module.
const OWNED: &[(&str, &str)] = &[
    ("clap::", "cli"),
    ("println!", "cli"),
    ("eprintln!", "cli"),
    ("process::exit", "cli"),
    ("mozjpeg", "image"),
    ("indicatif::", "cli"),
    ("plotters::", "report"),
    ("resvg::", "report"),
    ("gemm::", "metrics"),
    ("safetensors::", "train"),
    ("ctrlc::", "cli"),
];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Every source file below `src`: its path there, its top-level module, its text.
fn sources() -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root().join("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let below = path.strip_prefix(root().join("src")).unwrap().to_str().unwrap().to_owned();
            let module = below.split('/').next().unwrap().trim_end_matches(".rs").to_owned();
            found.push((below, module, std::fs::read_to_string(&path).unwrap()));
        }
    }
    found.sort();
    found
}

#[test]
fn imports_go_down() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut faults = Vec::new();
    for (path, module, text) in sources() {
        if matches!(module.as_str(), "lib" | "main") {
            continue;
        }
        let may =
            allowed.get(module.as_str()).unwrap_or_else(|| panic!("{path}: add it to MAY_USE"));
        for (i, line) in text.lines().enumerate() {
            for used in used_modules(line, &module) {
                if used != module && !may.contains(&used.as_str()) {
                    faults.push(format!("src/{path}:{}: {module} may not use {used}", i + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Top-level modules that a line names, also in a group: `use crate::{fs, image}`.
fn used_modules(line: &str, module: &str) -> Vec<String> {
    let start = if module == "cli" { "qgface_data::" } else { "crate::" };
    let mut used = Vec::new();
    for (at, _) in line.match_indices(start) {
        let rest = &line[at + start.len()..];
        let names = match rest.strip_prefix('{') {
            Some(group) => group.split('}').next().unwrap_or(group).split(',').collect(),
            None => vec![rest],
        };
        let word = |name: &str| -> String {
            name.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
        };
        let known = |name: &String| MAY_USE.iter().any(|(module, _)| module == name);
        used.extend(names.into_iter().map(word).filter(known));
    }
    used
}

#[test]
fn some_words_have_one_owner() {
    let mut faults = Vec::new();
    for (path, module, text) in sources() {
        for (i, line) in text.lines().enumerate() {
            let code = line.trim_start();
            let comment = code.starts_with("//");
            for (word, owner) in OWNED {
                if !comment && line.contains(word) && module != *owner {
                    faults.push(format!("src/{path}:{}: {word} belongs to {owner}", i + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn the_table_of_the_readme_is_that_of_the_data_sets() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for set in datasets::DATASETS {
        let label = (set.default_label)();
        let row = format!(
            "| `{}` | {} | `{}` | {} | {label} |",
            set.name, set.about, set.layout, set.order
        );
        assert!(readme.contains(&row), "README.md lacks the row\n{row}");
    }
}

#[test]
fn the_readme_says_what_lies_where() {
    let readme = std::fs::read_to_string(root().join("README.md")).unwrap();
    for (module, _) in MAY_USE {
        assert!(readme.contains(&format!("`{module}")), "README.md's code map lacks {module}");
    }
}

/// The schema of each document the program writes.
fn schemas() -> Vec<(&'static str, schemars::Schema)> {
    vec![
        ("make-rec", schemars::schema_for!(pack::PackReport)),
        ("verify-order", schemars::schema_for!(pack::verify_order::OrderReport)),
        ("inspect", schemars::schema_for!(pack::inspect::InspectReport)),
        ("unpack", schemars::schema_for!(pack::unpack::UnpackReport)),
        ("merge", schemars::schema_for!(pack::merge::MergeReport)),
        ("align", schemars::schema_for!(pack::align::AlignReport)),
        ("adopt", schemars::schema_for!(pack::adopt::AdoptReport)),
        ("stats", schemars::schema_for!(pack::stats::StatsReport)),
        ("reindex", schemars::schema_for!(pack::reindex::ReindexReport)),
        ("synth", schemars::schema_for!(synth::SynthReport)),
        ("demo", schemars::schema_for!(demo::DemoReport)),
        ("report", schemars::schema_for!(report::ReportDocument)),
        ("eval", schemars::schema_for!(eval::results::EvalReport)),
        ("runtime", schemars::schema_for!(runtime::Info)),
        ("init", schemars::schema_for!(settings::InitReport)),
        ("train", schemars::schema_for!(train::TrainReport)),
        ("export", schemars::schema_for!(train::ExportReport)),
        ("metrics", schemars::schema_for!(train::metrics::Line)),
        ("checkpoint", schemars::schema_for!(train::checkpoint::Facts)),
        ("manifest", schemars::schema_for!(pack::Manifest)),
    ]
}

/// `QGFACE_WRITE_SCHEMAS=1 cargo test --release --test architecture` writes them anew.
#[test]
fn the_schemas_are_those_of_the_types() {
    let folder = root().join("schemas");
    let write = std::env::var_os("QGFACE_WRITE_SCHEMAS").is_some();
    let mut names = Vec::new();
    for (name, schema) in schemas() {
        let path = folder.join(format!("{name}.schema.json"));
        let text = serde_json::to_string_pretty(&schema).unwrap() + "\n";
        if write {
            std::fs::write(&path, &text).unwrap();
        }
        assert_eq!(std::fs::read_to_string(&path).unwrap_or_default(), text, "{}", path.display());
        names.push(path);
    }
    let mut found: Vec<PathBuf> =
        std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.sort();
    names.sort();
    assert_eq!(found, names, "schemas/ holds a file of no type");
}

#[test]
fn the_fixtures_are_compact_and_their_sources_are_named() {
    let mut bytes = 0;
    let mut folders = vec![root().join("fixtures")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let entry = entry.unwrap();
            if entry.path().is_dir() {
                folders.push(entry.path())
            } else {
                bytes += entry.metadata().unwrap().len()
            }
        }
    }
    assert!(bytes < 13_000_000, "fixtures hold {bytes} bytes");
    let readme = std::fs::read_to_string(root().join("fixtures/README.md")).unwrap();
    for entry in std::fs::read_dir(root().join("fixtures")).unwrap() {
        let name = entry.unwrap().file_name().to_string_lossy().into_owned();
        assert!(
            name == "README.md" || readme.contains(&name),
            "fixtures/README.md does not name {name}"
        );
    }
    assert!(Path::new(&root().join("LICENSE")).is_file());
}
