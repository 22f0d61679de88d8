//! Class columns and their momenta in the processor's memory, of which a step reads and changes some.

use crate::optim::SampleUpdate;
use rayon::prelude::*;
use std::ops::{Add, Mul, Sub};

/// A float of any width.
pub trait Real:
    Copy + Default + Send + Sync + Add<Output = Self> + Sub<Output = Self> + Mul<Output = Self>
{
}

impl Real for f32 {}
impl Real for f64 {}

/// The columns of a rank `[D, C]` and their momenta.
#[derive(Debug, Clone, PartialEq)]
pub struct ClassColumns<T> {
    /// C.
    pub count: usize,
    /// The columns, row by row.
    pub weights: Vec<T>,
    /// Their momenta.
    pub momenta: Vec<T>,
}

/// Stochastic gradient descent with momentum and weight decay, as [`Sgd`](crate::optim::Sgd).
#[derive(Debug, Clone, Copy)]
pub struct Descent<T> {
    /// The learning rate.
    pub rate: T,
    /// Share of the old momentum that is kept.
    pub momentum: T,
    /// Share of a column that is added to its gradient.
    pub weight_decay: T,
    /// What becomes of columns without a gradient.
    pub update: SampleUpdate,
}

/// Gradients of some columns.
#[derive(Debug, Clone, Copy)]
pub struct Gradient<'g, T> {
    /// Which columns, in ascending order.
    pub columns: &'g [usize],
    /// Gradients `[D, width]`, of which each row begins with those of the columns.
    pub numbers: &'g [T],
    /// Numbers of a row.
    pub width: usize,
}

impl<T: Real> ClassColumns<T> {
    /// Copies some columns to `into`, `[D, width]`; behind them stands the last of them again.
    ///
    /// # Panics
    /// Where there are none or more than `width`, and where `into` is of another size.
    pub fn gather(&self, columns: &[usize], into: &mut [T], width: usize) {
        let rows = self.weights.par_chunks_exact(self.count);
        let last = columns[columns.len() - 1];
        assert_eq!(into.len(), rows.len() * width, "[D, width]");
        into.par_chunks_exact_mut(width).zip(rows).for_each(|(into, row)| {
            let (own, behind) = into.split_at_mut(columns.len());
            own.iter_mut().zip(columns).for_each(|(into, &column)| *into = row[column]);
            behind.fill(row[last]);
        });
    }

    /// Copies a column a row to `into`, `[N, D]`: of `None` zeros.
    ///
    /// # Panics
    /// Where `into` is of another size.
    pub fn rows(&self, columns: &[Option<usize>], into: &mut [T]) {
        let dimension = self.weights.len() / self.count;
        assert_eq!(into.len(), columns.len() * dimension, "[N, D]");
        into.par_chunks_exact_mut(dimension).zip(columns).for_each(|(into, column)| match column {
            None => into.fill(T::default()),
            Some(column) => {
                let column = self.weights[*column..].iter().step_by(self.count);
                into.iter_mut().zip(column).for_each(|(into, &x)| *into = x);
            }
        });
    }

    /// `m' = µm + (g + wd·p)`, `p' = p − m'·lr` for the columns of a gradient, and where the update is dense for
    /// all others with g = 0.
    pub fn descend(&mut self, descent: &Descent<T>, gradient: Gradient<'_, T>) {
        let Descent { rate, momentum, weight_decay, update } = *descent;
        let moved = |p: &mut T, m: &mut T, pulled: T| {
            *m = *m * momentum + pulled;
            *p = *p - *m * rate;
        };
        let weights = self.weights.par_chunks_exact_mut(self.count);
        let momenta = self.momenta.par_chunks_exact_mut(self.count);
        let gradients = gradient.numbers.par_chunks_exact(gradient.width);
        weights.zip(momenta).zip(gradients).for_each(|((weights, momenta), gradients)| {
            let mut begun = 0;
            let mut others = |weights: &mut [T], momenta: &mut [T], end: usize| {
                if update == SampleUpdate::Dense {
                    let both = weights[begun..end].iter_mut().zip(&mut momenta[begun..end]);
                    both.for_each(|(p, m)| moved(p, m, *p * weight_decay));
                }
                begun = end + 1;
            };
            for (&column, &g) in gradient.columns.iter().zip(gradients) {
                others(weights, momenta, column);
                let p = &mut weights[column];
                moved(p, &mut momenta[column], g + *p * weight_decay);
            }
            let end = weights.len();
            others(weights, momenta, end);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn columns() -> ClassColumns<f32> {
        let weights = (0..10).map(|at| at as f32).collect();
        ClassColumns { count: 5, weights, momenta: vec![1.0; 10] }
    }

    #[test]
    fn columns_are_gathered_with_the_last_again_behind_them_and_rows_with_zeros() {
        let mut into = [0.0; 8];
        columns().gather(&[1, 4], &mut into, 4);
        assert_eq!(into, [1.0, 4.0, 4.0, 4.0, 6.0, 9.0, 9.0, 9.0]);
        let mut rows = [7.0; 6];
        columns().rows(&[Some(3), None, Some(0)], &mut rows);
        assert_eq!(rows, [3.0, 8.0, 0.0, 0.0, 0.0, 5.0]);
    }

    #[test]
    fn a_sparse_update_leaves_other_columns_and_a_dense_one_lets_them_decay() {
        let numbers = [1.0, 2.0, 9.0, 3.0, 4.0, 9.0];
        let gradient = Gradient { columns: &[0, 3], numbers: &numbers, width: 3 };
        let update = |update| {
            let mut own = columns();
            own.descend(&Descent { rate: 0.5, momentum: 0.5, weight_decay: 2.0, update }, gradient);
            own
        };
        let (sparse, dense) = (update(SampleUpdate::Sparse), update(SampleUpdate::Dense));
        let whole = |p: f32, g: f32| {
            let m = 0.5 + (g + p * 2.0);
            (p - m * 0.5, m)
        };
        for row in 0..2 {
            for column in 0..5 {
                let at = 5 * row + column;
                let place = gradient.columns.iter().position(|&own| own == column);
                let g = place.map_or(0.0, |place| numbers[3 * row + place]);
                let (before, expected) = ((at as f32, 1.0), whole(at as f32, g));
                assert_eq!((dense.weights[at], dense.momenta[at]), expected);
                let expected = if place.is_some() { expected } else { before };
                assert_eq!((sparse.weights[at], sparse.momenta[at]), expected);
            }
        }
    }
}
