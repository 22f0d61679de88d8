//! Scores of millions of template pairs, in an order that keeps the templates in the cache.

use super::scalar::dot;
use super::{Error, Rows, Templates};
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes of the templates of a block: half of a usual core's second-level cache.
const BLOCK_BYTES: usize = 256 << 10;
/// Pairs that a thread scores at a time.
const PAIRS_PER_TASK: usize = 1 << 16;

/// Inner products of the rows of each pair, in `f64`, in the order of `pairs`.
///
/// A score has the bits of `numpy.sum(a * b)`, and `(a, b)` the score of `(b, a)`. Pairs are visited by
/// blocks of their first rows, and in a block by ascending second row: at IJB-B's size (8 million random
/// pairs of 50 MB of templates) going through them in their own order would read 64 GB from memory, so
/// it reads 10. Beyond the result this takes 12 bytes a pair.
///
/// # Errors
/// If a pair names a row that is not there, or there are 2³² pairs or more.
pub fn pair_scores(templates: &Templates, pairs: &[(u32, u32)]) -> Result<Vec<f64>, Error> {
    let rows = templates.rows();
    let sound = |&(first, second): &(u32, u32)| (first.max(second) as usize) < rows.len();
    if let Some(pair) = pairs.par_iter().position_first(|pair| !sound(pair)) {
        let (first, second) = pairs[pair];
        return Err(Error::PairRow { pair, rows: rows.len(), first, second });
    }
    let block = (BLOCK_BYTES / (rows.width() * size_of::<f64>())).max(1);
    let (entries, ends) = by_block(pairs, rows.len().div_ceil(block), block)?;
    // Each score is stored once, by whichever thread has its pair.
    let scores: Vec<AtomicU64> =
        std::iter::repeat_with(AtomicU64::default).take(pairs.len()).collect();
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let tasks: Vec<&[Entry]> = starts
        .zip(&ends)
        .flat_map(|(start, &end)| entries[start..end].chunks(PAIRS_PER_TASK))
        .collect();
    tasks.par_iter().for_each(|task| score(rows, task, &scores));
    Ok(scores.into_iter().map(|bits| f64::from_bits(bits.into_inner())).collect())
}

/// A pair and its place in the list.
#[derive(Debug, Clone, Copy, Default)]
struct Entry {
    first: u32,
    second: u32,
    pair: u32,
}

/// The pairs sorted by the block of their first row, else in order, and where each block ends.
fn by_block(
    pairs: &[(u32, u32)],
    blocks: usize,
    block: usize,
) -> Result<(Vec<Entry>, Vec<usize>), Error> {
    let count = u32::try_from(pairs.len()).map_err(|_| Error::Count {
        what: "pairs at most",
        expected: u32::MAX as usize,
        found: pairs.len(),
    })?;
    let mut sizes = vec![0; blocks];
    for (first, _) in pairs {
        sizes[*first as usize / block] += 1;
    }
    let mut sum = 0;
    let mut next: Vec<usize> = Vec::with_capacity(blocks);
    for size in sizes {
        next.push(sum);
        sum += size;
    }
    let mut entries = vec![Entry::default(); pairs.len()];
    for (pair, &(first, second)) in (0..count).zip(pairs) {
        let slot = &mut next[first as usize / block];
        entries[*slot] = Entry { first, second, pair };
        *slot += 1;
    }
    // Every block is full now, so the next free place of each is its end.
    Ok((entries, next))
}

/// Scores the pairs of a block by ascending second row, and stores the scores in the order of the list.
fn score(rows: Rows<'_, f64>, entries: &[Entry], scores: &[AtomicU64]) {
    let mut order: Vec<(u32, u32)> =
        (0..).zip(entries).map(|(at, entry)| (entry.second, at)).collect();
    order.sort_unstable();
    let mut own = vec![0.0; entries.len()];
    for (second, at) in order {
        let first = entries[at as usize].first;
        own[at as usize] = dot(rows.row(first as usize), rows.row(second as usize));
    }
    for (entry, score) in entries.iter().zip(own) {
        scores[entry.pair as usize].store(score.to_bits(), Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::super::Faces;
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
