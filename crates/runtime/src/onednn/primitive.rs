//! Pieces of work made ready, and running them.

use super::api::{ExecArg, PrimitiveDescObject, PrimitiveObject, StreamObject};
use super::attr::{After, Attr};
use super::constants::{DNNL_ARG_SCRATCHPAD, DNNL_QUERY_SCRATCHPAD_MD, DNNL_STREAM_DEFAULT_FLAGS};
use super::engine::Engine;
use super::fault::{Fault, call};
use super::tensor::{Desc, Memory, dims};
use std::ffi::c_int;
use std::ptr;

/// Strides and pads of a convolution, of both edges alike.
#[derive(Debug, Clone, Copy)]
pub(super) struct Steps {
    pub(super) stride: i64,
    pub(super) pad: i64,
}

/// Which convolution a primitive is to be, of descriptions of images, kernels and positions.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Forward,
    ByImages,
    ByKernels,
}

/// A piece of work made ready: its code, and how its tensors lie.
#[derive(Debug)]
pub(super) struct Primitive {
    desc: PrimitiveDesc,
    raw: *mut PrimitiveObject,
    scratch: Desc,
}

#[allow(unsafe_code)]
// SAFETY: a primitive is not changed after it is made; with scratch memory of the caller's the library
// lets many threads run it.
unsafe impl Send for Primitive {}
#[allow(unsafe_code)]
// SAFETY: as above.
unsafe impl Sync for Primitive {}

impl Primitive {
    /// A convolution, to be made and run with one thread.
    #[allow(unsafe_code)]
    pub(super) fn convolution(
        engine: &'static Engine,
        kind: Kind,
        [images, kernels, positions]: [&Desc; 3],
        steps: Steps,
    ) -> Result<Self, Fault> {
        use super::constants::{
            DNNL_CONVOLUTION_DIRECT as DIRECT, DNNL_FORWARD_TRAINING as TRAINING,
        };
        let (api, attr) = (&engine.api, Attr::new(engine)?);
        let (stride, pad) = (dims([steps.stride; 2]), dims([steps.pad; 2]));
        let dilation = dims([0_i64; 2]);
        let (x, w, y) = (images.raw, kernels.raw, positions.raw);
        engine.alone(|| {
            let mut raw = ptr::null_mut();
            // SAFETY: the result has a place, all descriptions are alive, and what is absent is null: the
            // bias, and the hint of a forward convolution, which the processor's code has no use for.
            unsafe {
                match kind {
                    Kind::Forward => call!(
                        api,
                        dnnl_convolution_forward_primitive_desc_create(
                            &mut raw,
                            engine.raw,
                            TRAINING,
                            DIRECT,
                            x,
                            w,
                            ptr::null(),
                            y,
                            &stride,
                            &dilation,
                            &pad,
                            &pad,
                            attr.raw
                        )
                    ),
                    Kind::ByImages => call!(
                        api,
                        dnnl_convolution_backward_data_primitive_desc_create(
                            &mut raw,
                            engine.raw,
                            DIRECT,
                            x,
                            w,
                            y,
                            &stride,
                            &dilation,
                            &pad,
                            &pad,
                            ptr::null(),
                            attr.raw
                        )
                    ),
                    Kind::ByKernels => call!(
                        api,
                        dnnl_convolution_backward_weights_primitive_desc_create(
                            &mut raw,
                            engine.raw,
                            DIRECT,
                            x,
                            w,
                            ptr::null(),
                            y,
                            &stride,
                            &dilation,
                            &pad,
                            &pad,
                            ptr::null(),
                            attr.raw
                        )
                    ),
                }
            }?;
            Self::make(PrimitiveDesc { engine, raw })
        })
    }

    /// A convolution for inference, to be made and run with one thread: of images, kernels, numbers that
    /// are added by channel, and positions; and what is done to its results.
    #[allow(unsafe_code)]
    pub(super) fn layer(
        engine: &'static Engine,
        [images, kernels, bias, positions]: [&Desc; 4],
        strides: [i64; 2],
        pads: [i64; 4],
        after: &[After<'_>],
    ) -> Result<Self, Fault> {
        use super::constants::{
            DNNL_CONVOLUTION_DIRECT as DIRECT, DNNL_FORWARD_INFERENCE as INFERENCE,
        };
        let (api, attr) = (&engine.api, Attr::new(engine)?.with(after)?);
        let [top, left, bottom, right] = pads;
        let (strides, dilation) = (dims(strides), dims([0_i64; 2]));
        let (begin, end) = (dims([top, left]), dims([bottom, right]));
        let (x, w, b, y) = (images.raw, kernels.raw, bias.raw, positions.raw);
        engine.alone(|| {
            let mut raw = ptr::null_mut();
            // SAFETY: the result has a place, and all descriptions are alive.
            unsafe {
                call!(
                    api,
                    dnnl_convolution_forward_primitive_desc_create(
                        &mut raw, engine.raw, INFERENCE, DIRECT, x, w, b, y, &strides, &dilation,
                        &begin, &end, attr.raw
                    )
                )
            }?;
            Self::make(PrimitiveDesc { engine, raw })
        })
    }

    /// A copy from one layout or element to another.
    #[allow(unsafe_code)]
    pub(super) fn reorder(engine: &'static Engine, from: &Desc, to: &Desc) -> Result<Self, Fault> {
        let attr = Attr::new(engine)?;
        engine.alone(|| {
            let mut raw = ptr::null_mut();
            // SAFETY: the result has a place, and both descriptions are alive.
            unsafe {
                call!(
                    engine.api,
                    dnnl_reorder_primitive_desc_create(
                        &mut raw, from.raw, engine.raw, to.raw, engine.raw, attr.raw
                    )
                )
            }?;
            Self::make(PrimitiveDesc { engine, raw })
        })
    }

    #[allow(unsafe_code)]
    fn make(desc: PrimitiveDesc) -> Result<Self, Fault> {
        let scratch = desc.part(DNNL_QUERY_SCRATCHPAD_MD)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place, and the description is alive.
        unsafe { call!(desc.engine.api, dnnl_primitive_create(&mut raw, desc.raw)) }?;
        Ok(Self { desc, raw, scratch })
    }

    /// How one of its tensors lies.
    pub(super) fn part(&self, query: c_int) -> Result<Desc, Fault> {
        self.desc.part(query)
    }

    /// Bytes that a run needs beside its tensors.
    pub(super) fn scratch_bytes(&self) -> usize {
        self.scratch.bytes()
    }

    /// Runs it to the end on this thread alone. `scratch` is as long as [`Self::scratch_bytes`] says.
    #[allow(unsafe_code)]
    pub(super) fn run(
        &self,
        tensors: &[(c_int, &Memory<'_>)],
        scratch: &mut [f32],
    ) -> Result<(), Fault> {
        let (engine, api) = (self.desc.engine, &self.desc.engine.api);
        let scratch = Memory::write(&self.scratch, scratch)?;
        let all = tensors.iter().copied().chain([(DNNL_ARG_SCRATCHPAD, &scratch)]);
        let all: Vec<ExecArg> =
            all.map(|(arg, memory)| ExecArg { arg, memory: memory.raw }).collect();
        let count = c_int::try_from(all.len()).expect("a primitive has a handful of tensors");
        engine.alone(|| {
            let stream = Stream::new(engine)?;
            // SAFETY: the primitive, the stream and all memories are alive, and the list has `count`
            // entries.
            unsafe {
                call!(api, dnnl_primitive_execute(self.raw, stream.raw, count, all.as_ptr()))?;
                call!(api, dnnl_stream_wait(stream.raw))
            }
        })
    }
}

impl Drop for Primitive {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made once and is given back once.
        unsafe { (self.desc.engine.api.dnnl_primitive_destroy)(self.raw) };
    }
}

/// What a primitive is to be.
#[derive(Debug)]
struct PrimitiveDesc {
    engine: &'static Engine,
    raw: *mut PrimitiveDescObject,
}

impl PrimitiveDesc {
    #[allow(unsafe_code)]
    fn part(&self, query: c_int) -> Result<Desc, Fault> {
        let (engine, api) = (self.engine, &self.engine.api);
        // SAFETY: the description is alive.
        let own = unsafe { (api.dnnl_primitive_desc_query_md)(self.raw, query, 0) };
        let mut raw = ptr::null_mut();
        // SAFETY: the result has a place; the library refuses a null.
        unsafe { call!(api, dnnl_memory_desc_clone(&mut raw, own)) }?;
        Ok(Desc { engine, raw })
    }
}

impl Drop for PrimitiveDesc {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made once and is given back once.
        unsafe { (self.engine.api.dnnl_primitive_desc_destroy)(self.raw) };
    }
}

/// An order of work.
struct Stream {
    engine: &'static Engine,
    raw: *mut StreamObject,
}

impl Stream {
    #[allow(unsafe_code)]
    fn new(engine: &'static Engine) -> Result<Self, Fault> {
        let mut raw = ptr::null_mut();
        let flags = DNNL_STREAM_DEFAULT_FLAGS;
        // SAFETY: the result has a place, and the engine is kept for good.
        unsafe { call!(engine.api, dnnl_stream_create(&mut raw, engine.raw, flags)) }?;
        Ok(Self { engine, raw })
    }
}

impl Drop for Stream {
    #[allow(unsafe_code)]
    fn drop(&mut self) {
        // SAFETY: it was made once and is given back once.
        unsafe { (self.engine.api.dnnl_stream_destroy)(self.raw) };
    }
}
