//! A job that this process has joined, and its calls of MPI, one after the other.

use super::ending;
use super::engine::Engine;
use super::environment::{self, Environment};
use super::error::Error;
use super::fault::Fault;
use super::mpi::{Abi, Calls, Library, Search, start};
use super::place::Place;
use super::started::Started;
use super::starter::Starter;
use super::watch::{Alarm, Watch};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// MPI in this process.
#[derive(Debug)]
pub(crate) struct Joined {
    calls: Arc<dyn Calls>,
    /// Whose turn it is.
    turn: Mutex<()>,
    watch: Watch,
    waited_nanoseconds: AtomicU64,
}

/// Whether this process has started MPI, which it can do once.
static HAS_JOINED: AtomicBool = AtomicBool::new(false);

impl Joined {
    /// Joins the job that a launcher started this process in; `None` where none did, or where it is Slurm's
    /// job of one and no library is named.
    ///
    /// # Errors
    /// Why there is no MPI, or why it does not belong to the launcher.
    pub(crate) fn join(
        library: Option<&Path>,
        alarm: Alarm,
    ) -> Result<Option<(Self, Place, Engine)>, Error> {
        let environment: Environment<'_> = &environment::own;
        let Some(started) = Started::of(environment)? else { return Ok(None) };
        let search = Search { named: library, started: &started, environment };
        if started.by == Starter::Slurm && started.size == 1 && search.named().is_none() {
            return Ok(None);
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
        let own = watch.during("joining", || start(&library));
        ending::must_leave();
        let (calls, place) = own?;
        if place.size != started.size {
            let found = format!("sees rank {} of {}", place.rank, place.size);
            return Err(other_launcher(&library, &started, found));
        }
        let (ends, code) = (calls.clone(), ending::CODE_OF_A_BROKEN_JOB);
        watch.set_end(Box::new(move || ending::abort(code, || ends.abort(code))));
        let Library { abi, version, path, .. } = library;
        let waited_nanoseconds = AtomicU64::new(0);
        let joined = Self { calls, turn: Mutex::new(()), watch, waited_nanoseconds };
        Ok(Some((joined, place, Engine::Mpi { version, path, abi })))
    }

    /// Makes a call when no other thread is in one, under the timer.
    pub(crate) fn call(
        &self,
        collective: &'static str,
        call: impl FnOnce(&dyn Calls) -> Result<(), Fault>,
    ) -> Result<(), Error> {
        let start = Instant::now();
        let result = self.watched(collective, || call(&*self.calls));
        let lasted = u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX);
        self.waited_nanoseconds.fetch_add(lasted, Ordering::Relaxed);
        result.map_err(Error::from)
    }

    /// Works when no other thread does, under the timer.
    pub(crate) fn watched<R>(&self, what: &'static str, work: impl FnOnce() -> R) -> R {
        let _turn = self.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.watch.during(what, work)
    }

    /// Ends all ranks. It does not wait for its turn: another thread may be in a collective that does not
    /// end.
    pub(crate) fn abort(&self, code: i32) -> ! {
        ending::abort(code, || self.calls.abort(code))
    }

    /// The time that calls have taken.
    pub(crate) fn waited(&self) -> Duration {
        Duration::from_nanos(self.waited_nanoseconds.load(Ordering::Relaxed))
    }

    pub(crate) fn watch(&self) -> &Watch {
        &self.watch
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
