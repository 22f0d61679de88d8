//! Where a template's feature lies.

use super::Error;
use rayon::prelude::*;

/// Templates' numbers up to this are looked up in a table (4 bytes each), larger ones by bisection.
const DENSE: u64 = 1 << 24;
/// No row.
const NONE: u32 = u32::MAX;

/// From a template's number to its row.
#[derive(Debug)]
pub struct TemplateRows<'a> {
    ids: &'a [u64],
    /// Row of each number, if all numbers are small.
    table: Vec<u32>,
}

impl<'a> TemplateRows<'a> {
    /// Takes the numbers of the templates that have a face, ascending; row `i` is template `ids[i]`.
    ///
    /// # Panics
    /// If the numbers do not ascend.
    #[must_use]
    pub fn new(ids: &'a [u64]) -> Self {
        assert!(ids.is_sorted_by(|a, b| a < b), "template numbers must ascend");
        let dense = ids.last().filter(|last| **last < DENSE).map_or(0, |last| *last as usize + 1);
        let mut table = vec![NONE; dense];
        for (row, id) in (0..).zip(ids) {
            if let Some(slot) = table.get_mut(*id as usize) {
                *slot = row;
            }
        }
        Self { ids, table }
    }

    fn row(&self, template: u64) -> Option<u32> {
        if self.table.is_empty() {
            return self.ids.binary_search(&template).ok().and_then(|row| u32::try_from(row).ok());
        }
        let row = self.table.get(usize::try_from(template).ok()?);
        row.copied().filter(|row| *row != NONE)
    }

    /// The rows of some templates, in their order.
    ///
    /// # Errors
    /// If templates have no face: the first of them, and how many there are.
    pub fn of(&self, templates: impl IntoIterator<Item = u64>) -> Result<Vec<u32>, Error> {
        let mut missing = Vec::new();
        let mut rows = Vec::new();
        for template in templates {
            match self.row(template) {
                Some(row) => rows.push(row),
                None => missing.push(template),
            }
        }
        no_face(missing).map_or(Ok(rows), Err)
    }

    /// The rows of the two templates of each pair, in the order of the pairs, which they replace.
    ///
    /// # Errors
    /// If templates have no face: the first of them, and how many there are.
    pub fn of_pairs(&self, pairs: Vec<(u32, u32)>) -> Result<Vec<(u32, u32)>, Error> {
        let row = |template: u32| self.row(u64::from(template));
        let missing = pairs
            .par_iter()
            .flat_map_iter(|&(first, second)| [first, second])
            .filter(|&template| row(template).is_none())
            .map(u64::from)
            .collect();
        if let Some(error) = no_face(missing) {
            return Err(error);
        }
        let mut pairs = pairs;
        pairs.par_iter_mut().for_each(|(first, second)| {
            (*first, *second) = (row(*first).unwrap_or(NONE), row(*second).unwrap_or(NONE));
        });
        Ok(pairs)
    }
}

fn no_face(mut missing: Vec<u64>) -> Option<Error> {
    let first = *missing.first()?;
    missing.sort_unstable();
    missing.dedup();
    Some(Error::NoFace { first, others: missing.len() - 1 })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_found_in_the_table_and_by_bisection() {
        for ids in [vec![3, 8, 9], vec![3, 8, 1 << 30]] {
            let rows = TemplateRows::new(&ids);
            assert_eq!(rows.of(ids.iter().rev().copied()).unwrap(), [2, 1, 0]);
            assert_eq!(rows.of_pairs(vec![(8, 3), (3, 3)]).unwrap(), [(1, 0), (0, 0)]);
        }
    }

    #[test]
    fn the_first_template_without_a_face_is_named_and_the_others_are_counted() {
        for ids in [vec![3, 8], vec![3, 1 << 30]] {
            let rows = TemplateRows::new(&ids);
            let error = rows.of_pairs(vec![(3, 7), (5, 5), (7, 1)]).unwrap_err().to_string();
            assert!(error.ends_with("none of template 7 and of 2 others"), "{error}");
            assert!(rows.of([3, 4, u64::MAX]).is_err());
        }
        assert!(TemplateRows::new(&[]).of([1]).is_err());
    }
}
