//! The report as one line a value.

use super::document::{Column, ReportDocument, RowKind, Table, TableRow};
use super::names::plain;
use super::published::FineTuned;
use super::{Error, sections};

const HEAD: [&str; 8] =
    ["table", "row", "kind", "source", "protocol", "fine_tuned", "column", "value"];

/// First the tables, then every metric of every set in a table `set NAME`. Rates are per cent; counts
/// and thresholds are what they are. Values that are not there have no line.
pub(super) fn render(document: &ReportDocument) -> Result<String, Error> {
    let mut out = Vec::new();
    let mut writer = ::csv::Writer::from_writer(&mut out);
    let lines = document.tables.iter().flat_map(of_table).chain(of_sets(document));
    let written = writer.write_record(HEAD);
    written
        .and_then(|()| {
            lines
                .into_iter()
                .try_for_each(|line| writer.write_record(line.map(|cell| plain(&cell))))
        })
        .map_err(|error| Error::Csv(error.into()))?;
    writer.flush().map_err(Error::Csv)?;
    drop(writer);
    Ok(String::from_utf8_lossy(&out).into_owned())
}

type Line = [String; 8];

fn of_table(table: &Table) -> Vec<Line> {
    let line = |row: &TableRow, column: &Column, value: f64| -> Line {
        [
            table.name.clone(),
            row.name.clone(),
            row.kind.name().to_owned(),
            row.source.clone(),
            row.protocol.clone().unwrap_or_else(|| "unknown".to_owned()),
            row.fine_tuned.name().to_owned(),
            format!("{} {}", column.set_name(), column.measure.metric()),
            value.to_string(),
        ]
    };
    let cells = table.rows.iter().flat_map(|row| {
        let cells = table.columns.iter().zip(&row.values);
        cells.filter_map(move |(column, value)| Some(line(row, column, (*value)?)))
    });
    cells.collect()
}

fn of_sets(document: &ReportDocument) -> Vec<Line> {
    let mut lines = Vec::new();
    for section in sections::sets(document) {
        for row in &document.measured {
            for entry in row.results.iter().filter(|entry| entry.result.set == section.set) {
                for (metric, value) in &entry.result.metrics {
                    lines.push([
                        format!("set {}", section.set),
                        row.label.clone(),
                        RowKind::Measured.name().to_owned(),
                        entry.file.clone(),
                        row.protocol.clone(),
                        FineTuned::Unknown.name().to_owned(),
                        metric.to_string(),
                        metric.shown(*value).to_string(),
                    ]);
                }
            }
        }
    }
    lines
}
