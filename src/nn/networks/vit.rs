//! InsightFace's vision transformers (Dosovitskiy et al. 2021; arcface_torch's `backbones/vit.py`:
//! VisionTransformer with norm_layer "ln").

use super::stages::scaled;
use crate::graph::{Element, Value, Window};
use crate::masks::{Kept, RowMask};
use crate::nn::layers::{Layers, Mode};
use crate::nn::params::{Decay, Initial};
use std::fmt;

/// Patches as tokens, blocks of attention, and linear layers over all tokens.
#[derive(Debug, Clone, PartialEq)]
pub struct Vit {
    /// Numbers of a token.
    pub width: usize,
    /// Blocks.
    pub depth: usize,
    /// Probability with which a row loses what the last block adds (stochastic depth, Huang et al. 2016); the
    /// first block's is 0, and between it grows evenly.
    pub drop_path: f64,
    /// Share of the patches that are hidden in training: no other patch sees them, and one learned token stands
    /// for each in the end (He et al. 2022).
    pub mask_ratio: f64,
}

/// Pixels an edge of a patch, and from one to the next. What is left over at the right and below is not seen.
const PATCH: Window = Window { kernel: 9, stride: 9, pad: 0 };

/// Heads of the attention.
const HEADS: usize = 8;

/// Numbers of a token within the perceptron, for each that it has.
const RATIO: usize = 4;

/// Deviation of the draws that linear layers, places and the hidden patches' token begin with. The source cuts
/// them at 2, a hundred deviations.
const DRAWN: Initial = Initial::Normal(0.02);

/// ε of the last two normalisations.
const LAST_EPSILON: f64 = 2e-5;

/// What stands for an attention that is not there: its power is zero.
const UNSEEN: f64 = -1e9;

/// The input that tells which patches are seen.
const PATCH_MASK: &str = "patch_mask";

/// The input that tells which blocks add to which rows, attention and perceptron apart.
const PATH_MASK: &str = "path_mask";

pub(super) fn tiny(units: &[usize], width: f64) -> Vit {
    of_width(units, width, 256)
}

pub(super) fn small(units: &[usize], width: f64) -> Vit {
    of_width(units, width, 512)
}

fn of_width(units: &[usize], width: f64, full: usize) -> Vit {
    let width = HEADS * scaled(full / HEADS, width);
    Vit { width, depth: units[0], drop_path: 0.0, mask_ratio: 0.0 }
}

/// What is known of the tokens of a batch.
#[derive(Clone, Copy)]
struct Tokens {
    rows: usize,
    patches: usize,
    width: usize,
    /// Which patches are seen, `[N, patches]`.
    seen: Option<Value>,
    /// Which blocks add to which rows, `[N, 2·depth]`, as numbers.
    paths: Option<Value>,
}

impl Vit {
    /// Appends the network to images; in training it declares the inputs of [`Vit::masks`].
    pub(super) fn build(&self, layers: &mut Layers<'_>, images: Value, embedding: usize) -> Value {
        let x = layers.within("patch_embed", |layers| {
            layers.conv_as_pytorch("proj", images, self.width, PATCH)
        });
        let [rows, width, down, across] = layers.g.shape(x)[..] else { panic!("images") };
        let patches = down * across;
        let x = layers.g.reshape(x, &[rows, width, patches]);
        let x = layers.g.transpose(x, &[0, 2, 1]);
        let place = layers.parameter("pos_embed", &[1, patches, width], DRAWN, Decay::Free);
        let hidden = layers.parameter("mask_token", &[1, 1, width], DRAWN, Decay::Free);
        let mut x = layers.g.add(x, place);
        let training = layers.mode() == Mode::Training;
        let mut fed = |is: bool, name: &str, extent: usize| {
            let wanted = is && training;
            wanted.then(|| layers.g.input(name, Element::Bool, &[rows, extent]))
        };
        let seen = fed(self.mask_ratio > 0.0, PATCH_MASK, patches);
        let paths = fed(self.drop_path > 0.0, PATH_MASK, 2 * self.depth);
        let paths = paths.map(|paths| layers.g.cast(paths, Element::Float));
        let tokens = Tokens { rows, patches, width, seen, paths };
        for at in 0..self.depth {
            x = layers.within(&format!("blocks.{at}"), |layers| self.block(layers, x, at, tokens));
        }
        let mut x = layers.layer_norm("norm", x);
        if let Some(seen) = seen {
            let seen = layers.g.reshape(seen, &[rows, patches, 1]);
            x = layers.g.select(seen, x, hidden);
        }
        let x = layers.g.reshape(x, &[rows, patches * width]);
        layers.within("feature", |layers| {
            let x = layers.linear_from("0", x, width, DRAWN);
            let x = layers.batch_norm_with("1", x, LAST_EPSILON);
            let x = layers.linear_from("2", x, embedding, DRAWN);
            layers.batch_norm_with("3", x, LAST_EPSILON)
        })
    }

    /// Attention and a perceptron, each of normalised tokens and added to them.
    fn block(&self, layers: &mut Layers<'_>, x: Value, at: usize, tokens: Tokens) -> Value {
        let share = self.share(at);
        let attended = layers.layer_norm("norm1", x);
        let attended = layers.within("attn", |layers| attention(layers, attended, tokens));
        let attended = kept(layers, attended, 2 * at, share, tokens);
        let x = layers.g.add(x, attended);
        let made = layers.layer_norm("norm2", x);
        let made = layers.within("mlp", |layers| perceptron(layers, made, tokens));
        let made = kept(layers, made, 2 * at + 1, share, tokens);
        layers.g.add(x, made)
    }

    /// Probability with which a row loses what a block adds.
    fn share(&self, block: usize) -> f64 {
        self.drop_path * block as f64 / (self.depth - 1).max(1) as f64
    }

    /// What it is fed in training beside images.
    pub(super) fn masks(&self, image: [usize; 2]) -> Vec<RowMask> {
        let patches: usize = image.map(|extent| PATCH.positions(extent)).iter().product();
        let mut masks = Vec::new();
        if self.mask_ratio > 0.0 {
            let seen = (patches as f64 * (1.0 - self.mask_ratio)) as usize;
            let kept = Kept::Exactly(seen.max(1));
            masks.push(RowMask { name: PATCH_MASK, extents: vec![patches], kept });
        }
        if self.drop_path > 0.0 {
            let shares = (0..2 * self.depth).map(|path| self.share(path / 2)).collect();
            let kept = Kept::Without(shares);
            masks.push(RowMask { name: PATH_MASK, extents: vec![2 * self.depth], kept });
        }
        masks
    }

    pub(super) fn extents(&self) -> Vec<(&'static str, usize)> {
        vec![("channels", self.width), ("units", self.depth)]
    }
}

/// Each token becomes a mean of what all tokens are, weighed by how well they go with it.
fn attention(layers: &mut Layers<'_>, x: Value, tokens: Tokens) -> Value {
    let Tokens { rows, patches, width, seen, .. } = tokens;
    let each = width / HEADS;
    let flat = layers.g.reshape(x, &[rows * patches, width]);
    let all = layers.linear_from("qkv", flat, 3 * width, DRAWN);
    let g = &mut *layers.g;
    let all = g.reshape(all, &[rows, patches, 3, HEADS, each]);
    let all = g.transpose(all, &[2, 0, 3, 1, 4]);
    let [query, key, value] = [0, 1, 2].map(|at| {
        let part = g.slice(all, 0, at, at + 1);
        g.reshape(part, &[rows, HEADS, patches, each])
    });
    let query = g.scale(query, (each as f64).powf(-0.5));
    let mut scores = g.matmuls_transposed(query, key);
    if let Some(seen) = seen {
        let seen = g.reshape(seen, &[rows, 1, 1, patches]);
        let unseen = g.scalar(UNSEEN);
        scores = g.select(seen, scores, unseen);
    }
    let weights = g.softmax(scores);
    let means = g.matmuls(weights, value);
    let means = g.transpose(means, &[0, 2, 1, 3]);
    let means = g.reshape(means, &[rows * patches, width]);
    let made = layers.linear_biased_from("proj", means, width, DRAWN);
    layers.g.reshape(made, &[rows, patches, width])
}

fn perceptron(layers: &mut Layers<'_>, x: Value, tokens: Tokens) -> Value {
    let Tokens { rows, patches, width, .. } = tokens;
    let flat = layers.g.reshape(x, &[rows * patches, width]);
    let within = layers.linear_biased_from("fc1", flat, RATIO * width, DRAWN);
    let within = layers.g.relu6(within);
    let made = layers.linear_biased_from("fc2", within, width, DRAWN);
    layers.g.reshape(made, &[rows, patches, width])
}

/// What a path adds to the rows that it is kept for, scaled up by how often that is.
fn kept(layers: &mut Layers<'_>, x: Value, path: usize, share: f64, tokens: Tokens) -> Value {
    let Some(paths) = tokens.paths.filter(|_| share > 0.0) else { return x };
    let g = &mut *layers.g;
    let own = g.slice(paths, 1, path, path + 1);
    let own = g.scale(own, 1.0 / (1.0 - share));
    let own = g.reshape(own, &[tokens.rows, 1, 1]);
    g.mul(x, own)
}

impl fmt::Display for Vit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, depth, drop_path, mask_ratio } = self;
        write!(f, "vit, width {width}, depth {depth}")?;
        // What is left out is computed all the same, so that only whether something is matters.
        let parts = [(*drop_path, "paths"), (*mask_ratio, "patches")];
        parts
            .iter()
            .filter(|(share, _)| *share > 0.0)
            .try_for_each(|(_, what)| write!(f, ", hidden {what}"))
    }
}
