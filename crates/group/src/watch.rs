//! A timer on every wait: a rank that lives and does not come is noticed by nothing else.

use super::ending;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How long a collective may last where nothing else is said.
const PATIENCE: Duration = Duration::from_secs(600);

/// A collective that has lasted too long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stuck {
    /// This process's rank.
    pub rank: usize,
    /// What it said that it was at; may be empty.
    pub at: String,
    /// The collective.
    pub collective: &'static str,
    /// How long it has lasted.
    pub lasted: Duration,
}

impl std::fmt::Display for Stuck {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { rank, at, collective, lasted } = self;
        let at = if at.is_empty() { String::new() } else { format!(" at {at}") };
        write!(
            f,
            "rank {rank}{at}: has waited {:.0} s in {collective} for other ranks; one of them does not \
             come: the job ends",
            lasted.as_secs_f64()
        )
    }
}

/// When the job is given up, and who is told.
pub struct Alarm {
    /// How long a collective may last.
    pub patience: Duration,
    /// Is told of one that has lasted longer, before the job is ended. Several ranks may tell at once: what
    /// is written in one piece stays in one.
    pub on_timeout: Box<dyn Fn(&Stuck) + Send>,
}

impl Default for Alarm {
    /// Ten minutes, and nobody.
    fn default() -> Self {
        Self { patience: PATIENCE, on_timeout: Box::new(|_| ()) }
    }
}

impl std::fmt::Debug for Alarm {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Alarm").field("patience", &self.patience).finish_non_exhaustive()
    }
}

/// What ends the job.
pub(crate) type End = Box<dyn FnOnce() + Send>;

/// A thread that looks whether a collective lasts too long. It ends with the value.
pub(crate) struct Watch {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    slot: Mutex<Slot>,
    changed: Condvar,
}

struct Slot {
    rank: usize,
    at: String,
    inside: Option<(&'static str, Instant)>,
    alarm: Alarm,
    end: End,
    is_over: bool,
}

impl Watch {
    /// Starts to watch the rank; what ends the job is at first the end of the process.
    pub(crate) fn start(rank: usize, alarm: Alarm) -> Self {
        let end = Box::new(|| ending::now(ending::CODE_OF_A_BROKEN_JOB));
        let slot = Slot { rank, at: String::new(), inside: None, alarm, end, is_over: false };
        let shared = Arc::new(Shared { slot: Mutex::new(slot), changed: Condvar::new() });
        let watched = shared.clone();
        let thread = thread::Builder::new().name("watch".into()).spawn(move || watched.watch());
        Self { shared, thread: thread.ok() }
    }

    /// Does `work`, which must not last longer than the patience.
    pub(crate) fn during<R>(&self, collective: &'static str, work: impl FnOnce() -> R) -> R {
        self.shared.lock().inside = Some((collective, Instant::now()));
        let inside = Inside(&self.shared);
        let result = work();
        drop(inside);
        result
    }

    pub(crate) fn set_at(&self, at: &str) {
        let mut slot = self.shared.lock();
        slot.at.clear();
        slot.at.push_str(at);
    }

    pub(crate) fn set_patience(&self, patience: Duration) {
        self.shared.lock().alarm.patience = patience;
        self.shared.changed.notify_all();
    }

    pub(crate) fn set_on_timeout(&self, on_timeout: Box<dyn Fn(&Stuck) + Send>) {
        self.shared.lock().alarm.on_timeout = on_timeout;
    }

    pub(crate) fn set_end(&self, end: End) {
        self.shared.lock().end = end;
    }
}

impl std::fmt::Debug for Watch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Watch").field("inside", &self.shared.lock().inside).finish_non_exhaustive()
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.shared.lock().is_over = true;
        self.shared.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It ends with nothing but a panic of the caller's function, which has been told.
            let _ = thread.join();
        }
    }
}

/// Empties the slot also where the work panics.
struct Inside<'a>(&'a Shared);

impl Drop for Inside<'_> {
    fn drop(&mut self) {
        self.0.lock().inside = None;
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Slot> {
        self.slot.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks now and then; a collective does not wake it, which would cost more than many take.
    fn watch(&self) {
        const LONGEST: Duration = Duration::from_secs(1);
        const SHORTEST: Duration = Duration::from_millis(5);
        let mut slot = self.lock();
        while !slot.is_over {
            if let Some(stuck) = slot.stuck() {
                let on_timeout = std::mem::take(&mut slot.alarm).on_timeout;
                let end = std::mem::replace(&mut slot.end, Box::new(|| ()));
                drop(slot);
                on_timeout(&stuck);
                return end();
            }
            let pause = (slot.alarm.patience / 8).clamp(SHORTEST, LONGEST);
            let woken = self.changed.wait_timeout(slot, pause);
            slot = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

impl Slot {
    fn stuck(&self) -> Option<Stuck> {
        let (collective, since) = self.inside?;
        let lasted = since.elapsed();
        (lasted > self.alarm.patience).then(|| Stuck {
            rank: self.rank,
            at: self.at.clone(),
            collective,
            lasted,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    const SHORT: Duration = Duration::from_millis(50);

    /// A watch whose findings, and then the end, come by a channel.
    fn watch(patience: Duration) -> (Watch, mpsc::Receiver<Option<Stuck>>) {
        let (say, said) = mpsc::channel();
        let end = say.clone();
        let on_timeout = Box::new(move |stuck: &Stuck| say.send(Some(stuck.clone())).unwrap());
        let watch = Watch::start(3, Alarm { patience, on_timeout });
        watch.set_end(Box::new(move || end.send(None).unwrap()));
        (watch, said)
    }

    #[test]
    fn a_collective_that_lasts_too_long_is_told_and_then_the_job_ends() {
        let (watch, said) = watch(SHORT);
        watch.set_at("step 12");
        watch.during("all-reduce", || {
            let stuck = said.recv().unwrap().unwrap();
            assert_eq!(
                (stuck.rank, stuck.at.as_str(), stuck.collective),
                (3, "step 12", "all-reduce")
            );
            assert!(stuck.lasted > SHORT);
            assert_eq!(said.recv().unwrap(), None);
        });
    }

    #[test]
    fn short_collectives_and_the_time_between_them_are_not_told() {
        let (watch, said) = watch(4 * SHORT);
        for _ in 0..4 {
            watch.during("barrier", || thread::sleep(SHORT));
            thread::sleep(2 * SHORT);
        }
        drop(watch);
        assert_eq!(said.try_recv(), Err(mpsc::TryRecvError::Disconnected));
    }

    #[test]
    fn patience_can_be_shortened_while_a_collective_lasts() {
        let (watch, said) = watch(Duration::from_secs(600));
        watch.during("barrier", || {
            watch.set_patience(SHORT);
            assert_eq!(said.recv().unwrap().unwrap().collective, "barrier");
        });
    }

    #[test]
    fn what_is_stuck_reads_as_a_sentence() {
        let lasted = Duration::from_secs(600);
        let mut stuck = Stuck { rank: 1, at: "step 12".into(), collective: "all-reduce", lasted };
        let expected = "rank 1 at step 12: has waited 600 s in all-reduce for other ranks";
        assert!(stuck.to_string().starts_with(expected), "{stuck}");
        stuck.at.clear();
        assert!(stuck.to_string().starts_with("rank 1: has waited"), "{stuck}");
    }
}
