//! What a session's nodes share: a handle, and what was made ready.

use super::api::{Api, HandleObject};
use super::convolution;
use super::fault::Fault;
use super::handle::Handles;
use super::normalization;
use super::place::Place;
use super::shape::{Element, Order, Work};
use std::collections::HashMap;
use std::ffi::c_int;
use std::sync::{Arc, Mutex, PoisonError};

/// By what a plan is found again: what is computed, of what, in which order, and how it multiplies.
pub(super) type Key = (Work, Element, Order, c_int);

/// What was made ready.
#[derive(Debug)]
pub(super) enum Plan {
    Convolution(convolution::Plan),
    Normalization(normalization::Plan),
}

impl Plan {
    /// Bytes of memory to work in.
    pub(super) fn workspace(&self) -> usize {
        match self {
            Self::Convolution(own) => own.workspace,
            Self::Normalization(_) => 0,
        }
    }
}

/// One a session, so that all is of one device and given back with it.
pub(super) struct Store {
    pub(super) api: Arc<Api>,
    pub(super) place: Box<dyn Place>,
    pub(super) handles: Handles,
    plans: Mutex<HashMap<Key, Arc<Plan>>>,
}

impl Store {
    pub(super) fn new(api: &Arc<Api>, place: Box<dyn Place>) -> Self {
        let (handles, plans) = (Handles::default(), Mutex::default());
        Self { api: Arc::clone(api), place, handles, plans }
    }

    /// The plan of a key, made at the first call.
    ///
    /// # Errors
    /// What the library refuses.
    pub(super) fn plan(&self, handle: *mut HandleObject, key: Key) -> Result<Arc<Plan>, Fault> {
        // A panic of another thread leaves nothing half made here.
        let mut plans = self.plans.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(plan) = plans.get(&key) {
            return Ok(Arc::clone(plan));
        }
        let (work, element, order, math) = key;
        let plan = match work {
            Work::Convolution(shape) => {
                let how = (element, order, math);
                Plan::Convolution(convolution::Plan::new(&self.api, handle, &shape, how)?)
            }
            Work::Normalization(extents) => {
                Plan::Normalization(normalization::Plan::new(&self.api, element, order, extents)?)
            }
        };
        let plan = Arc::new(plan);
        plans.insert(key, Arc::clone(&plan));
        Ok(plan)
    }
}
