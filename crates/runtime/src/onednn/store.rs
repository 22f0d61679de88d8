//! Convolutions that were made ready, and memory to run them in, shared by all nodes.

use super::convolution::Plan;
use super::engine::Engine;
use super::fault::Fault;
use super::layer;
use super::scratch::Scratch;
use super::shape::Shape;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

/// One plan a shape, and as much memory as runs went on at a time.
#[derive(Debug, Default)]
pub(super) struct Store {
    plans: Mutex<HashMap<Shape, Arc<Plan>>>,
    /// Layers by shape and constants: sessions of one model have them in common, and the last one that
    /// goes takes them with it.
    layers: Mutex<HashMap<(layer::Shape, blake3::Hash), Weak<layer::Plan>>>,
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

    /// The plan of a layer, made where no node has it.
    pub(super) fn layer(
        &self,
        engine: &'static Engine,
        shape: layer::Shape,
        constants: &layer::Constants<'_>,
    ) -> Result<Arc<layer::Plan>, Fault> {
        let key = (shape, constants.digest());
        let mut layers = lock(&self.layers);
        if let Some(plan) = layers.get(&key).and_then(Weak::upgrade) {
            return Ok(plan);
        }
        layers.retain(|_, plan| plan.strong_count() > 0);
        let plan = Arc::new(layer::Plan::new(engine, shape, constants)?);
        layers.insert(key, Arc::downgrade(&plan));
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
