//! Convolutions that were made ready, and memory to run them in, shared by all nodes.

use super::convolution::Plan;
use super::engine::Engine;
use super::fault::Fault;
use super::scratch::Scratch;
use super::shape::Shape;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One plan a shape, and as much memory as runs went on at a time.
#[derive(Debug, Default)]
pub(super) struct Store {
    plans: Mutex<HashMap<Shape, Arc<Plan>>>,
    /// What no run uses at the moment.
    spare: Mutex<Vec<Scratch>>,
}

impl Store {
    /// The plan of a shape, made at the first call.
    pub(super) fn plan(&self, engine: &'static Engine, shape: Shape) -> Result<Arc<Plan>, Fault> {
        let mut plans = lock(&self.plans);
        if let Some(plan) = plans.get(&shape) {
            return Ok(Arc::clone(plan));
        }
        let plan = Arc::new(Plan::new(engine, shape)?);
        plans.insert(shape, Arc::clone(&plan));
        Ok(plan)
    }

    /// Does work with so many floats of memory, which no other work has meanwhile.
    pub(super) fn with_scratch<R>(&self, floats: usize, work: impl FnOnce(&mut [f32]) -> R) -> R {
        let mut own = lock(&self.spare).pop().unwrap_or_default();
        let done = work(own.of(floats));
        lock(&self.spare).push(own);
        done
    }
}

/// A panic of another thread leaves nothing half made here.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
