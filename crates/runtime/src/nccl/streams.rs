//! Where nodes run, and the stream that collectives are put behind.

use super::super::stream;
use super::api::StreamObject;
use ort::operator::ComputeContext;
use std::ptr::NonNull;

/// Where nodes run.
pub(super) trait Streams: Send + Sync {
    /// The execution provider that has the nodes, none for the processor's.
    fn provider(&self) -> Option<&'static str>;

    /// The stream of a computation.
    ///
    /// # Errors
    /// Without one.
    fn stream(&self, context: &ComputeContext) -> Result<NonNull<StreamObject>, ort::Error>;
}

/// On the runtime's CUDA provider.
pub(super) struct Cuda;

impl Streams for Cuda {
    fn provider(&self) -> Option<&'static str> {
        Some(stream::PROVIDER)
    }

    fn stream(&self, context: &ComputeContext) -> Result<NonNull<StreamObject>, ort::Error> {
        Ok(stream::of(context)?.cast())
    }
}
