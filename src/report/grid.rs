//! Cells in rows and columns, as every written form shows them.

use super::document::{Column, RowKind, Table, TableRow};
use super::names::ABSENT;

/// A titled table of text.
pub(super) struct Grid {
    /// Stands above it; may be empty.
    pub(super) title: String,
    /// One a column.
    pub(super) head: Vec<Heading>,
    pub(super) lines: Vec<Line>,
    /// Sentences below it.
    pub(super) notes: Vec<String>,
}

pub(super) struct Heading {
    pub(super) text: String,
    pub(super) side: Side,
}

/// Where the cells of a column stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Left,
    /// Numbers.
    Right,
}

pub(super) struct Line {
    /// None where nothing is compared.
    pub(super) kind: Option<RowKind>,
    pub(super) cells: Vec<String>,
}

/// A column's heading.
pub(super) fn heading(text: &str, side: Side) -> Heading {
    Heading { text: text.to_owned(), side }
}

/// The table with its method, values, protocol, and where they are from.
pub(super) fn of_table(table: &Table) -> Grid {
    let values = table.columns.iter().map(|column| heading(&column.title, Side::Right));
    let facts = ["Protocol", "Fine-tuned", "Source"].map(|text| heading(text, Side::Left));
    let line = |row: &TableRow| {
        let cell = |(column, value): (&Column, &Option<f64>)| {
            let digits = |value| column.measure.metric().digits(value);
            value.map_or_else(|| ABSENT.to_owned(), digits)
        };
        let values = table.columns.iter().zip(&row.values).map(cell);
        let protocol = row.protocol.clone().unwrap_or_else(|| "unknown".to_owned());
        let facts = [protocol, row.fine_tuned.name().to_owned(), row.source.clone()];
        let cells = [row.name.clone()].into_iter().chain(values).chain(facts).collect();
        Line { kind: Some(row.kind), cells }
    };
    Grid {
        title: table.title.clone(),
        head: [heading("Method", Side::Left)].into_iter().chain(values).chain(facts).collect(),
        lines: table.rows.iter().map(line).collect(),
        notes: table.notes.clone(),
    }
}

/// One fact a line and one of `labels` a column; a line in which nobody has anything is left out.
pub(super) fn of_facts(
    title: &str,
    labels: &[String],
    side: Side,
    facts: Vec<(String, Vec<Option<String>>)>,
) -> Grid {
    let line = |(name, values): (String, Vec<Option<String>>)| {
        let values = values.into_iter().map(|value| value.unwrap_or_else(|| ABSENT.to_owned()));
        Line { kind: None, cells: [name].into_iter().chain(values).collect() }
    };
    let known = facts.into_iter().filter(|(_, values)| values.iter().any(Option::is_some));
    Grid {
        title: title.to_owned(),
        head: [heading(title, Side::Left)]
            .into_iter()
            .chain(labels.iter().map(|label| heading(label, side)))
            .collect(),
        lines: known.map(line).collect(),
        notes: Vec::new(),
    }
}
