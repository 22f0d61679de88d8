//! On settings that cannot be used.

use qgface_data::settings::Error;

pub(super) fn advice(error: &Error) -> Option<String> {
    match error {
        Error::Read { .. } | Error::Syntax { .. } | Error::Unknown { .. } | Error::Value { .. } => {
            None
        }
    }
}
