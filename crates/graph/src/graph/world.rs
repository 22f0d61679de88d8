//! The processes that compute together.

use std::ops::Range;

/// The processes that compute a step together, ranks, and which of them a graph is for. Their graphs
/// have the same operators in the same order and differ in constants and extents alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct World {
    /// How many there are.
    pub ranks: usize,
    /// Which one this is, from 0.
    pub rank: usize,
}

impl Default for World {
    fn default() -> Self {
        Self::ALONE
    }
}

impl World {
    /// One process, which has nobody to exchange anything with.
    pub const ALONE: Self = Self { ranks: 1, rank: 0 };

    /// Whether there is one process only.
    pub fn is_alone(self) -> bool {
        self.ranks == 1
    }

    /// The part of `count` things in a row that this rank has. Parts are in the order of ranks and differ
    /// by one at most; the first ones are the larger.
    ///
    /// ```
    /// # use qgface_graph::graph::World;
    /// let parts = [0, 1, 2, 3].map(|rank| World { ranks: 4, rank }.part(10));
    /// assert_eq!(parts, [0..3, 3..6, 6..8, 8..10]);
    /// ```
    pub fn part(self, count: usize) -> Range<usize> {
        let (each, more) = (count / self.ranks, count % self.ranks);
        let first = self.rank * each + self.rank.min(more);
        first..first + each + usize::from(self.rank < more)
    }

    /// Refuses what is no world.
    #[track_caller]
    pub(super) fn check(self) {
        assert!(self.rank < self.ranks, "rank {} of {}", self.rank, self.ranks);
    }
}

/// How numbers of all ranks become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reduction {
    /// They are added.
    Sum,
    /// The largest is taken.
    Max,
}
