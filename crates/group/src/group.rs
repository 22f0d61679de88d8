//! The processes of a job, as one of them sees it.

use super::ending;
use super::engine::Engine;
use super::environment::{self, Environment};
use super::error::Error;
use super::fault::Fault;
use super::mpi::{Abi, Calls, Library, Search, start};
use super::number::{Number, Reduction, bytes, bytes_mut};
use super::pieces;
use super::place::Place;
use super::started::{Started, Starter};
use super::sums;
use super::unsigned::{flip, signed};
use super::watch::{Alarm, Stuck, Watch};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// The processes of a job ("ranks"), as one of them sees it.
///
/// Collectives are called by all ranks, in the same order and with slices of the same lengths. Threads of
/// a rank may share the group; their calls are made one after the other, so that only one of them should
/// make calls whose order matters.
///
/// A process that has joined must [`leave`](Self::leave), or [`abort`](Self::abort) the job. One that ends
/// with 0 without either ends with [`ending::CODE_OF_A_BROKEN_JOB`], so that the launcher ends the
/// others; dropping a group does nothing else.
#[derive(Debug)]
pub struct Group {
    place: Place,
    engine: Engine,
    joined: Option<Joined>,
}

#[derive(Debug)]
struct Joined {
    calls: Arc<dyn Calls>,
    /// Whose turn it is.
    turn: Mutex<()>,
    watch: Watch,
    waited_nanoseconds: AtomicU64,
}

/// Whether this process has started MPI, which it can do once.
static HAS_JOINED: AtomicBool = AtomicBool::new(false);

impl Group {
    /// The only rank of a job: every collective is the identity.
    pub fn alone() -> Self {
        Self { place: Place::ALONE, engine: Engine::Alone, joined: None }
    }

    /// Joins the job that a launcher started this process in; [`Group::alone`] where none did, or where
    /// it is Slurm's job of one and no library is named. The library is the one at `library`, else the one
    /// that `MPI_DYLIB_PATH` names, else the launcher's.
    ///
    /// # Errors
    /// Why there is no MPI, or why it does not belong to the launcher.
    pub fn join(library: Option<&Path>) -> Result<Self, Error> {
        Self::join_watched(library, Alarm::default())
    }

    /// As [`Group::join`], with a timer that runs from the beginning: other ranks may not come to join.
    ///
    /// # Errors
    /// As [`Group::join`].
    pub fn join_watched(library: Option<&Path>, alarm: Alarm) -> Result<Self, Error> {
        let environment: Environment<'_> = &environment::own;
        let Some(started) = Started::of(environment)? else { return Ok(Self::alone()) };
        let search = Search { named: library, started: &started, environment };
        if started.by == Starter::Slurm && started.size == 1 && search.named().is_none() {
            return Ok(Self::alone());
        }
        let library = search.run()?;
        if started.by == Starter::OpenMpi && library.abi != Abi::OpenMpi {
            // It would end the process as it starts.
            return Err(other_launcher(&library, &started, "does not know that launcher".into()));
        }
        if HAS_JOINED.swap(true, Ordering::SeqCst) {
            return Err(Error::Joined);
        }
        let watch = Watch::start(started.rank, alarm);
        let started_library = watch.during("joining", || start(&library));
        ending::must_leave();
        let (calls, place) = started_library?;
        if place.size != started.size {
            let found = format!("sees rank {} of {}", place.rank, place.size);
            return Err(other_launcher(&library, &started, found));
        }
        let ends = calls.clone();
        let code = ending::CODE_OF_A_BROKEN_JOB;
        watch.set_end(Box::new(move || ending::abort(code, || ends.abort(code))));
        let Library { abi, version, path, .. } = library;
        let engine = Engine::Mpi { version, path, abi };
        let joined =
            Joined { calls, turn: Mutex::new(()), watch, waited_nanoseconds: AtomicU64::new(0) };
        Ok(Self { place, engine, joined: Some(joined) })
    }

    /// Where this rank stands.
    pub fn place(&self) -> Place {
        self.place
    }

    /// This rank's number, from 0.
    pub fn rank(&self) -> usize {
        self.place.rank
    }

    /// The ranks of the job.
    pub fn size(&self) -> usize {
        self.place.size
    }

    /// This rank's number on its machine, from 0.
    pub fn local_rank(&self) -> usize {
        self.place.local_rank
    }

    /// The ranks of this machine.
    pub fn local_size(&self) -> usize {
        self.place.local_size
    }

    /// This machine's number, from 0.
    pub fn node(&self) -> usize {
        self.place.node
    }

    /// The machines of the job.
    pub fn nodes(&self) -> usize {
        self.place.nodes
    }

    /// What carries the numbers.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Replaces the numbers of every rank by what is made of those of all ranks, place by place. Sums are made
    /// in the order of ranks, and all ranks get the same bits.
    ///
    /// Memory: a few MiB.
    ///
    /// # Errors
    /// [`Error::Mpi`]
    pub fn all_reduce<T: Number>(&self, numbers: &mut [T], how: Reduction) -> Result<(), Error> {
        if self.joined.is_none() || self.size() == 1 {
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
        let (mut given, mut taken) =
            (vec![T::default(); block * size], vec![T::default(); block * size]);
        if few {
            self.call(NAME, |mpi| mpi.all_gather(bytes(numbers), bytes_mut(&mut taken), T::KIND))?;
            sums::of_blocks(&taken, numbers);
            return Ok(());
        }
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
        if self.joined.is_none() {
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
        if self.joined.is_none() {
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

    /// Says what this rank is at, for what is told of a collective that lasts too long ("step 12").
    pub fn at(&self, what: &str) {
        if let Some(joined) = &self.joined {
            joined.watch.set_at(what);
        }
    }

    /// Sets how long a collective may last; at first ten minutes.
    pub fn set_patience(&self, patience: Duration) {
        if let Some(joined) = &self.joined {
            joined.watch.set_patience(patience);
        }
    }

    /// Sets who is told of a collective that has lasted too long, before the job is ended; at first
    /// nobody.
    pub fn on_timeout(&self, tell: Box<dyn Fn(&Stuck) + Send>) {
        if let Some(joined) = &self.joined {
            joined.watch.set_on_timeout(tell);
        }
    }

    /// The time that this rank has spent in collectives.
    pub fn waited(&self) -> Duration {
        let nanoseconds = |joined: &Joined| joined.waited_nanoseconds.load(Ordering::Relaxed);
        Duration::from_nanos(self.joined.as_ref().map_or(0, nanoseconds))
    }

    /// Ends all ranks at once, with the code.
    pub fn abort(&self, code: i32) -> ! {
        match &self.joined {
            None => std::process::exit(code),
            // Not by turns: another thread may be in a collective that does not end.
            Some(joined) => ending::abort(code, || joined.calls.abort(code)),
        }
    }

    /// Leaves the job in order, once all ranks do.
    ///
    /// # Errors
    /// [`Error::Mpi`]
    pub fn leave(&self) -> Result<(), Error> {
        self.call("leaving", |mpi| mpi.finalize())?;
        ending::has_left();
        Ok(())
    }

    fn call(
        &self,
        collective: &'static str,
        call: impl FnOnce(&dyn Calls) -> Result<(), Fault>,
    ) -> Result<(), Error> {
        let Some(joined) = &self.joined else { return Ok(()) };
        let _turn = joined.turn.lock().unwrap_or_else(PoisonError::into_inner);
        let start = Instant::now();
        let result = joined.watch.during(collective, || call(&*joined.calls));
        let lasted = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        joined.waited_nanoseconds.fetch_add(lasted, Ordering::Relaxed);
        result.map_err(Error::from)
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

fn other_launcher(library: &Library, started: &Started, found: String) -> Error {
    Error::OtherLauncher {
        path: library.path.clone(),
        version: library.version.clone(),
        found,
        starter: started.by,
        expected: started.size,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_shared_by_threads() {
        fn shared<T: Send + Sync>() {}
        shared::<Group>();
    }

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
