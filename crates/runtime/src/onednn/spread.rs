//! Work that the runtime's threads share.

use super::super::guard::guarded;
use super::fault::Fault;
use ort::operator::ComputeContext;
use std::sync::{Mutex, PoisonError};

/// Has threads do tasks: it is called with their count and what to do for each number.
pub(super) type Spread<'a> = &'a dyn Fn(usize, &Task<'_>) -> Result<(), ort::Error>;
/// One of many tasks, by its number.
pub(super) type Task<'a> = dyn Fn(usize) -> Result<(), Fault> + Sync + Send + 'a;

/// Has the runtime's threads do tasks; the first of them that fails is what fails.
pub(super) fn spread(context: &ComputeContext, count: usize, task: &Task<'_>) -> ort::Result<()> {
    let failed: Mutex<Option<(usize, ort::Error)>> = Mutex::new(None);
    context.par_for(count, count, |number| {
        let done = match guarded(|| task(number)) {
            Ok(done) => done.map_err(ort::Error::from),
            Err(words) => Err(ort::Error::new(words)),
        };
        if let Err(error) = done {
            let mut failed = failed.lock().unwrap_or_else(PoisonError::into_inner);
            if failed.as_ref().is_none_or(|(first, _)| number < *first) {
                *failed = Some((number, error));
            }
        }
    })?;
    let failed = failed.into_inner().unwrap_or_else(PoisonError::into_inner);
    failed.map_or(Ok(()), |(_, error)| Err(error))
}
