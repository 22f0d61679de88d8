//! Long slices in several calls: a library of MPI's counts elements in an `int`.

use super::error::Error;
use super::number::Number;

/// Bytes of one call; some libraries count these in an `int`, too.
const BYTES: usize = 1 << 30;

/// Elements of one call.
pub(crate) fn limit<T: Number>() -> usize {
    BYTES / size_of::<T>()
}

/// Calls `gather` with pieces of `own` and places for those of all ranks, which are then put where they
/// belong. `all` is as long as `own` of all ranks; a call has at most `limit` elements of all of them, and
/// at least one of each.
pub(crate) fn all_gather<T: Number>(
    own: &[T],
    all: &mut [T],
    limit: usize,
    mut gather: impl FnMut(&[T], &mut [T]) -> Result<(), Error>,
) -> Result<(), Error> {
    if own.is_empty() {
        return Ok(());
    }
    let size = all.len() / own.len();
    let part = (limit / size).max(1);
    if own.len() <= part {
        return gather(own, all);
    }
    let mut room = vec![T::default(); part * size];
    for (piece, start) in own.chunks(part).zip((0..).step_by(part)) {
        let room = &mut room[..piece.len() * size];
        gather(piece, room)?;
        for (block, from) in all.chunks_mut(own.len()).zip(room.chunks(piece.len())) {
            block[start..start + piece.len()].copy_from_slice(from);
        }
    }
    Ok(())
}

/// Calls `scatter` with pieces of every rank's block of `all`, side by side, and the place in `own` for
/// what becomes of this rank's. Lengths are as in [`all_gather`].
pub(crate) fn reduce_scatter<T: Number>(
    all: &[T],
    own: &mut [T],
    limit: usize,
    mut scatter: impl FnMut(&[T], &mut [T]) -> Result<(), Error>,
) -> Result<(), Error> {
    if own.is_empty() {
        return Ok(());
    }
    let (size, length) = (all.len() / own.len(), own.len());
    let part = (limit / size).max(1);
    if length <= part {
        return scatter(all, own);
    }
    let mut room = vec![T::default(); part * size];
    for (piece, start) in own.chunks_mut(part).zip((0..).step_by(part)) {
        let room = &mut room[..piece.len() * size];
        for (block, into) in all.chunks(length).zip(room.chunks_mut(piece.len())) {
            into.copy_from_slice(&block[start..start + piece.len()]);
        }
        scatter(room, piece)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: usize = 3;
    const LENGTH: usize = 7;

    /// The number at a place of a rank's slice.
    fn number(rank: usize, place: usize) -> i64 {
        (100 * rank + place) as i64
    }

    fn slice(rank: usize) -> Vec<i64> {
        (0..LENGTH).map(|place| number(rank, place)).collect()
    }

    #[test]
    fn a_call_has_fewer_elements_and_bytes_than_an_int_counts() {
        assert_eq!((limit::<f32>(), limit::<f64>(), limit::<u8>()), (1 << 28, 1 << 27, 1 << 30));
    }

    #[test]
    fn gathered_pieces_lie_where_those_of_the_whole_do() {
        for limit in 1..=SIZE * LENGTH + 1 {
            let mut all = vec![0; SIZE * LENGTH];
            let (mut calls, mut start) = (0, 0);
            // What the other ranks give is known: this is rank 1.
            let fake = |own: &[i64], all: &mut [i64]| {
                assert_eq!(all.len(), own.len() * SIZE);
                assert!(all.len() <= limit.max(SIZE));
                for (rank, block) in all.chunks_mut(own.len()).enumerate() {
                    block.copy_from_slice(&slice(rank)[start..start + own.len()]);
                }
                assert_eq!(own, &slice(1)[start..start + own.len()]);
                (calls, start) = (calls + 1, start + own.len());
                Ok(())
            };
            all_gather(&slice(1), &mut all, limit, fake).unwrap();
            assert_eq!(all, (0..SIZE).flat_map(slice).collect::<Vec<_>>(), "limit {limit}");
            assert_eq!(calls, LENGTH.div_ceil((limit / SIZE).max(1)), "limit {limit}");
        }
    }

    #[test]
    fn scattered_pieces_are_those_of_this_ranks_block() {
        let all: Vec<_> = (0..SIZE).flat_map(slice).collect();
        for limit in 1..=SIZE * LENGTH + 1 {
            let mut own = vec![0; LENGTH];
            // All ranks have the same, and this is rank 2.
            let fake = |all: &[i64], own: &mut [i64]| {
                assert_eq!(all.len(), own.len() * SIZE);
                assert!(all.len() <= limit.max(SIZE));
                let block = &all[2 * own.len()..];
                for (sum, number) in own.iter_mut().zip(block) {
                    *sum = SIZE as i64 * number;
                }
                Ok(())
            };
            reduce_scatter(&all, &mut own, limit, fake).unwrap();
            let expected: Vec<_> = slice(2).iter().map(|number| SIZE as i64 * number).collect();
            assert_eq!(own, expected, "limit {limit}");
        }
    }

    #[test]
    fn nothing_takes_no_call() {
        let refuse = |_: &[u8], _: &mut [u8]| -> Result<(), Error> { panic!("a call of nothing") };
        all_gather(&[], &mut [], 4, refuse).unwrap();
        reduce_scatter(&[], &mut [], 4, refuse).unwrap();
    }
}
