//! The contrastive loss of QGFace between two views of each image, weighed by their quality
//! (`head.py`: QGFace).

use super::quality::{self, EPSILON, QualityScale};
use super::rows::unit;
use crate::graph::{Builder, Value, World};
use std::f64::consts::PI;

/// Which rows there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coupling {
    /// Each pair once from either side (the reference's names that begin with D).
    Both,
    /// Each pair once, from q.
    One,
}

/// Which entries of the queue are no negatives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mask {
    /// All of the same class.
    SameClass,
    /// The pair's own rows among those that have just entered.
    Own,
}

/// What is subtracted from the similarity of a pair.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Margin {
    /// Nothing.
    None,
    /// A constant.
    Static(f64),
    /// The running mean of how far pairs are above their hardest negative.
    Dynamic,
}

/// Which quality counts of the two of a pair.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Select {
    /// The lower.
    Low,
    /// Their mean.
    Mean,
    /// The higher.
    High,
}

/// How a pair's weight depends on its quality.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Curve {
    /// A step.
    Sgn,
    /// A half wave.
    Cos,
    /// A line.
    Linear,
}

/// Which qualities have a weight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// Those below b; the others have none.
    Half,
    /// All.
    Whole,
}

/// In which epochs the contrast counts, by an epoch called `joint_point`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ContrastPhase {
    /// In all epochs.
    #[default]
    Always,
    /// Only from `joint_point` on (`later_joint`). Before, it is computed and weighs nothing.
    LaterJoint,
    /// Only before `joint_point` (`later_detach`). From there on it is computed and weighs nothing.
    LaterDetach,
    /// Only from `joint_point` on; before, there is the high-quality view alone and no contrast
    /// (`later_aug`; the reference tests another flag there and crashes).
    LaterAug,
}

/// The constants of the loss; the defaults are the reference's.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct ContrastOptions {
    /// Scale of the logits.
    pub s: f64,
    /// Share by which a batch moves the running margin.
    pub t_alpha: f64,
    /// The weight's dependence on quality.
    pub curve: Curve,
    /// Where it acts.
    pub range: Range,
    /// Which quality of a pair counts.
    pub select: Select,
    /// The rows.
    pub coupling: Coupling,
    /// What is no negative.
    pub mask: Mask,
    /// Whether the second factor of each positive has no gradient.
    pub detach_pos: bool,
    /// The margin.
    pub margin: Margin,
    /// Whether the loss is multiplied by ln 129/ln(1 + queue length).
    pub rescale: bool,
}

impl Default for ContrastOptions {
    fn default() -> Self {
        Self {
            s: 64.0,
            t_alpha: 0.01,
            curve: Curve::Sgn,
            range: Range::Half,
            select: Select::Low,
            coupling: Coupling::Both,
            mask: Mask::Own,
            detach_pos: false,
            margin: Margin::None,
            rescale: true,
        }
    }
}

/// Candidates for which a uniform guess has the loss that `rescale` leads to: a batch of 128 and
/// the pair.
const RESCALED_CANDIDATES: f64 = 129.0;

/// The logit of an entry that is not there.
const ABSENT: f64 = -1e30;

/// What the loss is given; B pairs, Q entries of the queue.
#[derive(Debug, Clone)]
pub struct ContrastInput {
    /// The low-quality halves `[B, D]`.
    pub q: Value,
    /// The high-quality halves `[B, D]`.
    pub k: Value,
    /// Lengths of q before normalisation `[B, 1]`.
    pub q_norms: Value,
    /// Lengths of k.
    pub k_norms: Value,
    /// Margin scalers of q `[B, 1]`.
    pub q_quality: Value,
    /// Margin scalers of k.
    pub k_quality: Value,
    /// Classes of the pairs as floats `[B, 1]`.
    pub labels: Value,
    /// The queue's entries `[Q, D]`.
    pub entries: Value,
    /// Their classes as floats `[1, Q]`.
    pub entry_labels: Value,
    /// Which are there `[1, Q]`; none for all.
    pub present: Option<Value>,
    /// How many are there, a number.
    pub filled: Value,
    /// Where in the queue rows of the pairs themselves stand: B in a row from each of these on.
    pub own: Vec<usize>,
    /// b.
    pub quality_scale: QualityScale,
    /// The running margin, a number.
    pub average: Value,
    /// The ranks whose rows it follows.
    pub averaged: World,
}

/// What the loss makes; R rows, B or twice as many.
#[derive(Debug, Clone, Copy)]
pub struct Contrast {
    /// The loss, a number.
    pub loss: Value,
    /// Cosine of each row's pair `[R, 1]`.
    pub similarity: Value,
    /// The norm of each row that its quality was chosen by `[R, 1]`.
    pub pair_norms: Value,
    /// Weight of each row `[R, 1]`.
    pub weight: Value,
    /// The running margin after this batch.
    pub average: Value,
}

/// Appends the loss.
pub fn contrast(g: &mut Builder, options: &ContrastOptions, input: ContrastInput) -> Contrast {
    let pairs = g.shape(input.q)[0];
    let ((q, _), (k, _)) = (unit(g, input.q), unit(g, input.k));
    let sides = match options.coupling {
        Coupling::Both => vec![(q, k), (k, q)],
        Coupling::One => vec![(q, k)],
    };
    let doubled = |g: &mut Builder, value: Value| match sides.len() {
        1 => value,
        _ => g.concat(&[value, value], 0),
    };
    let (mut positives, mut negatives) = (Vec::new(), Vec::new());
    for &(own, other) in &sides {
        let other = if options.detach_pos { g.detach(other) } else { other };
        let product = g.mul(own, other);
        positives.push(g.reduce_sum_keep(product, &[1]));
        negatives.push(g.matmul_transposed(own, input.entries));
    }
    let (positive, negative) = (g.concat(&positives, 0), g.concat(&negatives, 0));
    let (positive, negative) = (g.clip(positive, -1.0, 1.0), g.clip(negative, -1.0, 1.0));
    let masked = {
        let mask = mask(g, options.mask, &input, pairs);
        let mask = doubled_mask(g, mask, sides.len());
        let zero = g.scalar(0.0);
        g.select(mask, zero, negative)
    };
    let average = running_margin(g, options, &input, positive, masked);
    let target = match options.margin {
        Margin::None => positive,
        Margin::Static(m) => g.offset(positive, -m),
        Margin::Dynamic => g.sub(positive, average),
    };
    let weight = weight(g, options, &input);
    let weight = doubled(g, weight);
    let scale = g.scale(weight, options.s);
    let (target, others) = (g.mul(target, scale), g.mul(masked, scale));
    let others = match input.present {
        Some(present) => {
            let absent = g.scalar(ABSENT);
            g.select(present, others, absent)
        }
        None => others,
    };
    let logits = g.concat(&[target, others], 1);
    let log = g.log_softmax(logits);
    let own = g.slice(log, 1, 0, 1);
    let mean = g.mean(own);
    let mut loss = g.neg(mean);
    if options.rescale {
        let candidates = g.offset(input.filled, 1.0);
        let (guess, uniform) = (g.log(candidates), g.scalar(RESCALED_CANDIDATES.ln()));
        let factor = g.div(uniform, guess);
        loss = g.mul(loss, factor);
    }
    let pair_norms = selected(g, options.select, input.q_norms, input.k_norms);
    let pair_norms = doubled(g, pair_norms);
    Contrast { loss, similarity: positive, pair_norms, weight, average }
}

/// True for the entries `[B, Q]` that are no negatives of a pair.
fn mask(g: &mut Builder, mask: Mask, input: &ContrastInput, pairs: usize) -> Value {
    match mask {
        Mask::SameClass => g.equal(input.labels, input.entry_labels),
        Mask::Own => {
            let size = g.shape(input.entries)[0];
            // An entry is a pair's own where their numbers agree; those that entered earlier have
            // none.
            let pair_of = |at: usize| {
                let mut ranges = input.own.iter().map(|&first| first..first + pairs);
                ranges.find(|own| own.contains(&at)).map_or(pairs, |own| at - own.start)
            };
            let own = g.constant(&[1, size], (0..size).map(|at| pair_of(at) as f64).collect());
            let pair = g.constant(&[pairs, 1], (0..pairs).map(|pair| pair as f64).collect());
            g.equal(pair, own)
        }
    }
}

fn doubled_mask(g: &mut Builder, mask: Value, sides: usize) -> Value {
    if sides == 1 { mask } else { g.concat(&[mask, mask], 0) }
}

/// The running mean over rows of the positive less the largest of the masked negatives and zero.
fn running_margin(
    g: &mut Builder,
    options: &ContrastOptions,
    input: &ContrastInput,
    positive: Value,
    masked: Value,
) -> Value {
    let (positive, masked) = (g.detach(positive), g.detach(masked));
    let zero = g.scalar(0.0);
    let there = match input.present {
        Some(present) => g.select(present, masked, zero),
        None => masked,
    };
    let hardest = g.reduce_max_keep(there, &[1]);
    let hardest = g.max(hardest, zero);
    let apart = g.sub(positive, hardest);
    let own = g.mean(apart);
    let mean = match input.averaged.is_alone() {
        true => own,
        false => {
            let sum = g.all_sum(own, input.averaged);
            g.scale(sum, 1.0 / input.averaged.ranks as f64)
        }
    };
    let alpha = g.scalar(options.t_alpha);
    quality::moved(g, input.average, mean, alpha)
}

/// One of two values of each pair.
fn selected(g: &mut Builder, select: Select, q: Value, k: Value) -> Value {
    match select {
        Select::Low => g.min(q, k),
        Select::High => g.max(q, k),
        Select::Mean => {
            let sum = g.add(q, k);
            g.scale(sum, 0.5)
        }
    }
}

/// Weight of each pair `[B, 1]`, from t, the chosen quality on a scale from 0 to 1.
fn weight(g: &mut Builder, options: &ContrastOptions, input: &ContrastInput) -> Value {
    let half = |g: &mut Builder, quality: Value| {
        let raised = g.offset(quality, 1.0);
        g.scale(raised, 0.5)
    };
    let (q, k) = (half(g, input.q_quality), half(g, input.k_quality));
    let t = selected(g, options.select, q, k);
    let t = g.detach(t);
    let ones = {
        let zeros = g.scale(t, 0.0);
        g.offset(zeros, 1.0)
    };
    let weight = input.quality_scale.or_one(g, |g, b| {
        let low = below(g, options.curve, t, b, ones);
        let high = match options.range {
            Range::Half => g.scalar(0.0),
            Range::Whole => above(g, options.curve, t, b, ones),
        };
        let is_low = g.less(t, b);
        g.select(is_low, low, high)
    });
    weight.unwrap_or(ones)
}

/// Where t < b: 1, (1 − cos(πt/(b + ε)))/2 or t/(b + ε).
fn below(g: &mut Builder, curve: Curve, t: Value, b: Value, ones: Value) -> Value {
    let end = g.offset(b, EPSILON);
    let share = g.div(t, end);
    match curve {
        Curve::Sgn => ones,
        Curve::Linear => share,
        Curve::Cos => {
            let angle = g.scale(share, PI);
            let cosine = g.cos(angle);
            let turned = g.neg(cosine);
            let raised = g.offset(turned, 1.0);
            g.scale(raised, 0.5)
        }
    }
}

/// Where t ≥ b: 1, 1 + cos(π/(1 − b + ε)/2·(t − b + (1 − b))) or (t − 1)/(b − 1 + ε).
fn above(g: &mut Builder, curve: Curve, t: Value, b: Value, ones: Value) -> Value {
    let one = g.scalar(1.0);
    match curve {
        Curve::Sgn => ones,
        Curve::Linear => {
            let left = g.offset(t, -1.0);
            let end = g.offset(b, EPSILON - 1.0);
            g.div(left, end)
        }
        Curve::Cos => {
            let rest = g.sub(one, b);
            let apart = g.sub(t, b);
            let way = g.add(apart, rest);
            let span = g.offset(rest, EPSILON);
            let share = g.div(way, span);
            let angle = g.scale(share, PI / 2.0);
            let cosine = g.cos(angle);
            g.offset(cosine, 1.0)
        }
    }
}
