//! The arena that the runtime cuts buffers from (its `BFCArena`): regions that double in size, and the
//! smallest piece that fits.

use std::collections::{BTreeMap, BTreeSet};

/// Sizes are multiples of this many bytes.
const STEP: u64 = 256;

/// Size of the first region in bytes.
const FIRST_REGION: u64 = 1 << 20;

/// A piece that is larger than what is asked for by this many bytes is cut.
const MOST_DEAD: u64 = 128 << 20;

/// Bytes of a page, which is held from the first time that something lies in it. The program asks for
/// huge pages.
const PAGE: u64 = 2 << 20;

/// Where a piece lies: its region and its first byte there.
pub(super) type Place = (usize, u64);

/// A piece.
#[derive(Debug, Clone, Copy)]
struct Piece {
    bytes: u64,
    is_free: bool,
}

/// The arena.
#[derive(Debug)]
pub(super) struct Arena {
    next_region: u64,
    /// Whether a page of a region was ever in use.
    pages: Vec<Vec<bool>>,
    pieces: BTreeMap<Place, Piece>,
    /// Free ones by size.
    free: BTreeSet<(u64, Place)>,
    in_use: u64,
    most_in_use: u64,
}

impl Default for Arena {
    fn default() -> Self {
        Self {
            next_region: FIRST_REGION,
            pages: Vec::new(),
            pieces: BTreeMap::new(),
            free: BTreeSet::new(),
            in_use: 0,
            most_in_use: 0,
        }
    }
}

impl Arena {
    /// Takes a piece.
    pub(super) fn take(&mut self, bytes: u64) -> Place {
        let bytes = bytes.max(1).next_multiple_of(STEP);
        let fitting = |own: &Self| own.free.range((bytes, (0, 0))..).next().copied();
        let (size, place) = fitting(self).unwrap_or_else(|| {
            self.extend(bytes);
            fitting(self).expect("a new region holds what it was made for")
        });
        self.free.remove(&(size, place));
        let is_cut = size >= 2 * bytes || size - bytes >= MOST_DEAD;
        let own = if is_cut { bytes } else { size };
        if is_cut {
            let rest = (place.0, place.1 + bytes);
            self.pieces.insert(rest, Piece { bytes: size - bytes, is_free: true });
            self.free.insert((size - bytes, rest));
        }
        self.pieces.insert(place, Piece { bytes: own, is_free: false });
        self.in_use += own;
        self.most_in_use = self.most_in_use.max(self.in_use);
        // What is behind the bytes asked for is not written.
        let (first, last) = (place.1 / PAGE, (place.1 + bytes - 1) / PAGE);
        (first..=last).for_each(|page| self.pages[place.0][page as usize] = true);
        place
    }

    /// Gives a piece back.
    pub(super) fn give(&mut self, place: Place) {
        let mut own = self.pieces[&place];
        self.in_use -= own.bytes;
        own.is_free = true;
        let mut first = place;
        let behind = (place.0, place.1 + own.bytes);
        if let Some(next) = self.pieces.get(&behind).copied().filter(|next| next.is_free) {
            self.free.remove(&(next.bytes, behind));
            self.pieces.remove(&behind);
            own.bytes += next.bytes;
        }
        if let Some((&before, &piece)) = self.pieces.range(..place).next_back()
            && before.0 == place.0
            && piece.is_free
        {
            self.free.remove(&(piece.bytes, before));
            self.pieces.remove(&place);
            own.bytes += piece.bytes;
            first = before;
        }
        self.pieces.insert(first, own);
        self.free.insert((own.bytes, first));
    }

    fn extend(&mut self, bytes: u64) {
        let fits = self.next_region >= bytes;
        while self.next_region < bytes {
            self.next_region *= 2;
        }
        let (region, size) = (self.pages.len(), self.next_region);
        if fits {
            self.next_region *= 2;
        }
        self.pages.push(vec![false; size.div_ceil(PAGE) as usize]);
        self.pieces.insert((region, 0), Piece { bytes: size, is_free: true });
        self.free.insert((size, (region, 0)));
    }

    /// The most bytes that were in use at a time.
    pub(super) fn most_in_use(&self) -> u64 {
        self.most_in_use
    }

    /// Bytes of all pages that were ever in use.
    pub(super) fn touched(&self) -> u64 {
        self.pages.iter().flatten().filter(|&&own| own).count() as u64 * PAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_smallest_piece_that_fits_is_taken_and_what_is_left_of_it_stays_free() {
        let mut arena = Arena::default();
        let [a, b, c] = [400 << 10, 100 << 10, 200 << 10].map(|bytes| arena.take(bytes));
        assert_eq!([a, b, c], [(0, 0), (0, 400 << 10), (0, 500 << 10)]);
        arena.give(a);
        // 324 KiB are left at the end, too few to be cut in two, and 400 at the beginning.
        assert_eq!(arena.take(200 << 10), (0, 700 << 10));
        assert_eq!(arena.take(150 << 10), (0, 0));
        assert_eq!(arena.take(1), (0, 150 << 10));
        assert_eq!(arena.pages.len(), 1);
    }

    #[test]
    fn pieces_side_by_side_that_are_free_are_one() {
        let mut arena = Arena::default();
        let all = [0; 4].map(|_| arena.take(256 << 10));
        for at in [0, 2, 1] {
            arena.give(all[at]);
        }
        assert_eq!(arena.take(768 << 10), (0, 0));
        assert_eq!(arena.most_in_use(), 1 << 20);
    }

    #[test]
    fn regions_double_and_hold_the_pages_that_were_in_use() {
        let mut arena = Arena::default();
        assert_eq!(arena.take(1), (0, 0));
        assert_eq!(arena.take(5 << 20), (1, 0));
        assert_eq!(arena.next_region, 8 << 20);
        // A page of the first region and three of the second.
        assert_eq!(arena.touched(), 8 << 20);
        assert_eq!(arena.take(4 << 20), (2, 0));
        assert_eq!(arena.next_region, 16 << 20);
    }
}
