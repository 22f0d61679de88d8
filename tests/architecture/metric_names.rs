//! A metric's name stands in one table.

use crate::syntax::{files, root};
use qgface_data::eval::Measure;
use qgface_data::metrics::{Family, METRICS, Metric};

/// Files that hold a metric's name as the name of something else, and which.
const OTHER_MEANINGS: &[(&str, &str)] = &[
    // The key of a model's metadata for the deviation that it is fed with.
    ("eval/conventions.rs", "std"),
];

#[test]
fn no_metric_is_named_outside_its_table() {
    let whole = |text: &str| text.parse::<Metric>().is_ok() || text.parse::<Measure>().is_ok();
    let stems: Vec<&str> = METRICS
        .iter()
        .filter_map(|family| family.name.split_once("{}"))
        .map(|(stem, _)| stem)
        .filter(|stem| stem.len() > 1)
        .collect();
    let src = root().join("src");
    let mut faults = Vec::new();
    for file in files(&src) {
        let path = file.strip_prefix(&src).unwrap().to_str().unwrap();
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.split("#[cfg(test)]").next().unwrap();
        if path == "metrics/table.rs" {
            assert!(code.lines().any(|line| line.contains(stems[0])), "the table has moved");
            continue;
        }
        for (i, line) in code.lines().enumerate() {
            if line.trim_start().starts_with("//") {
                continue;
            }
            // What stands between quotation marks; sentences are for people.
            for text in line.split('"').skip(1).step_by(2).filter(|text| !text.contains(' ')) {
                let named = whole(text) || stems.iter().any(|stem| text.contains(stem));
                if named && !OTHER_MEANINGS.contains(&(path, text)) {
                    faults.push(format!("src/{path}:{}: {text:?} is a metric's name", i + 1));
                }
            }
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// For a person: `cargo test --test architecture -- --nocapture the_table_of_metrics`.
#[test]
fn the_table_of_metrics_says_of_each_what_it_is() {
    println!("| name | title | unit | decimals | better | of | counts |");
    println!("|---|---|---|---|---|---|---|");
    for family in METRICS {
        let Family { title, unit, decimals, better, of, counts, .. } = family;
        let name = family.name_told();
        println!("| {name} | {title} | {unit:?} | {decimals} | {better:?} | {of:?} | {counts} |");
        assert!(counts.len() > 20 && !title.is_empty(), "{name}");
    }
}
