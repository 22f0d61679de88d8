//! What must be known to compare measured and published rows of a table.

use super::document::{MeasuredRow, RowKind, Table, TableRow};
use crate::eval::{EVAL_SETS, Kind, Measure, Subject};
use indexmap::{IndexMap, IndexSet};

/// The notes below a table whose rows are there.
pub(super) fn notes(table: &Table, measured: &[MeasuredRow]) -> Vec<String> {
    let mut notes = presets(table);
    let is_published = |row: &&TableRow| row.kind == RowKind::Published;
    let is_beside = |part: Of| {
        let mut published = table.rows.iter().filter(is_published);
        published.any(|row| has(table, row, part))
    };
    for part in parts(table) {
        if is_beside(part) {
            notes.extend(measured.iter().flat_map(|row| match part {
                Of::Averages => other_average(row),
                Of::Set(set) => other_set(set, row),
            }));
        }
    }
    if table.rows.iter().any(|row| row.starred) {
        notes.push("A star stands in the source; what it marks is not recorded here.".to_owned());
    }
    notes
}

/// What columns are of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Of {
    Set(Subject),
    Averages,
}

impl Of {
    fn measured(measure: Measure) -> Self {
        match measure {
            Measure::Of(subject, _) => Self::Set(subject),
            Measure::Average(_) => Self::Averages,
        }
    }
}

/// What the columns are of, each once, in order.
fn parts(table: &Table) -> IndexSet<Of> {
    table.columns.iter().map(|column| Of::measured(column.measure)).collect()
}

fn has(table: &Table, row: &TableRow, of: Of) -> bool {
    let mut cells = table.columns.iter().zip(&row.values);
    cells.any(|(column, value)| Of::measured(column.measure) == of && value.is_some())
}

/// A measured protocol, and the source and protocol of published rows that differ from it.
type Pair<'a> = (&'a str, &'a str, Option<&'a str>);

/// A sentence for each source whose protocol is another one than a measured row's, or is not recorded.
fn presets(table: &Table) -> Vec<String> {
    let mut found: IndexMap<Pair<'_>, (IndexSet<&str>, IndexSet<&str>)> = IndexMap::new();
    // Only templates are weighed and read in the ways in which the presets differ.
    for set in EVAL_SETS.into_iter().filter(|set| set.kind == Kind::Templates) {
        let (own, others): (Vec<&TableRow>, Vec<&TableRow>) = table
            .rows
            .iter()
            .filter(|row| has(table, row, Of::Set(Subject::Set(set))))
            .partition(|row| row.kind == RowKind::Measured);
        for (row, other) in own.iter().flat_map(|row| others.iter().map(move |other| (row, other)))
        {
            let measured = row.protocol.as_deref().unwrap_or("unknown");
            if other.protocol.as_deref() != Some(measured) {
                let pair = (measured, other.source.as_str(), other.protocol.as_deref());
                let (sets, rows) = found.entry(pair).or_default();
                sets.insert(set.title);
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
fn other_set(set: Subject, row: &MeasuredRow) -> Option<String> {
    let other = row.result(set)?.other_count()?;
    let (set, label) = (set.title(), &row.label);
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
        .map(|result| result.set.title())
        .collect();
    let (sets, label) = (others.join(", "), &row.label);
    (!others.is_empty()).then(|| {
        format!("The averages of {label} are over sets that are not the published ones: {sets}.")
    })
}

#[cfg(test)]
mod tests {
    use crate::eval::results::examples::result;
    use crate::eval::sets::{CALFW, HQ, IJBB, IJBC, SCFACE};
    use crate::eval::{Subject, Warning, WarningKind};
    use crate::metrics::table::{ACCURACY, DISTANCE, TAR};
    use crate::metrics::{Metric, Rate};
    use crate::report::document;
    use crate::report::document::examples::evaluation;

    const TAR_AT_E4: Metric = TAR.at_rate(Rate::one_in_ten_to(4));

    fn notes_of(set: Subject, metric: Metric, protocol: &str) -> Vec<String> {
        let mut result = result(set, &[(metric, 0.9)]);
        result.protocol = protocol.to_owned();
        let document = document(&[evaluation("a.json", vec![result])]).unwrap();
        document.tables.into_iter().flat_map(|table| table.notes).collect()
    }

    #[test]
    fn another_protocol_than_the_published_one_is_said() {
        let notes = notes_of(Subject::Set(&IJBB), TAR_AT_E4, "adaface");
        let zoo =
            "IJB-B under adaface (net.onnx): the rows of the CVLface model zoo were under cvlface";
        assert!(notes.iter().any(|note| note.starts_with(zoo)), "{notes:?}");
        assert!(notes.iter().any(|note| note.ends_with("ablation is not recorded.")), "{notes:?}");
        let notes = notes_of(Subject::Set(&IJBC), TAR_AT_E4, "cvlface");
        assert!(notes.is_empty(), "{notes:?}");
    }

    #[test]
    fn a_preset_makes_no_difference_outside_ijb() {
        assert_eq!(notes_of(Subject::Set(&SCFACE), DISTANCE.at(1), "cvlface"), [""; 0]);
    }

    /// The notes of an SCface result with a warning.
    fn notes_beside(warning: Warning) -> Vec<String> {
        let mut result = result(Subject::Set(&SCFACE), &[(DISTANCE.at(1), 0.9)]);
        result.warnings = vec![warning];
        let document = document(&[evaluation("a.json", vec![result])]).unwrap();
        document.tables.into_iter().flat_map(|table| table.notes).collect()
    }

    #[test]
    fn a_set_of_other_size_than_the_published_one_is_said_beside_published_rows() {
        let count = "50 frontal pictures, the published set has 130";
        let notes = notes_beside(Warning::new(WarningKind::OtherCount, count));
        assert!(
            notes.iter().any(|note| note.contains("is not the published set: 50")),
            "{notes:?}"
        );
        let notes = notes_beside(Warning::new(WarningKind::LeftOut, count));
        assert!(notes.is_empty(), "words decided: {notes:?}");
    }

    #[test]
    fn an_average_over_sets_of_other_sizes_is_said_beside_published_ones() {
        let pairs = HQ.map(|set| {
            let mut result = result(Subject::Set(set), &[(ACCURACY.metric(), 0.9)]);
            if set.name == CALFW.name {
                result.warnings = vec![Warning::new(WarningKind::OtherCount, "60 pairs")];
            }
            result
        });
        let document = document(&[evaluation("a.json", pairs.into())]).unwrap();
        let ablation = document.tables.iter().find(|table| table.name == "ablation").unwrap();
        let told = "are over sets that are not the published ones: CALFW.";
        assert!(ablation.notes.iter().any(|note| note.ends_with(told)), "{:?}", ablation.notes);
    }
}
