//! What a step leaves out by chance: masks of truth values that it is fed, a row for each of its images.
//!
//! They are drawn where images are loaded and not by the runtime, whose random state could not be saved.

use crate::seed::Seed;
use std::ops::Range;

/// A mask that a network is fed in training.
#[derive(Debug, Clone, PartialEq)]
pub struct RowMask {
    /// The input of the graph; without `_mask`, the stream that it is drawn from.
    pub name: &'static str,
    /// Extents of an image's row.
    pub extents: Vec<usize>,
    /// What is kept.
    pub kept: Kept,
}

/// What a row keeps.
#[derive(Debug, Clone, PartialEq)]
pub enum Kept {
    /// Each element with its own probability, of which one less is given: that of the last axis where there
    /// are several. They are multiples of 2⁻¹⁶.
    Without(Vec<f64>),
    /// As many elements, any of them equally likely.
    Exactly(usize),
}

/// Bytes that an element is drawn from.
const BYTES: usize = 2;

impl RowMask {
    /// Elements of a row.
    pub fn count(&self) -> usize {
        self.extents.iter().product()
    }

    /// The rows `rows` of those of the batch `number`, one behind the other. What a row is does not depend on
    /// which others are drawn.
    pub fn draw(&self, seed: Seed, number: u64, rows: Range<usize>) -> Vec<bool> {
        match &self.kept {
            Kept::Without(shares) => self.elements(seed, number, rows, shares),
            Kept::Exactly(count) => {
                let row = |row| self.chosen(seed, number, row, *count);
                rows.flat_map(row).collect()
            }
        }
    }

    fn stream(&self) -> &'static str {
        self.name.strip_suffix("_mask").unwrap_or(self.name)
    }

    fn elements(&self, seed: Seed, number: u64, rows: Range<usize>, shares: &[f64]) -> Vec<bool> {
        let taken: Vec<u32> =
            shares.iter().map(|share| (share * 65_536.0).round() as u32).collect();
        let mut bytes = vec![0; BYTES * rows.len() * self.count()];
        let mut stream = seed.stream(&format!("{}/{number}", self.stream()));
        stream.fill_from((BYTES * rows.start * self.count()) as u64, &mut bytes);
        let draws = bytes.as_chunks::<BYTES>().0.iter().zip(taken.iter().cycle());
        draws.map(|(&pair, &taken)| u32::from(u16::from_le_bytes(pair)) >= taken).collect()
    }

    fn chosen(&self, seed: Seed, number: u64, row: usize, count: usize) -> Vec<bool> {
        let mut order: Vec<usize> = (0..self.count()).collect();
        seed.stream(&format!("{}/{number}/{row}", self.stream())).shuffle(&mut order);
        let mut kept = vec![false; order.len()];
        order.iter().take(count).for_each(|&at| kept[at] = true);
        kept
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mask(kept: Kept) -> RowMask {
        RowMask { name: "mask", extents: vec![50, 4], kept }
    }

    #[test]
    fn each_column_loses_its_share() {
        let shares = vec![0.0, 0.1, 0.4, 0.9];
        let kept = mask(Kept::Without(shares.clone())).draw(Seed::new(1), 7, 0..100);
        for (column, share) in shares.into_iter().enumerate() {
            let own = kept.iter().skip(column).step_by(4);
            let lost = own.clone().filter(|&&kept| !kept).count() as f64 / own.count() as f64;
            // Five standard errors of 5,000 draws.
            assert!((lost - share).abs() <= 0.036, "{column}: {lost} for {share}");
        }
    }

    #[test]
    fn a_row_keeps_as_many_as_it_is_to_and_others_than_the_next() {
        let kept = mask(Kept::Exactly(180)).draw(Seed::new(1), 7, 0..10);
        let rows: Vec<&[bool]> = kept.chunks(200).collect();
        assert!(rows.iter().all(|row| row.iter().filter(|&&kept| kept).count() == 180));
        assert!(rows.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_row_does_not_depend_on_which_others_are_drawn() {
        for kept in [Kept::Without(vec![0.4]), Kept::Exactly(30)] {
            let mask = mask(kept);
            let all = mask.draw(Seed::new(1), 7, 0..10);
            assert_eq!(all[3 * 200..5 * 200], mask.draw(Seed::new(1), 7, 3..5));
            assert_ne!(all, mask.draw(Seed::new(1), 8, 0..10));
        }
    }
}
