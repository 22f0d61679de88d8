//! Stochastic gradient descent as nodes of a graph.

use crate::graph::{Builder, Value};
use crate::nn::Decay;

/// Stochastic gradient descent with momentum and weight decay, as PyTorch's: the momentum begins as
/// the first gradient, which a start at zero gives.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sgd {
    /// Share of the old momentum that is kept, µ.
    pub momentum: f64,
    /// Share of a parameter that is added to its gradient.
    pub weight_decay: f64,
}

impl Default for Sgd {
    fn default() -> Self {
        Self { momentum: 0.9, weight_decay: 5e-4 }
    }
}

/// What an update makes.
#[derive(Debug, Clone, Copy)]
pub struct Updated {
    /// The new parameter.
    pub parameter: Value,
    /// The new momentum.
    pub momentum: Value,
}

impl Sgd {
    /// `m' = µm + (g + wd·p)`, `p' = p − lr·m'`. Each operator reads an element before its place is
    /// written, so both may be updated in place.
    pub fn update(
        &self,
        g: &mut Builder,
        [parameter, momentum, gradient]: [Value; 3],
        decay: Decay,
        rate: Value,
    ) -> Updated {
        let pulled = match decay {
            Decay::Decayed if self.weight_decay != 0.0 => {
                let pull = g.scale(parameter, self.weight_decay);
                g.add(gradient, pull)
            }
            Decay::Decayed | Decay::Free => gradient,
        };
        let kept = g.scale(momentum, self.momentum);
        let momentum = g.add(kept, pulled);
        let way = g.mul(momentum, rate);
        Updated { parameter: g.sub(parameter, way), momentum }
    }
}

/// What an update does to class columns that its batches have not scored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SampleUpdate {
    /// Nothing, and nothing to their momenta (arcface_torch's `partial_fc.py` before `PartialFC_V2`).
    #[default]
    Sparse,
    /// What a gradient of 0 does: they decay, and their momenta move them on (`PartialFC_V2`).
    Dense,
}
