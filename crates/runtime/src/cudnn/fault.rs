//! What a call of the library says when it refuses.

use super::api::Api;
use super::constants::Status;
use std::ffi::{CStr, c_char};

/// A call that the library refused, or what was not asked of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    /// The library refused.
    #[error("{function}: expected CUDNN_STATUS_SUCCESS, found {text} ({status}){more}")]
    Refused {
        function: &'static str,
        status: Status,
        /// The status in the library's words.
        text: String,
        /// What it says beside it, after a colon; or nothing.
        more: String,
    },
    /// It wants more memory to work in than is worth it.
    #[error("expected a workspace of at most {most} bytes, cuDNN asks for {asked}")]
    Workspace { asked: usize, most: usize },
    /// An extent is more than the library's numbers hold.
    #[error("expected extents below 2³¹, found {0}")]
    Extent(usize),
}

impl From<Fault> for ort::Error {
    fn from(fault: Fault) -> Self {
        Self::new(fault.to_string())
    }
}

impl Fault {
    /// Of a function that returned another status than success, in the library's words.
    pub(super) fn refused(api: &Api, function: &'static str, status: Status) -> Self {
        let more = match last_error(api) {
            said if said.is_empty() => said,
            said => format!(": {said}"),
        };
        Self::Refused { function, status, text: text(api, status), more }
    }
}

#[allow(unsafe_code)]
fn text(api: &Api, status: Status) -> String {
    // SAFETY: the function takes a number and returns a static text, or null.
    let text = unsafe { (api.cudnnGetErrorString)(status) };
    if text.is_null() {
        return "another status".to_owned();
    }
    // SAFETY: the library's texts end with zero and are never freed.
    unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned()
}

/// What the library says of this thread's last error; it may be nothing.
#[allow(unsafe_code)]
fn last_error(api: &Api) -> String {
    const BYTES: usize = 1024;
    let mut message = [0 as c_char; BYTES];
    // SAFETY: the function writes at most so many bytes; the last, which it is not told of, stays zero.
    unsafe { (api.cudnnGetLastErrorString)(message.as_mut_ptr(), BYTES - 1) };
    // SAFETY: a zero is behind whatever was written.
    let message = unsafe { CStr::from_ptr(message.as_ptr()) }.to_string_lossy();
    message.trim().replace('\n', "; ")
}

/// Calls a function of the table; another status than success is a fault by the function's name.
macro_rules! call {
    ($api:expr, $function:ident($($argument:expr),* $(,)?)) => {
        match ($api.$function)($($argument),*) {
            $crate::cudnn::constants::CUDNN_STATUS_SUCCESS => Ok(()),
            status => Err($crate::cudnn::fault::Fault::refused(&$api, stringify!($function), status)),
        }
    };
}

pub(super) use call;
