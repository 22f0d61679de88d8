//! Who in the gallery is who among the probes.

use super::{Error, Rows, Scalar};

/// Gallery rows by identity.
pub(super) struct Mates {
    /// (identity, row), ascending.
    rows: Vec<(i64, usize)>,
}

impl Mates {
    pub(super) fn new(gallery_ids: &[i64]) -> Self {
        let mut rows: Vec<_> = gallery_ids.iter().enumerate().map(|(row, &id)| (id, row)).collect();
        rows.sort_unstable();
        Self { rows }
    }

    /// Gallery rows of an identity, each with the identity; rows ascending.
    pub(super) fn of(&self, id: i64) -> &[(i64, usize)] {
        let start = self.rows.partition_point(|&(own, _)| own < id);
        let end = start + self.rows[start..].partition_point(|&(own, _)| own == id);
        &self.rows[start..end]
    }

    /// Probes that have a mate, and those that have none.
    pub(super) fn split(&self, probe_ids: &[i64]) -> (Vec<usize>, Vec<usize>) {
        (0..probe_ids.len()).partition(|&probe| !self.of(probe_ids[probe]).is_empty())
    }
}

/// Refuses probes and a gallery that do not go together.
pub(super) fn check<T: Scalar>(
    probes: (Rows<'_, T>, &[i64]),
    gallery: (Rows<'_, T>, &[i64]),
) -> Result<(), Error> {
    let equal = |what, expected, found| {
        if expected == found { Ok(()) } else { Err(Error::Count { what, expected, found }) }
    };
    equal("identities of probes", probes.0.len(), probes.1.len())?;
    equal("identities of the gallery", gallery.0.len(), gallery.1.len())?;
    equal("numbers in a gallery feature", probes.0.width(), gallery.0.width())?;
    probes.0.check("probes")?;
    gallery.0.check("gallery")
}
