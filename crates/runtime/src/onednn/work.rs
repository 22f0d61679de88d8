//! A convolution of so many images: its code, and how what it reads and makes lies.

use super::constants::{
    DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SRC,
    DNNL_ARG_WEIGHTS, DNNL_BF16, DNNL_F32,
};
use super::engine::Engine;
use super::fault::Fault;
use super::primitive::{Kind, Primitive, Steps};
use super::scratch::floats;
use super::shape::{Factors, Pass, Shape};
use super::tensor::{Desc, Memory, long};
use std::ffi::c_int;

/// A convolution of so many images.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) images: usize,
    pub(super) code: Primitive,
    /// How images lie.
    x: Desc,
    /// How positions lie.
    y: Desc,
}

impl Work {
    pub(super) fn new(
        engine: &'static Engine,
        shape: Shape,
        images: usize,
        kernels: &Desc,
    ) -> Result<Self, Fault> {
        let [rows, columns] = shape.positions_of_all().map(long);
        let (height, width) = (long(shape.height), long(shape.width));
        let (is_x_read, is_y_read) = match shape.pass {
            Pass::Forward => (true, false),
            Pass::ByImages => (false, true),
            Pass::ByKernels => (true, true),
        };
        let lie = |is_read: bool, [channels, height, width]: [i64; 3]| {
            let extents = [long(images), channels, height, width];
            let strides = [height * width * channels, 1, width * channels, channels];
            let element = match (is_read, shape.factors) {
                (true, Factors::Bfloat16) => DNNL_BF16,
                _ => DNNL_F32,
            };
            Desc::strided(engine, extents, element, strides)
        };
        let x = lie(is_x_read, [long(shape.inputs), height, width])?;
        let y = lie(is_y_read, [long(shape.outputs), rows, columns])?;
        let kind = match shape.pass {
            Pass::Forward => Kind::Forward,
            Pass::ByImages => Kind::ByImages,
            Pass::ByKernels => Kind::ByKernels,
        };
        let steps = Steps { stride: long(shape.stride), pad: long(shape.pad) };
        let code = Primitive::convolution(engine, kind, [&x, kernels, &y], steps)?;
        Ok(Self { images, code, x, y })
    }

    /// Floats of memory that a run needs.
    pub(super) fn scratch(&self) -> usize {
        floats(self.code.scratch_bytes())
    }

    /// Positions from images, or images from positions.
    pub(super) fn map<N: Copy>(
        &self,
        pass: Pass,
        read: &[N],
        (kernel_desc, kernels): (&Desc, &[f32]),
        made: &mut [f32],
        scratch: &mut [f32],
    ) -> Result<(), Fault> {
        let (own_read, own_made, arguments): (_, _, [c_int; 2]) = match pass {
            Pass::Forward => (&self.x, &self.y, [DNNL_ARG_SRC, DNNL_ARG_DST]),
            _ => (&self.y, &self.x, [DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC]),
        };
        let read = Memory::read(own_read, read)?;
        let kernels = Memory::read(kernel_desc, kernels)?;
        let made = Memory::write(own_made, made)?;
        let tensors = [(arguments[0], &read), (DNNL_ARG_WEIGHTS, &kernels), (arguments[1], &made)];
        self.code.run(&tensors, scratch)
    }

    /// Kernels from images and positions.
    pub(super) fn gather<N: Copy>(
        &self,
        [images, positions]: [&[N]; 2],
        (kernel_desc, made): (&Desc, &mut [f32]),
        scratch: &mut [f32],
    ) -> Result<(), Fault> {
        let x = Memory::read(&self.x, images)?;
        let y = Memory::read(&self.y, positions)?;
        let made = Memory::write(kernel_desc, made)?;
        let tensors = [(DNNL_ARG_SRC, &x), (DNNL_ARG_DIFF_DST, &y), (DNNL_ARG_DIFF_WEIGHTS, &made)];
        self.code.run(&tensors, scratch)
    }
}
