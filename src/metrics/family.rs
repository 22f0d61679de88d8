//! What a row of the table of metrics says.

use super::rate::Rate;

/// A metric, or metrics that differ by a number alone: a row of [`METRICS`](super::METRICS).
#[derive(Debug)]
pub struct Family {
    /// The name in results and settings; the number stands for `{}`.
    pub name: &'static str,
    /// What stands above a column of it, beside the name of the set; the number stands for `{}`.
    pub title: &'static str,
    /// What it counts, in one sentence without its full stop.
    pub counts: &'static str,
    /// What its values are.
    pub unit: Unit,
    /// Digits behind the point where it is shown; of a rate, in per cent.
    pub decimals: usize,
    /// Which of two values is the better one.
    pub better: Better,
    /// What its members differ by, and those that are measured.
    pub members: Members,
    /// What is scored to get it.
    pub of: &'static [Experiment],
}

/// What a value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// A fraction from 0 to 1, shown in per cent.
    Rate,
    /// A whole number of something.
    Count,
    /// Any finite number.
    Number,
    /// A score or distance at which two faces are told apart: any finite number.
    Threshold,
}

impl Unit {
    /// What a value must be, in words.
    pub fn expected(self) -> &'static str {
        match self {
            Self::Rate => "a rate as a fraction from 0 to 1",
            Self::Count => "a count",
            Self::Number => "a finite number",
            Self::Threshold => "a finite threshold",
        }
    }

    /// Whether a value can be one.
    pub fn allows(self, value: f64) -> bool {
        match self {
            Self::Rate => (0.0..=1.0).contains(&value),
            Self::Count => value >= 0.0 && value.fract() == 0.0,
            Self::Number | Self::Threshold => value.is_finite(),
        }
    }
}

/// Which of two values is the better one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Better {
    /// The higher.
    More,
    /// The lower.
    Less,
    /// Neither: it says no more of a model than where or how it was measured.
    Neither,
}

/// What the members of a family differ by, and those that are measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Members {
    /// The family is one metric.
    One,
    /// A whole number: a rank, a distance, an edge in pixels.
    Numbers(&'static [u32]),
    /// A rate of errors that is accepted.
    Rates(&'static [Rate]),
}

/// What is scored: all sets of one kind have the same metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Experiment {
    /// Probes of one group in a gallery: TinyFace, packs of one's own.
    ClosedSet,
    /// Probes in a gallery by their distance from the camera: SCface.
    Distances,
    /// Templates 1:1 and 1:N: IJB-B and IJB-C.
    Templates,
    /// Pairs in ten folds: LFW and its kin.
    Folds,
    /// Pairs of one's own, in ten folds and over their ROC.
    OwnPairs,
    /// Pairs in ten folds, of which the first picture is reduced: CR-LFW.
    ReducedPairs,
    /// Metrics of several sets.
    Average,
}
