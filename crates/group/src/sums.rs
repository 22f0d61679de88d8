//! Sums over ranks, in the order of ranks: what a library of MPI makes of floats may depend on which rank
//! comes first (MPICH's on one machine does, with three ranks and more), and on the library.
//!
//! A rank sums one block of the numbers, which the others send it; then all have all blocks. That is as
//! many bytes as the best algorithms send, and all ranks get the same bits.

use super::number::Number;

/// Elements of one exchange: what ranks sum at a time stays in the processor's caches.
pub(crate) const PIECE: usize = 1 << 18;

/// Fewer elements than this are gathered whole and summed by every rank: one exchange instead of two.
pub(crate) const FEW: usize = 1 << 10;

/// Puts the sums over blocks, which lie in the order of ranks, into `sum`.
pub(crate) fn of_blocks<T: Number>(blocks: &[T], sum: &mut [T]) {
    let mut blocks = blocks.chunks_exact(sum.len());
    if let Some(first) = blocks.next() {
        sum.copy_from_slice(first);
    }
    for block in blocks {
        sum.iter_mut().zip(block).for_each(|(sum, &number)| *sum = sum.plus(number));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_added_from_the_first_rank_to_the_last() {
        // Another order would give another number.
        let mut sum = [0.0_f32; 2];
        of_blocks(&[1e8, 1.0, -1e8, 2.0, 1.0, 3.0], &mut sum);
        assert_eq!(sum, [1.0, 6.0]);
        of_blocks(&[1.0, 1.0, 1e8, 2.0, -1e8, 3.0], &mut sum);
        assert_eq!(sum, [0.0, 6.0]);
        let mut wrapped = [0_u8];
        of_blocks(&[255, 3], &mut wrapped);
        assert_eq!(wrapped, [2]);
    }
}
