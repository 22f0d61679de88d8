//! On packs that cannot be made, read or verified.

use qgface_data::pack::Error;

pub(super) fn advice(_: &Error) -> Option<String> {
    None
}
