//! Descriptions of tensors, kernels and convolutions that the library keeps.

use super::api::{Api, ConvolutionObject, FilterObject, TensorObject};
use super::constants::{
    CUDNN_BATCHNORM_SPATIAL, CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT, Status,
};
use super::fault::{Fault, call};
use super::shape::{Convolution, Element, Order};
use std::ffi::c_int;
use std::ptr;
use std::sync::Arc;

/// One of the library's descriptions, given back when it is dropped.
#[derive(Debug)]
pub(super) struct Descriptor<T> {
    pub(super) raw: *mut T,
    destroy: unsafe extern "C" fn(*mut T) -> Status,
}

#[allow(unsafe_code)]
// SAFETY: a description is not changed after it is made, and belongs to no thread.
unsafe impl<T> Send for Descriptor<T> {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl<T> Sync for Descriptor<T> {}

impl<T> Drop for Descriptor<T> {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made once and is given back once; the library stays loaded.
        unsafe { (self.destroy)(self.raw) };
    }
}

impl Descriptor<TensorObject> {
    /// Images, by extents with channels second.
    #[allow(unsafe_code)]
    pub(super) fn images(
        api: &Arc<Api>,
        element: Element,
        order: Order,
        extents: [usize; 4],
    ) -> Result<Self, Fault> {
        let [n, c, h, w] = numbers(extents)?;
        let (format, kind) = (order.format(), element.data_type());
        let own = Self::tensor(api)?;
        // SAFETY: the description is alive.
        unsafe { call!(api, cudnnSetTensor4dDescriptor(own.raw, format, kind, n, c, h, w)) }?;
        Ok(own)
    }

    /// What is by channel of images.
    #[allow(unsafe_code)]
    pub(super) fn by_channel(api: &Arc<Api>, images: &Self) -> Result<Self, Fault> {
        let own = Self::tensor(api)?;
        let mode = CUDNN_BATCHNORM_SPATIAL;
        // SAFETY: both descriptions are alive.
        unsafe { call!(api, cudnnDeriveBNTensorDescriptor(own.raw, images.raw, mode)) }?;
        Ok(own)
    }

    #[allow(unsafe_code)]
    fn tensor(api: &Arc<Api>) -> Result<Self, Fault> {
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place.
        unsafe { call!(api, cudnnCreateTensorDescriptor(&mut raw)) }?;
        Ok(Self { raw, destroy: api.cudnnDestroyTensorDescriptor })
    }
}

impl Descriptor<FilterObject> {
    /// Kernels, by extents with inputs second.
    #[allow(unsafe_code)]
    pub(super) fn kernels(
        api: &Arc<Api>,
        element: Element,
        order: Order,
        extents: [usize; 4],
    ) -> Result<Self, Fault> {
        let [o, i, h, w] = numbers(extents)?;
        let (format, kind) = (order.format(), element.data_type());
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place.
        unsafe { call!(api, cudnnCreateFilterDescriptor(&mut raw)) }?;
        let own = Self { raw, destroy: api.cudnnDestroyFilterDescriptor };
        // SAFETY: the description is alive.
        unsafe { call!(api, cudnnSetFilter4dDescriptor(own.raw, kind, format, o, i, h, w)) }?;
        Ok(own)
    }
}

impl Descriptor<ConvolutionObject> {
    /// A convolution of one group without dilation, whose sums are floats.
    #[allow(unsafe_code)]
    pub(super) fn convolution(
        api: &Arc<Api>,
        shape: &Convolution,
        math: c_int,
    ) -> Result<Self, Fault> {
        let [stride, pad] = numbers([shape.stride, shape.pad])?;
        let (mode, sums) = (CUDNN_CROSS_CORRELATION, CUDNN_DATA_FLOAT);
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place.
        unsafe { call!(api, cudnnCreateConvolutionDescriptor(&mut raw)) }?;
        let own = Self { raw, destroy: api.cudnnDestroyConvolutionDescriptor };
        let (down, right) = (stride, stride);
        // SAFETY: the description is alive.
        unsafe {
            call!(
                api,
                cudnnSetConvolution2dDescriptor(own.raw, pad, pad, down, right, 1, 1, mode, sums)
            )
        }?;
        // SAFETY: as above.
        unsafe { call!(api, cudnnSetConvolutionMathType(own.raw, math)) }?;
        Ok(own)
    }
}

/// Numbers as the library takes them.
fn numbers<const N: usize>(extents: [usize; N]) -> Result<[c_int; N], Fault> {
    let mut numbers = [0; N];
    for (number, extent) in numbers.iter_mut().zip(extents) {
        *number = c_int::try_from(extent).map_err(|_| Fault::Extent(extent))?;
    }
    Ok(numbers)
}
