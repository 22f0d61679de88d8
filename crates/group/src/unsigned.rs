//! Which of unsigned numbers is larger, asked in signed ones.
//!
//! MPICH 4.0.2 and Open MPI 4.1.2 to 4.1.4, which distributions still have, take unsigned numbers for
//! signed ones in `MPI_MAX` and `MPI_MIN` (pmodels/mpich issue 6083, open-mpi/ompi issues 10525 and 10648).

use super::number::{Kind, Reduction};

/// What is reduced in place of numbers of a kind, once [`flip`] has changed them, and changes the result
/// back; `None` where they are reduced as they are.
pub(crate) fn signed(kind: Kind, how: Reduction) -> Option<Kind> {
    let signed = match kind {
        Kind::Uint64 => Kind::Int64,
        Kind::Uint8 => Kind::Int8,
        Kind::Float | Kind::Double | Kind::Int32 | Kind::Int64 | Kind::Int8 => return None,
    };
    match how {
        Reduction::Max | Reduction::Min => Some(signed),
        Reduction::Sum => None,
    }
}

/// Turns the highest bit of each number: the order of unsigned numbers becomes that of signed ones.
pub(crate) fn flip(numbers: &mut [u8], kind: Kind) {
    let size = kind.size();
    // The highest byte is the last of each.
    for byte in numbers.iter_mut().skip(size - 1).step_by(size) {
        *byte ^= 0x80;
    }
}

#[cfg(test)]
mod tests {
    use super::super::number::bytes_mut;
    use super::*;

    #[test]
    fn flipped_numbers_are_in_the_order_of_signed_ones() {
        let mut numbers = [0, 1, u64::MAX / 2, u64::MAX / 2 + 1, u64::MAX - 1, u64::MAX];
        let unchanged = numbers;
        flip(bytes_mut(&mut numbers), Kind::Uint64);
        assert!(numbers.is_sorted_by(|one, next| (*one as i64) < *next as i64), "{numbers:?}");
        flip(bytes_mut(&mut numbers), Kind::Uint64);
        assert_eq!(numbers, unchanged);
        let mut numbers: Vec<u8> = (0..=255).collect();
        flip(&mut numbers, Kind::Uint8);
        assert!(numbers.is_sorted_by(|one, next| (*one as i8) < *next as i8), "{numbers:?}");
    }
}
