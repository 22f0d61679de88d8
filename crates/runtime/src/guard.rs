//! What is given to ONNX Runtime's bindings, kept from ending the process: a time limit, and panics made
//! errors.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Once;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

/// Does `work`; calls `stop` on another thread if it is not done within the limit. Returns also whether
/// that was so.
pub(super) fn within<R>(
    limit: Option<Duration>,
    stop: impl FnOnce() + Send,
    work: impl FnOnce() -> R,
) -> (R, bool) {
    let Some(limit) = limit else { return (work(), false) };
    let (done, waits) = channel::<()>();
    std::thread::scope(|scope| {
        let watch = scope.spawn(move || {
            let is_late = waits.recv_timeout(limit) == Err(RecvTimeoutError::Timeout);
            if is_late {
                stop();
            }
            is_late
        });
        let result = work();
        drop(done);
        (result, watch.join().unwrap_or(false))
    })
}

/// Does `work`; a panic in it is an error that says what the panic said, and nothing is printed.
///
/// What `work` changes may be half changed then, and is to be let go.
pub(super) fn guarded<R>(work: impl FnOnce() -> R) -> Result<R, String> {
    keep_quiet_where_guarded();
    let outer = GUARDED.replace(true);
    let done = catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    done.map_err(|payload| words(&*payload))
}

thread_local! {
    /// Whether a panic of this thread is caught.
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}

/// Has panics that are caught here print nothing; others print what they did before.
fn keep_quiet_where_guarded() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            if !GUARDED.get() {
                before(panic);
            }
        }));
    });
}

fn words(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
    text.unwrap_or_else(|| "a panic without words".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn work_that_takes_too_long_is_stopped_and_other_work_is_not() {
        let stopped = AtomicBool::new(false);
        let stop = || stopped.store(true, Ordering::SeqCst);
        let wait = || {
            while !stopped.load(Ordering::SeqCst) {
                std::thread::yield_now();
            }
        };
        assert_eq!(within(Some(Duration::from_secs(3600)), stop, || 7), (7, false));
        assert!(!stopped.load(Ordering::SeqCst));
        assert_eq!(within(Some(Duration::from_millis(5)), stop, wait), ((), true));
        assert_eq!(within(None, stop, || 7), (7, false));
    }

    #[test]
    fn a_panic_is_an_error_with_its_words() {
        assert_eq!(guarded(|| 7), Ok(7));
        let number = 3;
        assert_eq!(guarded(|| panic!("extent {number}")), Err::<(), _>("extent 3".to_owned()));
        assert_eq!(guarded(|| panic!("no")), Err::<(), _>("no".to_owned()));
    }
}
