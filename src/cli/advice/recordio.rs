//! On records and indexes that are damaged.

use qgface_data::recordio::{Error, IndexError};

const REBUILD: &str = "rebuild the index with `qgface-data reindex`";

pub(super) fn advice(error: &Error) -> Option<String> {
    let of_index = matches!(error, Error::OffsetOutside { .. } | Error::Unlisted { .. });
    of_index.then(|| REBUILD.to_owned())
}

pub(super) fn of_index(error: &IndexError) -> Option<String> {
    let damaged = matches!(error, IndexError::BadLine { .. } | IndexError::DuplicateKey { .. });
    damaged.then(|| REBUILD.to_owned())
}
