//! Batch normalisation with the batch's own statistics.
//!
//! `BatchNormalization` in its training mode has no CUDA kernel and takes running statistics along;
//! here the moments are computed by other operators, and its inference mode applies them.

use super::emitter::{float, integer};
use super::lowering::Lowering;
use super::ways::{IN_PLANES, Ways};
use crate::graph::{Axes, Node, Value};

/// Planes of fewer pixels are not worth a normalisation of each.
const FEW_PIXELS: usize = 4;

/// Keeps the deviation of a plane of equal pixels finite; far below the ε of any layer.
const PLANE_EPSILON: f64 = 1e-12;

/// Mean and variance from those of each plane.
const BY_PLANE: &str = "by plane";

/// Mean and variance by definition.
const BY_DEFINITION: &str = "by definition";

/// Names of the ways to get mean and variance, the reference first, and of the built-in one.
pub(super) fn ways(x: &[usize]) -> Ways {
    match x[2] * x[3] < FEW_PIXELS {
        true => Ways { names: vec![BY_DEFINITION], built_in: BY_DEFINITION },
        false => Ways { names: vec![BY_DEFINITION, BY_PLANE], built_in: BY_PLANE },
    }
}

impl Lowering<'_> {
    pub(super) fn batch_norm_training(&mut self, node: &Node, epsilon: f64) -> String {
        let (mean, variance) = self.moments(node.inputs[0]);
        let [x, gamma, beta] = [0, 1, 2].map(|at| self.name(node.inputs[at]));
        self.emitter.batch_normalization(&[&x, &gamma, &beta, &mean, &variance], epsilon)
    }

    /// The line b·y + c is a normalisation with mean 0 and variance 1.
    pub(super) fn channel_sum(&mut self, node: &Node) -> String {
        let [x, y, a, b, c] = [0, 1, 2, 3, 4].map(|at| self.name(node.inputs[at]));
        let channels = node.shape[1];
        let beside: Vec<usize> =
            (0..node.shape.len()).map(|axis| if axis == 1 { channels } else { 1 }).collect();
        let emit = &mut self.emitter;
        let a = emit.reshape(&a, &beside);
        let scaled = emit.node("Mul", &[&x, &a], vec![]);
        let zeros = emit.floats(&[channels], &vec![0.0; channels]);
        let ones = emit.floats(&[channels], &vec![1.0; channels]);
        let line = emit.batch_normalization(&[&y, &b, &c, &zeros, &ones], 0.0);
        emit.node("Add", &[&scaled, &line], vec![])
    }

    /// Mean and biased variance by channel, computed once for each value.
    pub(super) fn moments(&mut self, x: Value) -> (String, String) {
        if let Some(moments) = self.moments.get(&x) {
            return moments.clone();
        }
        let chosen = self.chosen_for_moments(x);
        let in_pixels = self.pixels.is_some() && chosen != Some(IN_PLANES);
        let moments = match self.shape(x) {
            [_, _, _, _] if in_pixels => self.moments_of_pixels(x),
            [n, c, h, w] if h * w >= FEW_PIXELS && chosen != Some(BY_DEFINITION) => {
                self.moments_of_planes(x, [*n, *c, h * w])
            }
            shape => self.moments_of_elements(x, shape),
        };
        self.moments.insert(x, moments.clone());
        moments
    }

    /// `LayerNormalization` gives the mean m and 1/σ of each plane in one pass: μ is the mean of m
    /// over images, and the variance the mean of σ² + (m − μ)².
    fn moments_of_planes(&mut self, x: Value, [n, c, pixels]: [usize; 3]) -> (String, String) {
        let x = self.name(x);
        let emit = &mut self.emitter;
        let planes = emit.reshape(&x, &[n * c, pixels]);
        let ones = emit.floats(&[pixels], &vec![1.0; pixels]);
        let attributes = vec![integer("axis", 1), float("epsilon", PLANE_EPSILON)];
        let [_, mean, inverse] =
            emit.outputs::<3>("LayerNormalization", &[&planes, &ones], attributes);
        let (means, inverse) = (emit.reshape(&mean, &[n, c]), emit.reshape(&inverse, &[n, c]));
        let mean = emit.reduce_axis("ReduceMean", &means, 0);
        let squared = emit.node("Mul", &[&inverse, &inverse], vec![]);
        let variances = emit.node("Reciprocal", &[&squared], vec![]);
        let apart = emit.node("Sub", &[&means, &mean], vec![]);
        let apart = emit.node("Mul", &[&apart, &apart], vec![]);
        let sum = emit.node("Add", &[&variances, &apart], vec![]);
        (mean, emit.reduce_axis("ReduceMean", &sum, 0))
    }

    /// By definition.
    fn moments_of_elements(&mut self, x: Value, shape: &[usize]) -> (String, String) {
        let x = self.name(x);
        let emit = &mut self.emitter;
        let axes: Vec<usize> = (0..shape.len()).filter(|&axis| axis != 1).collect();
        let kept = emit.reduce("ReduceMean", &x, &Axes { axes: axes.clone(), keep: true });
        let mean = emit.reshape(&kept, &[shape[1]]);
        let apart = emit.node("Sub", &[&x, &kept], vec![]);
        let squared = emit.node("Mul", &[&apart, &apart], vec![]);
        (mean, emit.reduce("ReduceMean", &squared, &Axes { axes, keep: false }))
    }
}
