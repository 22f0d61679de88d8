//! Images in the new graph, and what is done to them by channel.

use super::attributes::{float, int};
use super::constants::Constants;
use crate::onnx::Node;

/// A value of the new graph, `[images, height, width, channels]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Image {
    pub(super) name: String,
    /// Channels, height and width.
    pub(super) shape: [usize; 3],
}

/// A scale and a shift by channel, of an image.
#[derive(Debug, Clone)]
pub(super) struct Affine {
    pub(super) scale: Vec<f32>,
    pub(super) shift: Vec<f32>,
}

impl Affine {
    /// The normalisation that a node is, of so many channels: γ·(x − μ)/√(σ² + ε) + β. Nothing where the
    /// node is not one for inference, or of numbers that make no finite ones.
    pub(super) fn of(node: &Node, channels: usize, constants: &Constants<'_>) -> Option<Self> {
        let inference = int(node, "training_mode", 0)? == 0
            && int(node, "spatial", 1)? == 1
            && node.output.iter().skip(1).all(String::is_empty);
        let [_, scale, shift, mean, variance] = &node.input[..] else { return None };
        if !inference {
            return None;
        }
        let own = |name: &String| constants.by_channel(name, channels);
        let (gammas, betas) = (own(scale)?, own(shift)?);
        let (means, variances) = (own(mean)?, own(variance)?);
        let epsilon = f64::from(float(node, "epsilon", 1e-5)?);
        let (mut scale, mut shift) = (Vec::new(), Vec::new());
        for at in 0..channels {
            let own = f64::from(gammas[at]) / (f64::from(variances[at]) + epsilon).sqrt();
            scale.push(own as f32);
            shift.push((f64::from(betas[at]) - f64::from(means[at]) * own) as f32);
        }
        let finite = scale.iter().chain(&shift).all(|own| own.is_finite());
        finite.then_some(Self { scale, shift })
    }
}
