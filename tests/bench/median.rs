//! The middle of several times or speeds.

/// The middle one; of an even number the larger of two.
pub(crate) fn median<T: PartialOrd + Copy>(mut all: Vec<T>) -> T {
    all.sort_by(|a, b| a.partial_cmp(b).expect("numbers"));
    all[all.len() / 2]
}
