//! Scores of a block of probes against a gallery, tile by tile, so that the whole matrix never exists.

use super::{Rows, Scalar};
use rayon::prelude::*;

/// Probes of a block at most. With [`COLUMNS`] this is large enough for the product to run at the
/// processor's speed, and the scores of a tile (2 MB in `f32`) stay in its last cache.
const PROBES: usize = 512;
/// Gallery rows of a tile at most. Not 1024: rows of scores a power of two apart would share the same few
/// places of the first cache.
const COLUMNS: usize = 1008;
/// Gallery rows come in groups of this many: what the library's kernels take at once (16 with AVX2, 48
/// with AVX-512); a rest costs as much as a group.
const GROUP: usize = 48;

/// How a product is cut; every product has exactly this shape.
///
/// With one shape the library sums every score in the same order, so a score depends on its two rows
/// alone and not on where in a tile they lie: equal rows tie.
#[derive(Debug, Clone, Copy)]
pub(super) struct Shape {
    probes: usize,
    columns: usize,
    width: usize,
}

impl Shape {
    pub(super) fn new(probes: usize, gallery: usize, width: usize) -> Self {
        Self::at_most(PROBES, COLUMNS, probes, gallery, width)
    }

    fn at_most(block: usize, tile: usize, probes: usize, gallery: usize, width: usize) -> Self {
        // Even parts need less padding than full ones and a rest.
        let even = |count: usize, most: usize| {
            let count = count.max(1);
            count.div_ceil(count.div_ceil(most))
        };
        let columns = even(gallery, tile).next_multiple_of(GROUP);
        Self { probes: even(probes, block), columns, width }
    }

    /// Probes of a block.
    pub(super) fn probes(&self) -> usize {
        self.probes
    }
}

/// Some probes, copied side by side and filled up with zeros to the shape.
pub(super) struct Block<T> {
    shape: Shape,
    rows: Vec<T>,
}

/// Scores of a block against some gallery rows.
pub(super) struct Tile<'a, T> {
    /// The first of them (of the gallery, or of a list).
    pub(super) first: usize,
    /// How many.
    pub(super) columns: usize,
    stride: usize,
    scores: &'a mut [T],
}

impl<T> Tile<'_, T> {
    /// Scores of the block's probe `i`, one a gallery row.
    pub(super) fn of_probe(&mut self, i: usize) -> &mut [T] {
        &mut self.scores[i * self.stride..][..self.columns]
    }
}

impl<T: Scalar> Block<T> {
    /// # Panics
    /// If there are more probes than the shape has.
    pub(super) fn new(shape: Shape, probes: Rows<'_, T>, members: &[usize]) -> Self {
        Self {
            shape,
            rows: padded(members.iter().map(|&probe| probes.row(probe)), shape.probes, shape),
        }
    }

    /// Scores against the gallery rows `columns`; `first` of a tile is a position in that list.
    pub(super) fn against(
        &self,
        gallery: Rows<'_, T>,
        columns: &[usize],
        mut visit: impl FnMut(Tile<'_, T>),
    ) {
        let mut scores = self.room();
        for (at, part) in columns.chunks(self.shape.columns).enumerate() {
            let rows =
                padded(part.iter().map(|&row| gallery.row(row)), self.shape.columns, self.shape);
            product(self.shape, &self.rows, &rows, &mut scores);
            visit(self.tile(at, part.len(), &mut scores));
        }
    }

    /// Scores against the whole gallery, tiles in parallel; `visit` adds a tile to a state that `merge`
    /// joins with others. States are joined in no fixed order.
    ///
    /// Takes 2 MB (`f32`) or 4 MB (`f64`) a thread and the states.
    pub(super) fn sweep<S: Send>(
        &self,
        gallery: Rows<'_, T>,
        start: impl Fn() -> S + Sync + Send,
        visit: impl Fn(&mut S, Tile<'_, T>) + Sync + Send,
        merge: impl Fn(S, S) -> S + Sync + Send,
    ) -> S {
        let columns = self.shape.columns;
        (0..gallery.len().div_ceil(columns))
            .into_par_iter()
            .fold(
                || (self.room(), start()),
                |(mut scores, mut state), at| {
                    let range = at * columns..gallery.len().min((at + 1) * columns);
                    let count = range.len();
                    if count == columns {
                        product(self.shape, &self.rows, gallery.slice(range), &mut scores);
                    } else {
                        let rows = padded(range.map(|row| gallery.row(row)), columns, self.shape);
                        product(self.shape, &self.rows, &rows, &mut scores);
                    }
                    visit(&mut state, self.tile(at, count, &mut scores));
                    (scores, state)
                },
            )
            .map(|(_, state)| state)
            .reduce(&start, merge)
    }

    fn room(&self) -> Vec<T> {
        vec![T::default(); self.shape.probes * self.shape.columns]
    }

    fn tile<'a>(&self, at: usize, columns: usize, scores: &'a mut [T]) -> Tile<'a, T> {
        Tile { first: at * self.shape.columns, columns, stride: self.shape.columns, scores }
    }
}

/// Rows side by side, and zeros up to `count` rows.
fn padded<'a, T: Scalar>(
    rows: impl Iterator<Item = &'a [T]>,
    count: usize,
    shape: Shape,
) -> Vec<T> {
    let mut data = Vec::with_capacity(count * shape.width);
    rows.for_each(|row| data.extend_from_slice(row));
    assert!(data.len() <= count * shape.width, "{} numbers for {count} rows", data.len());
    data.resize(count * shape.width, T::default());
    data
}

/// `scores = probes · galleryᵀ`, (probes, columns).
#[allow(unsafe_code)]
fn product<T: Scalar>(shape: Shape, probes: &[T], gallery: &[T], scores: &mut [T]) {
    let Shape { probes: m, columns: n, width: k } = shape;
    assert_eq!((probes.len(), gallery.len(), scores.len()), (m * k, n * k, m * n));
    // SAFETY: the three slices are whole row-major matrices of the shapes given (checked above), the one
    // written to is borrowed mutably, and `T` is `f32` or `f64`, which the library knows.
    unsafe {
        // As `scoresᵀ = gallery · probesᵀ`, which has its rows side by side.
        T::product()(
            n,
            m,
            k,
            scores.as_mut_ptr(),
            n as isize,
            1,
            false,
            gallery.as_ptr(),
            1,
            k as isize,
            probes.as_ptr(),
            k as isize,
            1,
            T::default(),
            T::ONE,
            false,
            false,
            false,
            gemm_common::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(count: usize, seed: usize) -> Vec<f32> {
        (0..count).map(|i| ((i + seed) * 7919 % 1009) as f32 / 1009.0 - 0.5).collect()
    }

    /// Every score of a sweep with blocks and tiles of at most these sizes, (probes, gallery).
    fn all_scores(
        probes: Rows<'_, f32>,
        gallery: Rows<'_, f32>,
        block: usize,
        tile: usize,
    ) -> Vec<f32> {
        let shape = Shape::at_most(block, tile, probes.len(), gallery.len(), probes.width());
        let members: Vec<usize> = (0..probes.len()).collect();
        let mut scores = vec![0.0; probes.len() * gallery.len()];
        for members in members.chunks(shape.probes()) {
            let found = Block::new(shape, probes, members).sweep(
                gallery,
                Vec::new,
                |found: &mut Vec<(usize, usize, f32)>, mut tile| {
                    for (i, &probe) in members.iter().enumerate() {
                        let first = tile.first;
                        let row = tile.of_probe(i).iter().enumerate();
                        found.extend(row.map(|(j, &score)| (probe, first + j, score)));
                    }
                },
                |a, b| [a, b].concat(),
            );
            found.into_iter().for_each(|(i, j, score)| scores[i * gallery.len() + j] = score);
        }
        scores
    }

    #[test]
    fn scores_are_inner_products_whatever_the_tiles() {
        let (probes, gallery) = (numbers(37 * 24, 1), numbers(205 * 24, 7));
        let (probes, gallery) = (Rows::new(&probes, 24).unwrap(), Rows::new(&gallery, 24).unwrap());
        for (block, tile) in [(1, 1), (5, 64), (16, 17), (512, 1024)] {
            for (at, own) in all_scores(probes, gallery, block, tile).into_iter().enumerate() {
                let (p, g) = (probes.row(at / 205), gallery.row(at % 205));
                let exact: f64 = p.iter().zip(g).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
                assert!(
                    (f64::from(own) - exact).abs() < 1e-5,
                    "{block} {tile} {at}: {own} {exact}"
                );
            }
        }
    }

    #[test]
    fn equal_rows_score_the_same_bits_wherever_they_lie() {
        for (rows, width) in [(3, 512), (65, 100), (700, 513), (2100, 512)] {
            let one = numbers(width, 3);
            let gallery = one.repeat(rows);
            let probes = numbers(width, 5).repeat(90);
            let (probes, gallery) =
                (Rows::new(&probes, width).unwrap(), Rows::new(&gallery, width).unwrap());
            let scores = all_scores(probes, gallery, 64, 1000);
            let other = scores.iter().position(|score| score.to_bits() != scores[0].to_bits());
            assert_eq!(other, None, "{rows} rows of {width}");
        }
    }

    #[test]
    fn a_gathered_score_has_the_bits_of_the_swept_one() {
        let (probes, gallery) = (numbers(50 * 512, 1), numbers(1500 * 512, 9));
        let (probes, gallery) =
            (Rows::new(&probes, 512).unwrap(), Rows::new(&gallery, 512).unwrap());
        let swept = all_scores(probes, gallery, PROBES, COLUMNS);
        let shape = Shape::new(50, 1500, 512);
        let members: Vec<usize> = (0..50).collect();
        let wanted: Vec<usize> = (0..1500).step_by(7).rev().collect();
        Block::new(shape, probes, &members).against(gallery, &wanted, |mut tile| {
            let first = tile.first;
            for i in 0..50 {
                for (j, score) in tile.of_probe(i).iter().enumerate() {
                    assert_eq!(score.to_bits(), swept[i * 1500 + wanted[first + j]].to_bits());
                }
            }
        });
    }
}
