//! Images as rows of channels, how they are split over threads, and tables that are as wide as
//! whole registers.

use super::super::guard::guarded;
use super::vector::{LANES, Numbers};
use ort::Error;
use ort::operator::ComputeContext;
use std::ops::Range;
use std::sync::OnceLock;

/// Rows shorter than this many floats are taken several at a time.
const NARROW: usize = 256;

/// Floats of a part at least: what a thread is woken for, some ten microseconds of work.
const SMALLEST_PART: usize = 1 << 16;

/// Parts at most: threads come out even, and what parts have summed is soon added.
const MOST_PARTS: usize = 64;

/// An image of some number of channels, split by its shape alone: no number of threads and no
/// width of registers changes what is added to what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Rows {
    elements: usize,
    channels: usize,
    /// Rows that are taken at a time.
    together: usize,
    /// Elements of a part.
    part: usize,
}

impl Rows {
    /// Of an image with at least one channel.
    pub(super) fn new(elements: usize, channels: usize) -> Self {
        // The smallest number of rows whose floats fill registers.
        let even = LANES >> channels.trailing_zeros().min(LANES.trailing_zeros());
        let together = even * NARROW.div_ceil(channels * even);
        let width = channels * together;
        let parts = (elements / SMALLEST_PART).clamp(1, MOST_PARTS);
        let part = elements.div_ceil(width).div_ceil(parts) * width;
        Self { elements, channels, together, part: part.max(width) }
    }

    /// Floats of a row.
    pub(super) fn channels(&self) -> usize {
        self.channels
    }

    /// Floats that are taken at a time, a multiple of the channels and of the lanes; fewer are left
    /// at the end of the image alone.
    pub(super) fn width(&self) -> usize {
        self.channels * self.together
    }

    /// Number of parts.
    pub(super) fn parts(&self) -> usize {
        self.elements.div_ceil(self.part)
    }

    /// The elements of a part.
    pub(super) fn part(&self, at: usize) -> Range<usize> {
        let start = at * self.part;
        start..(start + self.part).min(self.elements)
    }

    /// Parameters by channel, repeated to the width.
    pub(super) fn table(&self, parameters: &[f32]) -> Vec<Numbers> {
        blocks(&parameters.repeat(self.together))
    }

    /// Adds numbers of the width to sums by channel.
    pub(super) fn fold(&self, numbers: &[Numbers], sums: &mut [f64]) {
        for row in numbers.as_flattened().chunks_exact(self.channels) {
            for (sum, &number) in sums.iter_mut().zip(row) {
                *sum += f64::from(number);
            }
        }
    }
}

/// Numbers whose count is a multiple of the lanes.
fn blocks(numbers: &[f32]) -> Vec<Numbers> {
    numbers.as_chunks().0.to_vec()
}

/// Does the work of all parts, on the threads of the session where there are several; returns what
/// they made in their order.
///
/// # Errors
/// A panic in a part, and whatever the runtime refuses with.
pub(super) fn in_parts<R: Send + Sync>(
    context: &ComputeContext,
    parts: usize,
    work: impl Fn(usize) -> R + Send + Sync,
) -> Result<Vec<R>, Error> {
    if parts <= 1 {
        return Ok((0..parts).map(work).collect());
    }
    let made: Vec<OnceLock<Result<R, String>>> = (0..parts).map(|_| OnceLock::new()).collect();
    // A panic that left the callback would end the process.
    context.par_for(parts, parts, |part| {
        _ = made[part].set(guarded(|| work(part)));
    })?;
    let part = |cell: OnceLock<_>| cell.into_inner().unwrap_or_else(|| Err("was not done".into()));
    let made = made.into_iter().map(part).collect::<Result<Vec<R>, String>>();
    made.map_err(|panic| Error::new(format!("a part of the work: {panic}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_hold_every_element_once_and_begin_where_a_table_does() {
        for channels in [1, 2, 3, 16, 48, 64, 100, 255, 256, 257, 512, 2048] {
            for count in [0, 1, 2, 49, 1000, 16 * 112 * 112] {
                let rows = Rows::new(count * channels, channels);
                assert_eq!(rows.width() % LANES, 0, "{rows:?}");
                assert!(rows.width() >= NARROW, "{rows:?}");
                assert!(rows.parts() <= MOST_PARTS, "{rows:?}");
                let mut next = 0;
                for part in (0..rows.parts()).map(|at| rows.part(at)) {
                    assert_eq!((part.start, part.start % rows.width()), (next, 0), "{rows:?}");
                    assert!(!part.is_empty(), "{rows:?}");
                    next = part.end;
                }
                assert_eq!(next, count * channels, "{rows:?}");
            }
        }
    }

    #[test]
    fn a_table_repeats_its_parameters_and_folding_adds_them_up() {
        let rows = Rows::new(300, 3);
        let table = rows.table(&[1.0, 2.0, 3.0]);
        assert_eq!(table.as_flattened().len(), rows.width());
        assert_eq!(table.as_flattened()[3..6], [1.0, 2.0, 3.0]);
        let mut sums = [0.5; 3];
        rows.fold(&table, &mut sums);
        let times = (rows.width() / 3) as f64;
        assert_eq!(sums, [0.5 + times, 0.5 + 2.0 * times, 0.5 + 3.0 * times]);
    }
}
