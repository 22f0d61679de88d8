//! A gradient of a convolution of one shape, ready to run.
//!
//! The algorithms are those that the library's headers call deterministic, whatever it would take to be
//! faster: a run that goes on must come to the same bits.

use super::api::{Api, ConvolutionObject, FilterObject, HandleObject, TensorObject};
use super::constants::{CUDNN_CONVOLUTION_BWD_DATA_ALGO_1, CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1};
use super::descriptor::Descriptor;
use super::fault::{Fault, call};
use super::shape::{Convolution, Element, Order, Pass};
use std::ffi::{c_int, c_void};
use std::ptr::from_ref;
use std::sync::Arc;

/// Bytes of a workspace that any convolution may have.
const WORKSPACE: usize = 256 << 20;

/// How many times its x, w and y together a workspace may be, where that is more: room to turn them to
/// another layout, and for sums in floats.
const WORKSPACE_TIMES: usize = 2;

/// What results are multiplied by, and what of the earlier contents is added.
pub(super) const ONE: f32 = 1.0;
pub(super) const ZERO: f32 = 0.0;

/// The descriptions of a convolution, and the memory that it needs.
#[derive(Debug)]
pub(super) struct Plan {
    pass: Pass,
    x: Descriptor<TensorObject>,
    w: Descriptor<FilterObject>,
    y: Descriptor<TensorObject>,
    convolution: Descriptor<ConvolutionObject>,
    /// Bytes of memory to work in.
    pub(super) workspace: usize,
}

impl Plan {
    /// Makes it ready.
    ///
    /// # Errors
    /// What the library refuses, and a workspace that is too large.
    #[allow(unsafe_code)]
    pub(super) fn new(
        api: &Arc<Api>,
        handle: *mut HandleObject,
        shape: &Convolution,
        (element, order, math): (Element, Order, c_int),
    ) -> Result<Self, Fault> {
        let extents = shape.extents().expect("a shape is made of a kernel that fits");
        let [x, w, y] = extents;
        let mut own = Self {
            pass: shape.pass,
            x: Descriptor::images(api, element, order, x)?,
            w: Descriptor::kernels(api, element, order, w)?,
            y: Descriptor::images(api, element, order, y)?,
            convolution: Descriptor::convolution(api, shape, math)?,
            workspace: 0,
        };
        let (x, w, y, convolution) = (own.x.raw, own.w.raw, own.y.raw, own.convolution.raw);
        let bytes = &mut own.workspace;
        match shape.pass {
            // SAFETY: handle and descriptions are alive, and the result has a place.
            Pass::ByKernels => unsafe {
                let algorithm = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
                call!(
                    api,
                    cudnnGetConvolutionBackwardFilterWorkspaceSize(
                        handle,
                        x,
                        y,
                        convolution,
                        w,
                        algorithm,
                        bytes
                    )
                )
            },
            // SAFETY: as above.
            Pass::ByImages => unsafe {
                let algorithm = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
                call!(
                    api,
                    cudnnGetConvolutionBackwardDataWorkspaceSize(
                        handle,
                        w,
                        y,
                        convolution,
                        x,
                        algorithm,
                        bytes
                    )
                )
            },
        }?;
        let numbers =
            extents.iter().map(|extents| extents.iter().product::<usize>()).sum::<usize>();
        let most = WORKSPACE.max(WORKSPACE_TIMES * element.bytes() * numbers);
        match own.workspace {
            asked if asked > most => Err(Fault::Workspace { asked, most }),
            _ => Ok(own),
        }
    }

    /// Has the device compute it: of w or x, and dy.
    ///
    /// # Safety
    /// The handle is alive and its stream the one that the memory is used in; the memory is of the
    /// shape, and the workspace of as many bytes as [`Plan::workspace`] says, until the stream is done.
    #[allow(unsafe_code)]
    pub(super) unsafe fn run(
        &self,
        api: &Arc<Api>,
        handle: *mut HandleObject,
        [a, dy]: [*const c_void; 2],
        made: *mut c_void,
        workspace: *mut c_void,
    ) -> Result<(), Fault> {
        let (one, zero) = (from_ref(&ONE).cast(), from_ref(&ZERO).cast());
        let (x, w, y, convolution) = (self.x.raw, self.w.raw, self.y.raw, self.convolution.raw);
        let bytes = self.workspace;
        match self.pass {
            // SAFETY: the caller's promise; α and β are floats for images of floats and of halves.
            Pass::ByKernels => unsafe {
                let algorithm = CUDNN_CONVOLUTION_BWD_FILTER_ALGO_1;
                call!(
                    api,
                    cudnnConvolutionBackwardFilter(
                        handle,
                        one,
                        x,
                        a,
                        y,
                        dy,
                        convolution,
                        algorithm,
                        workspace,
                        bytes,
                        zero,
                        w,
                        made
                    )
                )
            },
            // SAFETY: as above.
            Pass::ByImages => unsafe {
                let algorithm = CUDNN_CONVOLUTION_BWD_DATA_ALGO_1;
                call!(
                    api,
                    cudnnConvolutionBackwardData(
                        handle,
                        one,
                        w,
                        a,
                        y,
                        dy,
                        convolution,
                        algorithm,
                        workspace,
                        bytes,
                        zero,
                        x,
                        made
                    )
                )
            },
        }
    }
}
