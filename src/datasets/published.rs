//! Counts held against those of the published sets.

use crate::protocol::OtherCount;

/// A count that differs from the published one, in words.
pub(super) fn count_warning(what: &str, found: u64, published: u64) -> Option<String> {
    OtherCount::of(what, found, published).map(|count| count.to_string())
}
