//! Every metric there is: one row each. A new one is a row here, its place in [`METRICS`], and the
//! function that measures it.

use super::family::{Better, Experiment, Family, Members, Unit};
use super::rate::Rate;
use Experiment::{Average, ClosedSet, Distances, Folds, OwnPairs, ReducedPairs, Templates};

/// All rows, in the order in which results have them.
pub static METRICS: [&Family; 16] = [
    &RANK,
    &MEAN_AVERAGE_PRECISION,
    &DISTANCE,
    &TIES,
    &ACCURACY,
    &DEVIATION,
    &THRESHOLD,
    &REDUCED,
    &TAR,
    &SEARCH_RANK,
    &SEARCH_TPIR,
    &MERGED_RANK,
    &MERGED_RECALL,
    &SEARCH_TIES,
    &HQ_AVERAGE,
    &ALL_AVERAGE,
];

/// Ranks of 1:N.
const SEARCH_RANKS: Members = Members::Numbers(&[1, 5, 10]);

/// False positive identification rates of 1:N.
const SEARCH_RATES: Members = Members::Rates(&[Rate::one_in_ten_to(2), Rate::one_in_ten_to(1)]);

/// Rank k of a closed set.
pub static RANK: Family = Family {
    name: "rank_{}",
    title: "Rank {}",
    counts: "share of the probes with a mate among the k best of the gallery",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: Members::Numbers(&[1, 5, 20]),
    of: &[ClosedSet],
};

/// mAP.
pub static MEAN_AVERAGE_PRECISION: Family = Family {
    name: "map",
    title: "mAP",
    counts: "mean average precision over all mates of each probe",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: Members::One,
    of: &[ClosedSet],
};

/// Rank 1 of SCface's probes by their distance from the camera.
pub static DISTANCE: Family = Family {
    name: "d{}",
    title: "d{}",
    counts: "rank 1 of the probes of one distance: 1 is 4.2 m, 2 is 2.6 m, 3 is 1.0 m",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: Members::Numbers(&[1, 2, 3]),
    of: &[Distances],
};

/// Ties of a closed set.
pub static TIES: Family = Family {
    name: "ties",
    title: "Ties",
    counts: "probes whose rank depends on the order of equal scores; the mate is counted as the worse",
    unit: Unit::Count,
    decimals: 0,
    better: Better::Less,
    members: Members::One,
    of: &[ClosedSet, Distances],
};

/// Accuracy over ten folds.
pub static ACCURACY: Family = Family {
    name: "accuracy",
    title: "Accuracy",
    counts: "share of the pairs told right, the threshold learned on the other folds; mean of ten",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: Members::One,
    of: &[Folds, OwnPairs],
};

/// Deviation of the accuracy over ten folds.
pub static DEVIATION: Family = Family {
    name: "std",
    title: "Std.",
    counts: "standard deviation of the accuracy over the ten folds",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::Neither,
    members: Members::One,
    of: &[Folds, OwnPairs],
};

/// Threshold of the accuracy.
pub static THRESHOLD: Family = Family {
    name: "threshold",
    title: "Threshold",
    counts: "squared distance below which a pair counts as one person; mean of the ten folds' best",
    unit: Unit::Threshold,
    decimals: 4,
    better: Better::Neither,
    members: Members::One,
    of: &[Folds, OwnPairs],
};

/// Accuracy of CR-LFW by the size that the first picture is reduced to.
pub static REDUCED: Family = Family {
    name: "{}x{}",
    title: "{}×{}",
    counts: "accuracy over ten folds with the first picture of each pair reduced to so many pixels",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: Members::Numbers(&[8, 12, 16, 20]),
    of: &[ReducedPairs],
};

/// TAR@FAR.
pub static TAR: Family = Family {
    name: "tar@{}",
    title: "TAR {}",
    counts: "share of the genuine pairs accepted where that share of the impostor pairs is",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: Members::Rates(&[
        Rate::one_in_ten_to(6),
        Rate::one_in_ten_to(5),
        Rate::one_in_ten_to(4),
        Rate::one_in_ten_to(3),
        Rate::one_in_ten_to(2),
        Rate::one_in_ten_to(1),
    ]),
    of: &[OwnPairs, Templates],
};

/// Rank k of 1:N.
pub static SEARCH_RANK: Family = Family {
    name: "1n_rank_{}",
    title: "Rank {}",
    counts: "share of the probes with their mate among the k best of its gallery; mean of both galleries",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: SEARCH_RANKS,
    of: &[Templates],
};

/// TPIR@FPIR of 1:N.
pub static SEARCH_TPIR: Family = Family {
    name: "1n_tpir@{}",
    title: "TPIR {}",
    counts: "share of the mated probes found first and accepted where that share of the others is \
             accepted; mean of both galleries",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: SEARCH_RATES,
    of: &[Templates],
};

/// Rank k of 1:N in one gallery of both files, as the reference has it.
pub static MERGED_RANK: Family = Family {
    name: "1n_merged_rank_{}",
    title: "Rank {}",
    counts: "share of the probes with their mate among the k best of one gallery of both files",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: SEARCH_RANKS,
    of: &[Templates],
};

/// Recall of 1:N in one gallery of both files, as the reference has it.
pub static MERGED_RECALL: Family = Family {
    name: "1n_merged_recall@{}",
    title: "Recall {}",
    counts: "share of the probes' mates accepted where that share of the other scores in one gallery \
             of both files is",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: SEARCH_RATES,
    of: &[Templates],
};

/// Ties of 1:N.
pub static SEARCH_TIES: Family = Family {
    name: "1n_ties",
    title: "Ties",
    counts: "probes in either gallery whose rank depends on the order of equal scores",
    unit: Unit::Count,
    decimals: 0,
    better: Better::Less,
    members: Members::One,
    of: &[Templates],
};

/// HQ Avg.
pub static HQ_AVERAGE: Family = Family {
    name: "hq_avg",
    title: "HQ Avg.",
    counts: "mean accuracy of the five verification sets of high quality",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: Members::One,
    of: &[Average],
};

/// All Avg.
pub static ALL_AVERAGE: Family = Family {
    name: "all_avg",
    title: "All Avg.",
    counts: "mean of HQ Avg., SCface's three distances, TinyFace's rank 1 and IJB-B's TAR at 1e-4",
    unit: Unit::Rate,
    decimals: 2,
    better: Better::More,
    members: Members::One,
    of: &[Average],
};
