//! The library's view of the processor.

use super::api::{Api, EngineObject};
use super::constants::DNNL_CPU;
use super::fault::{Fault, call};
use std::ptr;

/// The processor, as the library sees it, with the functions to use it.
#[derive(Debug)]
pub(super) struct Engine {
    pub(super) api: Api,
    pub(super) raw: *mut EngineObject,
}

#[allow(unsafe_code)]
// SAFETY: an engine is not changed after it is made, and the library lets all threads use it.
unsafe impl Send for Engine {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Sync for Engine {}

impl Engine {
    /// Made once a process and kept for good, as the library is.
    #[allow(unsafe_code)]
    pub(super) fn start(api: Api) -> Result<&'static Self, Fault> {
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place.
        unsafe { call!(api, dnnl_engine_create(&mut raw, DNNL_CPU, 0)) }?;
        Ok(Box::leak(Box::new(Self { api, raw })))
    }

    /// Does `work` with this thread alone: until it is done, the library starts no OpenMP threads for
    /// what this thread asks. The setting is one of the calling thread, so that others keep theirs.
    #[allow(unsafe_code)]
    pub(super) fn alone<R>(&self, work: impl FnOnce() -> R) -> R {
        let Some(openmp) = self.api.openmp else { return work() };
        struct Restored<F: Fn()>(F);
        impl<F: Fn()> Drop for Restored<F> {
            fn drop(&mut self) {
                (self.0)();
            }
        }
        // SAFETY: both functions take and return plain numbers and may be called by any thread.
        let before = unsafe { (openmp.omp_get_max_threads)() };
        // SAFETY: as above.
        let set = |threads| unsafe { (openmp.omp_set_num_threads)(threads) };
        let _restored = Restored(|| set(before));
        set(1);
        work()
    }
}

#[cfg(test)]
mod tests {
    use super::super::library::OneDnn;

    #[test]
    fn a_thread_is_alone_until_its_work_is_done_and_others_are_as_before() {
        let Some(onednn) = OneDnn::installed() else { return };
        let engine = onednn.engine();
        let Some(openmp) = engine.api.openmp else { return };
        #[allow(unsafe_code)]
        // SAFETY: the function takes nothing and returns a number.
        let threads = || unsafe { (openmp.omp_get_max_threads)() };
        let before = threads();
        let others = || std::thread::scope(|scope| scope.spawn(threads).join().unwrap());
        let other = others();
        assert_eq!(engine.alone(|| (threads(), others())), (1, other));
        assert_eq!(threads(), before);
        let stopped = std::panic::catch_unwind(|| engine.alone(|| panic!("stop")));
        assert!(stopped.is_err());
        assert_eq!(threads(), before);
    }
}
