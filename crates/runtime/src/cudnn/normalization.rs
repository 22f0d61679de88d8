//! A normalisation by the batch's own statistics, and its gradients, of images of one shape.

use super::api::{Api, HandleObject, TensorObject};
use super::constants::CUDNN_BATCHNORM_SPATIAL;
use super::convolution::{ONE, ZERO};
use super::descriptor::Descriptor;
use super::fault::{Fault, call};
use super::shape::{Element, Order};
use std::ffi::c_void;
use std::ptr::{from_ref, null_mut};
use std::sync::Arc;

/// The descriptions of images and of what is by channel.
#[derive(Debug)]
pub(super) struct Plan {
    images: Descriptor<TensorObject>,
    by_channel: Descriptor<TensorObject>,
}

impl Plan {
    /// Makes it ready.
    ///
    /// # Errors
    /// What the library refuses.
    pub(super) fn new(
        api: &Arc<Api>,
        element: Element,
        order: Order,
        extents: [usize; 4],
    ) -> Result<Self, Fault> {
        let images = Descriptor::images(api, element, order, extents)?;
        let by_channel = Descriptor::by_channel(api, &images)?;
        Ok(Self { images, by_channel })
    }

    /// Has the device compute y, mean and 1/√(variance + ε) of x, γ and β. Running statistics are
    /// left to the graph.
    ///
    /// # Safety
    /// The handle is alive and its stream the one that the memory is used in; the memory is of the
    /// shape, until the stream is done.
    #[allow(unsafe_code)]
    pub(super) unsafe fn forward(
        &self,
        api: &Arc<Api>,
        handle: *mut HandleObject,
        [x, gamma, beta]: [*const c_void; 3],
        [y, mean, inverse]: [*mut c_void; 3],
        epsilon: f64,
    ) -> Result<(), Fault> {
        let (one, zero) = (from_ref(&ONE).cast(), from_ref(&ZERO).cast());
        let (images, by_channel, mode) =
            (self.images.raw, self.by_channel.raw, CUDNN_BATCHNORM_SPATIAL);
        let (factor, none) = (1.0, null_mut());
        // SAFETY: the caller's promise; α and β are floats for images of floats and of halves, and there
        // may be no running statistics.
        unsafe {
            call!(
                api,
                cudnnBatchNormalizationForwardTraining(
                    handle, mode, one, zero, images, x, images, y, by_channel, gamma, beta, factor,
                    none, none, epsilon, mean, inverse
                )
            )
        }
    }

    /// Has the device compute dx, dγ and dβ of x, γ, dy, mean and 1/√(variance + ε).
    ///
    /// # Safety
    /// As [`Plan::forward`].
    #[allow(unsafe_code)]
    pub(super) unsafe fn backward(
        &self,
        api: &Arc<Api>,
        handle: *mut HandleObject,
        [x, gamma, dy, mean, inverse]: [*const c_void; 5],
        [dx, dgamma, dbeta]: [*mut c_void; 3],
        epsilon: f64,
    ) -> Result<(), Fault> {
        let (one, zero) = (from_ref(&ONE).cast(), from_ref(&ZERO).cast());
        let (images, by_channel, mode) =
            (self.images.raw, self.by_channel.raw, CUDNN_BATCHNORM_SPATIAL);
        // SAFETY: the caller's promise; all factors are floats.
        unsafe {
            call!(
                api,
                cudnnBatchNormalizationBackward(
                    handle, mode, one, zero, one, zero, images, x, images, dy, images, dx,
                    by_channel, gamma, dgamma, dbeta, epsilon, mean, inverse
                )
            )
        }
    }
}
