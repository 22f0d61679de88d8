//! A matrix that lies elsewhere, by rows.

use super::{Error, Scalar};
use rayon::prelude::*;

/// A borrowed row-major matrix, (rows, width); one feature a row.
///
/// ```
/// # use qgface_data::metrics::Rows;
/// let rows = Rows::new(&[1.0f32, 0.0, 0.0, 1.0], 2)?;
/// assert_eq!((rows.len(), rows.row(1)), (2, [0.0, 1.0].as_slice()));
/// assert!(Rows::new(&[1.0f32, 0.0, 0.0], 2).is_err());
/// # Ok::<(), qgface_data::metrics::Error>(())
/// ```
#[derive(Debug, Clone, Copy)]
pub struct Rows<'a, T> {
    data: &'a [T],
    width: usize,
}

impl<'a, T> Rows<'a, T> {
    /// Takes `data` as rows of `width` numbers.
    ///
    /// # Errors
    /// If `width` is 0 or `data` is not whole rows.
    pub fn new(data: &'a [T], width: usize) -> Result<Self, Error> {
        if width == 0 || !data.len().is_multiple_of(width) {
            return Err(Error::Ragged { width, found: data.len() });
        }
        Ok(Self { data, width })
    }

    /// How many rows there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.data.len() / self.width
    }

    /// Whether there is no row.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.data.is_empty()
    }

    /// Numbers a row, at least 1.
    #[must_use]
    pub fn width(&self) -> usize {
        self.width
    }

    /// Row `i`.
    ///
    /// # Panics
    /// If there is no such row.
    #[must_use]
    pub fn row(&self, i: usize) -> &'a [T] {
        &self.data[i * self.width..][..self.width]
    }

    /// The rows `range`, (range, width).
    pub(super) fn slice(&self, range: std::ops::Range<usize>) -> &'a [T] {
        &self.data[range.start * self.width..range.end * self.width]
    }
}

impl<T: Scalar> Rows<'_, T> {
    /// Refuses numbers whose inner products could be infinite or not a number: any of a magnitude above
    /// `√(MAX / width)`. A score that is not a number would rank nowhere, and nobody would see it.
    pub(super) fn check(&self, what: &'static str) -> Result<(), Error> {
        let limit = (T::MAX / self.width as f64).sqrt();
        let sound = |number: &T| number.to_f64().abs() <= limit;
        let row_is_sound = |row: &[T]| row.iter().fold(true, |all, number| all & sound(number));
        let bad = self.data.par_chunks_exact(self.width).position_first(|row| !row_is_sound(row));
        let Some(row) = bad else { return Ok(()) };
        let found = self.row(row).iter().find(|number| !sound(number));
        Err(Error::Number { what, row, limit, found: found.map_or(f64::NAN, |n| n.to_f64()) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_whole() {
        let rows = Rows::new(&[1, 2, 3, 4, 5, 6], 3).unwrap();
        assert_eq!((rows.len(), rows.row(1)), (2, &[4, 5, 6][..]));
        assert_eq!(Rows::new(&[1, 2], 3).err(), Some(Error::Ragged { width: 3, found: 2 }));
        assert!(Rows::<u8>::new(&[], 0).is_err());
    }

    #[test]
    fn a_number_that_is_none_is_named_with_its_row() {
        let mut data = vec![0.5f32; 1000];
        data[777] = f32::NAN;
        let error = Rows::new(&data, 10).unwrap().check("probes").unwrap_err();
        assert!(matches!(error, Error::Number { row: 77, found, .. } if found.is_nan()));
        data[777] = 1e30;
        assert!(Rows::new(&data, 10).unwrap().check("probes").is_err());
        data[777] = -7e4;
        assert_eq!(Rows::new(&data, 10).unwrap().check("probes"), Ok(()));
    }
}
