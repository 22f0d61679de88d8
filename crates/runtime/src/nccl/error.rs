//! What goes wrong between ranks on devices.

use super::api::{Api, CommunicatorObject};
use super::constants::Status;
use std::ffi::{CStr, c_char};
use std::ptr;

/// What went wrong.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A call was refused.
    #[error("{function}: expected success, found {text} ({status}){more}")]
    Refused {
        /// The function.
        function: &'static str,
        /// What it returned.
        status: Status,
        /// That in the library's words.
        text: String,
        /// What it says beside it, after a colon; or nothing.
        more: String,
    },
    /// The device is none of this process.
    #[error("cudaSetDevice({device}): expected success, found error {status}")]
    Device {
        /// The device's number.
        device: u32,
        /// What CUDA returned.
        status: Status,
    },
    /// Other ranks could not join.
    #[error("rank(s) {} of {of} could not join NCCL", .ranks.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Others {
        /// They.
        ranks: Vec<usize>,
        /// How many ranks there are.
        of: usize,
    },
    /// After an error the ranks exchange nothing more.
    #[error("NCCL was ended after an error")]
    Ended,
    /// The ranks could not meet.
    #[error(transparent)]
    Group(#[from] qgface_group::Error),
}

impl Error {
    /// Of a function that returned another status than success, in the library's words.
    pub(super) fn refused(
        api: &Api,
        communicator: Option<*mut CommunicatorObject>,
        function: &'static str,
        status: Status,
    ) -> Self {
        let more = match last_error(api, communicator.unwrap_or(ptr::null_mut())) {
            said if said.is_empty() => said,
            said => format!(": {said}"),
        };
        Self::Refused { function, status, text: text(api, status), more }
    }
}

#[allow(unsafe_code)]
fn text(api: &Api, status: Status) -> String {
    // SAFETY: the function takes a number and returns a static text, or null.
    words(unsafe { (api.ncclGetErrorString)(status) })
        .unwrap_or_else(|| "another status".to_owned())
}

#[allow(unsafe_code)]
fn last_error(api: &Api, communicator: *mut CommunicatorObject) -> String {
    // SAFETY: the function takes a communicator that is alive, or null.
    let said = words(unsafe { (api.ncclGetLastError)(communicator) });
    said.unwrap_or_default().trim().replace('\n', "; ")
}

#[allow(unsafe_code)]
fn words(text: *const c_char) -> Option<String> {
    // SAFETY: the library's texts end with zero; they stay until the thread's next error.
    (!text.is_null()).then(|| unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned())
}
