//! Why images cannot be scored by a protocol.

use crate::datasets::Alignment;
use crate::eval::subject::Subject;
use crate::protocol;

/// Why images cannot be scored by a protocol, or not by its switches.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// Images do not fit their protocol.
    #[error("{set}: the images do not fit the protocol")]
    Protocol {
        /// The set.
        set: &'static str,
        /// Why not.
        source: protocol::Error,
    },
    /// The images of a pack were left out when it was made.
    #[error(
        "{pack}: {count} images were skipped when it was packed, the first {first}; the numbers would be of \
         another set"
    )]
    Skipped {
        /// The pack.
        pack: String,
        /// The first.
        first: String,
        /// How many.
        count: u64,
    },
    /// The names in a pack are made up.
    #[error(
        "{pack}: adopted without its tree, so its records have made-up names, and {set} is scored by \
         names"
    )]
    MadeUpNames {
        /// The set.
        set: &'static str,
        /// The pack.
        pack: String,
    },
    /// A pack holds a part of its list.
    #[error("{pack}: shard {index} of {count}; the numbers would be of a part of the set")]
    Shard {
        /// The pack.
        pack: String,
        /// Which part, from 0.
        index: u64,
        /// Of how many.
        count: u64,
    },
    /// The faces were aligned in another way than the protocol expects.
    #[error(
        "{place}: the protocol of {set} scores {expected}, found faces aligned otherwise: {found}"
    )]
    Alignment {
        /// The set.
        set: &'static str,
        /// The pack or list.
        place: String,
        /// What the protocol scores.
        expected: String,
        /// What was done.
        found: Alignment,
    },
    /// A verification set has no pairs.
    #[error("{place}: expected the pairs of {set}, found none")]
    NoPairs {
        /// The set.
        set: &'static str,
        /// The pack or list.
        place: String,
    },
    /// There are too few pairs for the folds.
    #[error("{place}: expected at least {folds} pairs for as many folds, found {found}")]
    FewPairs {
        /// The pack or the file of pairs.
        place: String,
        /// Folds.
        folds: usize,
        /// Pairs.
        found: usize,
    },
    /// Pairs of a set whose images do not lie two by two.
    #[error("{place}: pair {pair}: expected the images {} and {}, found {found:?}", 2 * pair, 2 * pair + 1)]
    PairOrder {
        /// The pack.
        place: String,
        /// The pair.
        pair: usize,
        /// The positions of its images.
        found: [usize; 2],
    },
    /// No probe has a mate.
    #[error("{subject}: no probe has a mate in the gallery, so there is no rate")]
    NoMate {
        /// The set.
        subject: Subject,
    },
    /// A fusion that weighs by itself what the protocol weighs again.
    #[error(
        "the fusion faceness_score weighs each face by its norm and its detector's score, and the protocol \
         {protocol} would weigh them again"
    )]
    WeighedTwice {
        /// The protocol.
        protocol: &'static str,
    },
    /// A protocol weighs by detector scores, and there are none.
    #[error(
        "{set}: the protocol {protocol} weighs a face by its detector's score, and {path} has none"
    )]
    NoScores {
        /// The set.
        set: &'static str,
        /// The protocol.
        protocol: &'static str,
        /// The image.
        path: String,
    },
    /// CR-LFW of features made elsewhere.
    #[error("crlfw reduces the pictures before they are embedded, so it wants a model")]
    ReducedWithoutModel,
}
