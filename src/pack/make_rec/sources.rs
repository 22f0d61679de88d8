//! Of which bytes the pictures of a pack that is being written were made, so that an interrupted pack
//! keeps a picture only as long as its source is the same: clocks and dates of files are not asked.

use crate::image::probe::{Probe, probe};
use crate::pack::plan::PackPlan;
use crate::pack::write::{SOURCES, Staging};

/// Bytes of a digest.
const DIGEST_BYTES: usize = blake3::OUT_LEN;

/// Digests of the sources by position in the pack, 32 bytes each.
pub(super) struct Sources(Vec<u8>);

impl Sources {
    /// Reads what an interrupted pack has of them: none where its pictures are the original bytes.
    pub(super) fn read(staging: &Staging) -> Self {
        Self(std::fs::read(staging.beside(SOURCES)).unwrap_or_default())
    }

    /// The digest at a position, where it was written.
    pub(super) fn of(&self, position: u64) -> Option<blake3::Hash> {
        let at = usize::try_from(position).ok()?.checked_mul(DIGEST_BYTES)?;
        let bytes = self.0.get(at..at.checked_add(DIGEST_BYTES)?)?;
        blake3::Hash::from_slice(bytes).ok()
    }

    /// Bytes of the digests of so many pictures.
    pub(super) fn bytes_of(pictures: u64) -> u64 {
        pictures * DIGEST_BYTES as u64
    }
}

/// What the source of the image at `at` says of itself, if its bytes have this digest.
pub(super) fn same_source(plan: &PackPlan, at: usize, digest: blake3::Hash) -> Option<Probe> {
    let bytes = plan.list.bytes(at).ok()?;
    if blake3::hash(&bytes) != digest { None } else { probe(&bytes).ok() }
}
