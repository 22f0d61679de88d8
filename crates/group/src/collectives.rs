//! What the ranks of a group do together.

use super::error::Error;
use super::group::Group;
use super::number::{Number, Reduction, bytes, bytes_mut};
use super::pieces;
use super::sums;
use super::unsigned::{flip, signed};

impl Group {
    /// Replaces the numbers of every rank by what is made of those of all ranks, place by place. Sums are made
    /// in the order of ranks, and all ranks get the same bits.
    ///
    /// Memory: a few MiB.
    ///
    /// # Errors
    /// [`Error::Mpi`]
    pub fn all_reduce<T: Number>(&self, numbers: &mut [T], how: Reduction) -> Result<(), Error> {
        if self.size() == 1 {
            return Ok(());
        }
        if how == Reduction::Sum {
            return numbers.chunks_mut(sums::PIECE).try_for_each(|piece| self.sum(piece));
        }
        let signed = signed(T::KIND, how);
        let kind = signed.unwrap_or(T::KIND);
        for piece in numbers.chunks_mut(pieces::limit::<T>()) {
            let piece = bytes_mut(piece);
            if signed.is_some() {
                flip(piece, kind);
            }
            self.call("all-reduce", |mpi| mpi.all_reduce(piece, kind, how))?;
            if signed.is_some() {
                flip(piece, kind);
            }
        }
        Ok(())
    }

    /// Sums a piece over ranks.
    fn sum<T: Number>(&self, numbers: &mut [T]) -> Result<(), Error> {
        const NAME: &str = "all-reduce";
        let size = self.size();
        let few = numbers.len() <= sums::FEW;
        // Blocks of one length; what they have more than numbers is zero.
        let block = if few { numbers.len() } else { numbers.len().div_ceil(size) };
        let mut taken = vec![T::default(); block * size];
        if few {
            self.call(NAME, |mpi| mpi.all_gather(bytes(numbers), bytes_mut(&mut taken), T::KIND))?;
            sums::of_blocks(&taken, numbers);
            return Ok(());
        }
        let mut given = vec![T::default(); block * size];
        given[..numbers.len()].copy_from_slice(numbers);
        self.call(NAME, |mpi| mpi.all_to_all(bytes(&given), bytes_mut(&mut taken), T::KIND))?;
        let own = &mut given[..block];
        sums::of_blocks(&taken, own);
        self.call(NAME, |mpi| mpi.all_gather(bytes(own), bytes_mut(&mut taken), T::KIND))?;
        numbers.copy_from_slice(&taken[..numbers.len()]);
        Ok(())
    }

    /// Puts the numbers of all ranks into `all`, in the order of ranks.
    ///
    /// # Errors
    /// [`Error::Length`] unless `all` is as long as `own` of all ranks; [`Error::Mpi`].
    pub fn all_gather<T: Number>(&self, own: &[T], all: &mut [T]) -> Result<(), Error> {
        const NAME: &str = "all-gather";
        self.check(NAME, own.len(), all.len())?;
        if self.is_alone() {
            all.copy_from_slice(own);
        }
        pieces::all_gather(own, all, pieces::limit::<T>(), |own, all| {
            self.call(NAME, |mpi| mpi.all_gather(bytes(own), bytes_mut(all), T::KIND))
        })
    }

    /// Puts the sums over ranks of this rank's block of `all` into `own`; blocks lie in the order of ranks,
    /// in which they are added.
    ///
    /// # Errors
    /// [`Error::Length`] unless `all` is as long as `own` of all ranks; [`Error::Mpi`].
    pub fn reduce_scatter<T: Number>(&self, all: &[T], own: &mut [T]) -> Result<(), Error> {
        const NAME: &str = "reduce-scatter";
        self.check(NAME, own.len(), all.len())?;
        if self.is_alone() {
            own.copy_from_slice(all);
            return Ok(());
        }
        let mut taken = Vec::new();
        pieces::reduce_scatter(all, own, sums::PIECE, |all, own| {
            taken.resize(all.len(), T::default());
            self.call(NAME, |mpi| mpi.all_to_all(bytes(all), bytes_mut(&mut taken), T::KIND))?;
            sums::of_blocks(&taken, own);
            Ok(())
        })
    }

    /// Replaces the numbers of every rank by those of `root`.
    ///
    /// # Errors
    /// [`Error::Root`], [`Error::Mpi`]
    pub fn broadcast<T: Number>(&self, numbers: &mut [T], root: usize) -> Result<(), Error> {
        const NAME: &str = "broadcast";
        let size = self.size();
        if root >= size {
            return Err(Error::Root { collective: NAME, size, root });
        }
        for piece in numbers.chunks_mut(pieces::limit::<T>()) {
            self.call(NAME, |mpi| mpi.broadcast(bytes_mut(piece), T::KIND, root))?;
        }
        Ok(())
    }

    /// Waits until all ranks have come.
    ///
    /// # Errors
    /// [`Error::Mpi`]
    pub fn barrier(&self) -> Result<(), Error> {
        self.call("barrier", |mpi| mpi.barrier())
    }

    /// The bytes of all ranks, in their order; how many may differ.
    ///
    /// # Errors
    /// [`Error::Mpi`]
    pub fn gather_bytes(&self, own: &[u8]) -> Result<Vec<Vec<u8>>, Error> {
        let mut lengths = vec![0; self.size()];
        self.all_gather(&[own.len() as u64], &mut lengths)?;
        let mut all: Vec<_> = lengths.iter().map(|&length| vec![0; length as usize]).collect();
        all[self.rank()].copy_from_slice(own);
        for (root, bytes) in all.iter_mut().enumerate() {
            self.broadcast(bytes, root)?;
        }
        Ok(all)
    }

    fn check(&self, collective: &'static str, own: usize, all: usize) -> Result<(), Error> {
        let (size, found) = (self.size(), all);
        let expected = own.saturating_mul(size);
        if found == expected {
            return Ok(());
        }
        Err(Error::Length { collective, size, expected, found })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn every_collective_of_one_rank_is_the_identity() {
        let group = Group::alone();
        let mut numbers = [1.5_f32, -2.0];
        for how in [Reduction::Sum, Reduction::Max, Reduction::Min] {
            group.all_reduce(&mut numbers, how).unwrap();
        }
        group.broadcast(&mut numbers, 0).unwrap();
        group.barrier().unwrap();
        let (mut all, mut own) = ([0.0; 2], [0.0; 2]);
        group.all_gather(&numbers, &mut all).unwrap();
        group.reduce_scatter(&all, &mut own).unwrap();
        assert_eq!((numbers, all, own), ([1.5, -2.0], [1.5, -2.0], [1.5, -2.0]));
        assert_eq!(group.gather_bytes(b"text").unwrap(), [b"text"]);
        assert_eq!((group.waited(), group.engine().to_string()), (Duration::ZERO, "alone".into()));
        group.leave().unwrap();
    }

    #[test]
    fn slices_that_do_not_fit_and_ranks_that_are_none_are_errors() {
        let group = Group::alone();
        let error = group.all_gather(&[1_u8, 2], &mut [0; 3]).unwrap_err().to_string();
        assert_eq!(error, "all-gather: expected 2 elements for 1 ranks, found 3");
        let error = group.reduce_scatter(&[1_u8], &mut [0; 3]).unwrap_err().to_string();
        assert_eq!(error, "reduce-scatter: expected 3 elements for 1 ranks, found 1");
        let error = group.broadcast(&mut [1_u8], 1).unwrap_err().to_string();
        assert_eq!(error, "broadcast: expected a rank below 1, found 1");
    }
}
