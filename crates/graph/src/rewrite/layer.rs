//! A convolution and what is folded into it, before it becomes a node.

use super::attributes::{int, says, sizes};
use super::constants::Constants;
use super::values::{Affine, Image};
use crate::onnx::Node;

/// A convolution of an image with constant kernels, and what surrounds it.
#[derive(Debug, Clone)]
pub(super) struct Layer {
    pub(super) image: Image,
    pub(super) kernels: Vec<f32>,
    /// `[outputs, inputs / groups, rows, columns]`.
    pub(super) extents: [usize; 4],
    pub(super) strides: [usize; 2],
    pub(super) pads: [usize; 4],
    pub(super) groups: usize,
    pub(super) bias: Vec<f32>,
    /// What each place of a kernel adds where it lies on the image: `[outputs, rows, columns]`.
    pub(super) edge: Option<Vec<f32>>,
    /// What is added to what the kernels make.
    pub(super) more: Option<Image>,
    /// What numbers below 0 are multiplied by at last.
    pub(super) slope: Option<Vec<f32>>,
    /// Between which numbers everything is brought, where there are no slopes.
    pub(super) clip: Option<[f32; 2]>,
}

impl Layer {
    /// The convolution that a node is, of an image; nothing where it is another one than a layer can be.
    pub(super) fn of(node: &Node, image: Image, constants: &Constants<'_>) -> Option<Self> {
        let weights = constants.floats(node.input.get(1)?)?;
        let extents: [usize; 4] = weights.extents.try_into().ok()?;
        let [outputs, each, high, wide] = extents;
        let groups = usize::try_from(int(node, "group", 1)?).ok()?;
        let (strides, pads) = (sizes(node, "strides", 1, [1, 1])?, sizes(node, "pads", 0, [0; 4])?);
        let plain = says(node, "auto_pad", "NOTSET")
            && sizes(node, "dilations", 1, [1, 1])? == [1, 1]
            && sizes(node, "kernel_shape", 1, [high, wide])? == [high, wide]
            && each.checked_mul(groups)? == image.shape[0]
            && outputs > 0
            && outputs.checked_rem(groups) == Some(0)
            // More than a kernel's worth of zeros is none of a network's.
            && [high, wide, high, wide].iter().zip(&pads).all(|(kernel, pad)| pad <= kernel)
            && weights.values.iter().all(|weight| weight.is_finite());
        if !plain || weights.values.is_empty() {
            return None;
        }
        let bias = match node.input.get(2).filter(|name| !name.is_empty()) {
            Some(name) => constants.by_channel(name, outputs)?,
            None => vec![0.0; outputs],
        };
        let layer = Self {
            image,
            kernels: weights.values,
            extents,
            strides,
            pads,
            groups,
            bias,
            edge: None,
            more: None,
            slope: None,
            clip: None,
        };
        layer.made().map(|_| layer)
    }

    /// Channels, height and width of what is made; nothing where the kernel does not fit.
    fn made(&self) -> Option<[usize; 3]> {
        let [outputs, _, high, wide] = self.extents;
        let [_, height, width] = self.image.shape;
        let positions = |axis: usize, extent: usize, kernel: usize| {
            let room = (extent + self.pads[axis] + self.pads[axis + 2]).checked_sub(kernel)?;
            Some(room / self.strides[axis] + 1)
        };
        Some([outputs, positions(0, height, high)?, positions(1, width, wide)?])
    }

    /// Channels, height and width of what is made.
    pub(super) fn shape(&self) -> [usize; 3] {
        self.made().expect("a layer is made of kernels that fit")
    }

    /// Has its image scaled and shifted first: the scale goes into the kernels, and the shift into what is
    /// added, but not where a kernel lies on the zeros around the image.
    pub(super) fn after(mut self, affine: &Affine) -> Option<Self> {
        let [outputs, each, high, wide] = self.extents;
        let (area, by_group) = (high * wide, outputs / self.groups);
        let mut edge = vec![0.0_f64; outputs * area];
        for (at, kernel) in self.kernels.chunks_exact_mut(area).enumerate() {
            let (output, input) = (at / each, at % each);
            let input = output / by_group * each + input;
            let (scale, shift) = (f64::from(affine.scale[input]), f64::from(affine.shift[input]));
            let places = &mut edge[output * area..][..area];
            for (weight, place) in kernel.iter_mut().zip(places) {
                *place += f64::from(*weight) * shift;
                *weight = (f64::from(*weight) * scale) as f32;
            }
        }
        if self.pads == [0; 4] {
            for (bias, places) in self.bias.iter_mut().zip(edge.chunks_exact(area)) {
                *bias = (f64::from(*bias) + places.iter().sum::<f64>()) as f32;
            }
        } else {
            self.edge = Some(edge.iter().map(|&place| place as f32).collect());
        }
        self.finite()
    }

    /// Has what its kernels make scaled and shifted.
    pub(super) fn then(mut self, affine: &Affine) -> Option<Self> {
        let [_, each, high, wide] = self.extents;
        let scale = |numbers: &mut [f32], length: usize| {
            for (numbers, &scale) in numbers.chunks_exact_mut(length).zip(&affine.scale) {
                numbers
                    .iter_mut()
                    .for_each(|own| *own = (f64::from(*own) * f64::from(scale)) as f32);
            }
        };
        scale(&mut self.kernels, each * high * wide);
        if let Some(edge) = &mut self.edge {
            scale(edge, high * wide);
        }
        let by_output = self.bias.iter_mut().zip(affine.scale.iter().zip(&affine.shift));
        for (bias, (&scale, &shift)) in by_output {
            *bias = (f64::from(*bias) * f64::from(scale) + f64::from(shift)) as f32;
        }
        self.finite()
    }

    /// Whether only its kernels have made what it makes so far.
    pub(super) fn is_bare(&self) -> bool {
        self.more.is_none() && self.is_straight()
    }

    /// Whether what it makes is a sum so far.
    pub(super) fn is_straight(&self) -> bool {
        self.slope.is_none() && self.clip.is_none()
    }

    /// A product that no float holds is left where it was.
    fn finite(self) -> Option<Self> {
        let edge = self.edge.iter().flatten();
        let all = self.kernels.iter().chain(&self.bias).chain(edge).all(|own| own.is_finite());
        all.then_some(self)
    }
}
