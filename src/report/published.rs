//! Numbers that papers and model zoos publish, to stand beside measured ones.
//!
//! Only what the sources say is said: where it is not recorded under which protocol a row was made, or
//! whether its network was fine-tuned on the set, the row says so.

use crate::eval::Measure;
use crate::eval::sets::{
    AGEDB_30, CALFW, CFP_FP, CPLFW, EvalSet, IJBB, IJBC, LFW, SCFACE, TINYFACE,
};
use crate::metrics::table::{ACCURACY, ALL_AVERAGE, DISTANCE, HQ_AVERAGE, RANK, TAR};
use crate::metrics::{Metric, Rate};
use schemars::JsonSchema;
use serde::Serialize;

/// Rows of one source and protocol.
#[derive(Debug)]
pub struct Group {
    /// The table of the report they stand in.
    pub table: &'static str,
    /// Where they were published.
    pub source: &'static str,
    /// The preset that made them; none where it is not recorded.
    pub protocol: Option<&'static str>,
    /// What their numbers are of.
    pub columns: &'static [Measure],
    /// The methods.
    pub rows: &'static [Row],
}

/// A method and its numbers.
#[derive(Debug)]
pub struct Row {
    /// Its name in the source.
    pub method: &'static str,
    /// Whether it saw the set's own training faces.
    pub fine_tuned: FineTuned,
    /// Whether the source marks it with a star.
    pub starred: bool,
    /// Per cent, as many as the group has columns.
    pub values: &'static [f64],
}

/// Whether a network was fine-tuned on the set it is measured on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum FineTuned {
    /// The source marks the method so.
    Yes,
    /// Not recorded.
    Unknown,
}

impl FineTuned {
    /// `yes` or `unknown`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::Unknown => "unknown",
        }
    }
}

const fn row(method: &'static str, values: &'static [f64]) -> Row {
    Row { method, fine_tuned: FineTuned::Unknown, starred: false, values }
}

/// A row that the source marks with `-FT`.
const fn tuned(method: &'static str, values: &'static [f64]) -> Row {
    Row { fine_tuned: FineTuned::Yes, ..row(method, values) }
}

/// A row that the source marks with a star.
const fn starred(method: &'static str, values: &'static [f64]) -> Row {
    Row { starred: true, ..row(method, values) }
}

pub(super) const D1: Measure = Measure::of_set(&SCFACE, DISTANCE.at(1));
pub(super) const D2: Measure = Measure::of_set(&SCFACE, DISTANCE.at(2));
pub(super) const D3: Measure = Measure::of_set(&SCFACE, DISTANCE.at(3));
pub(super) const TINYFACE_RANK_1: Measure = Measure::of_set(&TINYFACE, RANK.at(1));
pub(super) const TINYFACE_RANK_5: Measure = Measure::of_set(&TINYFACE, RANK.at(5));
const TAR_AT_E4: Metric = TAR.at_rate(Rate::one_in_ten_to(4));
pub(super) const IJBB_TAR: Measure = Measure::of_set(&IJBB, TAR_AT_E4);
pub(super) const IJBC_TAR: Measure = Measure::of_set(&IJBC, TAR_AT_E4);
pub(super) const HQ_AVG: Measure = Measure::Average(HQ_AVERAGE.metric());
pub(super) const ALL_AVG: Measure = Measure::Average(ALL_AVERAGE.metric());

/// The accuracy on a set of pairs.
pub(super) const fn accuracy(set: &'static EvalSet) -> Measure {
    Measure::of_set(set, ACCURACY.metric())
}

/// Every published row.
pub static PUBLISHED: &[Group] = &[
    Group {
        table: "ablation",
        source: "QGFace paper, ablation",
        protocol: None,
        columns: &[D1, D2, D3, TINYFACE_RANK_1, IJBB_TAR, HQ_AVG, ALL_AVG],
        rows: &[
            row("Baseline", &[61.69, 97.23, 99.85, 63.98, 90.26, 95.62, 84.77]),
            row("A", &[66.77, 99.08, 100.0, 67.49, 74.07, 95.76, 83.86]),
            row("B", &[68.15, 98.46, 100.0, 67.03, 70.45, 95.73, 83.30]),
            row("C", &[70.92, 98.62, 99.69, 66.58, 90.59, 95.71, 87.02]),
            row("D (QGFace)", &[92.31, 99.54, 100.0, 69.85, 91.05, 95.43, 91.36]),
        ],
    },
    Group {
        table: "scface",
        source: "QGFace paper, SCface comparison",
        protocol: None,
        columns: &[D1, D2, D3],
        rows: &[
            row("T-C", &[45.10, 85.90, 96.10]),
            row("FAN", &[62.00, 90.00, 94.00]),
            row("RAN", &[70.50, 96.00, 98.00]),
            tuned("FAN-FT", &[77.50, 95.00, 98.30]),
            row("S.-C. Lai et al.", &[79.70, 95.70, 98.20]),
            tuned("RAN-FT", &[81.30, 97.80, 98.80]),
            row("NPT-Loss", &[85.69, 99.08, 99.08]),
            row("DDL", &[86.80, 98.30, 98.30]),
            row("S. S. Khalid et al.", &[88.30, 98.30, 98.60]),
            row("QGFace", &[92.31, 99.54, 100.0]),
        ],
    },
    Group {
        table: "tinyface",
        source: "QGFace paper, TinyFace comparison",
        protocol: None,
        columns: &[TINYFACE_RANK_1],
        rows: &[
            row("QualNet50-LM", &[35.54]),
            row("MobileFaceNet", &[48.70]),
            row("T-C", &[58.60]),
            row("URL", &[63.89]),
            tuned("MIND-Resnet-50-FT", &[66.82]),
            row("S. S. Khalid et al.", &[70.40]),
            starred("CurricularFace*", &[63.68]),
            starred("AdaFace*", &[68.21]),
            row("AdaFace", &[63.98]),
            row("QGFace", &[69.85]),
        ],
    },
    Group {
        table: "model_zoo",
        source: "CVLface model zoo",
        protocol: Some("cvlface"),
        columns: &[
            accuracy(&LFW),
            accuracy(&CPLFW),
            accuracy(&CFP_FP),
            accuracy(&CALFW),
            accuracy(&AGEDB_30),
            IJBB_TAR,
            IJBC_TAR,
            TINYFACE_RANK_1,
            TINYFACE_RANK_5,
        ],
        rows: &[
            row(
                "ViT-KPRPE WF12M",
                &[99.82, 95.65, 99.30, 95.93, 98.10, 96.55, 97.82, 76.10, 78.92],
            ),
            row(
                "IR101 AdaFace WF12M",
                &[99.82, 94.57, 99.24, 96.12, 98.00, 96.46, 97.72, 72.42, 74.81],
            ),
            row(
                "IR101 AdaFace WF4M",
                &[99.83, 94.63, 99.27, 96.05, 97.90, 96.10, 97.46, 72.13, 74.49],
            ),
            row(
                "IR101 AdaFace MS1MV2",
                &[99.80, 93.53, 98.61, 96.12, 98.05, 95.59, 96.81, 68.11, 71.49],
            ),
            row(
                "IR50 AdaFace MS1MV2",
                &[99.85, 92.85, 98.09, 96.07, 97.85, 94.86, 96.20, 64.99, 68.88],
            ),
            row(
                "IR50 AdaFace WF4M",
                &[99.78, 94.17, 98.99, 95.98, 97.78, 95.49, 97.01, 70.20, 73.93],
            ),
            row(
                "IR18 AdaFace WF4M",
                &[99.58, 92.28, 97.80, 95.52, 96.48, 92.75, 94.79, 66.07, 70.71],
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_has_a_rate_for_each_column() {
        for group in PUBLISHED {
            for row in group.rows {
                assert_eq!(row.values.len(), group.columns.len(), "{}", row.method);
                assert!(row.values.iter().all(|value| (30.0..=100.0).contains(value)));
            }
        }
    }

    #[test]
    fn all_avg_of_the_ablation_is_the_mean_of_its_six_numbers() {
        for row in PUBLISHED[0].rows {
            let [numbers @ .., average] = row.values else { panic!() };
            let mean = numbers.iter().sum::<f64>() / 6.0;
            // The paper rounds to two decimals, the numbers and their mean.
            assert!((mean - average).abs() <= 0.0101, "{}: {mean} {average}", row.method);
        }
    }

    #[test]
    fn only_rows_marked_so_are_fine_tuned_or_starred() {
        for row in PUBLISHED.iter().flat_map(|group| group.rows) {
            assert_eq!(row.fine_tuned == FineTuned::Yes, row.method.ends_with("-FT"));
            assert_eq!(row.starred, row.method.ends_with('*'));
        }
    }

    #[test]
    fn the_same_method_has_the_same_number_in_every_table() {
        let value = |table: &str, method: &str, column: Measure| {
            let group = PUBLISHED.iter().find(|group| group.table == table).unwrap();
            let row = group.rows.iter().find(|row| row.method == method).unwrap();
            row.values[group.columns.iter().position(|own| *own == column).unwrap()]
        };
        for column in [D1, D2, D3] {
            assert_eq!(value("ablation", "D (QGFace)", column), value("scface", "QGFace", column));
        }
        let tiny = TINYFACE_RANK_1;
        assert_eq!(value("ablation", "D (QGFace)", tiny), value("tinyface", "QGFace", tiny));
        assert_eq!(value("ablation", "Baseline", tiny), value("tinyface", "AdaFace", tiny));
    }
}
