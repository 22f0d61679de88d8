//! Why there is no number.

/// Input from which no rate follows.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The numbers do not fill whole rows.
    #[error("expected whole rows of {width} numbers, found {found} numbers")]
    Ragged {
        /// Numbers a row, at least 1.
        width: usize,
        /// Numbers in all.
        found: usize,
    },
    /// Two inputs that belong together have different lengths.
    #[error("expected {expected} {what}, found {found}")]
    Count {
        /// What is counted.
        what: &'static str,
        /// How many the other input has.
        expected: usize,
        /// How many there are.
        found: usize,
    },
    /// A number of a row is not finite, or so large that a product could be infinite.
    #[error("row {row} of the {what}: expected numbers of at most {limit:e}, found {found}")]
    Number {
        /// Which rows.
        what: &'static str,
        /// From 0.
        row: usize,
        /// The largest magnitude allowed.
        limit: f64,
        /// The number.
        found: f64,
    },
    /// The faces of a template cancel out, or one of them is not finite.
    #[error("template {template}: expected a sum of faces that has a direction, found norm {norm}")]
    NoDirection {
        /// Its number.
        template: u64,
        /// The norm of the sum.
        norm: f64,
    },
    /// A pair names a row that is not there.
    #[error("pair {pair}: expected two rows below {rows}, found {first} and {second}")]
    PairRow {
        /// From 0.
        pair: usize,
        /// How many rows there are.
        rows: usize,
        /// First row of the pair.
        first: u32,
        /// Second row of the pair.
        second: u32,
    },
    /// A score is not finite.
    #[error("{what} {index}: expected a finite number, found {found}")]
    Score {
        /// What is scored.
        what: &'static str,
        /// From 0.
        index: usize,
        /// The score.
        found: f64,
    },
    /// A rate over an empty set.
    #[error("expected at least one {what}, found none")]
    Empty {
        /// What there is none of.
        what: &'static str,
    },
    /// Fewer pairs than folds, or fewer than two folds.
    #[error("expected at least 2 folds and a pair for each, found {folds} folds and {pairs} pairs")]
    Folds {
        /// Folds asked for.
        folds: usize,
        /// Pairs there are.
        pairs: usize,
    },
    /// A probe that must have one mate has another number of them.
    #[error("probe {probe}: expected one mate in the gallery, found {mates}")]
    Mates {
        /// From 0.
        probe: usize,
        /// How many it has.
        mates: usize,
    },
    /// A rate that is asked for is not from 0 to 1.
    #[error("expected a rate from 0 to 1, found {found}")]
    Rate {
        /// The rate.
        found: f64,
    },
}
