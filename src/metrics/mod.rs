//! Rates from features, verification and identification, and no files; and what each number is.
//!
//! [`METRICS`] says of every metric what it counts, in which unit, and what is scored to get it. A
//! [`Metric`] is read from its name once, where a file or a setting is read.
//!
//! Features come as [`Rows`], usually of a mapped file, and nothing of the size of a score matrix is ever
//! kept. What each number means, with ties and roundings, stands with the function that gives it; the
//! definitions are those of the QGFace reference and of the libraries it stands on, and every departure
//! is named. No result depends on the number of threads.
//!
//! [`Templates`] and [`pair_scores`] lead to a [`Roc`] (IJB 1:1); [`k_fold`] scores LFW and its kin;
//! [`closed_set`], [`open_set`] and the searches of [`search`] rank probes against a gallery.

mod closed_set;
mod error;
mod family;
mod k_fold;
mod mates;
mod metric;
mod open_set;
mod pair_scores;
mod rate;
mod roc;
mod rows;
mod scalar;
pub mod search;
pub mod table;
mod tally;
mod template;
mod tiles;

pub use closed_set::{ClosedSet, MatedProbe, closed_set, closed_set_of_scores};
pub use error::Error;
pub use family::{Better, Experiment, Family, Members, Unit};
pub use k_fold::{Fold, KFold, k_fold, squared_distances, thresholds};
pub(crate) use metric::named;
pub use metric::{Metric, UnknownMetric, of, per_cent};
pub use open_set::{OpenSet, open_set, open_set_of_scores, thresholds_at, top_scores};
pub use pair_scores::pair_scores;
pub use rate::Rate;
pub use roc::{Reading, Roc, RocPoint, by_verdict};
pub use rows::Rows;
pub use scalar::Scalar;
pub use table::METRICS;
pub use template::{Faces, Templates};
