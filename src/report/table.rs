//! The tables of the report: which columns each has, and its measured and published rows.

use super::check::check;
use super::document::{Column, FORMAT, MeasuredRow, ReportDocument, RowKind, Table, TableRow};
use super::notes::notes;
use super::published::{
    ALL_AVG, FineTuned, Group, HQ_AVG, IJBB_TAR, IJBC_TAR, PUBLISHED, Row, TINYFACE_RANK_1,
    TINYFACE_RANK_5, accuracy,
};
use super::rows::rows;
use super::{Error, Evaluation};
use crate::eval::Measure;
use crate::eval::sets::{
    AGEDB_30, CALFW, CFP_FP, CPLFW, CRLFW, EvalSet, IJBB, IJBC, LFW, SCFACE, TINYFACE,
};
use crate::metrics::Family;
use crate::metrics::table::{
    DISTANCE, MEAN_AVERAGE_PRECISION, MERGED_RANK, MERGED_RECALL, RANK, REDUCED, SEARCH_RANK,
    SEARCH_TPIR, TAR,
};
use Columns::One;

/// Merges result documents and sets them beside the published rows.
///
/// # Errors
/// [`Error::Empty`] for a document without results; [`Error::Value`] for a number that cannot be one.
pub fn document(evaluations: &[Evaluation]) -> Result<ReportDocument, Error> {
    evaluations.iter().try_for_each(check)?;
    let (measured, notes) = rows(evaluations);
    let tables = TABLES.iter().filter_map(|layout| table(layout, &measured)).collect();
    let tool = concat!("qgface-data ", env!("CARGO_PKG_VERSION")).to_owned();
    Ok(ReportDocument { format: FORMAT.to_owned(), tool, measured, tables, notes })
}

/// What a table shows.
struct Layout {
    /// Published groups of this name are its rows.
    name: &'static str,
    title: &'static str,
    columns: &'static [Columns],
}

/// Columns of a table, and what stands above them.
enum Columns {
    One(Measure, Heading),
    /// All metrics of a family.
    Family(&'static EvalSet, &'static Family, Heading),
}

/// What stands above a column.
#[derive(Clone, Copy)]
enum Heading {
    /// The set: `IJB-B`.
    Set,
    /// The metric: `Rank 1`.
    Metric,
    /// Both: `SCface d1`.
    SetAndMetric,
    /// What tells the metric from others of its family: `1e-4`.
    Member,
    Text(&'static str),
}

impl Heading {
    fn of(self, measure: Measure) -> String {
        let set = match measure {
            Measure::Of(subject, _) => subject.title(),
            Measure::Average(_) => "",
        };
        match self {
            Self::Set => set.to_owned(),
            Self::Metric => measure.metric().title(),
            Self::SetAndMetric => format!("{set} {}", measure.metric().title()),
            Self::Member => measure.metric().member_title(),
            Self::Text(text) => text.to_owned(),
        }
    }
}

impl Layout {
    fn columns(&self) -> Vec<Column> {
        let column = |measure, heading: Heading| Column { measure, title: heading.of(measure) };
        let columns = |columns: &Columns| match *columns {
            Columns::One(measure, heading) => vec![column(measure, heading)],
            Columns::Family(set, family, heading) => {
                let measures = family.measured().into_iter().map(|own| Measure::of_set(set, own));
                measures.map(|measure| column(measure, heading)).collect()
            }
        };
        self.columns.iter().flat_map(columns).collect()
    }
}

static TABLES: &[Layout] = &[
    Layout {
        name: "ablation",
        title: "High, mixed and low quality: the ablation of QGFace",
        columns: &[
            DISTANCES,
            One(TINYFACE_RANK_1, Heading::Set),
            One(IJBB_TAR, Heading::Set),
            One(HQ_AVG, Heading::Metric),
            One(ALL_AVG, Heading::Metric),
        ],
    },
    Layout { name: "scface", title: "SCface, rank 1 by distance", columns: &[DISTANCES] },
    Layout {
        name: "tinyface",
        title: "TinyFace, closed set",
        columns: &[
            Columns::Family(&TINYFACE, &RANK, Heading::Metric),
            Columns::Family(&TINYFACE, &MEAN_AVERAGE_PRECISION, Heading::Metric),
        ],
    },
    Layout {
        name: "model_zoo",
        title: "High, mixed and low quality: the model zoo of CVLface",
        columns: &[
            One(accuracy(&LFW), Heading::Set),
            One(accuracy(&CPLFW), Heading::Set),
            One(accuracy(&CFP_FP), Heading::Set),
            One(accuracy(&CALFW), Heading::Set),
            One(accuracy(&AGEDB_30), Heading::Text("AgeDB")),
            One(IJBB_TAR, Heading::Set),
            One(IJBC_TAR, Heading::Set),
            One(TINYFACE_RANK_1, Heading::Text("Tiny R1")),
            One(TINYFACE_RANK_5, Heading::Text("Tiny R5")),
        ],
    },
    Layout {
        name: "crlfw",
        title: "CR-LFW, accuracy by the size of the first image",
        columns: &[Columns::Family(&CRLFW, &REDUCED, Heading::Metric)],
    },
    Layout {
        name: "ijbb_1_1",
        title: "IJB-B 1:1, TAR at each FAR",
        columns: &[Columns::Family(&IJBB, &TAR, Heading::Member)],
    },
    Layout {
        name: "ijbc_1_1",
        title: "IJB-C 1:1, TAR at each FAR",
        columns: &[Columns::Family(&IJBC, &TAR, Heading::Member)],
    },
    Layout {
        name: "ijbb_1_n",
        title: "IJB-B 1:N, the two galleries averaged",
        columns: &[
            Columns::Family(&IJBB, &SEARCH_RANK, Heading::Metric),
            Columns::Family(&IJBB, &SEARCH_TPIR, Heading::Metric),
        ],
    },
    Layout {
        name: "ijbb_1_n_merged",
        title: "IJB-B 1:N, one gallery of both files as the reference has it",
        columns: &[
            Columns::Family(&IJBB, &MERGED_RANK, Heading::Metric),
            Columns::Family(&IJBB, &MERGED_RECALL, Heading::Metric),
        ],
    },
    Layout {
        name: "ijbc_1_n",
        title: "IJB-C 1:N, the two galleries averaged",
        columns: &[
            Columns::Family(&IJBC, &SEARCH_RANK, Heading::Metric),
            Columns::Family(&IJBC, &SEARCH_TPIR, Heading::Metric),
        ],
    },
    Layout {
        name: "ijbc_1_n_merged",
        title: "IJB-C 1:N, one gallery of both files as the reference has it",
        columns: &[
            Columns::Family(&IJBC, &MERGED_RANK, Heading::Metric),
            Columns::Family(&IJBC, &MERGED_RECALL, Heading::Metric),
        ],
    },
];

/// SCface's three distances.
const DISTANCES: Columns = Columns::Family(&SCFACE, &DISTANCE, Heading::SetAndMetric);

/// The table, if anything in it was measured.
fn table(layout: &Layout, measured: &[MeasuredRow]) -> Option<Table> {
    let columns = layout.columns();
    let own: Vec<TableRow> =
        measured.iter().filter_map(|row| measured_row(&columns, row)).collect();
    if own.is_empty() {
        return None;
    }
    let groups = PUBLISHED.iter().filter(|group| group.table == layout.name);
    let others = groups.flat_map(|group| group.rows.iter().map(move |row| (group, row)));
    let others = others.map(|(group, row)| published_row(&columns, group, row));
    let rows = own.into_iter().chain(others).collect();
    let (name, title) = (layout.name.to_owned(), layout.title.to_owned());
    let mut table = Table { name, title, columns, rows, notes: Vec::new() };
    table.notes = notes(&table, measured);
    Some(table)
}

/// A measured row, if it has a value in the table.
fn measured_row(columns: &[Column], row: &MeasuredRow) -> Option<TableRow> {
    let value = |column: &Column| {
        let measure = column.measure;
        row.value(measure).map(|value| measure.metric().shown(value))
    };
    let values: Vec<Option<f64>> = columns.iter().map(value).collect();
    let files: Vec<&str> = row.sources.iter().map(|source| source.file.as_str()).collect();
    values.iter().any(Option::is_some).then(|| TableRow {
        name: row.label.clone(),
        kind: RowKind::Measured,
        source: files.join(", "),
        protocol: Some(row.protocol.clone()),
        fine_tuned: FineTuned::Unknown,
        starred: false,
        values,
    })
}

fn published_row(columns: &[Column], group: &Group, row: &Row) -> TableRow {
    let value = |column: &Column| {
        let at = group.columns.iter().position(|own| *own == column.measure)?;
        row.values.get(at).copied()
    };
    TableRow {
        name: row.method.to_owned(),
        kind: RowKind::Published,
        source: group.source.to_owned(),
        protocol: group.protocol.map(str::to_owned),
        fine_tuned: row.fine_tuned,
        starred: row.starred,
        values: columns.iter().map(value).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::eval::Subject;
    use crate::eval::results::examples::result;
    use crate::metrics::Metric;
    use crate::metrics::table::{ACCURACY, DISTANCE};
    use crate::report::document::examples::evaluation;

    #[test]
    fn a_table_is_there_only_if_something_in_it_was_measured() {
        let of = |subject: Subject, metric: Metric| {
            let results = vec![result(subject, &[(metric, 0.6)])];
            let document = document(&[evaluation("a.json", results)]).unwrap();
            document.tables.into_iter().map(|table| table.name).collect::<Vec<_>>()
        };
        assert_eq!(of(Subject::Set(&CRLFW), REDUCED.at(8)), ["crlfw"]);
        assert_eq!(of(Subject::Set(&TINYFACE), RANK.at(5)), ["tinyface", "model_zoo"]);
        assert_eq!(of(Subject::OwnPairs, ACCURACY.metric()), [""; 0]);
        assert_eq!(of(Subject::Set(&IJBC), SEARCH_RANK.at(1)), ["ijbc_1_n"]);
    }

    #[test]
    fn what_was_not_measured_has_no_value() {
        let values = [(DISTANCE.at(1), 0.9231), (DISTANCE.at(3), 0.0)];
        let a = evaluation("a.json", vec![result(Subject::Set(&SCFACE), &values)]);
        let document = document(&[a]).unwrap();
        let row = &document.tables[0].rows[0];
        assert_eq!(row.values, [Some(92.31), None, Some(0.0), None, None, None, None]);
    }

    #[test]
    fn headings_are_made_of_the_titles_of_sets_and_metrics() {
        let titles = |name: &str| -> Vec<String> {
            let layout = TABLES.iter().find(|layout| layout.name == name).unwrap();
            layout.columns().into_iter().map(|column| column.title).collect()
        };
        assert_eq!(
            titles("ablation"),
            ["SCface d1", "SCface d2", "SCface d3", "TinyFace", "IJB-B", "HQ Avg.", "All Avg."]
        );
        assert_eq!(titles("tinyface"), ["Rank 1", "Rank 5", "Rank 20", "mAP"]);
        assert_eq!(titles("crlfw"), ["8×8", "12×12", "16×16", "20×20"]);
        assert_eq!(titles("ijbb_1_1"), ["1e-6", "1e-5", "1e-4", "1e-3", "1e-2", "1e-1"]);
        assert_eq!(
            titles("ijbc_1_n_merged"),
            ["Rank 1", "Rank 5", "Rank 10", "Recall 1e-2", "Recall 1e-1"]
        );
    }

    #[test]
    fn every_published_row_stands_in_a_table_with_all_its_values() {
        for group in PUBLISHED {
            let layout = TABLES.iter().find(|layout| layout.name == group.table).unwrap();
            for row in group.rows {
                let shown = published_row(&layout.columns(), group, row);
                assert_eq!(shown.values.iter().flatten().count(), row.values.len());
            }
        }
    }
}
