//! A layer of one shape and its constants, made ready.

use super::super::attr::After;
use super::super::constants::{
    DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE, DNNL_ARG_BIAS, DNNL_ARG_DST, DNNL_ARG_SRC, DNNL_ARG_SRC_1,
    DNNL_ARG_WEIGHTS, DNNL_F32, DNNL_QUERY_WEIGHTS_MD,
};
use super::super::engine::Engine;
use super::super::fault::Fault;
use super::super::primitive::Primitive;
use super::super::scratch::{Scratch, floats};
use super::super::tensor::{Desc, Memory, long};
use super::edge::edge;
use super::shape::{Geometry, Shape};
use std::ffi::c_int;

/// The numbers of a layer that are the same in every run.
#[derive(Debug, Clone, Copy)]
pub(in super::super) struct Constants<'a> {
    /// `[outputs, inputs / groups, rows, columns]`.
    pub(super) kernels: &'a [f32],
    /// `[outputs]`.
    pub(super) bias: &'a [f32],
    /// `[outputs, rows, columns]`: what each place of a kernel adds where it lies on the image.
    pub(super) edge: Option<&'a [f32]>,
    /// `[outputs]`.
    pub(super) slope: Option<&'a [f32]>,
}

impl Constants<'_> {
    /// What tells them from others.
    pub(in super::super) fn digest(&self) -> blake3::Hash {
        let mut hasher = blake3::Hasher::new();
        let Self { kernels, bias, edge, slope } = self;
        for numbers in [Some(*kernels), Some(*bias), *edge, *slope] {
            let bytes: Vec<u8> =
                numbers.into_iter().flatten().flat_map(|x| x.to_le_bytes()).collect();
            hasher.update(&(bytes.len() as u64).to_le_bytes()).update(&bytes);
        }
        hasher.finalize()
    }
}

/// A layer, ready to run on one image at a time: what is made of an image does not depend on the others of
/// its batch, nor on the number of threads.
#[derive(Debug)]
pub(in super::super) struct Plan {
    shape: Shape,
    code: Primitive,
    x: Desc,
    y: Desc,
    by_channel: Desc,
    kernel_desc: Desc,
    /// As the library likes them.
    kernels: Scratch,
    bias: Vec<f32>,
    edge: Option<Vec<f32>>,
    slope: Option<Vec<f32>>,
}

impl Plan {
    /// Makes a layer ready; constants have the extents that the shape says.
    pub(in super::super) fn new(
        engine: &'static Engine,
        shape: Shape,
        constants: &Constants<'_>,
    ) -> Result<Self, Fault> {
        let [rows, columns] = shape.positions();
        let x = pixels(engine, [shape.height, shape.width, shape.inputs])?;
        let y = pixels(engine, [rows, columns, shape.outputs])?;
        let by_channel = Desc::strided(engine, [long(shape.outputs)], DNNL_F32, [1])?;
        let (any, plain) = kernels(engine, &shape)?;
        let Geometry { strides, pads, edge: has_edge, slope, more, clip, .. } = shape.geometry;
        let after = [(more, After::Add(&y)), (has_edge, After::Add(&y)), (slope, After::Slope)];
        let after = after.into_iter().filter(|(has, _)| *has).map(|(_, own)| own);
        let clip = clip.map(|clip| After::Clip(clip.bounds()));
        let after: Vec<After<'_>> = after.chain(clip).collect();
        let descs = [&x, &any, &by_channel, &y];
        let code = Primitive::layer(engine, descs, strides.map(long), pads.map(long), &after)?;
        let kernel_desc = code.part(DNNL_QUERY_WEIGHTS_MD)?;
        let turn = Primitive::reorder(engine, &plain, &kernel_desc)?;
        let mut turned = Scratch::default();
        let mut spare = vec![0.0; floats(turn.scratch_bytes())];
        let place = turned.of(floats(kernel_desc.bytes()));
        let from = Memory::read(&plain, constants.kernels)?;
        let to = Memory::write(&kernel_desc, place)?;
        turn.run(&[(DNNL_ARG_SRC, &from), (DNNL_ARG_DST, &to)], &mut spare)?;
        drop(to);
        Ok(Self {
            shape,
            code,
            x,
            y,
            by_channel,
            kernel_desc,
            kernels: turned,
            bias: constants.bias.to_vec(),
            edge: constants.edge.map(|places| edge(&shape, places)),
            slope: constants.slope.map(<[f32]>::to_vec),
        })
    }

    pub(super) fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Floats of memory that a run needs.
    pub(super) fn scratch(&self) -> usize {
        floats(self.code.scratch_bytes())
    }

    /// Runs it on one image on this thread; `more` is what is added to what is made, where the shape says
    /// that something is.
    pub(super) fn run(
        &self,
        image: &[f32],
        more: Option<&[f32]>,
        made: &mut [f32],
        scratch: &mut [f32],
    ) -> Result<(), Fault> {
        let x = Memory::read(&self.x, image)?;
        let kernels = Memory::read(&self.kernel_desc, self.kernels.numbers())?;
        let bias = Memory::read(&self.by_channel, &self.bias)?;
        let y = Memory::write(&self.y, made)?;
        let added = |numbers| Memory::read(&self.y, numbers);
        let more = more.map(added).transpose()?;
        let edge = self.edge.as_deref().map(added).transpose()?;
        let slope = self.slope.as_deref();
        let slope = slope.map(|slope| Memory::read(&self.by_channel, slope)).transpose()?;
        let mut tensors = vec![
            (DNNL_ARG_SRC, &x),
            (DNNL_ARG_WEIGHTS, &kernels),
            (DNNL_ARG_BIAS, &bias),
            (DNNL_ARG_DST, &y),
        ];
        let after = [(DNNL_ARG_SRC_1, &more), (DNNL_ARG_SRC_1, &edge), (DNNL_ARG_WEIGHTS, &slope)];
        let after = after.iter().filter_map(|(argument, own)| Some((argument, own.as_ref()?)));
        for (number, (argument, own)) in (1..).zip(after) {
            let number: c_int = number;
            tensors.push(((DNNL_ARG_ATTR_MULTIPLE_POST_OP_BASE * number) | argument, own));
        }
        self.code.run(&tensors, scratch)
    }
}

/// One image, its channels last.
fn pixels(engine: &'static Engine, extents: [usize; 3]) -> Result<Desc, Fault> {
    let [height, width, channels] = extents.map(long);
    let strides = [height * width * channels, 1, width * channels, channels];
    Desc::strided(engine, [1, channels, height, width], DNNL_F32, strides)
}

/// Kernels as the library likes them, and in PyTorch's order.
fn kernels(engine: &'static Engine, shape: &Shape) -> Result<(Desc, Desc), Fault> {
    let [outputs, inputs, high, wide] = shape.kernels().map(long);
    let [by_output, by_input] = [inputs * high * wide, high * wide];
    let strides = [by_output, by_input, wide, 1];
    match long(shape.geometry.groups) {
        1 => {
            let extents = [outputs, inputs, high, wide];
            let any = Desc::any(engine, extents, DNNL_F32)?;
            Ok((any, Desc::strided(engine, extents, DNNL_F32, strides)?))
        }
        groups => {
            let each = outputs / groups;
            let extents = [groups, each, inputs, high, wide];
            let strides = [each * by_output, by_output, by_input, wide, 1];
            let any = Desc::any(engine, extents, DNNL_F32)?;
            Ok((any, Desc::strided(engine, extents, DNNL_F32, strides)?))
        }
    }
}
