//! What a call of the library says when it refuses.

use super::constants::{STATUSES, Status};

/// A call that the library refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{function}: expected dnnl_success, found {} ({status})", name(*status))]
pub struct Fault {
    /// The function.
    pub function: &'static str,
    /// What it returned.
    pub status: i32,
}

impl From<Fault> for ort::Error {
    fn from(fault: Fault) -> Self {
        Self::new(fault.to_string())
    }
}

fn name(status: Status) -> &'static str {
    let place = usize::try_from(status).ok();
    place.and_then(|place| STATUSES.get(place)).copied().unwrap_or("another status")
}

/// Calls a function of the table; another status than success is a fault by the function's name.
macro_rules! call {
    ($api:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match ($api.$function)($($argument),*) {
            $crate::onednn::constants::DNNL_SUCCESS => Ok(()),
            status => Err($crate::onednn::fault::Fault { function: stringify!($function), status }),
        }
    };
}

pub(super) use call;
