//! The residual networks of AdaFace and QGFace (`net.py`: Backbone, BasicBlockIR, BottleneckIR, SEModule).

use super::stages::{
    self, Block, CHANNELS, DROPOUT_MASK, POINTWISE, centred, scaled, stages, told,
};
use crate::graph::{Value, Window};
use crate::nn::layers::Layers;
use std::fmt;

/// A stem, blocks, and a linear layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Ir {
    /// Channels of the stem.
    pub stem: usize,
    /// The blocks.
    pub blocks: Vec<Block>,
    /// What a block computes.
    pub unit: Unit,
    /// Whether blocks end with squeeze and excitation.
    pub squeezed: bool,
}

/// What a block computes beside what it takes along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Two convolutions of 3×3.
    Basic,
    /// One of 3×3 between two of 1×1, of a quarter of the channels.
    Bottleneck,
}

/// Channels of a bottleneck for each that it has within.
const EXPANSION: usize = 4;

/// Channels for each that squeeze and excitation has within.
const REDUCTION: usize = 16;

pub(super) fn basic(units: &[usize], width: f64) -> Ir {
    Ir::new(units, width, Unit::Basic, false)
}

pub(super) fn basic_squeezed(units: &[usize], width: f64) -> Ir {
    Ir::new(units, width, Unit::Basic, true)
}

pub(super) fn bottleneck(units: &[usize], width: f64) -> Ir {
    Ir::new(units, width, Unit::Bottleneck, false)
}

pub(super) fn bottleneck_squeezed(units: &[usize], width: f64) -> Ir {
    Ir::new(units, width, Unit::Bottleneck, true)
}

impl Ir {
    fn new(units: &[usize], width: f64, unit: Unit, squeezed: bool) -> Self {
        let stem = scaled(CHANNELS[0], width);
        let channels = CHANNELS.map(|channels| match unit {
            Unit::Basic => scaled(channels, width),
            Unit::Bottleneck => EXPANSION * scaled(channels, width),
        });
        Self { stem, blocks: stages(units, channels), unit, squeezed }
    }

    /// Basic blocks without squeeze and excitation.
    pub fn plain(stem: usize, blocks: Vec<Block>) -> Self {
        Self { stem, blocks, unit: Unit::Basic, squeezed: false }
    }

    /// Appends the network to images; in training with dropout it declares the input `dropout_mask`, of the
    /// shape before the linear layer.
    pub(super) fn build(
        &self,
        layers: &mut Layers<'_>,
        images: Value,
        embedding: usize,
        dropout: f64,
    ) -> Value {
        let mut x = layers.within("input_layer", |layers| self.input_layer(layers, images));
        for (at, block) in self.blocks.iter().enumerate() {
            x = layers.within(&format!("body.{at}"), |layers| self.block(layers, x, *block));
        }
        let end = |layers: &mut Layers<'_>| Self::output_layer(layers, x, embedding, dropout);
        layers.within("output_layer", end)
    }

    /// Convolution, normalisation, slopes: `[N, stem, H, W]`.
    pub fn input_layer(&self, layers: &mut Layers<'_>, images: Value) -> Value {
        let x = layers.conv("0", images, self.stem, centred(3, 1));
        let x = layers.batch_norm("1", x);
        layers.prelu("2", x)
    }

    /// Normalisation, dropout, the linear layer, normalisation: `[N, embedding]`.
    pub fn output_layer(
        layers: &mut Layers<'_>,
        x: Value,
        embedding: usize,
        dropout: f64,
    ) -> Value {
        let x = layers.batch_norm("0", x);
        let x = layers.dropout(DROPOUT_MASK, x, dropout);
        let x = layers.g.flatten(x);
        let x = layers.linear("3", x, embedding);
        layers.batch_norm_plain("4", x)
    }

    /// Appends a block to x `[N, C, H, W]`: convolutions between normalisations, plus x itself, of which every
    /// `stride`-th pixel is taken, or, where the channels differ, a convolution by one.
    pub fn block(&self, layers: &mut Layers<'_>, x: Value, block: Block) -> Value {
        let Block { channels, stride } = block;
        let window = Window { stride, ..POINTWISE };
        let shortcut = if layers.g.shape(x)[1] == channels {
            match stride {
                1 => x,
                _ => layers.g.max_pool(x, window),
            }
        } else {
            layers.within("shortcut_layer", |layers| {
                let x = layers.conv("0", x, channels, window);
                layers.batch_norm("1", x)
            })
        };
        let residual = layers.within("res_layer", |layers| {
            let x = match self.unit {
                Unit::Basic => basic_unit(layers, x, block),
                Unit::Bottleneck => bottleneck_unit(layers, x, block),
            };
            match self.squeezed {
                true => layers.within("se_block", |layers| excited(layers, x)),
                false => x,
            }
        });
        layers.g.add(residual, shortcut)
    }

    /// Channels, height and width before the linear layer.
    pub(super) fn last_extents(&self, image: [usize; 2]) -> [usize; 3] {
        stages::last_extents(image, self.stem, self.blocks.iter())
    }

    pub(super) fn extents(&self) -> Vec<(&'static str, usize)> {
        stages::extents(self.stem, self.blocks.iter())
    }
}

fn basic_unit(layers: &mut Layers<'_>, x: Value, Block { channels, stride }: Block) -> Value {
    let x = layers.batch_norm("0", x);
    let x = layers.conv("1", x, channels, centred(3, 1));
    let x = layers.batch_norm("2", x);
    let x = layers.prelu("3", x);
    let x = layers.conv("4", x, channels, centred(3, stride));
    layers.batch_norm("5", x)
}

fn bottleneck_unit(layers: &mut Layers<'_>, x: Value, Block { channels, stride }: Block) -> Value {
    let within = (channels / EXPANSION).max(1);
    let x = layers.batch_norm("0", x);
    let x = layers.conv("1", x, within, POINTWISE);
    let x = layers.batch_norm("2", x);
    let x = layers.prelu("3", x);
    let x = layers.conv("4", x, within, centred(3, 1));
    let x = layers.batch_norm("5", x);
    let x = layers.prelu("6", x);
    let x = layers.conv("7", x, channels, Window { stride, ..POINTWISE });
    layers.batch_norm("8", x)
}

/// x times a factor of each of its channels, which follows from the means of all (Hu et al. 2018).
fn excited(layers: &mut Layers<'_>, x: Value) -> Value {
    let channels = layers.g.shape(x)[1];
    let means = layers.g.reduce_mean_keep(x, &[2, 3]);
    let within = layers.conv("fc1", means, (channels / REDUCTION).max(1), POINTWISE);
    let within = layers.relu(within);
    let factors = layers.conv("fc2", within, channels, POINTWISE);
    let factors = layers.g.sigmoid(factors);
    layers.g.mul(x, factors)
}

impl fmt::Display for Ir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let unit = match self.unit {
            Unit::Basic => "blocks",
            Unit::Bottleneck => "bottlenecks",
        };
        let squeezed = if self.squeezed { "squeezed " } else { "" };
        write!(f, "stem {}, {squeezed}{unit}", self.stem)?;
        told(f, &self.blocks)
    }
}
