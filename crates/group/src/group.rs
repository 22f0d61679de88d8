//! The processes of a job, as one of them sees it.

use super::ending;
use super::engine::Engine;
use super::error::Error;
use super::fault::Fault;
use super::joined::Joined;
use super::mpi::Calls;
use super::place::Place;
use super::watch::{Alarm, Stuck};
use std::path::Path;
use std::time::Duration;

/// The processes of a job ("ranks"), as one of them sees it.
///
/// Collectives are called by all ranks, in the same order and with slices of the same lengths. Threads of
/// a rank may share the group; their calls are made one after the other, so that only one of them should
/// make calls whose order matters.
///
/// A process that has joined must [`leave`](Self::leave), or [`abort`](Self::abort) the job. One that ends
/// with 0 without either ends with [`crate::CODE_OF_A_BROKEN_JOB`], so that the launcher ends the
/// others; dropping a group does nothing else.
#[derive(Debug)]
pub struct Group {
    place: Place,
    engine: Engine,
    joined: Option<Joined>,
}

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

    /// As [`Group::join`], with a timer that runs from the beginning: other ranks may not come to join. Join
    /// before anything that can fail: MPICH does not notice a process that ends before.
    ///
    /// # Errors
    /// As [`Group::join`].
    pub fn join_watched(library: Option<&Path>, alarm: Alarm) -> Result<Self, Error> {
        Ok(match Joined::join(library, alarm)? {
            None => Self::alone(),
            Some((joined, place, engine)) => Self { place, engine, joined: Some(joined) },
        })
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

    pub(crate) fn is_alone(&self) -> bool {
        self.joined.is_none()
    }

    /// What carries the numbers.
    pub fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Says what this rank is at, for what is told of a collective that lasts too long ("step 12").
    pub fn at(&self, what: &str) {
        if let Some(joined) = &self.joined {
            joined.watch().set_at(what);
        }
    }

    /// Sets how long a collective may last; at first ten minutes.
    pub fn set_patience(&self, patience: Duration) {
        if let Some(joined) = &self.joined {
            joined.watch().set_patience(patience);
        }
    }

    /// Sets who is told of a collective that has lasted too long, before the job is ended; at first
    /// nobody.
    pub fn on_timeout(&self, tell: Box<dyn Fn(&Stuck) + Send>) {
        if let Some(joined) = &self.joined {
            joined.watch().set_on_timeout(tell);
        }
    }

    /// The time that this rank has spent in collectives.
    pub fn waited(&self) -> Duration {
        self.joined.as_ref().map_or(Duration::ZERO, Joined::waited)
    }

    /// Does what must not last longer than the patience, as a collective of other engines that all ranks come
    /// to.
    pub fn watched<R>(&self, what: &'static str, work: impl FnOnce() -> R) -> R {
        match &self.joined {
            None => work(),
            Some(joined) => joined.watched(what, work),
        }
    }

    /// Ends all ranks at once, with the code.
    pub fn abort(&self, code: i32) -> ! {
        match &self.joined {
            None => ending::abort(code, || ()),
            Some(joined) => joined.abort(code),
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

    /// Makes a call of MPI's; none where there is one rank.
    pub(crate) fn call(
        &self,
        collective: &'static str,
        call: impl FnOnce(&dyn Calls) -> Result<(), Fault>,
    ) -> Result<(), Error> {
        self.joined.as_ref().map_or(Ok(()), |joined| joined.call(collective, call))
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
}
