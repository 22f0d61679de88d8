//! Counting where the mates of one probe rank, from its scores in any number of pieces.

use super::Scalar;

/// Up to this many mates each is compared with every score; more are looked up.
const FEW_MATES: usize = 8;

/// What is known so far of one probe that has mates.
#[derive(Debug, Clone)]
pub(super) struct Tally<T> {
    /// The mates' scores, best first.
    mates: Vec<T>,
    /// For each mate, the non-mates whose score is at least its own.
    ahead: Vec<u64>,
    /// The best non-mate, or the lowest number.
    best_other: T,
    /// Whether a non-mate has the best mate's score.
    tied: bool,
}

impl<T: Scalar> Tally<T> {
    /// # Panics
    /// If there is no mate, or a score is not a number.
    pub(super) fn new(mut mates: Vec<T>) -> Self {
        assert!(!mates.is_empty(), "a probe without mates has no rank");
        mates.sort_unstable_by(|a, b| b.to_f64().total_cmp(&a.to_f64()));
        Self { ahead: vec![0; mates.len()], mates, best_other: T::LOWEST, tied: false }
    }

    /// Counts non-mates; a mate among the scores must have been made [`Scalar::LOWEST`].
    pub(super) fn count(&mut self, scores: &[T]) {
        let top = highest(scores);
        if top > self.best_other {
            self.best_other = top;
        }
        let (best, lowest) = (self.mates[0], self.mates[self.mates.len() - 1]);
        if top >= best {
            self.tied |= scores.contains(&best);
        }
        if top < lowest {
            return;
        }
        if self.mates.len() <= FEW_MATES {
            for (&mate, ahead) in self.mates.iter().zip(&mut self.ahead) {
                *ahead += u64::from(at_least(scores, mate));
            }
            return;
        }
        // What is ahead of a mate is ahead of all that follow it.
        let mut first_passed = vec![0; self.mates.len()];
        for score in scores.iter().filter(|score| **score >= lowest) {
            first_passed[self.mates.partition_point(|mate| mate > score)] += 1;
        }
        let mut passed = 0;
        for (ahead, more) in self.ahead.iter_mut().zip(first_passed) {
            passed += more;
            *ahead += passed;
        }
    }

    /// Adds what another piece of the scores gave.
    pub(super) fn add(&mut self, other: &Self) {
        for (own, more) in self.ahead.iter_mut().zip(&other.ahead) {
            *own += more;
        }
        if other.best_other > self.best_other {
            self.best_other = other.best_other;
        }
        self.tied |= other.tied;
    }

    pub(super) fn tied(&self) -> bool {
        self.tied
    }

    pub(super) fn mates(&self) -> usize {
        self.mates.len()
    }

    pub(super) fn best_mate(&self) -> f64 {
        self.mates[0].to_f64()
    }

    pub(super) fn best_other(&self) -> Option<f64> {
        (self.best_other > T::LOWEST).then(|| self.best_other.to_f64())
    }

    /// Rank of the best mate, from 1; equal non-mates stand before it.
    pub(super) fn rank(&self) -> u64 {
        self.ahead[0] + 1
    }

    /// `Σ over mates of (precision_{j−1} + precision_j)/2 / mates`, `j` the rank of the mate,
    /// `precision_j = (mates at ranks up to j)/j`, `precision_0 = 1` (TinyFace's official script).
    pub(super) fn average_precision(&self) -> f64 {
        let term = |(earlier, ahead): (usize, &u64)| {
            let before = ahead + earlier as u64;
            let hits = earlier as f64;
            let precision_before = if before == 0 { 1.0 } else { hits / before as f64 };
            (precision_before + (hits + 1.0) / (before + 1) as f64) / 2.0
        };
        self.ahead.iter().enumerate().map(term).sum::<f64>() / self.mates.len() as f64
    }
}

/// The highest score, or [`Scalar::LOWEST`] of none.
pub(super) fn highest<T: Scalar>(scores: &[T]) -> T {
    let higher = |a: T, b: T| if b > a { b } else { a };
    // Sixteen running maxima are independent, so that the compiler may take several in one instruction.
    let (chunks, rest) = scores.as_chunks::<16>();
    let mut lanes = [T::LOWEST; 16];
    for chunk in chunks {
        for lane in 0..16 {
            lanes[lane] = higher(lanes[lane], chunk[lane]);
        }
    }
    rest.iter().copied().chain(lanes).fold(T::LOWEST, higher)
}

/// How many scores are at least `bound`.
fn at_least<T: Scalar>(scores: &[T], bound: T) -> u32 {
    // A slice of scores is a part of a tile, so the count cannot wrap; checking it would stop the
    // compiler from counting several scores at once.
    scores.iter().fold(0, |count: u32, score| count.wrapping_add(u32::from(*score >= bound)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tally(mates: &[f32], others: &[f32]) -> Tally<f32> {
        let mut tally = Tally::new(mates.to_vec());
        others.chunks(7).for_each(|piece| tally.count(piece));
        tally
    }

    #[test]
    fn a_tie_ranks_before_the_mate() {
        let own = tally(&[0.5], &[0.9, 0.5, 0.1]);
        assert_eq!((own.rank(), own.tied(), own.best_other()), (3, true, Some(f64::from(0.9f32))));
        assert_eq!((tally(&[0.5], &[]).rank(), tally(&[0.5], &[]).best_other()), (1, None));
        assert!(tally(&[0.0], &[-0.0]).tied());
    }

    /// Ranks 1 and 3: (1 + 1)/2 at rank 1, (1/2 + 2/3)/2 at rank 3, over two mates.
    #[test]
    fn average_precision_is_the_official_scripts() {
        let own = tally(&[0.5, 0.9], &[0.7, 0.1]).average_precision();
        assert!((own - (1.0 + (0.5 + 2.0 / 3.0) / 2.0) / 2.0).abs() < 1e-15);
        // Rank 2 alone: precision_1 = 0, precision_2 = 1/2.
        assert_eq!(tally(&[0.5], &[0.5]).average_precision(), 0.25);
    }

    #[test]
    fn many_mates_are_counted_as_few_are() {
        let value = |i: u32| (i * 7919 % 101) as f32;
        let others: Vec<f32> = (0..500).map(value).collect();
        let mates: Vec<f32> = (500..540).map(value).collect();
        let many = tally(&mates, &others);
        for (mate, ahead) in many.mates.iter().zip(&many.ahead) {
            assert_eq!(*ahead, others.iter().filter(|other| *other >= mate).count() as u64);
        }
        assert_eq!(many.rank(), tally(&many.mates[..1], &others).rank());
    }

    #[test]
    fn pieces_add_up() {
        let mut first = tally(&[0.5, 0.2], &[0.9, 0.3]);
        first.add(&tally(&[0.5, 0.2], &[0.5, 0.95]));
        assert_eq!((first.ahead.as_slice(), first.tied()), (&[3, 4][..], true));
        assert_eq!(first.best_other(), Some(f64::from(0.95f32)));
    }
}
