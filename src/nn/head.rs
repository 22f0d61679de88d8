//! Margin heads: from embeddings and labels to the classification loss (`head.py`; CurricularFace
//! from Huang et al. 2020).

use super::columns::Columns;
use super::curricular::{self, Hardness};
use super::margin;
use super::quality::{self, Averages, EPSILON, EmaStart, QualityScale};
use crate::graph::{Builder, Value};

/// What the margin does to the cosine t of a row's own class.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum HeadKind {
    /// Nothing: t.
    Softmax,
    /// t − m (Wang et al. 2018).
    CosFace,
    /// cos(θ + m) (Deng et al. 2019).
    ArcFace,
    /// cos(θ − m·q) − (m + m·q) (Kim et al. 2022).
    AdaFace,
    /// cos(θ + m), and hard other classes weigh more (Huang et al. 2020).
    CurricularFace {
        /// Cosines are held within ±(1 − eps).
        eps: f64,
        /// Whether cos(θ + m) is replaced by t − m·sin m where θ + m is beyond π, as in the
        /// published code.
        fallback: bool,
    },
}

/// Margins stay below this, so that an angle that is turned by one is clipped rightly.
pub(crate) const MARGIN_BOUND: f64 = std::f64::consts::PI - EPSILON;

/// A head and its constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct HeadOptions {
    /// The margin's kind.
    pub kind: HeadKind,
    /// Scale of the logits.
    pub s: f64,
    /// The margin; in radians for ArcFace, AdaFace and CurricularFace.
    pub m: f64,
    /// How much a norm's deviation counts in q.
    pub h: f64,
    /// Share by which a batch moves the running averages.
    pub t_alpha: f64,
    /// What the averages start with.
    pub ema_start: EmaStart,
}

impl HeadOptions {
    /// The constants of the paper for a kind: s 64, m 0.4, h 0.333, t_alpha 0.01.
    pub fn new(kind: HeadKind) -> Self {
        Self { kind, s: 64.0, m: 0.4, h: 0.333, t_alpha: 0.01, ema_start: EmaStart::Zero }
    }
}

/// What a head keeps from step to step, all numbers.
#[derive(Debug, Clone, Copy)]
pub struct HeadState {
    /// Running mean and deviation of norms.
    pub averages: Averages,
    /// Running mean of t, for CurricularFace.
    pub t: Option<Value>,
    /// Whether a batch was seen, 0 or 1, for [`EmaStart::FirstBatch`].
    pub started: Option<Value>,
}

/// What a head is given.
#[derive(Debug, Clone, Copy)]
pub struct HeadInput {
    /// Unit vectors `[N, D]`.
    pub embeddings: Value,
    /// Their lengths before `[N, 1]`.
    pub norms: Value,
    /// Classes `[N, 1]`, integers below the number of columns.
    pub labels: Value,
    /// One column a class. Where ranks have parts of them the rows are those of all ranks.
    pub columns: Columns,
    /// b of the quality scaler.
    pub quality_scale: QualityScale,
}

/// What a head makes.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// The mean negative log-likelihood, a number.
    pub loss: Value,
    /// q of each row `[N, 1]`.
    pub quality: Value,
    /// The logits `[N, C]` of the rank's own columns.
    pub logits: Value,
    /// What is kept.
    pub state: HeadState,
}

/// Appends a head.
///
/// # Panics
/// With fewer than two rows, of which there is no deviation, or a margin beyond π − ε.
pub fn head(g: &mut Builder, options: &HeadOptions, input: HeadInput, state: HeadState) -> Head {
    assert!(g.shape(input.norms)[0] > 1, "a single row has no deviation");
    assert!(options.m.abs() < MARGIN_BOUND, "a margin of {}", options.m);
    let alpha = share(g, options, state.started);
    let (quality, averages) =
        quality::margin_scaler(g, input.norms, state.averages, options.h, alpha);
    let cosines = cosines(g, options, input);
    let places = input.columns.places(g, input.labels);
    let target = places.of(g, cosines);
    let m = options.m;
    let mut next = HeadState { averages, ..state };
    let replaced = |g: &mut Builder, value| places.replaced(g, cosines, value);
    let logits = match options.kind {
        HeadKind::Softmax => cosines,
        HeadKind::CosFace => {
            let less = g.offset(target, -m);
            replaced(g, less)
        }
        HeadKind::ArcFace => {
            let angle = g.constant(&[1, 1], vec![m]);
            let moved = margin::turned(g, target, angle, EPSILON);
            replaced(g, moved)
        }
        HeadKind::AdaFace => {
            let angle = g.scale(quality, -m);
            let turned = margin::turned(g, target, angle, EPSILON);
            let additive = g.scale(quality, m);
            let additive = g.offset(additive, m);
            let moved = g.sub(turned, additive);
            replaced(g, moved)
        }
        HeadKind::CurricularFace { fallback, .. } => {
            let target = places.of_all(g, target, input.columns.world);
            let alpha = g.scalar(options.t_alpha);
            let old = state.t.unwrap_or_else(|| panic!("CurricularFace keeps t"));
            let mean = g.mean(target);
            let mean = g.detach(mean);
            let t = quality::moved(g, old, mean, alpha);
            next.t = Some(t);
            curricular::logits(g, &Hardness { m, fallback, t }, cosines, target, &places)
        }
    };
    let mut logits = g.scale(logits, options.s);
    if let Some(scaler) = quality::quality_scaler(g, quality, input.quality_scale, options.s) {
        logits = g.mul(logits, scaler);
    }
    if let Some(started) = state.started {
        let one = g.scalar(1.0);
        next.started = Some(g.max(started, one));
    }
    let loss = input.columns.negative_log_likelihood(g, logits, &places);
    Head { loss, quality, logits, state: next }
}

/// The share of the batch in the averages: all of it when there is nothing else yet.
fn share(g: &mut Builder, options: &HeadOptions, started: Option<Value>) -> Value {
    let alpha = g.scalar(options.t_alpha);
    let Some(started) = started else { return alpha };
    let (zero, one) = (g.scalar(0.0), g.scalar(1.0));
    let running = g.less(zero, started);
    g.select(running, alpha, one)
}

/// Cosines `[N, C]` between embeddings and columns, held inside ±(1 − ε).
fn cosines(g: &mut Builder, options: &HeadOptions, input: HeadInput) -> Value {
    let kernel = input.columns.kernel;
    let squared = g.mul(kernel, kernel);
    let squares = g.reduce_sum_keep(squared, &[0]);
    let lengths = g.sqrt(squares);
    let columns = g.div(kernel, lengths);
    let cosines = g.matmul(input.embeddings, columns);
    let eps = match options.kind {
        HeadKind::CurricularFace { eps, .. } => eps,
        _ => EPSILON,
    };
    g.clip(cosines, -1.0 + eps, 1.0 - eps)
}
