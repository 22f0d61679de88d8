//! What no compiler checks: import directions, circles between files, single owners, and copies held equal.

mod imports;
mod metric_names;
mod syntax;

use imports::{CRATES, MAY_USE};
use qgface_data::{datasets, demo, eval, pack, report, runtime, settings, synth, train};
use std::path::{Path, PathBuf};
use syntax::root;

#[test]
fn the_table_of_the_page_is_that_of_the_data_sets() {
    let page = std::fs::read_to_string(root().join("docs/packs.md")).unwrap();
    for set in datasets::DATASETS {
        let label = (set.default_label)();
        let row = format!(
            "| `{}` | {} | `{}` | {} | {label} |",
            set.name, set.about, set.layout, set.order
        );
        assert!(page.contains(&row), "docs/packs.md lacks the row\n{row}");
    }
}

#[test]
fn the_page_says_what_lies_where() {
    let page = std::fs::read_to_string(root().join("docs/architecture.md")).unwrap();
    for module in MAY_USE.iter().map(|(module, _)| module).chain(CRATES) {
        assert!(page.contains(&format!("`{module}")), "the code map lacks {module}");
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
        ("tune", schemars::schema_for!(train::tuning::TuneReport)),
        ("check", schemars::schema_for!(train::check::CheckReport)),
        ("init", schemars::schema_for!(settings::InitReport)),
        ("train", schemars::schema_for!(train::TrainReport)),
        ("plan", schemars::schema_for!(train::plan::PlanReport)),
        ("export", schemars::schema_for!(train::ExportReport)),
        ("metrics", schemars::schema_for!(train::metrics::Line)),
        ("checkpoint", schemars::schema_for!(train::checkpoint::Facts)),
        ("manifest", schemars::schema_for!(pack::Manifest)),
    ]
}

/// Writes the schemas anew.
const WRITE_SCHEMAS: &str = "QGFACE_WRITE_SCHEMAS=1 cargo test --release --test architecture";

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
        let holds = std::fs::read_to_string(&path).is_ok_and(|found| found == text);
        assert!(
            holds,
            "{} is not the schema of its type: write it anew with `{WRITE_SCHEMAS}`",
            path.display()
        );
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
    assert!(bytes < 17_000_000, "fixtures hold {bytes} bytes");
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
