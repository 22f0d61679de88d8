//! Gradients of the columns that the batches of a step have scored so far.

use super::columns::Gradient;
use crate::train::names::{GRADIENT, KERNEL};
use crate::train::{Error, Tensor, TrainState};
use indexmap::IndexMap;
use rayon::prelude::*;

/// Sums of gradients `[D, U]` of U columns.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Summed {
    dimension: usize,
    columns: Vec<usize>,
    numbers: Vec<f32>,
}

/// The tensor of a state that says which columns `[U]` have gradients.
const COLUMNS: &str = "gradient.head.columns";

impl Summed {
    /// Those of no batch.
    pub(super) fn new(dimension: usize) -> Self {
        Self { dimension, columns: Vec::new(), numbers: Vec::new() }
    }

    /// Adds those of a batch.
    pub(super) fn add(&mut self, gradient: Gradient<'_, f32>) {
        let columns = union(&self.columns, gradient.columns);
        let places = |own: &[usize]| -> Vec<usize> {
            own.iter().map(|column| columns.partition_point(|other| other < column)).collect()
        };
        let (before, added) = (places(&self.columns), places(gradient.columns));
        let width = columns.len();
        let mut numbers = vec![0.0; self.dimension * width];
        numbers.par_chunks_exact_mut(width.max(1)).enumerate().for_each(|(row, into)| {
            let own = &self.numbers[row * before.len()..][..before.len()];
            before.iter().zip(own).for_each(|(&place, &x)| into[place] = x);
            let more = &gradient.numbers[row * gradient.width..][..added.len()];
            added.iter().zip(more).for_each(|(&place, &x)| into[place] += x);
        });
        (self.columns, self.numbers) = (columns, numbers);
    }

    /// The sums.
    pub(super) fn gradient(&self) -> Gradient<'_, f32> {
        Gradient { columns: &self.columns, numbers: &self.numbers, width: self.columns.len() }
    }

    /// Those of a state, of `count` columns at most.
    ///
    /// # Errors
    /// [`Error::State`].
    pub(super) fn of(state: &TrainState, dimension: usize, count: usize) -> Result<Self, Error> {
        let name = format!("{GRADIENT}{KERNEL}");
        let kept = state.tensors.get(COLUMNS).map_or(0, |own| own.data.len());
        let columns = &state.get(COLUMNS, &[kept])?.data;
        let is_column =
            |column: &f32| column.fract() == 0.0 && (0.0..count as f32).contains(column);
        if !columns.iter().all(is_column) || !columns.is_sorted_by(|a, b| a < b) {
            let found = format!("what are no numbers of {count} columns in ascending order");
            return Err(Error::State { name: COLUMNS.to_owned(), expected: vec![kept], found });
        }
        let numbers = state.get(&name, &[dimension, kept])?.data.clone();
        Ok(Self { dimension, columns: columns.iter().map(|&own| own as usize).collect(), numbers })
    }

    /// What a state holds of it.
    pub(super) fn tensors(&self) -> IndexMap<String, Tensor> {
        let kept = self.columns.len();
        let columns = self.columns.iter().map(|&column| column as f32).collect();
        let numbers = Tensor { shape: vec![self.dimension, kept], data: self.numbers.clone() };
        let columns = Tensor { shape: vec![kept], data: columns };
        [(format!("{GRADIENT}{KERNEL}"), numbers), (COLUMNS.to_owned(), columns)].into()
    }
}

/// The numbers of two ascending lists, ascending.
fn union(a: &[usize], b: &[usize]) -> Vec<usize> {
    let mut all = [a, b].concat();
    all.sort_unstable();
    all.dedup();
    all
}

/// The sum of the squares of gradients; rows are added in their order, whoever makes them.
pub(super) fn squares(gradient: Gradient<'_, f32>) -> f64 {
    let rows = gradient.numbers.par_chunks_exact(gradient.width.max(1));
    let own = rows.map(|row| {
        row[..gradient.columns.len()].iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>()
    });
    own.collect::<Vec<f64>>().iter().sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gradient<'g>(columns: &'g [usize], numbers: &'g [f32]) -> Gradient<'g, f32> {
        Gradient { columns, numbers, width: numbers.len() / 2 }
    }

    #[test]
    fn the_columns_of_all_batches_have_the_sums_of_theirs() {
        let mut own = Summed::new(2);
        own.add(gradient(&[1, 4], &[1.0, 2.0, 9.0, 3.0, 4.0, 9.0]));
        own.add(gradient(&[0, 4], &[10.0, 20.0, 30.0, 40.0]));
        assert_eq!(own.columns, [0, 1, 4]);
        assert_eq!(own.numbers, [10.0, 1.0, 22.0, 30.0, 3.0, 44.0]);
        let expected: f32 = own.numbers.iter().map(|x| x * x).sum();
        assert_eq!(squares(own.gradient()), f64::from(expected));
        assert_eq!(squares(gradient(&[1], &[3.0, f32::NAN, 4.0, f32::NAN])), 25.0);
    }

    #[test]
    fn they_come_back_from_a_state_whose_columns_are_some() {
        let mut own = Summed::new(2);
        own.add(gradient(&[1, 4], &[1.0, 2.0, 3.0, 4.0]));
        let state = TrainState { tensors: own.tensors() };
        assert_eq!(Summed::of(&state, 2, 5).unwrap(), own);
        assert!(Summed::of(&state, 2, 4).is_err(), "there is no column 4");
        assert!(Summed::of(&TrainState::default(), 2, 5).is_err());
        let mut turned = state.clone();
        turned.tensors[COLUMNS].data = vec![4.0, 1.0];
        assert!(Summed::of(&turned, 2, 5).is_err());
    }
}
