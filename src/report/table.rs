//! The tables of the report: which columns each has, and its measured and published rows.

use super::check::check;
use super::document::{Column, FORMAT, MeasuredRow, ReportDocument, RowKind, Table, TableRow};
use super::names::per_cent;
use super::notes::notes;
use super::published::{FineTuned, Group, Key, PUBLISHED, Row};
use super::rows::rows;
use super::{Error, Evaluation};

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
    columns: &'static [(Key, &'static str)],
}

const D1: (Key, &str) = (("scface", "d1"), "SCface d1");
const D2: (Key, &str) = (("scface", "d2"), "SCface d2");
const D3: (Key, &str) = (("scface", "d3"), "SCface d3");

static TABLES: &[Layout] = &[
    Layout {
        name: "ablation",
        title: "High, mixed and low quality: the ablation of QGFace",
        columns: &[
            D1,
            D2,
            D3,
            (("tinyface", "rank_1"), "TinyFace"),
            (("ijbb", "tar@1e-04"), "IJB-B"),
            (("averages", "hq_avg"), "HQ Avg."),
            (("averages", "all_avg"), "All Avg."),
        ],
    },
    Layout { name: "scface", title: "SCface, rank 1 by distance", columns: &[D1, D2, D3] },
    Layout {
        name: "tinyface",
        title: "TinyFace, closed set",
        columns: &[
            (("tinyface", "rank_1"), "Rank 1"),
            (("tinyface", "rank_5"), "Rank 5"),
            (("tinyface", "rank_20"), "Rank 20"),
            (("tinyface", "map"), "mAP"),
        ],
    },
    Layout {
        name: "model_zoo",
        title: "High, mixed and low quality: the model zoo of CVLface",
        columns: &[
            (("lfw", "accuracy"), "LFW"),
            (("cplfw", "accuracy"), "CPLFW"),
            (("cfp_fp", "accuracy"), "CFP-FP"),
            (("calfw", "accuracy"), "CALFW"),
            (("agedb_30", "accuracy"), "AgeDB"),
            (("ijbb", "tar@1e-04"), "IJB-B"),
            (("ijbc", "tar@1e-04"), "IJB-C"),
            (("tinyface", "rank_1"), "Tiny R1"),
            (("tinyface", "rank_5"), "Tiny R5"),
        ],
    },
    Layout {
        name: "crlfw",
        title: "CR-LFW, accuracy by the size of the first image",
        columns: &[
            (("crlfw", "8x8"), "8×8"),
            (("crlfw", "12x12"), "12×12"),
            (("crlfw", "16x16"), "16×16"),
            (("crlfw", "20x20"), "20×20"),
        ],
    },
    Layout {
        name: "ijbb_1_1",
        title: "IJB-B 1:1, TAR at each FAR",
        columns: &[
            (("ijbb", "tar@1e-06"), "1e-6"),
            (("ijbb", "tar@1e-05"), "1e-5"),
            (("ijbb", "tar@1e-04"), "1e-4"),
            (("ijbb", "tar@1e-03"), "1e-3"),
            (("ijbb", "tar@1e-02"), "1e-2"),
            (("ijbb", "tar@1e-01"), "1e-1"),
        ],
    },
    Layout {
        name: "ijbc_1_1",
        title: "IJB-C 1:1, TAR at each FAR",
        columns: &[
            (("ijbc", "tar@1e-06"), "1e-6"),
            (("ijbc", "tar@1e-05"), "1e-5"),
            (("ijbc", "tar@1e-04"), "1e-4"),
            (("ijbc", "tar@1e-03"), "1e-3"),
            (("ijbc", "tar@1e-02"), "1e-2"),
            (("ijbc", "tar@1e-01"), "1e-1"),
        ],
    },
    Layout {
        name: "ijbb_1_n",
        title: "IJB-B 1:N, the two galleries averaged",
        columns: &[
            (("ijbb", "1n_rank_1"), "Rank 1"),
            (("ijbb", "1n_rank_5"), "Rank 5"),
            (("ijbb", "1n_rank_10"), "Rank 10"),
            (("ijbb", "1n_tpir@1e-02"), "TPIR 1e-2"),
            (("ijbb", "1n_tpir@1e-01"), "TPIR 1e-1"),
        ],
    },
    Layout {
        name: "ijbb_1_n_merged",
        title: "IJB-B 1:N, one gallery of both files as the reference has it",
        columns: &[
            (("ijbb", "1n_merged_rank_1"), "Rank 1"),
            (("ijbb", "1n_merged_rank_5"), "Rank 5"),
            (("ijbb", "1n_merged_rank_10"), "Rank 10"),
            (("ijbb", "1n_merged_recall@1e-02"), "Recall 1e-2"),
            (("ijbb", "1n_merged_recall@1e-01"), "Recall 1e-1"),
        ],
    },
    Layout {
        name: "ijbc_1_n",
        title: "IJB-C 1:N, the two galleries averaged",
        columns: &[
            (("ijbc", "1n_rank_1"), "Rank 1"),
            (("ijbc", "1n_rank_5"), "Rank 5"),
            (("ijbc", "1n_rank_10"), "Rank 10"),
            (("ijbc", "1n_tpir@1e-02"), "TPIR 1e-2"),
            (("ijbc", "1n_tpir@1e-01"), "TPIR 1e-1"),
        ],
    },
    Layout {
        name: "ijbc_1_n_merged",
        title: "IJB-C 1:N, one gallery of both files as the reference has it",
        columns: &[
            (("ijbc", "1n_merged_rank_1"), "Rank 1"),
            (("ijbc", "1n_merged_rank_5"), "Rank 5"),
            (("ijbc", "1n_merged_rank_10"), "Rank 10"),
            (("ijbc", "1n_merged_recall@1e-02"), "Recall 1e-2"),
            (("ijbc", "1n_merged_recall@1e-01"), "Recall 1e-1"),
        ],
    },
];

/// The table, if anything in it was measured.
fn table(layout: &Layout, measured: &[MeasuredRow]) -> Option<Table> {
    let own: Vec<TableRow> = measured.iter().filter_map(|row| measured_row(layout, row)).collect();
    if own.is_empty() {
        return None;
    }
    let groups = PUBLISHED.iter().filter(|group| group.table == layout.name);
    let others = groups.flat_map(|group| group.rows.iter().map(move |row| (group, row)));
    let others = others.map(|(group, row)| published_row(layout, group, row));
    let column = |((set, metric), title): &(Key, &str)| Column {
        set: (*set).to_owned(),
        metric: (*metric).to_owned(),
        title: (*title).to_owned(),
    };
    let mut table = Table {
        name: layout.name.to_owned(),
        title: layout.title.to_owned(),
        columns: layout.columns.iter().map(column).collect(),
        rows: own.into_iter().chain(others).collect(),
        notes: Vec::new(),
    };
    table.notes = notes(&table, measured);
    Some(table)
}

/// A measured row, if it has a value in the table.
fn measured_row(layout: &Layout, row: &MeasuredRow) -> Option<TableRow> {
    let value = |((set, metric), _): &(Key, &str)| row.value(set, metric).map(per_cent);
    let values: Vec<Option<f64>> = layout.columns.iter().map(value).collect();
    let files: Vec<&str> = row.sources.iter().map(|source| source.file.as_str()).collect();
    values.iter().any(Option::is_some).then(|| TableRow {
        name: row.label.clone(),
        kind: RowKind::Measured,
        source: files.join(", "),
        protocol: Some(row.protocol.clone()),
        fine_tuned: FineTuned::Unknown,
        values,
    })
}

fn published_row(layout: &Layout, group: &Group, row: &Row) -> TableRow {
    let value = |(key, _): &(Key, &str)| {
        let at = group.columns.iter().position(|column| column == key)?;
        row.values.get(at).copied()
    };
    TableRow {
        name: row.method.to_owned(),
        kind: RowKind::Published,
        source: group.source.to_owned(),
        protocol: group.protocol.map(str::to_owned),
        fine_tuned: row.fine_tuned,
        values: layout.columns.iter().map(value).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::document::examples::{evaluation, result};

    #[test]
    fn a_table_is_there_only_if_something_in_it_was_measured() {
        let of = |set, metrics: &[(&str, f64)]| {
            let document = document(&[evaluation("a.json", vec![result(set, metrics)])]).unwrap();
            document.tables.into_iter().map(|table| table.name).collect::<Vec<_>>()
        };
        assert_eq!(of("crlfw", &[("8x8", 0.6)]), ["crlfw"]);
        assert_eq!(of("tinyface", &[("rank_5", 0.6)]), ["tinyface", "model_zoo"]);
        assert_eq!(of("verification", &[("accuracy", 0.6)]), [""; 0]);
        assert_eq!(of("ijbc", &[("1n_rank_1", 0.6)]), ["ijbc_1_n"]);
    }

    #[test]
    fn what_was_not_measured_has_no_value() {
        let a = evaluation("a.json", vec![result("scface", &[("d1", 0.9231), ("d3", 0.0)])]);
        let document = document(&[a]).unwrap();
        let row = &document.tables[0].rows[0];
        assert_eq!(row.values, [Some(92.31), None, Some(0.0), None, None, None, None]);
    }

    #[test]
    fn every_published_row_stands_in_a_table_with_all_its_values() {
        for group in PUBLISHED {
            let layout = TABLES.iter().find(|layout| layout.name == group.table).unwrap();
            for row in group.rows {
                let shown = published_row(layout, group, row);
                assert_eq!(shown.values.iter().flatten().count(), row.values.len());
            }
        }
    }
}
