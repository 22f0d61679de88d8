//! On ONNX Runtime that is not there, or is too slow.

use qgface_data::runtime::{Error, Missing};

pub(super) fn advice(error: &Error) -> Option<String> {
    match error {
        Error::NotFound { .. } => Some(
            "put one in place with `qgface-data runtime install`, or set ORT_DYLIB_PATH to one"
                .to_owned(),
        ),
        Error::Cuda { missing, .. } => missing
            .iter()
            .any(|missing| matches!(missing, Missing::Runtime { .. }))
            .then(|| "`qgface-data runtime install --cuda` brings the CUDA build".to_owned()),
        Error::TimeLimit { .. } => Some(
            "give a slow model a smaller --batch or a larger --time-limit (eval.time_limit)"
                .to_owned(),
        ),
        Error::File(_)
        | Error::Model(_)
        | Error::Named { .. }
        | Error::NoCacheFolder { .. }
        | Error::Platform { .. }
        | Error::Lock { .. }
        | Error::NoPip { .. }
        | Error::Pip { .. }
        | Error::WheelDigest { .. }
        | Error::Unpack { .. }
        | Error::OneDnn { .. }
        | Error::NoOneDnn { .. }
        | Error::NoCudnn { .. }
        | Error::NoGroup { .. }
        | Error::NoNccl { .. }
        | Error::Nccl { .. }
        | Error::Sums { .. }
        | Error::Start { .. }
        | Error::Running { .. }
        | Error::Prepare { .. }
        | Error::Placement { .. }
        | Error::Inputs { .. }
        | Error::Element { .. }
        | Error::Memory { .. }
        | Error::Copy { .. }
        | Error::Buffer { .. }
        | Error::Bound { .. }
        | Error::OtherProgram { .. }
        | Error::NoProfile { .. }
        | Error::Shape { .. }
        | Error::Extents { .. }
        | Error::Bindings { .. }
        | Error::Run { .. } => None,
    }
}
