//! Which class columns a step scores, where it does not score all.

use crate::optim::SampleUpdate;
use crate::seed::Seed;
use rayon::prelude::*;
use std::cmp::Ordering;
use std::ops::Range;

/// A sample of each rank's class columns for each batch (An et al. 2022: PartialFC).
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The share of a rank's columns, above 0 and at most 1.
    pub rate: f64,
    /// What an update does to the columns that are not in it.
    pub update: SampleUpdate,
    /// Where the draws come from.
    pub seed: u64,
}

/// How many columns a rank's samples have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SampleSize {
    /// As many, unless the rows have more classes than that among the rank's columns.
    pub usual: usize,
    /// At most.
    pub most: usize,
}

impl Sample {
    /// The sizes of samples of `columns` columns for batches of `images` images of all ranks.
    pub fn size(&self, columns: usize, images: usize) -> SampleSize {
        // As `int(sample_rate * num_local)` does, but for a sample of none.
        let usual = ((self.rate * columns as f64).floor() as usize).clamp(1, columns);
        SampleSize { usual, most: usual.max(images.min(columns)) }
    }

    /// Random numbers of a batch for columns: a function of the seed, the batch and the class.
    pub fn draws(&self, batch: u64, columns: Range<usize>) -> Vec<u64> {
        let mut draws = vec![0; columns.len()];
        draws.par_chunks_mut(DRAWN_AT_ONCE).enumerate().for_each(|(chunk, draws)| {
            let first = columns.start + chunk * DRAWN_AT_ONCE;
            let mut bytes = vec![0; DRAW * draws.len()];
            let mut stream = Seed::new(self.seed).stream(&format!("sample/{batch}"));
            stream.fill_from((DRAW * first) as u64, &mut bytes);
            let words = bytes.as_chunks::<DRAW>().0;
            draws.iter_mut().zip(words).for_each(|(draw, &word)| *draw = u64::from_le_bytes(word));
        });
        draws
    }
}

/// Bytes of a draw.
const DRAW: usize = 8;

/// Draws that a thread makes one after the other.
const DRAWN_AT_ONCE: usize = 1 << 14;

/// Chooses among columns, one for each random number: all `positives`, and up to `count` in all those with the
/// largest numbers, of equal ones the first. Returned in ascending order.
///
/// # Panics
/// Where a positive is no column.
pub fn chosen<T: PartialOrd>(random: &[T], positives: &[usize], count: usize) -> Vec<usize> {
    let mut is_positive = vec![false; random.len()];
    positives.iter().for_each(|&column| is_positive[column] = true);
    let (mut chosen, mut others): (Vec<usize>, Vec<usize>) =
        (0..random.len()).partition(|&column| is_positive[column]);
    let room = count.saturating_sub(chosen.len()).min(others.len());
    let largest_first = |&a: &usize, &b: &usize| {
        let order = random[b].partial_cmp(&random[a]).unwrap_or(Ordering::Equal);
        order.then(a.cmp(&b))
    };
    if room > 0 && room < others.len() {
        others.select_nth_unstable_by(room - 1, largest_first);
    }
    chosen.extend(&others[..room]);
    chosen.sort_unstable();
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positives_come_first_and_then_the_largest_numbers_of_equal_ones_the_first() {
        let random = [0.5, 0.9, 0.1, 0.5, 0.5, 0.8];
        assert_eq!(chosen(&random, &[2], 4), [0, 1, 2, 5]);
        assert_eq!(chosen(&random, &[], 2), [1, 5]);
        assert_eq!(
            chosen(&random, &[4, 2, 2, 0], 2),
            [0, 2, 4],
            "all positives, whatever the count"
        );
        assert_eq!(chosen(&random, &[3], 6), [0, 1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_sample_has_its_share_of_columns_and_room_for_the_classes_of_all_images() {
        let sample = |rate| Sample { rate, update: SampleUpdate::Sparse, seed: 0 };
        assert_eq!(sample(0.1).size(1000, 64), SampleSize { usual: 100, most: 100 });
        assert_eq!(sample(0.1).size(100, 64), SampleSize { usual: 10, most: 64 });
        assert_eq!(sample(0.1).size(7, 64), SampleSize { usual: 1, most: 7 });
        assert_eq!(sample(1.0).size(7, 2), SampleSize { usual: 7, most: 7 });
    }

    #[test]
    fn draws_are_a_function_of_the_class_whoever_has_it() {
        let sample = Sample { rate: 0.1, update: SampleUpdate::Sparse, seed: 3 };
        let all = sample.draws(5, 0..50_000);
        assert_eq!(sample.draws(5, 20_001..45_000), all[20_001..45_000]);
        assert_ne!(sample.draws(6, 0..10), all[..10]);
        let other = Sample { seed: 4, ..sample };
        assert_ne!(other.draws(5, 0..10), all[..10]);
    }
}
