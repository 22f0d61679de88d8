//! What must be known to compare measured and published rows of a table.

use super::document::{MeasuredRow, RowKind, Table, TableRow};
use super::names;
use indexmap::{IndexMap, IndexSet};

/// Sets whose numbers depend on the preset.
const BY_PRESET: [&str; 2] = ["ijbb", "ijbc"];

/// The notes below a table whose rows are there.
pub(super) fn notes(table: &Table, measured: &[MeasuredRow]) -> Vec<String> {
    let mut notes = presets(table);
    let is_published = |row: &&TableRow| row.kind == RowKind::Published;
    for set in sets(table) {
        let beside = |row: &TableRow| has(table, row, set);
        if table.rows.iter().filter(is_published).any(beside) {
            notes.extend(measured.iter().flat_map(|row| match set {
                "averages" => other_average(row),
                set => other_set(set, row),
            }));
        }
    }
    if table.rows.iter().any(|row| row.name.ends_with('*')) {
        notes.push("A star stands in the source; what it marks is not recorded here.".to_owned());
    }
    notes
}

/// Sets of the columns, each once, in order.
fn sets(table: &Table) -> IndexSet<&str> {
    table.columns.iter().map(|column| column.set.as_str()).collect()
}

fn has(table: &Table, row: &TableRow, set: &str) -> bool {
    let cells = table.columns.iter().zip(&row.values);
    cells.into_iter().any(|(column, value)| column.set == set && value.is_some())
}

/// A measured protocol, and the source and protocol of published rows that differ from it.
type Pair<'a> = (&'a str, &'a str, Option<&'a str>);

/// A sentence for each source whose protocol is another one than a measured row's, or is not recorded.
fn presets(table: &Table) -> Vec<String> {
    let mut found: IndexMap<Pair<'_>, (IndexSet<&str>, IndexSet<&str>)> = IndexMap::new();
    for set in BY_PRESET {
        let (own, others): (Vec<&TableRow>, Vec<&TableRow>) = table
            .rows
            .iter()
            .filter(|row| has(table, row, set))
            .partition(|row| row.kind == RowKind::Measured);
        for (row, other) in own.iter().flat_map(|row| others.iter().map(move |other| (row, other)))
        {
            let measured = row.protocol.as_deref().unwrap_or("unknown");
            if other.protocol.as_deref() != Some(measured) {
                let pair = (measured, other.source.as_str(), other.protocol.as_deref());
                let (sets, rows) = found.entry(pair).or_default();
                sets.insert(names::set(set));
                rows.insert(&row.name);
            }
        }
    }
    let told = |((measured, source, protocol), (sets, rows)): (Pair<'_>, (IndexSet<&str>, _))| {
        let list = |names: IndexSet<&str>| names.into_iter().collect::<Vec<_>>().join("; ");
        let (sets, rows) = (sets.into_iter().collect::<Vec<_>>().join(" and "), list(rows));
        let other = match protocol {
            Some(protocol) => format!(
                "the rows of the {source} were under {protocol}, so the protocol is part of the \
                 difference"
            ),
            None => format!("the protocol of the rows of the {source} is not recorded"),
        };
        format!("{sets} under {measured} ({rows}): {other}.")
    };
    found.into_iter().map(told).collect()
}

/// A row whose images are not those of the published set must not be read beside published rows.
fn other_set(set: &str, row: &MeasuredRow) -> Option<String> {
    let other = row.result(set)?.other_count()?;
    let (set, label) = (names::set(set), &row.label);
    Some(format!("{set} of {label} is not the published set: {other}."))
}

/// An average over such a set is none of the published sets either.
fn other_average(row: &MeasuredRow) -> Option<String> {
    if row.averages.is_empty() {
        return None;
    }
    let results = row.results.iter().map(|entry| &entry.result);
    let others: Vec<&str> = results
        .filter(|result| result.other_count().is_some())
        .map(|result| names::set(&result.set))
        .collect();
    let (sets, label) = (others.join(", "), &row.label);
    (!others.is_empty()).then(|| {
        format!("The averages of {label} are over sets that are not the published ones: {sets}.")
    })
}

#[cfg(test)]
mod tests {
    use crate::report::document;
    use crate::report::document::examples::{evaluation, result};

    fn notes_of(set: &str, metric: &str, protocol: &str) -> Vec<String> {
        let mut result = result(set, &[(metric, 0.9)]);
        result.protocol = protocol.to_owned();
        let document = document(&[evaluation("a.json", vec![result])]).unwrap();
        document.tables.into_iter().flat_map(|table| table.notes).collect()
    }

    #[test]
    fn another_protocol_than_the_published_one_is_said() {
        let notes = notes_of("ijbb", "tar@1e-04", "adaface");
        let zoo =
            "IJB-B under adaface (net.onnx): the rows of the CVLface model zoo were under cvlface";
        assert!(notes.iter().any(|note| note.starts_with(zoo)), "{notes:?}");
        assert!(notes.iter().any(|note| note.ends_with("ablation is not recorded.")), "{notes:?}");
        let notes = notes_of("ijbc", "tar@1e-04", "cvlface");
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn a_preset_makes_no_difference_outside_ijb() {
        assert_eq!(notes_of("scface", "d1", "cvlface"), [""; 0]);
    }

    #[test]
    fn a_set_of_other_size_than_the_published_one_is_said_beside_published_rows() {
        let mut result = result("scface", &[("d1", 0.9)]);
        result.warnings = vec!["50 frontal pictures, the published set has 130".to_owned()];
        let document = document(&[evaluation("a.json", vec![result])]).unwrap();
        let notes: Vec<String> =
            document.tables.into_iter().flat_map(|table| table.notes).collect();
        assert!(
            notes.iter().any(|note| note.contains("is not the published set: 50")),
            "{notes:?}"
        );
    }
    #[test]
    fn an_average_over_sets_of_other_sizes_is_said_beside_published_ones() {
        let pairs = ["lfw", "cfp_fp", "agedb_30", "calfw", "cplfw"].map(|set| {
            let mut result = result(set, &[("accuracy", 0.9)]);
            if set == "calfw" {
                result.warnings = vec!["60 pairs, the published set has 6000".to_owned()];
            }
            result
        });
        let document = document(&[evaluation("a.json", pairs.into())]).unwrap();
        let ablation = document.tables.iter().find(|table| table.name == "ablation").unwrap();
        let told = "are over sets that are not the published ones: CALFW.";
        assert!(ablation.notes.iter().any(|note| note.ends_with(told)), "{:?}", ablation.notes);
    }
}
