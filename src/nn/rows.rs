//! Lengths of rows, rows of length one, and which of several are there.

use crate::graph::{Builder, Value};

/// Squares of lengths count as this at least, so that a row of zeros has the unit vector zero and a
/// gradient of zero, where dividing would make what is no number.
const SMALLEST_SQUARE: f64 = 1e-30;

/// Lengths `[N, 1]` of rows `[N, D]`.
pub fn lengths(g: &mut Builder, rows: Value) -> Value {
    let squared = g.mul(rows, rows);
    let squares = g.reduce_sum_keep(squared, &[1]);
    let smallest = g.scalar(SMALLEST_SQUARE);
    let squares = g.max(squares, smallest);
    g.sqrt(squares)
}

/// Rows `[N, D]` divided by their lengths, and the lengths `[N, 1]`.
pub fn unit(g: &mut Builder, rows: Value) -> (Value, Value) {
    let lengths = lengths(g, rows);
    (g.div(rows, lengths), lengths)
}

/// Which of `length` positions are the first `count`, a number: `[1, length]`, true or false.
pub(super) fn first(g: &mut Builder, length: usize, count: Value) -> Value {
    let positions = (0..length).map(|position| position as f64).collect();
    let positions = g.constant(&[1, length], positions);
    g.less(positions, count)
}
