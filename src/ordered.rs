//! Work done by many threads and taken by one in the order of the items, through a bounded buffer.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What may lie between the workers and the taker.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bound {
    /// Items begun and not taken.
    pub(crate) items: usize,
    /// Bytes of finished items not taken; passed by at most one item a worker.
    pub(crate) bytes: u64,
}

/// Calls `work` for `range` on `jobs` threads and `take` on this one, in order.
///
/// Ends at the first error of `take`, after the items in work; a panic of a worker is passed on.
pub(crate) fn in_order<T: Send, E>(
    jobs: usize,
    range: std::ops::Range<usize>,
    bound: Bound,
    work: impl Fn(usize) -> (T, u64) + Sync,
    mut take: impl FnMut(usize, T) -> Result<(), E>,
) -> Result<(), E> {
    let queue = Queue::new(range.clone(), bound);
    std::thread::scope(|scope| {
        let queue = &queue;
        let _stop = StopOnDrop(queue);
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                // A worker that panics must not leave the others waiting for its item.
                let guard = StopOnDrop(queue);
                while let Some(item) = queue.begin() {
                    let (result, bytes) = work(item);
                    queue.finish(item, result, bytes);
                }
                std::mem::forget(guard);
            });
        }
        for item in range {
            match queue.wait(item) {
                Some(result) => take(item, result)?,
                None => break,
            }
        }
        Ok(())
    })
}

struct Queue<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
    bound: Bound,
    end: usize,
}

struct State<T> {
    next_to_begin: usize,
    next_to_take: usize,
    bytes: u64,
    /// Results from `next_to_take` on, each with its bytes.
    finished: VecDeque<Option<(T, u64)>>,
    stopped: bool,
}

impl<T> Queue<T> {
    fn new(range: std::ops::Range<usize>, bound: Bound) -> Self {
        let state = State {
            next_to_begin: range.start,
            next_to_take: range.start,
            bytes: 0,
            finished: VecDeque::new(),
            stopped: false,
        };
        Self { state: Mutex::new(state), changed: Condvar::new(), bound, end: range.end }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait_on<'a>(&self, state: MutexGuard<'a, State<T>>) -> MutexGuard<'a, State<T>> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// The next item to work on, once there is room for its result.
    fn begin(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            if state.stopped || state.next_to_begin == self.end {
                return None;
            }
            let open = state.next_to_begin - state.next_to_take;
            // The item that is taken next always has room, or nobody could go on.
            if open == 0 || (open < self.bound.items && state.bytes < self.bound.bytes) {
                let item = state.next_to_begin;
                state.next_to_begin += 1;
                state.finished.push_back(None);
                return Some(item);
            }
            state = self.wait_on(state);
        }
    }

    fn finish(&self, item: usize, result: T, bytes: u64) {
        let mut state = self.lock();
        state.bytes += bytes;
        let at = item - state.next_to_take;
        if let Some(slot) = state.finished.get_mut(at) {
            *slot = Some((result, bytes));
        }
        if at == 0 {
            self.changed.notify_all();
        }
    }

    fn wait(&self, item: usize) -> Option<T> {
        let mut state = self.lock();
        loop {
            if let Some(Some(_)) = state.finished.front() {
                let (result, bytes) = state.finished.pop_front().flatten()?;
                state.bytes -= bytes;
                state.next_to_take = item + 1;
                self.changed.notify_all();
                return Some(result);
            }
            if state.stopped {
                return None;
            }
            state = self.wait_on(state);
        }
    }
}

struct StopOnDrop<'a, T>(&'a Queue<T>);

impl<T> Drop for StopOnDrop<'_, T> {
    fn drop(&mut self) {
        self.0.lock().stopped = true;
        self.0.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIGHT: Bound = Bound { items: 3, bytes: 10 };

    #[test]
    fn results_come_in_order_whatever_the_threads_do() {
        let mut taken = Vec::new();
        let slow_first = |item: usize| {
            if item.is_multiple_of(7) {
                std::thread::sleep(std::time::Duration::from_millis(2));
            }
            (item * item, 4)
        };
        let result: Result<(), ()> = in_order(8, 5..60, TIGHT, slow_first, |item, square| {
            assert_eq!(item * item, square);
            taken.push(item);
            Ok(())
        });
        assert_eq!((result, taken), (Ok(()), (5..60).collect()));
    }

    #[test]
    fn an_error_of_the_taker_ends_the_work() {
        let result = in_order(
            2,
            0..1000,
            TIGHT,
            |item| (item, 1),
            |item, _| {
                if item == 4 { Err(item) } else { Ok(()) }
            },
        );
        assert_eq!(result, Err(4));
    }

    #[test]
    fn a_panic_of_a_worker_is_passed_on_and_does_not_hang() {
        let run = || {
            let _: Result<(), ()> = in_order(
                2,
                0..50,
                TIGHT,
                |item| if item == 9 { panic!("item 9") } else { (item, 1) },
                |_, _| Ok(()),
            );
        };
        assert!(std::panic::catch_unwind(run).is_err());
    }
}
