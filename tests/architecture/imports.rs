//! Who uses whom: the table of the modules, no circles between files, and crates with one owner.

use crate::syntax::{Crate, root};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Which top-level modules a module may use. Imports go down; what is not listed is not allowed.
pub(crate) const MAY_USE: &[(&str, &[&str])] = &[
    (
        "cli",
        &[
            "datasets", "demo", "eval", "fs", "group", "image", "limits", "loader", "metrics",
            "pack", "progress", "recordio", "report", "runtime", "settings", "synth", "train",
        ],
    ),
    (
        "demo",
        &[
            "datasets", "eval", "fs", "group", "image", "onnx", "pack", "progress", "report",
            "runtime", "settings", "synth", "train",
        ],
    ),
    ("report", &["eval", "fs", "image", "metrics", "pack", "train"]),
    (
        "eval",
        &[
            "causes", "datasets", "fs", "group", "image", "metrics", "onnx", "ordered", "pack",
            "progress", "protocol", "rewrite", "runtime",
        ],
    ),
    (
        "settings",
        &[
            "causes", "datasets", "eval", "image", "limits", "loader", "nn", "optim", "pack",
            "runtime", "views",
        ],
    ),
    (
        "train",
        &[
            "autodiff", "causes", "eval", "fs", "graph", "group", "image", "loader", "metrics",
            "nn", "onnx", "optim", "ordered", "pack", "progress", "runtime", "seed", "settings",
            "views",
        ],
    ),
    ("loader", &["datasets", "image", "masks", "pack", "seed", "views"]),
    ("views", &["image", "seed"]),
    ("optim", &["graph", "nn"]),
    ("nn", &["graph", "masks", "seed"]),
    ("masks", &["seed"]),
    (
        "pack",
        &["causes", "datasets", "fs", "image", "limits", "ordered", "progress", "recordio", "seed"],
    ),
    ("synth", &["fs", "image", "progress", "seed"]),
    ("datasets", &["causes", "fs", "limits", "protocol", "recordio"]),
    ("metrics", &[]),
    ("protocol", &[]),
    ("image", &["limits"]),
    ("ordered", &[]),
    ("limits", &[]),
    ("progress", &[]),
    ("seed", &[]),
];

/// Modules that are crates of their own, or of one: cargo holds what these may use.
pub(crate) const CRATES: &[&str] =
    &["autodiff", "causes", "fs", "graph", "group", "onnx", "recordio", "rewrite", "runtime"];

/// Crates that one module alone names, and macros and functions likewise. `cli` is the binary.
const OWNED: &[(&str, &str)] = &[
    ("clap", "cli"),
    ("ctrlc", "cli"),
    ("indicatif", "cli"),
    ("mozjpeg", "image"),
    ("plotters", "report"),
    ("plotters_backend", "report"),
    ("ttf_parser", "report"),
    ("zeno", "report"),
    ("gemm_common", "metrics"),
    ("gemm_f32", "metrics"),
    ("gemm_f64", "metrics"),
    ("safetensors", "train"),
];

const PRINTING: &[&str] = &["println", "print", "eprintln", "eprint", "dbg"];

/// The library at the top, and the binary; the crates below it.
static READ: LazyLock<Vec<(&'static str, Crate)>> = LazyLock::new(|| {
    let of_cli = |module: &[String]| module.first().is_some_and(|name| name == "cli");
    let is_main = |module: &[String]| module == ["main"];
    let mut all = vec![
        ("src", Crate::read("src", "lib", |module| !of_cli(module) && !is_main(module))),
        ("src/cli", Crate::read("src", "main", |module| of_cli(module) || module.is_empty())),
    ];
    for name in [
        "crates/fs/src",
        "crates/graph/src",
        "crates/group/src",
        "crates/recordio/src",
        "crates/runtime/src",
    ] {
        all.push((name, Crate::read(name, "lib", |_| true)));
    }
    all
});

#[test]
fn every_crate_is_read() {
    let folders = std::fs::read_dir(root().join("crates")).unwrap();
    let mut found: Vec<String> = folders
        .map(|entry| format!("crates/{}/src", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    found.sort();
    let read: Vec<&str> = READ.iter().map(|(name, _)| *name).skip(2).collect();
    assert_eq!(found, read);
    assert!(READ.iter().all(|(_, own)| own.sources.len() > 5));
}

/// The top-level module that a path of the library names: `crate::fs::map` is of `fs`.
fn used<'a>(written: &'a [String], library: &str) -> Option<&'a str> {
    let known =
        |name: &&str| CRATES.contains(name) || MAY_USE.iter().any(|(module, _)| module == name);
    match written {
        [first, second, ..] if first == library => Some(second.as_str()).filter(known),
        _ => None,
    }
}

#[test]
fn imports_go_down() {
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    let mut faults = Vec::new();
    for (at, (_, own)) in READ.iter().take(2).enumerate() {
        for source in &own.sources {
            let Some(module) = source.module.first() else { continue };
            let may = allowed
                .get(module.as_str())
                .unwrap_or_else(|| panic!("{}: add {module} to MAY_USE", source.path));
            let library = if at == 1 { "qgface_data" } else { "crate" };
            for (written, line) in &source.named {
                if let Some(used) = used(written, library)
                    && used != module
                    && !may.contains(&used)
                {
                    faults.push(format!("{}:{line}: {module} may not use {used}", source.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The table itself has no circle, so that it has a lowest module.
#[test]
fn the_table_has_no_circle() {
    let mut below: BTreeSet<&str> = CRATES.iter().copied().collect();
    let mut left: Vec<_> = MAY_USE.to_vec();
    while !left.is_empty() {
        let before = left.len();
        left.retain(|(module, may)| {
            let is_next = may.iter().all(|used| below.contains(used));
            if is_next {
                below.insert(module);
            }
            !is_next
        });
        assert!(left.len() < before, "a circle among {left:?}");
    }
}

#[test]
fn no_file_uses_a_file_that_uses_it() {
    let mut faults = Vec::new();
    for (_, own) in &*READ {
        let imports = own.imports();
        for circle in circles(&imports) {
            let mut text = format!("{} files import each other:", circle.len());
            for &file in &circle {
                for (target, line) in imports[file].iter().filter(|(to, _)| circle.contains(to)) {
                    let (from, to) = (&own.sources[file].path, &own.sources[*target].path);
                    text += &format!("\n    {from}:{line} uses {to}");
                }
            }
            faults.push(text);
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The sets of more than one node of which each leads to every other.
fn circles(edges: &[BTreeMap<usize, usize>]) -> Vec<BTreeSet<usize>> {
    let reach: Vec<BTreeSet<usize>> = (0..edges.len()).map(|from| reached(edges, from)).collect();
    let mut found: Vec<BTreeSet<usize>> = Vec::new();
    for node in 0..edges.len() {
        if found.iter().any(|circle| circle.contains(&node)) {
            continue;
        }
        let back = reach[node].iter().copied().filter(|other| reach[*other].contains(&node));
        let circle: BTreeSet<usize> = back.collect();
        if circle.len() > 1 {
            found.push(circle);
        }
    }
    found
}

fn reached(edges: &[BTreeMap<usize, usize>], from: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![from];
    while let Some(node) = open.pop() {
        open.extend(edges[node].keys().copied().filter(|next| found.insert(*next)));
    }
    found
}

#[test]
fn circles_are_found() {
    let edges = |list: &[(usize, usize)]| {
        let mut all = vec![BTreeMap::new(); 5];
        list.iter().for_each(|&(from, to)| _ = all[from].insert(to, 1));
        all
    };
    assert_eq!(circles(&edges(&[(0, 1), (1, 2), (0, 2), (3, 0)])), []);
    let both = circles(&edges(&[(0, 1), (1, 0), (2, 3), (3, 4), (4, 2), (4, 0)]));
    assert_eq!(both, [BTreeSet::from([0, 1]), BTreeSet::from([2, 3, 4])]);
}

#[test]
fn some_crates_have_one_owner() {
    let mut faults = Vec::new();
    for (_, own) in &*READ {
        for source in &own.sources {
            let module = source.module.first().map_or("", String::as_str);
            for (written, line) in &source.named {
                for (word, owner) in OWNED {
                    if written[0] == *word && module != *owner {
                        faults.push(format!("{}:{line}: {word} is {owner}'s", source.path));
                    }
                }
                let exits = written.ends_with(&["process".to_owned(), "exit".to_owned()]);
                if exits && module != "cli" {
                    faults.push(format!("{}:{line}: cli alone exits", source.path));
                }
            }
            for (name, line) in &source.macros {
                if PRINTING.contains(&name.as_str()) && module != "cli" {
                    faults.push(format!("{}:{line}: cli alone prints ({name}!)", source.path));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// Cargo holds this wall: a package that does not depend on `ort` cannot name it.
#[test]
fn only_the_runtime_depends_on_ort() {
    for (package, may) in [
        (".", false),
        ("crates/fs", false),
        ("crates/graph", false),
        ("crates/recordio", false),
        ("crates/runtime", true),
    ] {
        let text = std::fs::read_to_string(root().join(package).join("Cargo.toml")).unwrap();
        let manifest: toml::Table = text.parse().unwrap();
        let tables = ["dependencies", "dev-dependencies", "build-dependencies"];
        let names = tables.iter().filter_map(|name| manifest.get(*name)?.as_table());
        let depends = names.flat_map(toml::Table::keys).any(|name| name == "ort");
        assert_eq!(depends, may, "{package}/Cargo.toml");
    }
}
