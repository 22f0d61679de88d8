//! Counts held against those of the published sets.

/// A count that differs from the published one.
pub(crate) fn count_warning(what: &str, found: u64, published: u64) -> Option<String> {
    (found != published).then(|| format!("{found} {what}, {OTHER_COUNT} {published}"))
}

/// What a warning of another count than the published one says.
pub(crate) const OTHER_COUNT: &str = "the published set has";
