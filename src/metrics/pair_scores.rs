//! Scores of millions of template pairs, in an order that keeps the templates in the cache.

use super::scalar::dot;
use super::{Error, Templates};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of templates in a block; two blocks share a core's second-level cache.
const BLOCK_BYTES: usize = 128 << 10;
/// Blocks at most, so that the table of buckets (4 bytes each) stays small however many templates there
/// are.
const MAX_BLOCKS: usize = 2048;

/// Inner products of the rows of each pair, in `f64`, in the order of `pairs`.
///
/// A score has the bits of `numpy.sum(a * b)`, and `(a, b)` the score of `(b, a)`. Pairs are visited by
/// blocks of templates: at IJB-B's size (8 million random pairs of 50 MB of templates) going through them
/// in their own order would read 64 GB from memory. Beyond the result this takes 4 bytes a pair, and at
/// most 16 MB.
///
/// # Errors
/// If a pair names a row that is not there, or there are 2³² pairs or more.
pub fn pair_scores(templates: &Templates, pairs: &[(u32, u32)]) -> Result<Vec<f64>, Error> {
    let rows = templates.rows();
    let sound = |&(first, second): &(u32, u32)| first.max(second) < rows.len() as u32;
    if let Some(pair) = pairs.par_iter().position_first(|pair| !sound(pair)) {
        let (first, second) = pairs[pair];
        return Err(Error::PairRow { pair, rows: rows.len(), first, second });
    }
    let fitting = BLOCK_BYTES / (rows.width() * size_of::<f64>());
    let block = fitting.max(rows.len().div_ceil(MAX_BLOCKS)).max(1) as u32;
    let blocks = rows.len().div_ceil(block as usize).max(1);
    let bucket = |&(a, b): &(u32, u32)| (a / block) as usize * blocks + (b / block) as usize;
    let order = by_bucket(pairs, blocks * blocks, bucket)?;
    // Each score is stored once, by whichever thread has its pair.
    let scores: Vec<AtomicU64> =
        std::iter::repeat_with(AtomicU64::default).take(pairs.len()).collect();
    order.par_chunks(PAIRS_PER_TASK).for_each(|task| {
        for &pair in task {
            let (first, second) = pairs[pair as usize];
            let score = dot(rows.row(first as usize), rows.row(second as usize));
            scores[pair as usize].store(score.to_bits(), Ordering::Relaxed);
        }
    });
    Ok(scores.into_iter().map(|bits| f64::from_bits(bits.into_inner())).collect())
}

const PAIRS_PER_TASK: usize = 1 << 14;

/// Positions of the pairs, sorted by bucket; equal ones stay in order.
fn by_bucket(
    pairs: &[(u32, u32)],
    buckets: usize,
    bucket: impl Fn(&(u32, u32)) -> usize,
) -> Result<Vec<u32>, Error> {
    let count = u32::try_from(pairs.len()).map_err(|_| Error::Count {
        what: "pairs at most",
        expected: u32::MAX as usize,
        found: pairs.len(),
    })?;
    let mut starts = vec![0u32; buckets + 1];
    for pair in pairs {
        starts[bucket(pair) + 1] += 1;
    }
    for at in 1..starts.len() {
        starts[at] += starts[at - 1];
    }
    let mut order = vec![0; pairs.len()];
    for (position, pair) in (0..count).zip(pairs) {
        let slot = &mut starts[bucket(pair)];
        order[*slot as usize] = position;
        *slot += 1;
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::super::{Faces, Rows};
    use super::*;

    fn templates(count: usize, width: usize) -> Templates {
        let value = |i: usize| ((i * 7919 + 13) % 1009) as f64 / 1009.0 - 0.4;
        let data: Vec<f64> = (0..count * width).map(value).collect();
        let ids: Vec<u64> = (0..count as u64).collect();
        let features = Rows::new(&data, width).unwrap();
        Templates::from_faces(&Faces { features, templates: &ids, media: &ids, weights: None })
            .unwrap()
    }

    #[test]
    fn a_score_is_the_inner_product_of_its_pair() {
        for (count, width) in [(1, 1), (300, 130), (20, 5000)] {
            let templates = templates(count, width);
            let row = |i: usize| ((i * i + 3 * i) % count) as u32;
            let pairs: Vec<_> = (0..5000).map(|i| (row(i), row(i * 31 + 5))).collect();
            let scores = pair_scores(&templates, &pairs).unwrap();
            for (&(a, b), score) in pairs.iter().zip(scores) {
                let rows = templates.rows();
                assert_eq!(score, dot(rows.row(a as usize), rows.row(b as usize)));
            }
        }
    }

    #[test]
    fn a_pair_and_its_reverse_score_the_same() {
        let scores = pair_scores(&templates(9, 512), &[(2, 7), (7, 2)]).unwrap();
        assert_eq!(scores[0].to_bits(), scores[1].to_bits());
    }

    #[test]
    fn a_row_that_is_not_there_is_named() {
        let error = pair_scores(&templates(4, 3), &[(0, 3), (1, 4), (9, 9)]).unwrap_err();
        assert_eq!(error, Error::PairRow { pair: 1, rows: 4, first: 1, second: 4 });
        assert_eq!(pair_scores(&templates(4, 3), &[]), Ok(vec![]));
    }
}
