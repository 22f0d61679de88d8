//! A convolution of so many images: its code, and how what it reads is rounded.

use super::constants::{
    DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DST, DNNL_ARG_SRC,
    DNNL_ARG_WEIGHTS, DNNL_BF16, DNNL_F32,
};
use super::engine::Engine;
use super::fault::Fault;
use super::primitive::{Kind, Primitive, Steps};
use super::scratch::{floats, piece};
use super::shape::{Factors, Pass, Shape};
use super::tensor::{Desc, Memory};
use std::ffi::c_int;

/// A convolution of so many images.
#[derive(Debug)]
pub(super) struct Work {
    pub(super) images: usize,
    pub(super) code: Primitive,
    x: Operand,
    y: Operand,
}

/// Images or positions of a part.
#[derive(Debug)]
struct Operand {
    /// As the runtime gives or takes them.
    outside: Desc,
    /// Where they are rounded before they are read: how, and to what.
    rounded: Option<(Primitive, Desc)>,
}

impl Operand {
    /// What the convolution is of.
    fn inside(&self) -> &Desc {
        self.rounded.as_ref().map_or(&self.outside, |(_, inside)| inside)
    }

    /// Floats of memory to round in.
    fn scratch(&self) -> usize {
        let needs = |(round, inside): &(Primitive, Desc)| {
            floats(inside.bytes()) + floats(round.scratch_bytes())
        };
        self.rounded.as_ref().map_or(0, needs)
    }

    /// The numbers as the convolution reads them.
    fn read<'a>(
        &self,
        numbers: &'a [f32],
        scratch: &mut &'a mut [f32],
    ) -> Result<Memory<'a>, Fault> {
        let Some((round, inside)) = &self.rounded else {
            return Memory::read(&self.outside, numbers);
        };
        let place = piece(scratch, floats(inside.bytes()));
        let spare = piece(scratch, floats(round.scratch_bytes()));
        let outside = Memory::read(&self.outside, numbers)?;
        copy(round, &outside, inside, place, spare)?;
        Memory::read(inside, place)
    }
}

/// Copies numbers to another layout or element; `spare` is the memory that `code` needs.
pub(super) fn copy(
    code: &Primitive,
    from: &Memory<'_>,
    to: &Desc,
    place: &mut [f32],
    spare: &mut [f32],
) -> Result<(), Fault> {
    let to = Memory::write(to, place)?;
    let tensors = [(DNNL_ARG_SRC, from), (DNNL_ARG_DST, &to)];
    code.run(&tensors, spare)
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
        let operand = |is_read: bool, [channels, height, width]: [i64; 3]| {
            let extents = [long(images), channels, height, width];
            let strides = [height * width * channels, 1, width * channels, channels];
            let outside = Desc::strided(engine, extents, DNNL_F32, strides)?;
            if !is_read || shape.factors == Factors::Float {
                return Ok(Operand { outside, rounded: None });
            }
            let inside = Desc::strided(engine, extents, DNNL_BF16, strides)?;
            let round = Primitive::reorder(engine, &outside, &inside)?;
            Ok(Operand { outside, rounded: Some((round, inside)) })
        };
        let x = operand(is_x_read, [long(shape.inputs), height, width])?;
        let y = operand(is_y_read, [long(shape.outputs), rows, columns])?;
        let kind = match shape.pass {
            Pass::Forward => Kind::Forward,
            Pass::ByImages => Kind::ByImages,
            Pass::ByKernels => Kind::ByKernels,
        };
        let steps = Steps { stride: long(shape.stride), pad: long(shape.pad) };
        let descs = [x.inside(), kernels, y.inside()];
        let code = Primitive::convolution(engine, kind, descs, steps)?;
        Ok(Self { images, code, x, y })
    }

    /// Floats of memory that a run needs.
    pub(super) fn scratch(&self) -> usize {
        self.x.scratch() + self.y.scratch() + floats(self.code.scratch_bytes())
    }

    /// Positions from images, or images from positions.
    pub(super) fn map<'a>(
        &self,
        pass: Pass,
        read: &'a [f32],
        (kernel_desc, kernels): (&Desc, &[f32]),
        made: &mut [f32],
        mut scratch: &'a mut [f32],
    ) -> Result<(), Fault> {
        let (own_read, own_made, arguments): (_, _, [c_int; 2]) = match pass {
            Pass::Forward => (&self.x, &self.y, [DNNL_ARG_SRC, DNNL_ARG_DST]),
            _ => (&self.y, &self.x, [DNNL_ARG_DIFF_DST, DNNL_ARG_DIFF_SRC]),
        };
        let read = own_read.read(read, &mut scratch)?;
        let kernels = Memory::read(kernel_desc, kernels)?;
        let made = Memory::write(&own_made.outside, made)?;
        let tensors = [(arguments[0], &read), (DNNL_ARG_WEIGHTS, &kernels), (arguments[1], &made)];
        self.code.run(&tensors, scratch)
    }

    /// Kernels from images and positions.
    pub(super) fn gather<'a>(
        &self,
        images: &'a [f32],
        positions: &'a [f32],
        (kernel_desc, made): (&Desc, &mut [f32]),
        mut scratch: &'a mut [f32],
    ) -> Result<(), Fault> {
        let x = self.x.read(images, &mut scratch)?;
        let y = self.y.read(positions, &mut scratch)?;
        let made = Memory::write(kernel_desc, made)?;
        let tensors = [(DNNL_ARG_SRC, &x), (DNNL_ARG_DIFF_DST, &y), (DNNL_ARG_DIFF_WEIGHTS, &made)];
        self.code.run(&tensors, scratch)
    }
}

/// An extent as the library takes it.
pub(super) fn long(extent: usize) -> i64 {
    i64::try_from(extent).expect("an extent of a tensor that is in memory")
}
