//! What is said of a piece of work beside its tensors: whose memory it works in, and what is done to its
//! results.

use super::api::{AttrObject, PostOpsObject};
use super::constants::{DNNL_BINARY_ADD, DNNL_ELTWISE_CLIP, DNNL_SCRATCHPAD_MODE_USER};
use super::engine::Engine;
use super::fault::{Fault, call};
use super::tensor::Desc;
use std::ffi::c_int;
use std::ptr;

/// What is done to each number of a convolution before it is written.
#[derive(Debug, Clone, Copy)]
pub(super) enum After<'a> {
    /// The number of a tensor is added.
    Add(&'a Desc),
    /// It is multiplied with the slope of its channel where it is below 0.
    Slope,
    /// It is brought between two numbers.
    Clip([f32; 2]),
}

/// Attributes that have the caller bring the scratch memory.
pub(super) struct Attr {
    engine: &'static Engine,
    pub(super) raw: *mut AttrObject,
}

impl Attr {
    #[allow(unsafe_code)]
    pub(super) fn new(engine: &'static Engine) -> Result<Self, Fault> {
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place.
        unsafe { call!(engine.api, dnnl_primitive_attr_create(&mut raw)) }?;
        let attr = Self { engine, raw };
        let mode = DNNL_SCRATCHPAD_MODE_USER;
        // SAFETY: the attributes are alive.
        unsafe { call!(engine.api, dnnl_primitive_attr_set_scratchpad_mode(raw, mode)) }?;
        Ok(attr)
    }

    /// The same, with something done to results.
    #[allow(unsafe_code)]
    pub(super) fn with(self, after: &[After<'_>]) -> Result<Self, Fault> {
        /// Slopes lie along the second axis.
        const BY_CHANNEL: c_int = 1 << 1;
        let api = &self.engine.api;
        let list = PostOps::new(self.engine)?;
        for own in after {
            // SAFETY: the list and the description are alive.
            unsafe {
                match own {
                    After::Add(desc) => {
                        call!(api, dnnl_post_ops_append_binary(list.raw, DNNL_BINARY_ADD, desc.raw))
                    }
                    After::Slope => call!(api, dnnl_post_ops_append_prelu(list.raw, BY_CHANNEL)),
                    After::Clip([low, high]) => call!(
                        api,
                        dnnl_post_ops_append_eltwise(list.raw, DNNL_ELTWISE_CLIP, *low, *high)
                    ),
                }
            }?;
        }
        // SAFETY: both are alive; the library copies the list.
        unsafe { call!(api, dnnl_primitive_attr_set_post_ops(self.raw, list.raw)) }?;
        Ok(self)
    }
}

impl Drop for Attr {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: they were made once and are given back once.
        unsafe { (self.engine.api.dnnl_primitive_attr_destroy)(self.raw) };
    }
}

/// A list of what is done to results.
struct PostOps {
    engine: &'static Engine,
    raw: *mut PostOpsObject,
}

impl PostOps {
    #[allow(unsafe_code)]
    fn new(engine: &'static Engine) -> Result<Self, Fault> {
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place.
        unsafe { call!(engine.api, dnnl_post_ops_create(&mut raw)) }?;
        Ok(Self { engine, raw })
    }
}

impl Drop for PostOps {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made once and is given back once.
        unsafe { (self.engine.api.dnnl_post_ops_destroy)(self.raw) };
    }
}
