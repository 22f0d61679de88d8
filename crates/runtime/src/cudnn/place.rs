//! Where nodes run, and what the runtime lends there.

use super::super::stream;
use super::api::{HandleObject, StreamObject};
use ort::ep::cuda::resource;
use ort::operator::ComputeContext;
use std::ptr::NonNull;

/// What the runtime lends for a computation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Lent {
    /// What work is put behind.
    pub(super) stream: NonNull<StreamObject>,
    /// Its own handle to the library, if it lends that.
    pub(super) handle: Option<NonNull<HandleObject>>,
    /// Whether its own products of floats may be rounded to TF32.
    pub(super) tf32: bool,
}

/// Where nodes run.
pub(super) trait Place: Send + Sync {
    /// The execution provider that has the nodes, none for the processor's.
    fn provider(&self) -> Option<&'static str>;

    /// What the runtime lends for a computation.
    ///
    /// # Errors
    /// Without a stream: on another one the device would work before its inputs are there.
    fn lent(&self, context: &ComputeContext) -> Result<Lent, ort::Error>;
}

/// On the runtime's CUDA provider.
pub(super) struct Cuda;

impl Place for Cuda {
    fn provider(&self) -> Option<&'static str> {
        Some(stream::PROVIDER)
    }

    fn lent(&self, context: &ComputeContext) -> Result<Lent, ort::Error> {
        let stream = stream::of(context)?.cast();
        let handle = stream::pointer(context.resource(resource::CuDNNHandle)).map(NonNull::cast);
        // A provider that lends no handle says nothing of TF32 either; it is on where nobody turns it
        // off.
        let tf32 = handle.is_none() || context.resource(resource::UseTF32).unwrap_or(true);
        Ok(Lent { stream, handle, tf32 })
    }
}
