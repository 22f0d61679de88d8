//! What the norm of an embedding says of its image: the margin scaler of AdaFace and the quality
//! scaler built on it (`head.py`: _margin_scaler, and the scaling of logits in QGFace's heads).

use crate::graph::{Builder, Value};

/// Bounds of the norms that count (`head.py`: safe_norms).
const NORM_BOUNDS: (f64, f64) = (0.001, 100.0);

/// Keeps deviations above zero and cosines inside ±1 (`head.py`: eps).
pub(super) const EPSILON: f64 = 1e-3;

/// What running averages start with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum EmaStart {
    /// Zero, as in the reference: the scaler is 1 for all images until the averages have warmed up.
    #[default]
    Zero,
    /// The first batch.
    FirstBatch,
}

/// Running mean and deviation of norms, each a number.
#[derive(Debug, Clone, Copy)]
pub struct Averages {
    /// The mean.
    pub mean: Value,
    /// The unbiased standard deviation.
    pub std: Value,
}

/// How strongly quality scales, b.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum QualityScale {
    /// A constant; 0 is none.
    Fixed(f64),
    /// A number that is fed; 0 is none.
    Fed(Value),
}

impl QualityScale {
    /// `of(b)` where b is above zero, else 1.
    pub(super) fn or_one(
        self,
        g: &mut Builder,
        of: impl FnOnce(&mut Builder, Value) -> Value,
    ) -> Option<Value> {
        match self {
            Self::Fixed(0.0) => None,
            Self::Fixed(b) => {
                let b = g.scalar(b);
                Some(of(g, b))
            }
            Self::Fed(b) => {
                let scaled = of(g, b);
                let (zero, one) = (g.scalar(0.0), g.scalar(1.0));
                let on = g.less(zero, b);
                Some(g.select(on, scaled, one))
            }
        }
    }
}

/// Moves `old` to `new` by the share `alpha`, a number.
pub(super) fn moved(g: &mut Builder, old: Value, new: Value, alpha: Value) -> Value {
    let one = g.scalar(1.0);
    let rest = g.sub(one, alpha);
    let (taken, kept) = (g.mul(alpha, new), g.mul(rest, old));
    g.add(taken, kept)
}

/// `q = clip(h·(n − mean)/(std + ε), −1, 1)` of norms `[N, 1]`, with the averages after this batch
/// has moved them by `alpha`; returns both. No gradient.
pub(super) fn margin_scaler(
    g: &mut Builder,
    norms: Value,
    averages: Averages,
    h: f64,
    alpha: Value,
) -> (Value, Averages) {
    let rows = g.shape(norms)[0];
    let norms = g.detach(norms);
    let n = g.clip(norms, NORM_BOUNDS.0, NORM_BOUNDS.1);
    let mean = g.mean(n);
    let apart = g.sub(n, mean);
    let squared = g.mul(apart, apart);
    let sum = g.reduce_sum(squared, &[0, 1]);
    let variance = g.scale(sum, 1.0 / (rows as f64 - 1.0));
    let std = g.sqrt(variance);
    let averages = Averages {
        mean: moved(g, averages.mean, mean, alpha),
        std: moved(g, averages.std, std, alpha),
    };
    let apart = g.sub(n, averages.mean);
    let deviation = g.offset(averages.std, EPSILON);
    let standard = g.div(apart, deviation);
    let scaled = g.scale(standard, h);
    (g.clip(scaled, -1.0, 1.0), averages)
}

/// `1/(1 + exp(−(q + 2(½ − b))·s))` by row, with which all logits of the row are multiplied.
pub(super) fn quality_scaler(
    g: &mut Builder,
    quality: Value,
    b: QualityScale,
    s: f64,
) -> Option<Value> {
    b.or_one(g, |g, b| {
        let twice = g.scale(b, -2.0);
        let shift = g.offset(twice, 1.0);
        let shifted = g.add(quality, shift);
        let steep = g.scale(shifted, s);
        g.sigmoid(steep)
    })
}
