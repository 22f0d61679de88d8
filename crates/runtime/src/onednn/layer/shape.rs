//! What a layer is of.

use std::fmt;

/// A layer on an image of `[height, width, inputs]` that makes one of `[rows, columns, outputs]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in super::super) struct Shape {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    pub(super) geometry: Geometry,
}

/// How kernels lie on an image, and what is done with what they make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Geometry {
    /// Rows and columns of a kernel.
    pub(super) kernel: [usize; 2],
    /// From one position to the next.
    pub(super) strides: [usize; 2],
    /// Above, on the left, below, on the right.
    pub(super) pads: [usize; 4],
    /// Each group of outputs is of its own inputs.
    pub(super) groups: usize,
    /// Whether numbers that are constant over an image are added, but for those of the pad.
    pub(super) edge: bool,
    /// Whether what is below 0 has slopes.
    pub(super) slope: bool,
    /// Whether another image is added.
    pub(super) more: bool,
    /// Between which numbers everything is brought at last, if that is so.
    pub(super) clip: Option<Clip>,
}

/// Two numbers, the lower first, as their bits: so that layers can be told apart by them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Clip([u32; 2]);

impl Clip {
    /// Nothing where one of them is no number or the first is not the lower one.
    pub(super) fn new(low: f32, high: f32) -> Option<Self> {
        (low < high).then_some(Self([low.to_bits(), high.to_bits()]))
    }

    pub(super) fn bounds(self) -> [f32; 2] {
        self.0.map(f32::from_bits)
    }
}

impl Geometry {
    /// Positions along an axis, or nothing where the kernel does not fit.
    pub(super) fn positions(&self, axis: usize, extent: usize) -> Option<usize> {
        let padded = extent + self.pads[axis] + self.pads[axis + 2];
        let room = padded.checked_sub(self.kernel[axis])?;
        Some(room.checked_div(self.strides[axis])? + 1)
    }
}

impl Shape {
    /// Rows and columns of what is made; nothing where the kernel does not fit or the groups do not.
    pub(super) fn new(
        geometry: Geometry,
        [height, width, inputs]: [usize; 3],
        outputs: usize,
    ) -> Option<Self> {
        let shape = Self { height, width, inputs, outputs, geometry };
        let fits = [height, width].iter().enumerate().all(|(axis, &extent)| {
            geometry.positions(axis, extent).is_some_and(|positions| positions > 0)
        });
        let even = inputs > 0
            && outputs > 0
            && inputs.is_multiple_of(geometry.groups)
            && outputs.is_multiple_of(geometry.groups);
        (fits && even).then_some(shape)
    }

    /// Rows and columns of what is made.
    pub(super) fn positions(&self) -> [usize; 2] {
        [(0, self.height), (1, self.width)]
            .map(|(axis, extent)| self.geometry.positions(axis, extent).unwrap_or(0))
    }

    /// Numbers of an image.
    pub(super) fn image_numbers(&self) -> usize {
        self.height * self.width * self.inputs
    }

    /// Numbers of what is made of an image.
    pub(super) fn position_numbers(&self) -> usize {
        let [rows, columns] = self.positions();
        rows * columns * self.outputs
    }

    /// Extents of the kernels.
    pub(super) fn kernels(&self) -> [usize; 4] {
        let Geometry { kernel: [rows, columns], groups, .. } = self.geometry;
        [self.outputs, self.inputs / groups, rows, columns]
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { height, width, inputs, outputs, geometry } = self;
        let Geometry { kernel: [rows, columns], strides, pads, groups, .. } = geometry;
        write!(
            f,
            "images of {height}×{width}×{inputs}, {outputs} kernels of {rows}×{columns} in {groups} groups \
             (strides {strides:?}, pads {pads:?})"
        )
    }
}
