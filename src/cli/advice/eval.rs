//! On what cannot be evaluated.

use super::{pack, runtime};
use qgface_data::eval::Error;

pub(super) fn advice(error: &Error) -> Option<String> {
    match error {
        Error::Pack(error) => pack::advice(error),
        Error::Proof(error) => pack::of_proof(error),
        Error::Runtime(error) => runtime::advice(error),
        _ => None,
    }
}
