//! The stream of the runtime's CUDA provider, behind which a node puts its work.

use ort::ep::cuda::resource;
use ort::operator::ComputeContext;
use std::ptr::NonNull;

/// The provider's name.
pub(super) const PROVIDER: &str = "CUDAExecutionProvider";

/// The stream that a computation is put behind.
///
/// # Errors
/// Without one: on another the device would work before its inputs are there.
pub(super) fn of(context: &ComputeContext) -> Result<NonNull<()>, ort::Error> {
    let stream = match pointer(context.resource(resource::Stream)) {
        Some(stream) => Some(stream),
        None => context.stream()?.map(NonNull::cast),
    };
    stream.ok_or_else(|| ort::Error::new("expected a stream, found none"))
}

/// A pointer that the provider lends, if it does.
pub(super) fn pointer(lent: Result<*const (), ort::Error>) -> Option<NonNull<()>> {
    lent.ok().and_then(|lent| NonNull::new(lent.cast_mut()))
}
